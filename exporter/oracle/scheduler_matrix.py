"""What a case of scheduler_cases.py is, and how products of options are sampled."""

import itertools
import random
from dataclasses import dataclass, field


@dataclass
class Case:
    """Not in here, because torch's own answers differ between CPUs by more than our tolerance (its vectorized square root and
    logarithm are off by an ulp here): rescaled cosine betas, whose last roots cancel to three digits; rescaled betas where the
    noise is a difference divided by the first of them; noise prediction from next to no signal, as PNDM's on cosine betas,
    which multiplies every rounding by a thousand; third-order weights of many short steps where the outputs jump at each
    ("smooth" has them change as a real model's do).

    Where diffusers answers with NaN the case is left out, unless it is marked "nan": then we must refuse it."""

    config: dict = field(default_factory=dict)
    options: dict = field(default_factory=lambda: {"steps": 10})
    start: int = 0
    sums: bool = False
    smooth: bool = False
    nan: bool = False


def product(seed: int, count: int, axes: dict, steps=(1, 2, 3, 4, 5, 7, 8, 10, 14, 15, 17, 20)) -> list:
    """`count` points of the product of the axes, each value of each axis at least once if there are enough. None: leave it out."""
    draw = random.Random(seed)
    queues = {key: list(itertools.islice(itertools.cycle(values), count)) for key, values in axes.items()}
    for queue in queues.values():
        draw.shuffle(queue)
    cases = []
    for i in range(count):
        config = {key: queue[i] for key, queue in queues.items() if queue[i] is not None}
        n = draw.choice(steps)
        start = draw.randrange(1, n) if n > 2 and draw.random() < 0.2 else 0
        cases.append(Case({k: v for k, v in config.items() if k != "options"}, {"steps": n, **config.get("options", {})}, start))
    return cases


SCHEDULES = [None, None, "linear", "scaled_linear", "squaredcos_cap_v2"]
SPACINGS = [None, "linspace", "leading", "trailing"]
SD = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000}


def flat(cases: list) -> list:
    """Axes named "…+" hold whole groups of keys; rescaled betas go where they can be compared, see Case."""
    for case in cases:
        config = case.config
        for key in [key for key in config if key.endswith("+")]:
            config.update(config.pop(key))
        noise = config.get("predict_x0") is False or config.get("algorithm_type") in ("dpmsolver", "sde-dpmsolver")
        if noise and config.get("beta_schedule") == "squaredcos_cap_v2":
            del config["beta_schedule"]
        if noise or config.get("beta_schedule") == "squaredcos_cap_v2" or config.get("prediction_type") == "sample":
            config.pop("rescale_betas_zero_snr", None)
    return cases

KARRAS = [{}, {}, {"use_karras_sigmas": True}, {"use_exponential_sigmas": True},
          {"use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 12.0},
          {"use_exponential_sigmas": True, "sigma_min": 0.05, "sigma_max": 12.0}]
