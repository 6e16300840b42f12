"""python -m reelay_export <diffusers folder> <out>"""

import argparse
import shutil
import sys
from pathlib import Path

from . import bundle, families, golden
from .console import quiet
from .errors import ExportError
from .options import WEIGHTS, read_options


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m reelay_export", description="Writes a Reelay bundle of a diffusers pipeline.")
    parser.add_argument("source", type=Path, help="a folder written by diffusers' save_pretrained, or a snapshot from a hub")
    parser.add_argument("out", type=Path, help="the bundle's folder; must not exist, or be empty, or --force")
    parser.add_argument("--opset", type=int, default=20, help="ONNX opset of dynamo exports (20)")
    parser.add_argument("--weights", choices=WEIGHTS, default="fp32", help="how weights are stored; inputs and outputs stay float32")
    parser.add_argument("--id", help="the model's name in the API (default: the source folder's name)")
    parser.add_argument("--license", help="SPDX expression of the weights")
    parser.add_argument("--owned-by", help="who made the weights")
    parser.add_argument("--description", help="a sentence about the model")
    parser.add_argument("--created", type=int, help="when the model was made, in seconds since 1970")
    parser.add_argument("--sizes", help="sizes on offer, the default first: 832x480,480x832")
    parser.add_argument("--frames", help="frame counts on offer: MIN:MAX:STEP")
    parser.add_argument("--max-tokens", type=int, help="tokens that a prompt is padded to")
    parser.add_argument("--tile", help="decode frames larger than SIZE in overlapping pieces, SIZE/STRIDE in pixels: 256/192; changes pixels")
    parser.add_argument("--golden", action=argparse.BooleanOptionalAction, default=True,
                        help="record what diffusers makes of fixed noise (runs the whole pipeline on the CPU)")
    parser.add_argument("--force", action="store_true", help="remove what is in <out> first")
    return parser.parse_args(argv)


def prepare(out: Path, force: bool) -> None:
    """An empty folder. What is removed with --force must look like a bundle."""
    if out.exists() and any(out.iterdir()):
        if not force:
            raise ExportError(f"{out} is not empty. Give another folder, or --force to replace the bundle in it.")
        if not (out / "bundle.json").exists() and not (out / "model_index.json").exists():
            raise ExportError(f"{out} is not empty and holds no bundle; it is not removed.")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)


def run(args: argparse.Namespace) -> None:
    quiet()
    family = families.family_of(args.source)
    options = read_options(args.source, args)
    try:
        pipeline = family.load(args.source)
    except (OSError, ValueError) as error:
        raise ExportError(f"{args.source}: diffusers cannot load this pipeline: {str(error).splitlines()[0]}") from error
    prepare(args.out, args.force)
    bundle.copy_small_files(args.source, args.out)
    bundle.write_tokenizer(args.source, pipeline, args.out)
    exported = family.export(pipeline, args.out, options)
    if args.golden:
        golden.write(args.out, family, pipeline, options)
    manifest = bundle.write_manifest(args.out, exported, options)
    for graph, inputs, difference in exported.parity:
        print(f"{graph:34} {inputs:44} {difference:.1e}")
    print(f"{args.out}: {len(manifest['files'])} files, {sum(f['bytes'] for f in manifest['files']):,} bytes")


def main(argv: list[str] | None = None) -> int:
    try:
        run(parse(argv))
    except ExportError as error:
        print(f"reelay_export: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
