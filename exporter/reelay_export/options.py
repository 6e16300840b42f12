"""What the command line and reelay.json decide about an export."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ExportError
from .rules import Rules, check_frames, check_sizes

WEIGHTS = ("fp32", "fp16", "int8")
TEXTS = {"id": 64, "license": 200, "owned_by": 200, "description": 2000}  # the most characters of each
NUMBERS = {"created": (0, 2**53 - 1), "maxTokens": (1, 4096)}
KEYS = (*TEXTS, "created", "limits", "defaults", "cases", "maxTokens", "tile", "governance")
STATEMENTS = ("card", "dataset", "license")
OPSETS = (20, 26)  # Reelay loads no newer one


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
    governance: dict | None = None


def read_options(source: Path, args, rules: Rules) -> Options:
    """Options of `reelay.json` in the source folder, where there is one, overlaid with the command line's; checked against what the
    family can make, so that a slip costs no export."""
    said = read_said(source / "reelay.json")
    for key, flag in (("id", "id"), ("license", "license"), ("owned_by", "owned_by"), ("description", "description"), ("created", "created"),
                      ("maxTokens", "max_tokens")):
        if getattr(args, flag) is not None:
            said[key] = getattr(args, flag)
            check_value(f"--{flag.replace('_', '-')}", key, said[key])
    options = Options(opset=args.opset, weights=args.weights, id=said.get("id") or source.resolve().name, license=said.get("license", ""),
                      owned_by=said.get("owned_by") or "unknown", description=said.get("description", ""), created=said.get("created", 0),
                      limits=said.get("limits", {}), defaults=said.get("defaults", {}), cases=said.get("cases"),
                      max_tokens=said.get("maxTokens"), tile=check_tile(args.tile) if args.tile else said.get("tile"),
                      governance=said.get("governance"))
    if args.sizes:
        options.limits["sizes"] = [check_size(s) for s in args.sizes.split(",")]
        options.defaults["size"] = options.limits["sizes"][0]
    if args.frames:
        options.limits["frames"] = check_range(args.frames)
        options.defaults["frames"] = options.limits["frames"]["max"]
    check(options, rules)
    return options


def check(options: Options, rules: Rules) -> None:
    """ExportError for the first option that Reelay or the family would refuse."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", options.id):
        raise ExportError(f"--id is {options.id!r}. Up to 64 letters, digits, dots, dashes and underscores are allowed, a letter or "
                          "digit first.")
    if not OPSETS[0] <= options.opset <= OPSETS[1]:
        raise ExportError(f"--opset is {options.opset}. {OPSETS[0]} to {OPSETS[1]} are allowed.")
    if not options.license:
        raise ExportError("--license is missing. The license of the weights is an SPDX expression such as Apache-2.0, or the name that "
                          "the model card gives it.")
    if options.max_tokens is not None and not rules.chooses_tokens:
        raise ExportError("--max-tokens: the prompt's length is the tokenizer's in this family and cannot be chosen.")
    if "sizes" in options.limits:
        check_sizes(rules, options.limits["sizes"])
        options.defaults.setdefault("size", options.limits["sizes"][0])
        if options.defaults["size"] not in options.limits["sizes"]:
            raise ExportError(f"The default size is {options.defaults['size']}. {', '.join(options.limits['sizes'])} are on offer.")
    if "frames" in options.limits:
        check_frames(rules, options.limits["frames"])
        options.defaults.setdefault("frames", options.limits["frames"]["max"])


def read_said(path: Path) -> dict:
    """reelay.json; {} where there is none. ExportError for what is not JSON, a key that is unknown, a value of another kind."""
    try:
        said = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} is not JSON that can be read: {error}.") from None
    if not isinstance(said, dict):
        raise ExportError(f"{path} is no JSON object. Allowed in one: {', '.join(KEYS)}.")
    unknown = sorted(set(said) - set(KEYS))
    if unknown:
        raise ExportError(f"{path}: {', '.join(unknown)} is not known. Allowed: {', '.join(KEYS)}.")
    for key, value in said.items():
        check_value(f"{path}: {key}", key, value)
    return said


def check_value(where: str, key: str, value) -> None:
    """ExportError for a value that `key` of reelay.json cannot have; `where` opens the sentence."""
    if key in TEXTS and not (isinstance(value, str) and len(value) <= TEXTS[key]):
        raise ExportError(f"{where} is {value!r:.80}. A text of at most {TEXTS[key]} characters is allowed.")
    if key in NUMBERS:
        low, high = NUMBERS[key]
        if type(value) is not int or not low <= value <= high:
            raise ExportError(f"{where} is {value!r:.80}. A whole number from {low} to {high} is allowed.")
    if key in ("limits", "defaults") and not isinstance(value, dict):
        raise ExportError(f"{where} is {value!r:.80}. An object as in bundle.json is allowed.")
    if key == "limits" and "sizes" in value:
        sizes = value["sizes"]
        if not isinstance(sizes, list) or not sizes or not all(isinstance(size, str) for size in sizes):
            raise ExportError(f"{where}.sizes is {sizes!r:.80}. A list of WIDTHxHEIGHT is allowed.")
        for size in sizes:
            check_size(size)
    if key == "limits" and "frames" in value:
        frames = value["frames"]
        if not isinstance(frames, dict) or not all(type(frames.get(end)) is int for end in ("min", "max")):
            raise ExportError(f"{where}.frames is {frames!r:.80}. An object with min, max and step is allowed.")
        check_range(f"{frames['min']}:{frames['max']}:{frames.get('step', 1)}")
    if key == "tile":
        if not isinstance(value, dict) or set(value) != {"size", "stride"}:
            raise ExportError(f"{where} is {value!r:.80}. An object with size and stride, in pixels, is allowed.")
        check_tile(f"{value['size']}/{value['stride']}")
    if key == "governance" and not (isinstance(value, dict) and set(value) <= set(STATEMENTS)):
        raise ExportError(f"{where} is {value!r:.80}. An object with {', '.join(STATEMENTS)} is allowed, as in docs/bundles.md.")
    if key == "cases" and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
        raise ExportError(f"{where} is {value!r:.80}. A list of golden cases is allowed.")


def check_size(text: str) -> str:
    """"832x480", or an ExportError."""
    if not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", text):
        raise ExportError(f"--sizes has {text!r}. WIDTHxHEIGHT in pixels is expected, joined by commas.")
    return text


def check_range(text: str) -> dict:
    """"5:81:4" as min, max and step."""
    match = re.fullmatch(r"(\d{1,6}):(\d{1,6}):(\d{1,6})", text)
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
