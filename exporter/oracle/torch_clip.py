"""The bundled model in torch, with diffusers' scheduler: what test/bench/against-torch.ts times Reelay against.

    python exporter/oracle/torch_clip.py THREADS

Reads a line, makes one default clip (12 steps, guidance as a batch of two, 16 frames of 256x256 as uint8), answers with milliseconds.
The weights are random: they change no operation. The networks are exporter/train/model.py, whose export the bundled graphs are.
"""

import sys
import time
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))
from model import CHANNELS, GRID, MAX_TOKENS, SLOTS, Codec, Decoder, Denoiser, TextEncoder  # noqa: E402

STEPS, GUIDANCE = 12, 2.0
torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
text, denoiser, decoder = TextEncoder(128).eval(), Denoiser().eval(), Decoder(Codec()).eval()
scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)


@torch.inference_mode()
def clip(seed):
    ids = torch.randint(1, 100, (1, MAX_TOKENS))
    embeds = torch.cat([text(torch.zeros_like(ids)), text(ids)])
    latents = torch.randn(1, CHANNELS, SLOTS, GRID, GRID, generator=torch.Generator().manual_seed(seed))
    scheduler.set_timesteps(STEPS)
    for t in scheduler.timesteps:
        negative, positive = denoiser(torch.cat([latents] * 2), t.expand(2), embeds).chunk(2)
        latents = scheduler.step(negative + GUIDANCE * (positive - negative), t, latents, return_dict=False)[0]
    frames = decoder(latents)
    return ((frames[0].permute(1, 2, 3, 0) / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


print("ready", torch.__version__, flush=True)
for seed, _ in enumerate(sys.stdin):
    started = time.perf_counter()
    assert clip(seed).shape == (16, 256, 256, 3)
    print((time.perf_counter() - started) * 1000, flush=True)
