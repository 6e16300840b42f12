"""python -m reelay_export.check <bundle>: makes the goldens again with ONNX Runtime and says how far off they are.

Before that every file is held against its sha256; of a bundle without goldens every graph is loaded, and that is all. Graphs, tokenizer.json and configs come from the bundle, the scheduler from diffusers, the noise from the goldens.
"""

import argparse
import json
import sys
from pathlib import Path

import diffusers
import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from . import families
from .bundle import digest
from .console import quiet
from .errors import ExportError, first_line
from .onnx_export import run_graph, session

# Greatest absolute difference for float32 weights; ids and timesteps must be equal.
TOLERANCE = {"prompt_embeds": 1e-4, "negative_embeds": 1e-4, "image_embeds": 1e-4, "image_latents": 1e-3, "latents": 1e-3, "frames": 1e-3,
             "image_rotary_emb_cos": 1e-5, "image_rotary_emb_sin": 1e-5}


class Bundle:
    """A bundle's folder with its graphs loaded once each."""

    def __init__(self, folder: Path):
        self.folder, self.sessions = folder, {}
        path = folder / "bundle.json"
        if not path.exists():
            raise ExportError(f"{folder}: there is no bundle.json.")
        try:
            self.manifest = json.loads(path.read_text())
            listed = [(file["path"], file["sha256"]) for file in self.manifest["files"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ExportError(f"{path} is no bundle.json with a list of files: {first_line(error)}.") from None
        for name, sha256 in listed:
            if not (folder / name).is_file() or digest(folder / name) != sha256:
                raise ExportError(f"{folder}/{name} is missing or does not match its sha256 in bundle.json.")

    def graphs(self) -> list[str]:
        """Paths of every graph that bundle.json names."""
        return [part[key] for part in self.manifest["components"].values() for key in ("graph", "first", "next") if key in part]

    def load(self, graph: str):
        """The graph in ONNX Runtime, kept."""
        if graph not in self.sessions:
            try:
                self.sessions[graph] = session(self.folder / graph)
            except Exception as error:  # ONNX Runtime's own have no common class
                raise ExportError(f"{self.folder}/{graph} cannot be loaded by ONNX Runtime: {first_line(error)}") from error
        return self.sessions[graph]

    def json(self, path: str):
        """A JSON file of the bundle."""
        return json.loads((self.folder / path).read_text())

    def run(self, graph: str, feeds: dict) -> list[np.ndarray]:
        """Runs a graph by its path; feeds that it does not declare are left out."""
        return run_graph(self.load(graph), feeds)

    def scheduler(self):
        """A new scheduler of diffusers with the bundle's settings."""
        config = self.json("scheduler/scheduler_config.json")
        return getattr(diffusers, config["_class_name"]).from_config(config)

    def ids(self, text: str, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids and mask [1, length] by tokenizer.json alone, padded behind with the id of its padding token."""
        tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer/tokenizer.json"))
        config = self.json("tokenizer/tokenizer_config.json")
        pad = config["pad_token"] if isinstance(config["pad_token"], str) else config["pad_token"]["content"]
        tokenizer.enable_truncation(length)
        tokenizer.enable_padding(length=length, pad_id=tokenizer.token_to_id(pad), pad_token=pad)
        encoded = tokenizer.encode(text)
        return np.array([encoded.ids]), np.array([encoded.attention_mask])


def alike(name: str, got: np.ndarray, want: np.ndarray) -> str:
    """For latents the cosine of the last step, for frames the PSNR: what a change of precision is judged by."""
    if name == "latents":
        a, b = got[-1].ravel(), want[-1].ravel()
        return f"cosine {a @ b / np.sqrt((a @ a) * (b @ b)):.6f}"
    if name == "frames":
        return f"PSNR {10 * np.log10(1 / max(((got - want) ** 2).mean(), 1e-20)):.1f} dB"
    return ""


def check(folder: Path, strict: bool) -> bool:
    """Prints a row for each case and tensor; whether all are within TOLERANCE. Without goldens every graph is loaded instead."""
    bundle, good = Bundle(folder), True
    if "golden" not in bundle.manifest:
        for graph in bundle.graphs():
            bundle.load(graph)
            bundle.sessions.clear()  # one at a time: large models have many gigabytes
        print(f"{folder}: {len(bundle.manifest['files'])} files match their sha256, {len(bundle.graphs())} graphs load. There are no "
              "goldens to make again.")
        return True
    family = families.module(bundle.manifest["family"])
    if not hasattr(family, "replay"):
        raise ExportError(f"Goldens of the family {bundle.manifest['family']} cannot be checked here yet.")
    for case in bundle.json(bundle.manifest["golden"])["cases"]:
        want = load_file(str(folder / case["file"]))
        for name, got in family.replay(bundle, case, want).items():
            a, b = np.asarray(got, np.float64), want[name].astype(np.float64)
            difference = float(np.abs(a - b).max())
            fine = difference <= TOLERANCE.get(name, 0)
            good = good and fine
            row = f"{case['name']:14} {name:16} {difference:8.1e}  {alike(name, a, b)}{'' if fine or not strict else '  too far'}"
            print(row.rstrip())
    return good


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reelay_export.check", description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--report-only", action="store_true", help="do not fail: for weights stored in fp16 or int8")
    args = parser.parse_args(argv)
    quiet()
    try:
        good = check(args.bundle, not args.report_only)
    except (ExportError, OSError) as error:
        print(f"check: {error}", file=sys.stderr)
        return 1
    return 0 if good or args.report_only else 1


if __name__ == "__main__":
    sys.exit(main())
