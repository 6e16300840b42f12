"""Timesteps, sigmas and every step of diffusers' schedulers over a matrix of configurations.

    HF_HUB_OFFLINE=1 python exporter/oracle/schedulers.py [class ...]
    (diffusers 0.42.1, torch 2.15.0, numpy 2.4) writes test/engine/schedulers/fixtures/<class>.json

Everything but diffusers' answers can be recomputed by whoever reads the fixture, in exact float32:

    stream(seed, n)        n multiples of 2^-14 in [-2, 2) from a 32-bit congruential generator
    sample, clean, noise   streams 1, 2 and 3; noise drawn in a step is stream 1000 + its number in the run
    model, call k          0.4 x + stream(10 + k), where x is the scaled input; "smooth": + stream(10), as real models hardly
                           change from step to step

A case has a config, options, the index of its first step, and base64 of little-endian float32. `clean` is noised at the first,
the middle and the last timestep. A case marked `large` is larger and has its sums only. Cases that diffusers refuses have its message instead; where it
answers with NaN, "NaN".

torch's vectorized float32 square root, logarithm and exponentials are off by up to 0.9 ulp, and not by the same on every CPU.
`exact` is the sha256 of the samples that diffusers gives where these are rounded correctly: what a port can hope to hit bit for bit.
LMSDiscreteScheduler needs scipy.
"""

import base64
import contextlib
import hashlib
import importlib
import json
import math
import sys
import warnings
from pathlib import Path

import diffusers
import numpy as np
import torch

import scheduler_cases

FIXTURES = Path(__file__).parents[2] / "test/engine/schedulers/fixtures"
SHAPE, LARGE = (2, 2, 1, 2, 2), (1, 16, 4, 8, 8)


def stream(seed: int, shape: tuple) -> torch.Tensor:
    state, values = (seed * 747796405 + 2891336453) % 2**32, []
    for _ in range(math.prod(shape)):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((((state >> 8) & 0xFFFF) - 32768) / 16384)
    return torch.tensor(values, dtype=torch.float32).reshape(shape)


def pack(values) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def make(config: dict, options: dict):
    cls = getattr(diffusers, config["_class_name"])
    scheduler = cls.from_config(config)
    given = {k: v for k, v in options.items() if k in ("sigmas", "timesteps", "mu")}
    if "sigmas" in given and config["_class_name"] == "UniPCMultistepScheduler":
        given["sigmas"] = np.array(given["sigmas"])
    both = "sigmas" in given or "timesteps" in given
    scheduler.set_timesteps(**({} if both else {"num_inference_steps": options["steps"]}), **given)
    return scheduler


@contextlib.contextmanager
def correctly_rounded():
    """torch with float32 elementary functions computed in float64 and rounded once."""
    functions = {"sqrt": np.sqrt, "log": np.log, "exp": np.exp, "expm1": np.expm1}

    def through_double(function):
        return lambda x: torch.tensor(function(x.numpy().astype(np.float64))).to(x.dtype).reshape(x.shape)

    saved = [(owner, name, getattr(owner, name)) for owner in (torch, torch.Tensor) for name in functions]
    power = torch.Tensor.__pow__
    for name, function in functions.items():
        setattr(torch, name, through_double(function))
        setattr(torch.Tensor, name, through_double(function))
    sigmoid, torch.sigmoid = torch.sigmoid, lambda x: 1.0 / (1.0 + torch.exp(-x))
    root = through_double(np.sqrt)
    torch.Tensor.__pow__ = lambda base, exponent: root(base) if exponent == 0.5 else power(base, exponent)
    try:
        yield
    finally:
        torch.Tensor.__pow__, torch.sigmoid = power, sigmoid
        for owner, name, function in saved:
            setattr(owner, name, function)


