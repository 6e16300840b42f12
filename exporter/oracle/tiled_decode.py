"""Tiles of the tiny Wan bundle, decoded by its own graphs and blended by diffusers' methods, for test/families/tiling.test.ts:

    python exporter/oracle/tiled_decode.py        writes test/families/fixtures/tiled-decode.json

The loop is AutoencoderKLWan.tiled_decode with the decoder replaced by the two streaming graphs: what is held to diffusers here is the
cutting and blending, not the weights. Every 13th value is kept.
"""

import json
import os
from pathlib import Path

# ONNX Runtime's builds for Linux report to their maker what they load, unless this is set before they start.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import diffusers
import numpy as np
import onnxruntime
import torch
from diffusers import AutoencoderKLWan

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "test/fixtures/bundles/wan-2.1-t2v"
SCALE, SIZE, STRIDE, KEEP = 8, 32, 24, 13
FRAMES, HEIGHT, WIDTH = 2, 7, 10  # of the latent

first, following = (
    onnxruntime.InferenceSession(str(BUNDLE / f"vae_decoder/stream_{part}.onnx"), providers=["CPUExecutionProvider"])
    for part in ("first", "next")
)
channels = first.get_inputs()[0].shape[1]
latent = np.sin(np.arange(channels * FRAMES * HEIGHT * WIDTH, dtype=np.float64) * 0.7).astype(np.float32)
latent = latent.reshape(1, channels, FRAMES, HEIGHT, WIDTH)


def decode(tile):
    """[1, C, T, h, w] -> [1, 3, F, H, W], a latent frame a run."""
    parts, caches = [], []
    for k in range(tile.shape[2]):
        session = first if k == 0 else following
        feeds = {"latent_sample": tile[:, :, k : k + 1], **{f"cache_{i}": c for i, c in enumerate(caches)}}
        names = [o.name for o in session.get_outputs()]
        outputs = dict(zip(names, session.run(names, feeds)))
        parts.append(outputs["sample"])
        caches = [outputs[f"cache_{i}_out"] for i in range(len(names) - 1)]
    return torch.from_numpy(np.concatenate(parts, axis=2))


vae = AutoencoderKLWan.__new__(AutoencoderKLWan)
size, stride, blend = SIZE // SCALE, STRIDE // SCALE, SIZE - STRIDE
rows = [
    [decode(latent[:, :, :, i : i + size, j : j + size]) for j in range(0, WIDTH, stride)] for i in range(0, HEIGHT, stride)
]
result_rows = []
for i, row in enumerate(rows):
    result = []
    for j, tile in enumerate(row):
        if i > 0:
            tile = AutoencoderKLWan.blend_v(vae, rows[i - 1][j], tile, blend)
        if j > 0:
            tile = AutoencoderKLWan.blend_h(vae, row[j - 1], tile, blend)
        result.append(tile[:, :, :, :STRIDE, :STRIDE])
    result_rows.append(torch.cat(result, dim=-1))
sample = torch.cat(result_rows, dim=3)[:, :, :, : HEIGHT * SCALE, : WIDTH * SCALE].numpy()
fixture = {
    "versions": {"diffusers": diffusers.__version__},
    "tile": {"size": SIZE, "stride": STRIDE},
    "latent": {"frames": FRAMES, "height": HEIGHT, "width": WIDTH},
    "shape": list(sample.shape),
    "keep": KEEP,
    "values": [float(f"{v:.7g}") for v in sample.reshape(-1)[::KEEP]],
}
(ROOT / "test/families/fixtures/tiled-decode.json").write_text(json.dumps(fixture) + "\n")
