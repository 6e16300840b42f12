"""What the oracle reads at other steps and guidance, on prompts that neither training nor a reported figure uses, without the decoder.

    python -m scenes.tune --build build --weights denoiser --count 64 12:2 8:2 24:2 12:3 4:1
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from . import data, oracle, sample
from .prompts import TUNING_SEED, prompts
from .stages import load_denoiser
from .text import load_text

AT_ONCE = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--weights", choices=("denoiser", "student"), default="student")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("settings", nargs="+", help="STEPS:GUIDANCE")
    args = parser.parse_args()
    (codec, _), encoder, net = data.load_codec(args.build), load_text(args.build), load_denoiser(args.build, args.weights)
    bfloat16 = lambda: torch.autocast("cpu", dtype=torch.bfloat16)
    rows = prompts(args.count, TUNING_SEED + 1)
    for setting in args.settings:
        steps, guidance = setting.split(":")
        found = []
        for at in range(0, len(rows), AT_ONCE):
            part = rows[at: at + AT_ONCE]
            x = sample.latents(net, encoder, [r["prompt"] for r in part], [r["seed"] for r in part], int(steps), float(guidance), bfloat16)
            found += [oracle.marks(r["want"], oracle.read(c)) for r, c in zip(part, sample.rough_clips(codec, x))]
        print(setting, {k: round(100 * float(np.mean([m[k] for m in found])), 1) for k in found[0]}, flush=True)


if __name__ == "__main__":
    main()