def run(config: dict, options: dict, start: int, sums: bool, smooth: bool):
    """The scheduler after a run, the sample after each step, and how many noises each step drew."""
    shape = LARGE if sums else SHAPE
    scheduler = make(config, options)
    module = importlib.import_module(type(scheduler).__module__)
    drawn = []

    def draw(size, **_):
        drawn.append(stream(1000 + len(drawn), tuple(size)))
        return drawn[-1]

    if hasattr(module, "randn_tensor"):
        module.randn_tensor = draw
    x = stream(1, shape)
    trail, draws = [], []
    timesteps = scheduler.timesteps
    if hasattr(scheduler, "set_begin_index"):  # else equal timesteps, cut off to integers, start it at the second of them
        scheduler.set_begin_index(start)
    extra = {"eta": options["eta"]} if "eta" in options else {}
    old = None
    for call, index in enumerate(range(start, len(timesteps))):
        t = timesteps[index]
        scaled = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        output = torch.tensor(0.4) * scaled + stream(10 if smooth else 10 + call, shape)
        before = len(drawn)
        if type(scheduler).__name__ == "CogVideoXDPMScheduler":
            back = timesteps[index - 1] if call > 0 else None
            x, old = scheduler.step(output, old, t, back, x, **extra)
        else:
            x = scheduler.step(output, t, x, return_dict=False, **extra)[0]
        draws.append(len(drawn) - before)
        trail.append(x)
    return scheduler, torch.stack(trail).float(), draws


def record(config: dict, options: dict, start: int, sums: bool, smooth: bool) -> dict:
    scheduler, trail, draws = run(config, options, start, sums, smooth)
    if not torch.isfinite(trail).all():
        return {"refused": "NaN"}
    answer = {"initNoiseSigma": float(getattr(scheduler, "init_noise_sigma", 1)), "order": scheduler.order}
    answer["timesteps"] = scheduler.timesteps.tolist()
    if hasattr(scheduler, "sigmas"):
        answer["sigmas"] = pack(scheduler.sigmas.numpy())
    answer["noiseDraws"] = draws[0] if len(set(draws)) == 1 else draws
    if sums:
        answer["sums"] = [[float(one.double().sum()), float(one.double().abs().sum())] for one in trail]
    else:
        answer["trail"] = pack(trail.numpy())
        answer["noised"] = pack(noised(config, options, scheduler))
    with correctly_rounded():
        exact = run(config, options, start, sums, smooth)[1].numpy()
    answer["exact"] = hashlib.sha256(np.ascontiguousarray(exact, dtype="<f4").tobytes()).hexdigest()[:16]
    return answer


def noised(config: dict, options: dict, scheduler) -> np.ndarray:
    """`clean` at the first, the middle and the last timestep, as a late start there would have it."""
    clean, noise = stream(2, SHAPE), stream(3, SHAPE)
    rows, count = [], len(scheduler.timesteps)
    for index in sorted({0, count // 2, count - 1}):
        fresh = make(config, options)
        if hasattr(fresh, "set_begin_index"):
            fresh.set_begin_index(index)
        t = fresh.timesteps[index : index + 1].repeat(len(clean))
        one = fresh.scale_noise(clean, t, noise) if hasattr(fresh, "scale_noise") else fresh.add_noise(clean, noise, t)
        rows.append(one.float().numpy())
    return np.stack(rows)


def main() -> None:
    warnings.filterwarnings("ignore")
    diffusers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for name, cases in scheduler_cases.CASES.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        rows, refused = [], 0
        for case in cases():
            config = {"_class_name": name, **case.config}
            try:
                answer = record(config, case.options, case.start, case.sums, case.smooth)
            except (AttributeError, ImportError):
                raise  # ours
            except Exception as error:  # whatever diffusers refuses, we should
                answer = {"refused": f"{type(error).__name__}: {error}"[:120]}
            if answer.get("refused") == "NaN" and not case.nan:
                print(f"    NaN, left out: {case}"[:400])
                continue
            if "refused" in answer and answer["refused"] != "NaN":
                print(f"    refused {str(case)[:300]}: {answer['refused']}"[:500])
            refused += "refused" in answer
            flags = {k: v for k, v in (("start", case.start), ("large", case.sums), ("smooth", case.smooth)) if v}
            rows.append({"config": config, "options": case.options, **flags, **answer})
        document = {"versions": {"diffusers": diffusers.__version__, "torch": torch.__version__, "numpy": np.__version__}}
        text = json.dumps(document)[:-1] + ', "cases": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]}\n"
        (FIXTURES / f"{name}.json").write_text(text)
        print(f"{name}: {len(rows)} cases, {refused} refused, {len(text)} bytes")


if __name__ == "__main__":
    main()
