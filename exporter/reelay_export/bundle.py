"""The files of a bundle that are not graphs: what is copied from diffusers, and bundle.json."""

import hashlib
import json
import shutil
from pathlib import Path

from .families import Exported
from .options import Options

# What the engine reads of model_index.json and of the folders beside it. Weights are never copied.
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json")


def copy_small_files(source: Path, pipeline, out: Path) -> None:
    """model_index.json, the scheduler's config and the tokenizer as tokenizer.json, whatever form the source has it in."""
    shutil.copyfile(source / "model_index.json", out / "model_index.json")
    (out / "scheduler").mkdir(exist_ok=True)
    shutil.copyfile(source / "scheduler/scheduler_config.json", out / "scheduler/scheduler_config.json")
    (out / "tokenizer").mkdir(exist_ok=True)
    original = source / "tokenizer/tokenizer.json"
    if original.exists():
        shutil.copyfile(original, out / "tokenizer/tokenizer.json")
    else:
        pipeline.tokenizer.backend_tokenizer.save(str(out / "tokenizer/tokenizer.json"))
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
    """Writes bundle.json over every file in the folder; returns it. Options overlay the family's limits and defaults."""
    paths = sorted(p for p in out.rglob("*") if p.is_file() and p.name != "bundle.json")
    manifest = {
        "bundle": 1, "id": options.id, "family": exported.family, "tasks": exported.tasks, "license": options.license,
        "created": options.created, "owned_by": options.owned_by, "description": options.description,
        "components": exported.components,
        "limits": exported.limits | options.limits,
        "defaults": exported.defaults | options.defaults,
        **({"presets": exported.presets} if exported.presets else {}),
        "files": [{"path": p.relative_to(out).as_posix(), "bytes": p.stat().st_size, "sha256": digest(p)} for p in paths],
        **({"golden": "golden/golden.json"} if (out / "golden/golden.json").exists() else {}),
    }
    write_json(out / "bundle.json", manifest)
    return manifest
