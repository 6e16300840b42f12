"""Sampling with the torch networks, as the runtime does it with the exported ones."""

import numpy as np
import torch
import torch.nn.functional as F

from . import tokens
from .model import CHANNELS, GRID, SLOTS

SHIFT = 3.0


def timesteps(steps: int, shift: float = SHIFT) -> np.ndarray:
    """FlowMatchEulerDiscrete as diffusers has it: the smallest sigma is shifted once before the schedule is, so twice in all."""
    shifted = lambda s: shift * s / (1 + (shift - 1) * s)
    return np.append(shifted(np.linspace(1.0, shifted(1 / 1000), steps)), 0.0).astype(np.float32)


def noise(seeds: list[int]) -> torch.Tensor:
    return torch.cat([torch.randn((1, CHANNELS, SLOTS, GRID, GRID), generator=torch.Generator().manual_seed(s)) for s in seeds])


def velocity(net, x, t, texts, nothing, guidance: float):
    """t [B, SLOTS] in 0..1; one run without guidance, a batch of both with."""
    if guidance == 1:
        return net(x, t * 1000, texts).float()
    both = net(torch.cat([x, x]), torch.cat([t, t]) * 1000, torch.cat([nothing, texts])).float()
    unconditional, conditional = both.chunk(2)
    return unconditional + guidance * (conditional - unconditional)


@torch.no_grad()
def latents(net, encoder, texts: list[str], seeds: list[int], steps: int, guidance: float, autocast, first=None):
    """`first` [B, C, 1, h, w]: the latent of a picture that stays as it is."""
    device = next(net.parameters()).device
    ids = torch.tensor([tokens.encode(t) for t in texts], device=device)
    embeds, nothing = encoder(ids), encoder(torch.tensor([tokens.encode("")] * len(texts), device=device))
    x, sigmas = noise(seeds).to(device), timesteps(steps)
    for now, following in zip(sigmas[:-1], sigmas[1:]):
        t = torch.full((len(texts), SLOTS), float(now), device=device)
        if first is not None:
            x[:, :, :1], t[:, 0] = first, 0.0
        with autocast():
            x = x + float(following - now) * velocity(net, x, t, embeds, nothing, guidance)
    if first is not None:
        x[:, :, :1] = first
    return x


def rough_clips(codec, x) -> np.ndarray:
    """Clips [B, 25, 128, 128, 3] in 0..1 without a trained decoder."""
    coarse = codec.decode(x.float().cpu())
    b, f = coarse.shape[:2]
    wide = F.interpolate(coarse.flatten(0, 1), size=(128, 128), mode="bicubic", align_corners=False).clamp(-1, 1)
    return (wide.reshape(b, f, 3, 128, 128).permute(0, 1, 3, 4, 2).numpy() + 1) / 2
