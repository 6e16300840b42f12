"""Goldens of a bundle: what `evaluate.Bundle.clip` makes of fixed noise, step by step, for the runtime to be held to.

    python -m scenes.golden --bundle bundle                                       beside the graphs, in bundle/golden
    python -m scenes.golden --tiny ../../test/fixtures/bundles/reelay-mini        first a bundle of the same graphs with few random weights

The format is that of the other families' goldens: docs/bundles.md.
"""

import argparse
import json
import os
import runpy
import sys
from pathlib import Path

# ONNX Runtime's builds for Linux report to their maker what they load, unless this is set before they start.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from . import evaluate, export_bundle, model, sample, world

import numpy as np
import onnxruntime
import torch
from torch import nn

PROMPT = "a red ball bouncing next to a blue star over the sea"
STRANGE = "Zwei Zeppelins above a lighthouse, and a green heart"
# name, prompt, seed, steps, guidance, strength
CASES = (
    ("t2v-guided", PROMPT, 7, 4, 3.0, None),
    ("t2v-fast", STRANGE, 2**32 + 5, 4, 1.0, None),
    ("i2v-guided", PROMPT, 11, 4, 3.0, None),
    ("i2v-fast", STRANGE, 12, 4, 1.0, None),
    ("v2v-guided", PROMPT, 13, 5, 3.0, 0.7),
    ("v2v-fast", STRANGE, 14, 4, 1.0, 0.5),
)
STATED = Path(__file__).parents[2] / "reelay_export/families/tiny_governance.py"  # as the other families' tiny bundles are offered
SMALL = {"CHANNELS": 6, "COARSE": 4, "BLOCK_S": 2, "GRID": 2, "CELLS": 4, "TOKENS": 20, "PIXELS": 16, "TEXT_WIDTH": 16}


class Recorder:
    """A session that keeps what it was fed and what it gave."""

    def __init__(self, session):
        self.session, self.calls = session, []

    def run(self, names, feeds):
        out = self.session.run(names, feeds)
        self.calls.append(({k: v.copy() for k, v in feeds.items()}, out[0].copy()))
        return out


class TinyDecoder(nn.Module):
    """latent_sample [B, C, 5, 2, 2] -> sample [B, 3, 25, 16, 16]: the codec, enlarged."""

    def __init__(self, codec):
        super().__init__()
        self.codec = codec

    def forward(self, latent_sample):
        coarse = self.codec.decode(latent_sample).flatten(0, 1)
        fine = nn.functional.interpolate(coarse, scale_factor=model.PIXELS // model.COARSE, mode="bilinear", align_corners=False)
        return fine.reshape(-1, model.FRAMES, 3, model.PIXELS, model.PIXELS).clamp(-1, 1).transpose(1, 2)


def tiny_networks(*_):
    torch.manual_seed(5)
    codec = model.Codec()
    for name in ("first", "next"):
        basis = getattr(codec, f"{name}_basis")
        basis.copy_(torch.linalg.qr(torch.randn(basis.shape[1], basis.shape[0]))[0].T)
        getattr(codec, f"{name}_scale").copy_(torch.rand(model.CHANNELS) + 0.5)
    text, denoiser = model.TextEncoder(len(sample.tokens.VOCABULARY), layers=1, heads=2), model.Denoiser(width=16, depth=2, heads=2)
    for parameter in denoiser.parameters():  # its own start is zero in places: nothing would depend on anything
        nn.init.normal_(parameter, std=0.3)
    return codec, text, denoiser, TinyDecoder(codec)


def write_tiny(folder: Path) -> None:
    for module in (model, sample, export_bundle):
        for name, value in SMALL.items():
            if hasattr(module, name):
                setattr(module, name, value)
    export_bundle.networks = tiny_networks
    sys.argv = ["export_bundle", "--build", "none", "--out", str(folder), "--id", "reelay-mini-tiny", "--guidance", "3"]
    export_bundle.main()
    manifest = json.loads((folder / "bundle.json").read_text())
    export_bundle.write_json(folder / "bundle.json", {**manifest, "governance": runpy.run_path(str(STATED))["TINY_GOVERNANCE"]})


def save(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """A safetensors file: the length of the header, the header, the arrays."""
    header, at = {}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": {"float32": "F32", "uint8": "U8"}[str(value.dtype)], "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(np.ascontiguousarray(v).tobytes() for v in tensors.values()))


def reference(task: str, pixels: int) -> dict[str, np.ndarray]:
    """A clip of moving colors, or its first frame."""
    t, y, x = np.meshgrid(np.arange(world.FRAMES) / world.FRAMES, np.arange(pixels) / pixels, np.arange(pixels) / pixels, indexing="ij")
    clip = np.stack([0.5 + 0.5 * np.sin(3 * x + 5 * t), (y + t) % 1, 0.5 + 0.5 * np.cos(7 * x * y - 2 * t)], -1)
    clip = (clip * 255).round().astype(np.uint8)
    return {"i2v": {"image": clip[0]}, "v2v": {"video": clip}}.get(task, {})


def record(folder: Path, prompt: str, seed: int, steps: int, guidance: float, strength, given: dict) -> dict[str, np.ndarray]:
    bundle = evaluate.Bundle(folder)
    text, transformer, decoder = (Recorder(s) for s in (bundle.text, bundle.transformer, bundle.decoder))
    bundle.text, bundle.transformer, bundle.decoder = text, transformer, decoder
    scaled = {{"image": "first", "video": "video"}[k]: v.astype(np.float32) / 255 for k, v in given.items()}
    frames = bundle.clip(prompt, seed, steps, guidance, **scaled, **({} if strength is None else {"strength": strength}))
    embeds, runs = text.calls[0][1], [fed for fed, _ in transformer.calls]
    after = [fed["hidden_states"][:1] for fed in runs[1:]] + [decoder.calls[0][0]["latent_sample"]]
    return {"noise": sample.noise([seed]).numpy(), "prompt_embeds": embeds[-1:], **({"negative_embeds": embeds[:1]} if guidance != 1 else {}),
            "timesteps": np.array([fed["timestep"][0, -1] for fed in runs], np.float32), "latents": np.stack(after), **given,
            "frames": frames.astype(np.float32)}


def write_goldens(folder: Path) -> None:
    (folder / "golden").mkdir(exist_ok=True)
    pixels = int(json.loads((folder / "bundle.json").read_text())["defaults"]["size"].split("x")[0])
    cases = []
    for name, prompt, seed, steps, guidance, strength in CASES:
        task, file = name[:3], f"golden/{name}.safetensors"
        save(folder / file, record(folder, prompt, seed, steps, guidance, strength, reference(task, pixels)))
        request = {"prompt": prompt, "size": f"{pixels}x{pixels}", "num_inference_steps": steps, "guidance_scale": guidance, "seed": seed}
        cases.append({"name": name, "file": file, "task": task, "request": {**request, **({} if strength is None else {"strength": strength})}})
    versions = {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__}
    export_bundle.write_json(folder / "golden/golden.json", {"versions": versions, "cases": cases})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--bundle", type=Path)
    which.add_argument("--tiny", type=Path)
    args = parser.parse_args()
    if args.tiny:
        write_tiny(args.tiny)
    write_goldens(args.tiny or args.bundle)


if __name__ == "__main__":
    main()
