"""Writes the trained networks as a bundle: ONNX graphs with float32 edges, tokenizer, scheduler and bundle.json with hashes.

    python export_bundle.py --build build --out ../../models/reelay-mini
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

import tokens
from model import CHANNELS, FRAMES, GRID, PIXELS, SLOTS, TEXT_WIDTH, Codec, Decoder, Denoiser, TextEncoder

CREATED = 1795219200  # 2026-11-21


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


def export(module, inputs: dict, outputs: list[str], path: Path, dynamic: dict) -> float:
    """Returns the greatest absolute difference between torch and ONNX Runtime on the given inputs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    module.eval()
    torch.onnx.export(
        module, tuple(inputs.values()), str(path), input_names=list(inputs), output_names=outputs,
        dynamic_axes=dynamic, opset_version=17, dynamo=False,
    )
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.doc_string = ""
    onnx.save(halve_weights(model), str(path))
    onnx.checker.check_model(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    declared = {i.name for i in session.get_inputs()}
    got = session.run(None, {k: v.numpy() for k, v in inputs.items() if k in declared})[0]
    with torch.no_grad():
        want = module(*inputs.values()).numpy()
    return float(np.abs(got - want).max())


def digest(path: Path) -> dict:
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, help="folder of train.py; without it the weights are random")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    encoder, denoiser, decoder = TextEncoder(len(tokens.VOCABULARY)), Denoiser(), Decoder(Codec())
    if args.build:
        encoder.load_state_dict(torch.load(args.build / "text.pt"))
        refined = args.build / "refined.pt"
        denoiser.load_state_dict(torch.load(refined if refined.exists() else args.build / "denoiser.pt"))
        decoder.load_state_dict(torch.load(args.build / "decoder.pt"))
    ids = torch.tensor([tokens.encode("a red circle bouncing over a dark blue background"), tokens.encode("")])
    latents = torch.randn(2, CHANNELS, SLOTS, GRID, GRID)
    text = encoder(ids).detach()
    out = args.out
    parity = {
        "text_encoder": export(encoder, {"input_ids": ids}, ["last_hidden_state"], out / "text_encoder/model.onnx",
                               {"input_ids": {0: "batch"}, "last_hidden_state": {0: "batch"}}),
        "transformer": export(denoiser, {"hidden_states": latents, "timestep": torch.tensor([500.0, 500.0]), "encoder_hidden_states": text},
                              ["out_hidden_states"], out / "transformer/model.onnx",
                              {k: {0: "batch"} for k in ("hidden_states", "timestep", "encoder_hidden_states", "out_hidden_states")}),
        "vae_decoder": export(decoder, {"latent_sample": latents[:1]}, ["sample"], out / "vae_decoder/model.onnx",
                              {"latent_sample": {0: "batch"}, "sample": {0: "batch"}}),
    }
    (out / "tokenizer").mkdir(exist_ok=True)
    tokens.write_tokenizer(str(out / "tokenizer/tokenizer.json"))
    (out / "tokenizer/tokenizer_config.json").write_text(json.dumps({"model_max_length": tokens.MAX_TOKENS, "pad_token": "[PAD]",
        "unk_token": "[UNK]", "cls_token": "[CLS]", "tokenizer_class": "PreTrainedTokenizerFast"}, indent=1) + "\n")
    (out / "scheduler").mkdir(exist_ok=True)
    (out / "scheduler/scheduler_config.json").write_text(json.dumps({
        "_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 3.0, "use_dynamic_shifting": False,
    }, indent=1) + "\n")
    (out / "model_index.json").write_text(json.dumps({
        "_class_name": "ReelayMiniPipeline", "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["reelay", "TextEncoder"], "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "transformer": ["reelay", "Denoiser"], "vae_decoder": ["reelay", "Decoder"],
    }, indent=1) + "\n")
    files = [f"{d}/{f}" for d, f in (("text_encoder", "model.onnx"), ("transformer", "model.onnx"), ("vae_decoder", "model.onnx"),
             ("tokenizer", "tokenizer.json"), ("scheduler", "scheduler_config.json"))] + ["model_index.json"]
    bundle = {
        "bundle": 1, "id": "reelay-mini", "family": "reelay-mini", "tasks": ["t2v"], "license": "Apache-2.0", "created": CREATED,
        "owned_by": "reelay",
        "description": "A miniature text-to-video diffusion model of moving shapes, trained on procedural clips only.",
        "components": {
            "text_encoder": {"graph": "text_encoder/model.onnx", "maxTokens": tokens.MAX_TOKENS, "width": TEXT_WIDTH},
            "transformer": {"graph": "transformer/model.onnx", "precision": "fp32"},
            "vae_decoder": {"graph": "vae_decoder/model.onnx", "plan": "whole"},
        },
        "latents": {"channels": CHANNELS, "frames": SLOTS, "height": GRID, "width": GRID},
        "limits": {"sizes": [f"{PIXELS}x{PIXELS}"], "frames": {"min": FRAMES, "max": FRAMES, "step": 1},
                   "fps": {"min": 4, "max": 16, "step": 1}, "steps": {"min": 1, "max": 50, "step": 1},
                   "guidance": {"min": 1, "max": 10}, "maxPromptChars": 1000},
        "defaults": {"size": f"{PIXELS}x{PIXELS}", "frames": FRAMES, "fps": 8, "steps": 12, "guidance": 2, "negativePrompt": ""},
        "files": [{"path": f, **digest(out / f)} for f in files],
    }
    (out / "bundle.json").write_text(json.dumps(bundle, indent=2) + "\n")
    print(json.dumps({"parity_max_abs": parity, "bytes": sum(f["bytes"] for f in bundle["files"])}))


if __name__ == "__main__":
    main()
