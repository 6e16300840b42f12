"""What the command line and reelay.json decide about an export."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ExportError

WEIGHTS = ("fp32", "fp16", "int8")
KEYS = ("id", "license", "owned_by", "description", "created", "limits", "defaults", "cases", "maxTokens", "tile")


@dataclass
class Options:
    """`opset` is for dynamo graphs (TorchScript graphs are written with 18). `limits` and `defaults` overlay the family's own;
    `cases` replace its golden cases; `max_tokens` replaces the number of tokens that a prompt is padded to; with `tile` the decoder
    takes large frames in pieces."""

    opset: int = 20
    weights: str = "fp32"
    id: str = "model"
    license: str = "unknown"
    owned_by: str = "unknown"
    description: str = ""
    created: int = 0
    limits: dict = field(default_factory=dict)
    defaults: dict = field(default_factory=dict)
    cases: list | None = None
    max_tokens: int | None = None
    tile: dict | None = None


def read_options(source: Path, args) -> Options:
    """Options of `reelay.json` in the source folder, where there is one, overlaid with the command line's."""
    path, said = source / "reelay.json", {}
    if path.exists():
        said = json.loads(path.read_text())
        unknown = sorted(set(said) - set(KEYS))
        if unknown:
            raise ExportError(f"{path}: {', '.join(unknown)} is not known. Allowed: {', '.join(KEYS)}.")
    options = Options(
        opset=args.opset, weights=args.weights, id=args.id or said.get("id") or source.resolve().name,
        license=args.license or said.get("license") or "unknown", owned_by=args.owned_by or said.get("owned_by") or "unknown",
        description=args.description or said.get("description", ""), created=args.created or said.get("created", 0),
        limits=said.get("limits", {}), defaults=said.get("defaults", {}), cases=said.get("cases"),
        max_tokens=args.max_tokens or said.get("maxTokens"), tile=check_tile(args.tile) if args.tile else said.get("tile"),
    )
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", options.id):
        raise ExportError(f"--id is {options.id!r}. Up to 64 letters, digits, dots, dashes and underscores are allowed.")
    if options.opset < 20:
        raise ExportError(f"--opset is {options.opset}. 20 or more is allowed.")
    if args.sizes:
        options.limits["sizes"] = [check_size(s) for s in args.sizes.split(",")]
        options.defaults["size"] = options.limits["sizes"][0]
    if args.frames:
        options.limits["frames"] = check_range(args.frames)
        options.defaults["frames"] = options.limits["frames"]["max"]
    return options


def check_size(text: str) -> str:
    """"832x480", or an ExportError."""
    if not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", text):
        raise ExportError(f"--sizes has {text!r}. WIDTHxHEIGHT in pixels is expected, joined by commas.")
    return text


def check_range(text: str) -> dict:
    """"5:81:4" as min, max and step."""
    match = re.fullmatch(r"(\d+):(\d+):(\d+)", text)
    if not match:
        raise ExportError(f"--frames is {text!r}. MIN:MAX:STEP is expected, for example 5:81:4.")
    low, high, step = map(int, match.groups())
    if not 1 <= low <= high or step < 1:
        raise ExportError(f"--frames is {text!r}. MIN is at least 1 and at most MAX, STEP at least 1.")
    return {"min": low, "max": high, "step": step}


def check_tile(text: str) -> dict:
    """"256/192" as size and stride."""
    match = re.fullmatch(r"([1-9]\d{0,4})/([1-9]\d{0,4})", text)
    if not match or int(match[2]) > int(match[1]):
        raise ExportError(f"--tile is {text!r}. SIZE/STRIDE in pixels is expected, the stride at most the size, for example 256/192.")
    return {"size": int(match[1]), "stride": int(match[2])}


def size_of(text: str) -> tuple[int, int]:
    """Width and height of "832x480"."""
    width, height = text.split("x")
    return int(width), int(height)
