"""Writes the trained networks as a bundle: ONNX graphs with float32 edges, tokenizer, scheduler and bundle.json with hashes.

    python -m scenes.export_bundle --build build --out bundle [--weights student]

While a stage is under way, its averaged weights of the last save are taken; a stage that has not begun leaves random weights, with --draft only.
"""

import argparse
import hashlib
import json
import os
from pathlib import Path

# ONNX Runtime's builds for Linux report to their maker what they load, unless this is set before they start.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from . import sample, tokens
from .model import CHANNELS, FRAMES, GRID, PIXELS, SLOTS, TEXT_WIDTH, Codec, Decoder, Denoiser, Encoder
from .text import Reader

CREATED = 1795219200  # 2026-11-21

GOVERNANCE = {
    "card": {
        "summary": "A miniature text-, image- and video-to-video diffusion model of one or two objects in simple scenes, for first runs, tests and benchmarks.",
        "intendedUse": ["Trying Reelay without a GPU.", "Tests and benchmarks of the whole path."],
        "outOfScope": ["Videos of people, or of real places and things.", "Anything that needs a good picture."],
        "knownLimits": [
            "One or two of ten shapes, some three hundred English words, 256x256, 25 frames.",
            "Outlines wobble, and a shape or motion may be another than was asked for: evaluation.json.",
            "Unknown words are named in a warning; they say nothing to the model.",
        ],
        "evaluation": "README.md, evaluation.json",
    },
    "dataset": {
        "sources": ["clips and captions drawn by exporter/train/scenes from seeds"],
        "syntheticShare": 1, "personalData": "none", "thirdPartyWorks": "none",
        "optOuts": "Nobody's work is in it, so there is nobody who could opt out.",
    },
    "license": {"spdx": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0", "commercialUse": True, "exceptTerritories": [],
                "prohibitedUses": []},
}


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Stores float32 initializers of 256 values and more as float16 with a Cast behind each: half the file, float32 arithmetic."""
    graph, casts = model.graph, []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < 256:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values, name + "_f16"))
        casts.append(helper.make_node("Cast", [name + "_f16"], [name], to=TensorProto.FLOAT, name=name + "_cast"))
    for node in reversed(casts):
        graph.node.insert(0, node)
    return model


def export(module, inputs: dict, output: str, path: Path) -> float:
    """Returns the greatest absolute difference between torch and ONNX Runtime on the given inputs. Only the batch is free."""
    path.parent.mkdir(parents=True, exist_ok=True)
    module.eval()
    torch.onnx.export(
        module, tuple(inputs.values()), str(path), input_names=list(inputs), output_names=[output],
        dynamic_axes={k: {0: "batch"} for k in (*inputs, output)}, opset_version=17, dynamo=False,
    )
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.doc_string = ""
    onnx.save(halve_weights(model), str(path))
    onnx.checker.check_model(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got = session.run(None, {k: v.numpy() for k, v in inputs.items()})[0]
    with torch.no_grad():
        want = module(*inputs.values()).numpy()
    return float(np.abs(got - want).max())


def digest(path: Path) -> dict:
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def networks(build: Path, weights: str, draft: bool):
    codec = Codec()
    reader, denoiser, decoder = Reader(), Denoiser(), Decoder(codec)
    if (build / "codec.pt").exists() or not draft:
        codec.load_state_dict(torch.load(build / "codec.pt")["codec"])
    for module, name in ((reader, "text"), (denoiser, weights), (decoder, "decoder")):
        found = [p for p in (build / f"{name}.pt", build / f"{name}.average.pt") if p.exists()]
        if found:
            module.load_state_dict(torch.load(found[0], map_location="cpu"))
        elif not draft:
            raise SystemExit(f"{build / name}.pt is not there")
    return codec, reader.encoder, denoiser, decoder


def write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", choices=("denoiser", "student"), default="student")
    parser.add_argument("--id", default="reelay-mini")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--draft", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(0)
    codec, encoder, denoiser, decoder = networks(args.build, args.weights, args.draft)
    ids = torch.tensor([tokens.encode("a red ball bouncing next to a blue star over the sea"), tokens.encode("")])
    latents, text, out = torch.randn(2, CHANNELS, SLOTS, GRID, GRID), encoder(ids).detach(), args.out
    times = torch.full((2, SLOTS), 500.0)
    times[1, 0] = 0
    parity = {
        "text_encoder": export(encoder, {"input_ids": ids}, "last_hidden_state", out / "text_encoder/model.onnx"),
        "transformer": export(denoiser, {"hidden_states": latents, "timestep": times, "encoder_hidden_states": text}, "out_hidden_states",
                              out / "transformer/model.onnx"),
        "vae_decoder": export(decoder, {"latent_sample": latents[:1]}, "sample", out / "vae_decoder/model.onnx"),
        "vae_encoder": export(Encoder(codec), {"sample": torch.rand(1, 3, FRAMES, PIXELS, PIXELS) * 2 - 1}, "latent_parameters",
                              out / "vae_encoder/model.onnx"),
    }
    (out / "tokenizer").mkdir(exist_ok=True)
    tokens.write_tokenizer(str(out / "tokenizer/tokenizer.json"))
    write_json(out / "tokenizer/tokenizer_config.json", {"model_max_length": tokens.MAX_TOKENS, "pad_token": "[PAD]", "unk_token": "[UNK]",
               "cls_token": "[CLS]", "tokenizer_class": "PreTrainedTokenizerFast"})
    write_json(out / "scheduler/scheduler_config.json", {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000,
               "shift": sample.SHIFT, "use_dynamic_shifting": False})
    write_json(out / "model_index.json", {"_class_name": "ReelayMiniPipeline", "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
               "text_encoder": ["reelay", "TextEncoder"], "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
               "transformer": ["reelay", "Denoiser"], "vae_decoder": ["reelay", "Decoder"], "vae_encoder": ["reelay", "Encoder"]})
    graphs = ("text_encoder", "transformer", "vae_decoder", "vae_encoder")
    files = [*(f"{g}/model.onnx" for g in graphs), "tokenizer/tokenizer.json", "scheduler/scheduler_config.json", "model_index.json"]
    bundle = {
        "bundle": 1, "id": args.id, "family": "reelay-mini", "tasks": ["t2v", "i2v", "v2v"], "license": "Apache-2.0", "created": CREATED,
        "owned_by": "reelay",
        "description": "A miniature text-, image- and video-to-video diffusion model of objects in simple scenes, trained on procedural clips only.",
        "components": {
            "text_encoder": {"graph": "text_encoder/model.onnx", "maxTokens": tokens.MAX_TOKENS, "width": TEXT_WIDTH},
            "transformer": {"graph": "transformer/model.onnx", "precision": "fp32"},
            "vae_decoder": {"graph": "vae_decoder/model.onnx", "plan": "whole"},
            "vae_encoder": {"graph": "vae_encoder/model.onnx"},
        },
        "latents": {"channels": CHANNELS, "frames": SLOTS, "height": GRID, "width": GRID},
        "limits": {"sizes": [f"{PIXELS}x{PIXELS}"], "frames": {"min": FRAMES - 1, "max": FRAMES, "step": 1},
                   "fps": {"min": 2, "max": 24, "step": 1}, "steps": {"min": 1, "max": 50, "step": 1},
                   "guidance": {"min": 1, "max": 10}, "maxPromptChars": 1000},
        "defaults": {"size": f"{PIXELS}x{PIXELS}", "frames": FRAMES - 1, "fps": 8, "steps": args.steps, "guidance": args.guidance, "negativePrompt": "",
                     "strength": 0.7},
        "presets": {"fast": {"steps": 4, "guidance": 1}},
        "governance": GOVERNANCE,
        "files": [{"path": f, **digest(out / f)} for f in files],
    }
    write_json(out / "bundle.json", bundle)
    print(json.dumps({"parity_max_abs": parity, "bytes": sum(f["bytes"] for f in bundle["files"])}))


if __name__ == "__main__":
    main()
