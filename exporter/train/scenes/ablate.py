"""Short runs that each differ in one thing from the denoiser's recipe, at the same number of clips: what in the recipe matters?

    python -m scenes.ablate --build build [--clips 25600] [--arms recipe adamw ...]

Needs the codec and the text encoder of `scenes.train` in --build and shares its shards; writes build/arms/<arm>/log.jsonl and prints a table
of the last loss and the oracle's figures on tuning prompts (48, eight guided steps, no trained decoder).
"""

import argparse
import json
import os
import shutil
from pathlib import Path

import torch

from . import stages, tokens
from .loop import Crew
from .model import TextEncoder


def _adamw():
    stages.optimizers_of = lambda crew, net, muon_rate, adam_rate: [torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.0)]


def _untrained_text():
    def random_text(out):
        torch.manual_seed(5)
        return TextEncoder(len(tokens.VOCABULARY)).eval().requires_grad_(False)
    stages.load_text = random_text


def _muon(rate):
    def patch():
        plain = stages.optimizers_of
        stages.optimizers_of = lambda crew, net, muon_rate, adam_rate: plain(crew, net, rate, adam_rate)
    return patch


ARMS = {  # name: (what is changed in the process, batch)
    "recipe": (lambda: None, 64),
    "adamw": (_adamw, 64),
    "untrained-text": (_untrained_text, 64),
    "batch-32": (lambda: None, 32),
    "muon-0.01": (_muon(0.01), 64),
    "muon-0.04": (_muon(0.04), 64),
}


def _run(rank, processes, port, arm, out, clips, shards):
    change, batch = ARMS[arm]
    change()
    stages.watch_every = lambda crew: clips // batch
    stages.denoiser(Crew(rank, processes, port, None), out, clips // batch, batch, shards)


def run_arm(build: Path, arm: str, clips: int, processes: int, shards: int) -> dict:
    out = build / "arms" / arm
    if not (out / "denoiser.pt").exists():
        out.mkdir(parents=True, exist_ok=True)
        for name in ("codec.pt", "text.pt"):
            shutil.copyfile(build / name, out / name)
        if not (out / "shards").exists():
            (out / "shards").symlink_to((build / "shards").resolve())
        torch.multiprocessing.spawn(_run, (processes, 29900 + os.getpid() % 90, arm, out, clips, shards), processes)
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return {"arm": arm, "loss": [r["loss"] for r in rows if "loss" in r][-1], **{k: v for k, v in rows[-1].items() if k not in ("stage", "step")},
            "seconds": round([r["seconds"] for r in rows if "seconds" in r][-1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=25_600)
    parser.add_argument("--processes", type=int, default=1 if torch.cuda.is_available() else 2)
    parser.add_argument("--shards", type=int, default=8, help="of 2,000 clips each")
    parser.add_argument("--arms", nargs="+", choices=tuple(ARMS), default=list(ARMS))
    args = parser.parse_args()
    for arm in args.arms:
        print(json.dumps(run_arm(args.build, arm, args.clips, args.processes, args.shards)), flush=True)


if __name__ == "__main__":
    main()
