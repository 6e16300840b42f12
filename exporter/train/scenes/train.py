"""Trains the bundled model: codec -> text encoder -> denoiser -> decoder -> student.

    python -m scenes.train --out build [--processes 2] [--seconds 540] [--denoiser-steps 30000] [--only denoiser]

Every stage is seeded and scheduled by steps. It may be stopped at any moment and called again: a finished stage is skipped, one that is
under way resumes from its state (saved every 100 steps, and when `--seconds` are over). Data comes in shards, drawn when the schedule of the
steps needs them, or before by `--only data`. On CPUs two processes of one thread each with averaged gradients rather than one of two
threads, which waits on its slower thread whenever other work shares the cores; with a CUDA device one process in bfloat16 on it.
"""

import argparse
import os
import time
from multiprocessing import get_context
from pathlib import Path

import torch

from . import data
from .loop import Crew, log_to
from .stages import STAGES


def _run(rank, processes, port, deadline, stage, out, options, done):
    crew = Crew(rank, processes, port, deadline)
    if STAGES[stage](crew, out, **options) and rank == 0:
        done.value = 1


def run_stage(out: Path, stage: str, processes: int, deadline, options: dict) -> bool:
    """False when there is no time left to finish it."""
    if (out / f"{stage}.pt").exists():
        return True
    context = torch.multiprocessing.get_context("spawn")
    done = context.Value("i", 0)
    torch.multiprocessing.spawn(_run, (processes, 29400 + os.getpid() % 500, deadline, stage, out, options, done), processes)
    return bool(done.value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=1 if torch.cuda.is_available() else 2)
    parser.add_argument("--seconds", type=float, help="stop cleanly, all saved, after so long")
    parser.add_argument("--only", choices=("data", *STAGES))
    parser.add_argument("--shards", type=int, default=100, help="of 2,000 clips each")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--text-steps", type=int, default=1500)
    parser.add_argument("--denoiser-steps", type=int, default=30000)
    parser.add_argument("--decoder-steps", type=int, default=5000)
    parser.add_argument("--student-steps", type=int, default=4000)
    args = parser.parse_args()
    out, deadline = args.out, time.time() + args.seconds if args.seconds else None
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    log = log_to(out)
    data.fit_codec(out, log)
    if args.only == "data":
        with get_context("spawn").Pool(os.cpu_count() or 1) as pool:
            pool.starmap(data.make_shard, [(out, i) for i in range(args.shards)], chunksize=1)
        return
    for stage in STAGES:
        if args.only in (None, stage):
            options = {"steps": getattr(args, f"{stage}_steps"), "batch": args.batch, "shards": args.shards}
            if not run_stage(out, stage, args.processes, deadline, options):
                return log(stopped=stage)


if __name__ == "__main__":
    main()
