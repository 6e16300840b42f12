"""The bundled model in torch, with diffusers' scheduler: what test/bench/against-torch.ts times Reelay against.

    python exporter/oracle/torch_clip.py THREADS BUNDLE

Reads a line, makes one default clip of the bundle (its steps; guidance above 1 as a batch of two), answers with milliseconds.
The weights are random: they change no operation. The networks are those of the recipe whose export the bundle's graphs are:
exporter/train/scenes/model.py.
"""

import json
import sys
import time
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))
from scenes import model as nets  # noqa: E402

bundle = json.loads((Path(sys.argv[2]) / "bundle.json").read_text())
latents, defaults = bundle["latents"], bundle["defaults"]
shape = [latents[side] for side in ("channels", "frames", "height", "width")]
assert [nets.CHANNELS, nets.SLOTS, nets.GRID, nets.GRID] == shape, "a bundle of another recipe"
steps, guidance = defaults["steps"], defaults["guidance"]
torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
text, denoiser, decoder = nets.TextEncoder(512).eval(), nets.Denoiser().eval(), nets.Decoder(nets.Codec()).eval()
scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)


@torch.inference_mode()
def clip(seed):
    ids = torch.randint(1, 100, (1, nets.MAX_TOKENS))
    embeds = torch.cat([text(torch.zeros_like(ids)), text(ids)]) if guidance > 1 else text(ids)
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(seed))
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        times = t.expand(len(embeds), nets.SLOTS)
        v = denoiser(x.expand(len(embeds), -1, -1, -1, -1), times, embeds)
        if guidance > 1:
            negative, positive = v.chunk(2)
            v = negative + guidance * (positive - negative)
        x = scheduler.step(v, t, x, return_dict=False)[0]
    frames = decoder(x)[:, :, : defaults["frames"]]
    return ((frames[0].permute(1, 2, 3, 0) / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


print("ready", torch.__version__, flush=True)
wanted = (defaults["frames"], *reversed([int(side) for side in defaults["size"].split("x")]), 3)
for seed, _ in enumerate(sys.stdin):
    started = time.perf_counter()
    assert clip(seed).shape == wanted
    print((time.perf_counter() - started) * 1000, flush=True)
