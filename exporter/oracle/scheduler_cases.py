"""The matrix of configurations that schedulers.py runs diffusers over: what published models ask for, every option once, and a
sample of their products."""

import itertools
import random
from dataclasses import dataclass, field


@dataclass
class Case:
    """Not in here, because torch's own answers differ between CPUs by more than our tolerance: rescaled cosine betas, whose last
    roots cancel to three digits; noise prediction from next to no signal, which multiplies every rounding by a thousand; third-order weights of
    many short steps where the outputs jump at each ("smooth" has them change as a real model's do)."""

    config: dict = field(default_factory=dict)
    options: dict = field(default_factory=lambda: {"steps": 10})
    start: int = 0
    sums: bool = False
    smooth: bool = False


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
THRESHOLDS = [None, None, {"thresholding": True}, {"thresholding": True, "sample_max_value": 1.7, "dynamic_thresholding_ratio": 0.8}]


def flat(cases: list) -> list:
    """Axes named "…+" hold whole groups of keys; rescaled betas go where they can be compared, see Case."""
    for case in cases:
        config = case.config
        for key in [key for key in config if key.endswith("+")]:
            config.update(config.pop(key))
        noise = config.get("predict_x0") is False or config.get("algorithm_type") in ("dpmsolver", "sde-dpmsolver")
        if noise and config.get("beta_schedule") == "squaredcos_cap_v2":
            del config["beta_schedule"]
        if noise or config.get("beta_schedule") == "squaredcos_cap_v2":
            config.pop("rescale_betas_zero_snr", None)
    return cases


WAN = {
    "beta_end": 0.02, "beta_schedule": "linear", "beta_start": 0.0001, "disable_corrector": [],
    "dynamic_thresholding_ratio": 0.995, "final_sigmas_type": "zero", "flow_shift": 3.0, "lower_order_final": True,
    "num_train_timesteps": 1000, "predict_x0": True, "prediction_type": "flow_prediction",
    "rescale_betas_zero_snr": False, "sample_max_value": 1.0, "solver_order": 2, "solver_p": None, "solver_type": "bh2",
    "steps_offset": 0, "thresholding": False, "time_shift_type": "exponential", "timestep_spacing": "linspace",
    "trained_betas": None, "use_beta_sigmas": False, "use_dynamic_shifting": False, "use_exponential_sigmas": False,
    "use_flow_sigmas": True, "use_karras_sigmas": False, "_diffusers_version": "0.33.0.dev0",
}


def unipc() -> list:
    flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
    dynamic = {**flow, "use_dynamic_shifting": True}
    lowest = {"final_sigmas_type": "sigma_min"}
    ladder = [1.0, 0.8, 0.55, 0.3, 0.1]
    return [
        *[Case(WAN, {"steps": n}) for n in (1, 2, 3, 4, 8, 20, 50)],
        *[Case({**WAN, "flow_shift": shift}, {"steps": n}) for shift in (5.0, 8.0) for n in (4, 30)],
        *[Case(WAN, {"steps": 20}, start=k) for k in (1, 7, 19)],
        Case(WAN, {"steps": 12}, sums=True),
        Case({}, {"steps": 20}, sums=True),
        Case({**WAN, "solver_order": 3}, {"steps": 9}),
        Case({**WAN, "solver_order": 1}, {"steps": 9}),
        Case({**WAN, "disable_corrector": [0, 2]}, {"steps": 6}),
        Case({**WAN, **lowest, "solver_type": "bh1"}, {"steps": 6}),
        Case({**WAN, **lowest, "lower_order_final": False}, {"steps": 6}),
        Case({**WAN, "shift_terminal": 0.1}, {"steps": 6}),
        Case({**WAN, "thresholding": True, "sample_max_value": 2.0}, {"steps": 5, "batch": 2}),
        Case({**WAN, "use_karras_sigmas": True}, {"steps": 7}),
        Case({**WAN, "use_karras_sigmas": True, "sigma_min": 0.02, "sigma_max": 40.0}, {"steps": 7}),
        Case(flow, {"steps": 5, "sigmas": ladder}),
        Case({**flow, "flow_shift": 4.0}, {"steps": 5, "sigmas": ladder}),
        Case({**flow, "use_karras_sigmas": True}, {"steps": 5, "sigmas": ladder}),
        Case({**flow, "use_exponential_sigmas": True}, {"steps": 5}),
        Case(dynamic, {"steps": 8, "mu": 1.1}),
        Case({**dynamic, "time_shift_type": "linear"}, {"steps": 8, "mu": 2.5}),
        Case({**dynamic, "shift_terminal": 0.05}, {"steps": 5, "mu": 0.6, "sigmas": ladder}),
        Case(dynamic, {"steps": 8}),
        Case({}, {"steps": 5, "sigmas": ladder}),
        Case({"shift_terminal": 0.1}, {"steps": 5}),
        Case({"solver_type": "bh1"}, {"steps": 4}),
        Case({"predict_x0": False}, {"steps": 4}),
        Case({"lower_order_final": False}, {"steps": 4}),
        Case({"predict_x0": False, "prediction_type": "flow_prediction", **lowest}, {"steps": 4}),
        Case({"use_karras_sigmas": True, "use_exponential_sigmas": True}, {"steps": 4}),
        Case({"beta_schedule": "sigmoid"}, {"steps": 4}),
        Case({"trained_betas": [0.001 * i for i in range(1, 41)], "num_train_timesteps": 40}, {"steps": 6}),
        Case({"solver_type": "heun", "prediction_type": "v_prediction"}, {"steps": 6}),
        *flat(product(1, 48, {
            "beta_schedule": SCHEDULES, "solver_order": [1, 2, 2, 3], "timestep_spacing": SPACINGS,
            "prediction_type": ["epsilon", "sample", "v_prediction"], "steps_offset": [None, 1],
            "sigmas+": [{}, {}, {"use_karras_sigmas": True}, {"use_exponential_sigmas": True},
                        {"use_karras_sigmas": True, "sigma_min": 0.03, "sigma_max": 14.0}],
            "end+": [{}, lowest, {**lowest, "predict_x0": False}, {**lowest, "solver_type": "bh1"},
                     {**lowest, "lower_order_final": False}, {**lowest, "solver_type": "bh1", "predict_x0": False}],
            "rescale_betas_zero_snr": [None, None, True],
        })),
        Case({"thresholding": True}, {"steps": 8, "batch": 2}),
        Case({"thresholding": True, "dynamic_thresholding_ratio": 0.7, "sample_max_value": 3.0}, {"steps": 8, "batch": 2}),
        Case({**SD, "solver_order": 3}, {"steps": 50}, smooth=True),
        Case({**SD, "timestep_spacing": "trailing"}, {"steps": 33}),
    ]


