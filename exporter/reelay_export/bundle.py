"""The files of a bundle that are not graphs: what is copied from diffusers, and bundle.json."""

import hashlib
import json
import shutil
from pathlib import Path

from tokenizers import Tokenizer

from . import schedule
from .families import Exported
from .options import Options

# What the engine reads of model_index.json and of the folders beside it. Weights are never copied.
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json")


def copy_small_files(source: Path, out: Path) -> None:
    """model_index.json and the scheduler's and image processor's configs."""
    shutil.copyfile(source / "model_index.json", out / "model_index.json")
    (out / "scheduler").mkdir(exist_ok=True)
    shutil.copyfile(source / "scheduler/scheduler_config.json", out / "scheduler/scheduler_config.json")
    processor = "image_processor/preprocessor_config.json"
    if (source / processor).exists():
        (out / "image_processor").mkdir(exist_ok=True)
        shutil.copyfile(source / processor, out / processor)


# One of each kind of thing that tokenizers treat differently.
PROBES = ("", "a red circle over a dark blue field", "Two  spaces,\ttabs; l'été, 北京, ½ & emoji 🙂", "<pad> </s> <extra_id_0>", "x" * 600)


def write_tokenizer(source: Path, pipeline, out: Path) -> None:
    """tokenizer.json, and the files that name its special tokens.

    The source's own tokenizer.json is taken if it gives the ids that the pipeline's tokenizer gives. transformers may build its
    tokenizer anew from the vocabulary; where the two differ, or there is no file, what the pipeline uses is written.
    """
    (out / "tokenizer").mkdir(exist_ok=True)
    tokenizer = Tokenizer.from_str(pipeline.tokenizer.backend_tokenizer.to_str())
    original, target = source / "tokenizer/tokenizer.json", out / "tokenizer/tokenizer.json"
    found = Tokenizer.from_file(str(original)) if original.exists() else tokenizer
    for one in (tokenizer, found):
        one.no_padding()
        one.no_truncation()
    if found is not tokenizer and all(found.encode(text).ids == tokenizer.encode(text).ids for text in PROBES):
        shutil.copyfile(original, target)
    else:
        tokenizer.save(str(target))
    for name in TOKENIZER_FILES:
        if (source / "tokenizer" / name).exists():
            shutil.copyfile(source / "tokenizer" / name, out / "tokenizer" / name)


def write_json(path: Path, value) -> None:
    """JSON with two spaces and a last newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_component_config(component, folder: Path) -> None:
    """config.json of a diffusers or transformers model, without the keys that name the machine it was loaded on."""
    config = component.config if isinstance(component.config, dict) else component.config.to_dict()
    config = {k: v for k, v in dict(config).items() if k not in ("_name_or_path", "_use_default_values")}
    write_json(folder / "config.json", json.loads(json.dumps(config, default=str)))


def digest(path: Path) -> str:
    """sha256 of a file in hex, read in pieces: external data has gigabytes."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            total.update(piece)
    return total.hexdigest()


def write_manifest(out: Path, exported: Exported, options: Options) -> dict:
    """Writes bundle.json over every file in the folder; returns it. Options overlay the limits and defaults of family and scheduler."""
    limits, defaults = schedule.offer(json.loads((out / "scheduler/scheduler_config.json").read_text()), exported.limits, exported.defaults)
    components = exported.components
    if options.tile is not None:
        components = components | {"vae_decoder": components["vae_decoder"] | {"tile": options.tile}}
    paths = sorted(p for p in out.rglob("*") if p.is_file() and p.name != "bundle.json")
    manifest = {
        "bundle": 1, "id": options.id, "family": exported.family, "tasks": exported.tasks, "license": options.license,
        "created": options.created, "owned_by": options.owned_by, "description": options.description,
        "components": components,
        "limits": limits | options.limits,
        "defaults": defaults | options.defaults,
        **({"presets": exported.presets} if exported.presets else {}),
        **({"governance": options.governance} if options.governance else {}),
        "files": [{"path": p.relative_to(out).as_posix(), "bytes": p.stat().st_size, "sha256": digest(p)} for p in paths],
        **({"golden": "golden/golden.json"} if (out / "golden/golden.json").exists() else {}),
    }
    write_json(out / "bundle.json", manifest)
    return manifest
