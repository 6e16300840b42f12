"""python -m reelay_export <diffusers folder> <out>"""

import argparse
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from . import bundle, families, golden
from .console import quiet
from .errors import ExportError, first_line
from .options import WEIGHTS, read_options
from .rules import rules_of


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m reelay_export", description="Writes a Reelay bundle of a diffusers pipeline.")
    parser.add_argument("source", type=Path, help="a folder written by diffusers' save_pretrained, or a snapshot from a hub")
    parser.add_argument("out", type=Path, help="the bundle's folder; must not exist, or be empty, or --force")
    parser.add_argument("--opset", type=int, default=20, help="ONNX opset of dynamo exports, 20 to 26 (20)")
    parser.add_argument("--weights", choices=WEIGHTS, default="fp32", help="how weights are stored; inputs and outputs stay float32")
    parser.add_argument("--id", help="the model's name in the API (default: the source folder's name)")
    parser.add_argument("--license", help="of the weights, as Apache-2.0; needed here or in reelay.json")
    parser.add_argument("--owned-by", help="who made the weights")
    parser.add_argument("--description", help="a sentence about the model")
    parser.add_argument("--created", type=int, help="when the model was made, in seconds since 1970")
    parser.add_argument("--sizes", help="sizes on offer, the default first: 832x480,480x832")
    parser.add_argument("--frames", help="frame counts on offer: MIN:MAX:STEP")
    parser.add_argument("--max-tokens", type=int, help="tokens that a prompt is padded to")
    parser.add_argument("--tile", help="decode frames larger than SIZE in overlapping pieces, SIZE/STRIDE in pixels: 256/192; changes pixels")
    parser.add_argument("--golden", action=argparse.BooleanOptionalAction, default=True,
                        help="record what diffusers makes of fixed noise (runs the whole pipeline on the CPU)")
    parser.add_argument("--force", action="store_true", help="replace the bundle in <out>, once the new one is whole")
    return parser.parse_args(argv)


def target_of(source: Path, out: Path, force: bool) -> Path:
    """The real path of `out`, once it is sure that nothing there will be missed: it is new, empty, or a bundle and --force."""
    source, target = source.resolve(), out.resolve()
    if target == source or target in source.parents or source in target.parents:
        raise ExportError(f"{out} and the source {source} lie one in the other. Give a folder beside it.")
    if target.exists() and not target.is_dir():
        raise ExportError(f"{out} is no folder.")
    if target.exists() and any(target.iterdir()):
        if not force:
            raise ExportError(f"{out} is not empty. Give another folder, or --force to replace the bundle in it.")
        if not (target / "bundle.json").is_file():
            raise ExportError(f"{out} is not empty and holds no bundle.json; it is not removed.")
    return target


@contextlib.contextmanager
def built_beside(target: Path):
    """A folder to build in, beside `target`; takes its place at the end, and goes when something fails. What `target` held is removed
    only then."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    work.chmod(0o755)  # mkdtemp's is for its owner alone
    old = work.with_name(work.name + ".old")
    try:
        yield work
        if target.exists():
            target.rename(old)
        work.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    finally:
        for folder in (work, old):
            shutil.rmtree(folder, ignore_errors=True)


def run(args: argparse.Namespace) -> None:
    quiet()
    family = families.family_of(args.source)
    options = read_options(args.source, args, rules_of(family.__name__.split(".")[-1], args.source))
    target = target_of(args.source, args.out, args.force)
    try:
        pipeline = family.load(args.source)
    except (OSError, ValueError) as error:
        raise ExportError(f"{args.source}: diffusers cannot load this pipeline: {first_line(error)}") from error
    with built_beside(target) as out:
        bundle.copy_small_files(args.source, out)
        bundle.write_tokenizer(args.source, pipeline, out)
        exported = family.export(pipeline, out, options)
        if args.golden:
            golden.write(out, family, pipeline, options)
        manifest = bundle.write_manifest(out, exported, options)
    for graph, inputs, difference in exported.parity:
        print(f"{graph:34} {inputs:44} {difference:.1e}")
    print(f"{args.out}: {len(manifest['files'])} files, {sum(f['bytes'] for f in manifest['files']):,} bytes")


def main(argv: list[str] | None = None) -> int:
    try:
        run(parse(argv))
    except ExportError as error:
        print(f"reelay_export: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"reelay_export: {error.filename or 'a file'}: {error.strerror or error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("reelay_export: stopped; nothing is left behind.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
