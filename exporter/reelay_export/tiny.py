"""python -m reelay_export.tiny <name> <out>: a tiny random-weight diffusers pipeline, for tests."""

import argparse
import sys
from pathlib import Path

import torch

from . import families
from .console import quiet
from .errors import ExportError

FAMILIES = ("wan", "animatediff", "ltx", "cogvideox")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reelay_export.tiny", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="which pipeline; a wrong name lists them")
    parser.add_argument("out", type=Path)
    args = parser.parse_args(argv)
    quiet()
    builders = {}
    for family in FAMILIES:
        try:
            builders |= families.module(family).TINY
        except ExportError:
            continue  # a family that has no module yet
    if args.name not in builders:
        print(f"tiny: there is no {args.name!r}. Allowed: {', '.join(sorted(builders))}.", file=sys.stderr)
        return 1
    torch.manual_seed(0)
    builders[args.name](args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
