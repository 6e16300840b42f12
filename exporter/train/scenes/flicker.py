"""What the decoder makes of true latents and of sampled ones, as steady as it is told to be: flicker, PSNR, and what the oracle reads.

    python -m scenes.flicker --build build --weights student --count 48 0.001 0.05 0.1

Of prompts that neither training nor a reported figure uses. The numbers are Decoder.alike; with 0.001 nothing is like anything. Flicker is
that of drawn clips times so much: mean absolute second and first difference over time, the second also where two latent frames meet.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from . import data, oracle, sample, world
from .evaluate import psnr
from .model import BLOCK_T, FRAMES, PIXELS, Decoder
from .prompts import TUNING_SEED, prompts
from .stages import load_denoiser
from .text import load_text

SEAMS = [f for f in range(FRAMES - 2) if f % BLOCK_T in (0, BLOCK_T - 1)]  # second differences that span two latent frames


def second(clip: np.ndarray) -> np.ndarray:
    return np.abs(clip[2:] - 2 * clip[1:-1] + clip[:-2]).mean((1, 2, 3))


def first(clip: np.ndarray) -> np.ndarray:
    return np.abs(np.diff(clip, axis=0)).mean((1, 2, 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--weights", choices=("denoiser", "student"), default="student")
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("alike", nargs="+", type=float)
    args = parser.parse_args()
    torch.set_num_threads(1)
    (codec, _), encoder, net = data.load_codec(args.build), load_text(args.build), load_denoiser(args.build, args.weights)
    decoder = Decoder(codec)
    decoder.load_state_dict(torch.load(args.build / "decoder.pt", map_location="cpu"))
    decoder.eval().requires_grad_(False)
    bfloat16 = lambda: torch.autocast("cpu", dtype=torch.bfloat16)
    found = {(kind, alike): [] for kind in ("true latents", "sampled") for alike in args.alike}
    for row in prompts(args.count, TUNING_SEED + 2):
        drawn = world.render(row["clip"], PIXELS)
        latents = {"true latents": codec.encode(torch.from_numpy(data.coarse_clip(row["clip"]))[None]),
                   "sampled": sample.latents(net, encoder, [row["prompt"]], [row["seed"]], args.steps, args.guidance, bfloat16)}
        for kind, alike in found:
            decoder.alike = alike
            clip = decoder(latents[kind])[0].permute(1, 2, 3, 0).numpy() / 2 + 0.5
            found[kind, alike].append({"psnr": psnr(clip, drawn), "second": (second(clip), second(drawn)), "first": (first(clip), first(drawn)),
                                       **oracle.marks(row["want"], oracle.read(clip))})
    for (kind, alike), rows in found.items():
        ratio = lambda key, at=slice(None): float(np.mean([r[key][0][at] for r in rows]) / np.mean([r[key][1][at] for r in rows]))
        read = {k: round(100 * float(np.mean([r[k] for r in rows])), 1) for k in ("shape", "motion", "all")}
        kept = f", PSNR {np.mean([r['psnr'] for r in rows]):.2f}" if kind == "true latents" else ""
        print(f"{kind}, alike {alike}: second {ratio('second'):.2f} (where latent frames meet {ratio('second', SEAMS):.2f}), "
              f"first {ratio('first'):.2f}{kept}, {read}", flush=True)


if __name__ == "__main__":
    main()
