"""Which module exports which pipeline. A family is a module with these names:

    load(source) -> pipeline                      a diffusers pipeline in float32 on the CPU
    export(pipeline, out, options) -> Exported    writes the graphs and their config.json files, returns what bundle.json says
    golden_cases(pipeline, options) -> [dict]     the requests that are recorded, in the API's words
    record(pipeline, case, options) -> dict       runs one case in diffusers, returns the tensors of docs/bundles.md
    replay(bundle, case, tensors) -> dict         the same tensors by ONNX Runtime, for check.py; may be missing
    TINY = {"name": build}                        build(folder) saves a random-weight diffusers folder, see tiny.py
"""

import importlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from ..errors import ExportError

MODULES = {
    "WanPipeline": "wan",
    "WanImageToVideoPipeline": "wan",
    "WanVideoToVideoPipeline": "wan",
    "AnimateDiffPipeline": "animatediff",
    "AnimateDiffVideoToVideoPipeline": "animatediff",
    "LTXPipeline": "ltx",
    "LTXImageToVideoPipeline": "ltx",
    "CogVideoXPipeline": "cogvideox",
    "CogVideoXImageToVideoPipeline": "cogvideox",
    "CogVideoXVideoToVideoPipeline": "cogvideox",
}

# Pipelines that pass for a family's and would come out wrong, with what is different.
REFUSED = {"LTXConditionPipeline": "its positions and its linear-quadratic schedule are not those of LTXPipeline"}


@dataclass
class Exported:
    """What a family says of the bundle it wrote; bundle.py adds id, license, files and the rest."""

    family: str
    tasks: list[str]
    components: dict
    limits: dict
    defaults: dict
    presets: dict = field(default_factory=dict)
    parity: list = field(default_factory=list)  # rows (graph, inputs, max abs difference), printed as a table


def read_model_index(source: Path) -> dict:
    """model_index.json of a diffusers folder. Raises ExportError where it is missing or not JSON."""
    path = source / "model_index.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise ExportError(f"{source}: there is no model_index.json. A folder that diffusers' save_pretrained wrote is expected.") from None
    except json.JSONDecodeError as error:
        raise ExportError(f"{path} is not JSON: {error}.") from None


def family_of(source: Path) -> ModuleType:
    """The module that exports this folder's pipeline, by _class_name of its model_index.json."""
    name = read_model_index(source).get("_class_name")
    if name in REFUSED:
        raise ExportError(f"{source}/model_index.json: _class_name is {name!r}, which cannot be exported: {REFUSED[name]}.")
    if name not in MODULES:
        raise ExportError(f"{source}/model_index.json: _class_name is {name!r}. These can be exported: {', '.join(MODULES)}.")
    return module(MODULES[name])


def module(name: str) -> ModuleType:
    """A family's module by its name, "wan"."""
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise ExportError(f"The family {name!r} cannot be exported yet.") from None
