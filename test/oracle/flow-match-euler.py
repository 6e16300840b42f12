"""Timesteps, sigmas and every step of diffusers' FlowMatchEulerDiscreteScheduler over a matrix of configurations.

    PYTHONPATH=<site with diffusers> python test/oracle/flow-match-euler.py
    (diffusers 0.42.1, torch 2.15.0) writes test/engine/fixtures/flow-match-euler.json

The model is a stand-in anyone can recompute: v = 0.7 x - 0.3 + 0.001 t in float32.

Run `npm run lint -- --write` on the result.
"""

import json
import warnings
from pathlib import Path

import diffusers
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

LADDER = [1.0, 0.75, 0.5, 0.25]
CASES = [
    ("defaults", {}, {"steps": 10}),
    ("one step", {"shift": 3.0}, {"steps": 1}),
    ("shift 3, twelve steps", {"shift": 3.0}, {"steps": 12}),
    ("shift 3, fifty steps", {"shift": 3.0}, {"steps": 50}),
    ("shift 5 of 500", {"shift": 5.0, "num_train_timesteps": 500}, {"steps": 7}),
    ("shift 1.15", {"shift": 1.15}, {"steps": 9}),
    ("custom sigmas are shifted once", {"shift": 3.0}, {"steps": 4, "sigmas": LADDER}),
    ("custom timesteps", {"shift": 3.0}, {"steps": 3, "timesteps": [999.0, 500.5, 20.0]}),
    ("custom both", {"shift": 3.0}, {"steps": 3, "sigmas": [1.0, 0.6, 0.1], "timesteps": [1000.0, 700.0, 100.0]}),
    ("dynamic exponential", {"use_dynamic_shifting": True}, {"steps": 8, "mu": 0.8}),
    ("dynamic exponential, custom sigmas", {"use_dynamic_shifting": True}, {"steps": 4, "sigmas": LADDER, "mu": 1.15}),
    ("dynamic linear", {"use_dynamic_shifting": True, "time_shift_type": "linear"}, {"steps": 8, "mu": 2.5}),
    ("terminal", {"use_dynamic_shifting": True, "shift_terminal": 0.1}, {"steps": 4, "sigmas": LADDER, "mu": 1.3}),
    ("terminal, default sigmas", {"shift": 2.0, "shift_terminal": 0.1}, {"steps": 6}),
    ("karras", {"shift": 3.0, "use_karras_sigmas": True}, {"steps": 6}),
    ("exponential", {"shift": 3.0, "use_exponential_sigmas": True}, {"steps": 6}),
    ("inverted", {"invert_sigmas": True}, {"steps": 5}),
    ("stochastic", {"shift": 3.0, "stochastic_sampling": True}, {"steps": 4}),
]


def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return 0.7 * x - 0.3 + 0.001 * t


def record(name: str, config: dict, options: dict) -> dict:
    scheduler = FlowMatchEulerDiscreteScheduler(**config)
    arguments = {k: v for k, v in options.items() if k != "steps"}
    scheduler.set_timesteps(options["steps"], **arguments)
    x = torch.linspace(-2, 2, 6)
    clean, noise = torch.linspace(1, -1, 6), torch.tensor([0.5, -1.5, 0.25, 2.0, -0.125, 0.0])
    noised = [scheduler.scale_noise(clean, t[None], noise).tolist() for t in scheduler.timesteps]
    start, trail, noises = x.tolist(), [], []
    generator = torch.Generator().manual_seed(3)
    for t in scheduler.timesteps:
        if config.get("stochastic_sampling"):
            before = generator.get_state()
            noises.append(torch.randn(6, generator=generator).tolist())
            generator.set_state(before)
        x = scheduler.step(model(x, t), t, x, generator=generator).prev_sample
        trail.append(x.tolist())
    return {
        "name": name, "config": {"_class_name": "FlowMatchEulerDiscreteScheduler", **config}, "options": options,
        "timesteps": scheduler.timesteps.tolist(), "sigmas": scheduler.sigmas.tolist(), "start": start, "trail": trail,
        "noises": noises, "clean": clean.tolist(), "noise": noise.tolist(), "noised": noised,
    }


def main() -> None:
    warnings.filterwarnings("ignore")
    document = {"diffusers": diffusers.__version__, "torch": torch.__version__, "cases": [record(*case) for case in CASES]}
    path = Path(__file__).parents[1] / "engine/fixtures/flow-match-euler.json"
    path.write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