def flow_match_euler() -> list:
    ladder = [1.0, 0.75, 0.5, 0.25]
    dynamic = {"use_dynamic_shifting": True}
    ltx = {
        "base_image_seq_len": 1024, "base_shift": 0.95, "invert_sigmas": False, "max_image_seq_len": 4096, "max_shift": 2.05,
        "num_train_timesteps": 1000, "shift": 1.0, "shift_terminal": 0.1, "use_beta_sigmas": False,
        "use_dynamic_shifting": True, "use_exponential_sigmas": False, "use_karras_sigmas": False,
    }
    even = lambda n: [1 - i * (1 - 1 / n) / (n - 1) for i in range(n)]
    return [
        *[Case(ltx, {"steps": n, "sigmas": even(n), "mu": mu}) for n in (3, 8, 50) for mu in (0.95, 1.4, 2.05)],
        *[Case({"shift": shift}, {"steps": n}) for shift in (1.0, 3.0, 5.0, 1.15) for n in (1, 2, 7, 12, 50)],
        Case({"shift": 3.0}, {"steps": 20}, sums=True),
        *[Case({"shift": 7.0}, {"steps": 12}, start=k) for k in (1, 5, 11)],
        Case({"shift": 5.0, "num_train_timesteps": 500}, {"steps": 7}),
        Case({"shift": 3.0}, {"steps": 4, "sigmas": ladder}),
        Case({"shift": 3.0}, {"steps": 3, "timesteps": [999.0, 500.5, 20.0]}),
        Case({"shift": 3.0}, {"steps": 3, "sigmas": [1.0, 0.6, 0.1], "timesteps": [1000.0, 700.0, 100.0]}),
        Case(dynamic, {"steps": 8, "mu": 0.8}),
        Case(dynamic, {"steps": 4, "sigmas": ladder, "mu": 1.15}),
        Case(dynamic, {"steps": 4}),
        Case({**dynamic, "time_shift_type": "linear"}, {"steps": 8, "mu": 2.5}),
        Case({"shift": 2.0, "shift_terminal": 0.1}, {"steps": 6}),
        Case({"shift": 3.0, "use_karras_sigmas": True}, {"steps": 6}),
        Case({"shift": 3.0, "use_exponential_sigmas": True}, {"steps": 6}),
        Case({"use_karras_sigmas": True, "use_exponential_sigmas": True}, {"steps": 6}),
        Case({"time_shift_type": "cubic"}, {"steps": 6}),
        Case({"invert_sigmas": True}, {"steps": 5}),
        Case({"shift": 3.0, "stochastic_sampling": True}, {"steps": 4}),
        Case({"shift": 3.0, "stochastic_sampling": True}, {"steps": 9}, start=4),
    ]


CASES = {
    "UniPCMultistepScheduler": unipc,
    "FlowMatchEulerDiscreteScheduler": flow_match_euler,
}
