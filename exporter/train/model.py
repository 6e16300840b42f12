"""The three networks of the bundled model, and its linear codec.

Lineage: latent DiT with adaLN (Peebles & Xie 2023), flow matching (Lipman et al. 2023) with the preconditioning of EDM
(Karras et al. 2022) worked out for the straight path, QK-normalisation and few wide tokens as in LTX-Video.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

FRAMES, COARSE, BLOCK_T, BLOCK_S = 16, 32, 4, 8  # a latent token covers 4 frames of an 8x8 block of the 32x32 clip
GRID = COARSE // BLOCK_S
SLOTS = FRAMES // BLOCK_T
TOKENS = SLOTS * GRID * GRID
BLOCK = 3 * BLOCK_T * BLOCK_S * BLOCK_S
CHANNELS = 96
PIXELS = 256
MARGIN = 2  # coarse pixels the decoder sees around a window
TEXT_WIDTH, MAX_TOKENS = 128, 24
LABELS = (8, 6, 8, 8, 3, 2)  # color, shape, motion, background, size, gradient


class Codec(nn.Module):
    """PCA of 4x8x8 blocks: latent [B, C, T, H, W] <-> coarse clip [B, 16, 3, 32, 32] in -1..1. Fitted, not trained."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(BLOCK))
        self.register_buffer("basis", torch.zeros(CHANNELS, BLOCK))
        self.register_buffer("scale", torch.ones(CHANNELS))  # latent = coefficient * scale

    @staticmethod
    def blocks(coarse):
        """[B, 16, 3, 32, 32] -> [B, TOKENS, BLOCK]"""
        b = coarse.shape[0]
        x = coarse.reshape(b, SLOTS, BLOCK_T, 3, GRID, BLOCK_S, GRID, BLOCK_S)
        return x.permute(0, 1, 4, 6, 2, 3, 5, 7).reshape(b, TOKENS, BLOCK)

    @staticmethod
    def unblocks(blocks):
        b = blocks.shape[0]
        x = blocks.reshape(b, SLOTS, GRID, GRID, BLOCK_T, 3, BLOCK_S, BLOCK_S)
        return x.permute(0, 1, 4, 5, 2, 6, 3, 7).reshape(b, FRAMES, 3, COARSE, COARSE)

    def fit(self, blocks):
        """blocks [N, BLOCK]. Half-whitened: the latent's std is sqrt(s / 0.4), so strong channels stay strong."""
        mean = blocks.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov((blocks - mean).T))
        order = values.argsort(descending=True)[:CHANNELS]
        std = values[order].clamp_min(1e-8).sqrt()
        self.mean.copy_(mean), self.basis.copy_(vectors[:, order].T)
        self.scale.copy_((std / 0.4).sqrt() / std)
        return float(values[order].sum() / values.sum())

    def encode(self, coarse):
        tokens = (self.blocks(coarse) - self.mean) @ self.basis.T * self.scale
        return tokens.transpose(1, 2).reshape(-1, CHANNELS, SLOTS, GRID, GRID)

    def decode(self, latent):
        tokens = latent.flatten(2).transpose(1, 2) / self.scale
        return self.unblocks(tokens @ self.basis + self.mean)


class Norm(nn.Module):
    """RMS norm of a head's queries or keys, in float32, with a weight."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        y = x.float()
        return (y * torch.rsqrt(y.square().mean(-1, keepdim=True) + 1e-6)).to(x.dtype) * self.weight


class TextEncoder(nn.Module):
    """input_ids [B, 24] -> [B, 24, 128], rows of padding zeroed. The first row carries the whole caption."""

    def __init__(self, words, layers=2, heads=4):
        super().__init__()
        self.heads = heads
        self.words, self.places = nn.Embedding(words, TEXT_WIDTH), nn.Parameter(torch.randn(MAX_TOKENS, TEXT_WIDTH) * 0.02)
        self.layers = nn.ModuleList(
            nn.ModuleDict({
                "norm1": nn.LayerNorm(TEXT_WIDTH), "qkv": nn.Linear(TEXT_WIDTH, 3 * TEXT_WIDTH), "out": nn.Linear(TEXT_WIDTH, TEXT_WIDTH),
                "norm2": nn.LayerNorm(TEXT_WIDTH), "up": nn.Linear(TEXT_WIDTH, 4 * TEXT_WIDTH), "down": nn.Linear(4 * TEXT_WIDTH, TEXT_WIDTH),
            }) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(TEXT_WIDTH)
        nn.init.normal_(self.words.weight, std=0.5)

    def forward(self, input_ids):
        real = (input_ids != 0).float()
        bias = (1 - real)[:, None, None, :] * -1e4
        x = self.words(input_ids) + self.places
        for layer in self.layers:
            x = x + layer["out"](attend(*layer["qkv"](layer["norm1"](x)).chunk(3, -1), self.heads, bias))
            x = x + layer["down"](F.gelu(layer["up"](layer["norm2"](x)), approximate="tanh"))
        return self.norm(x) * real[..., None]


def attend(q, k, v, heads, bias=None, norm_q=None, norm_k=None):
    split = lambda x: x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
    q, k, v = split(q), split(k), split(v)
    if norm_q is not None:
        q, k = norm_q(q), norm_k(k)
    scores = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5)
    if bias is not None:
        scores = scores + bias
    out = scores.float().softmax(-1).to(v.dtype) @ v
    return out.transpose(1, 2).reshape(out.shape[0], -1, heads * out.shape[-1])


class Block(nn.Module):
    def __init__(self, width, heads, cross):
        super().__init__()
        self.heads, self.cross = heads, cross
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm_q, self.norm_k = Norm(width // heads), Norm(width // heads)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.modulate = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.modulate.weight)
        with torch.no_grad():
            self.modulate.bias.copy_(torch.tensor([0.0, 0.0, 0.3, 0.0, 0.0, 0.3]).repeat_interleave(width))
        if cross:
            self.norm3 = nn.LayerNorm(width)
            self.cross_q, self.cross_kv = nn.Linear(width, width), nn.Linear(TEXT_WIDTH, 2 * width)
            self.cross_norm_q, self.cross_norm_k = Norm(width // heads), Norm(width // heads)
            self.cross_out = nn.Linear(width, width)

    def forward(self, x, cond, text):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulate(cond)[:, None].chunk(6, -1)
        q, k, v = self.qkv(self.norm1(x) * (1 + scale1) + shift1).chunk(3, -1)
        x = x + gate1 * self.out(attend(q, k, v, self.heads, None, self.norm_q, self.norm_k))
        if self.cross:
            k, v = self.cross_kv(text).chunk(2, -1)
            x = x + self.cross_out(attend(self.cross_q(self.norm3(x)), k, v, self.heads, None, self.cross_norm_q, self.cross_norm_k))
        return x + gate2 * self.down(F.gelu(self.up(self.norm2(x) * (1 + scale2) + shift2), approximate="tanh"))


class Denoiser(nn.Module):
    """(hidden_states [B, C, T, H, W], timestep [B] in 0..1000, encoder_hidden_states [B, 24, 128]) -> velocity, same shape.

    x_t = (1 - t) x0 + t e and v = e - x0. With g the latent's std per channel and var = (1-t)^2 g^2 + t^2, the network F sees
    x / sqrt(var) and v = (t - (1-t) g^2) / var * x + sqrt(g^2 / var) * F, so that F's input and target have unit variance.
    """

    def __init__(self, width=192, depth=6, heads=4):
        super().__init__()
        self.register_buffer("std", torch.ones(CHANNELS))
        self.width = width
        self.enter, self.leave = nn.Linear(CHANNELS, width), nn.Linear(width, CHANNELS)
        self.places = nn.Parameter(torch.randn(TOKENS, width) * 0.02)
        self.time1, self.time2 = nn.Linear(128, width), nn.Linear(width, width)
        self.pooled = nn.Linear(TEXT_WIDTH, width)
        self.blocks = nn.ModuleList(Block(width, heads, cross=i % 2 == 1) for i in range(depth))
        self.norm, self.modulate = nn.LayerNorm(width), nn.Linear(width, 2 * width)
        for layer in (self.leave, self.modulate):
            nn.init.zeros_(layer.weight), nn.init.zeros_(layer.bias)

    def forward(self, hidden_states, timestep, encoder_hidden_states):
        b, c, t_, h, w = hidden_states.shape
        t = (timestep.float() / 1000).clamp(1e-3, 1).reshape(-1, 1, 1)
        g2 = self.std.square().reshape(1, 1, -1)
        var = (1 - t).square() * g2 + t.square()
        x = hidden_states.flatten(2).transpose(1, 2)
        angles = t.reshape(-1, 1) * 1000 * torch.exp(-math.log(10000) * torch.arange(64, device=x.device) / 64)
        cond = self.time2(F.silu(self.time1(torch.cat([angles.cos(), angles.sin()], -1)))) + self.pooled(encoder_hidden_states[:, 0])
        cond = F.silu(cond)
        y = self.enter(x * var.rsqrt()) + self.places
        for block in self.blocks:
            y = block(y, cond, encoder_hidden_states)
        shift, scale = self.modulate(cond)[:, None].chunk(2, -1)
        f = self.leave(self.norm(y) * (1 + scale) + shift).float()
        v = (t - (1 - t) * g2) / var * x + (g2 / var).sqrt() * f
        return v.transpose(1, 2).reshape(hidden_states.shape)


class Decoder(nn.Module):
    """latent_sample [B, C, 4, 4, 4] -> sample [B, 3, 16, 256, 256] in -1..1: inverse PCA, then a small 8x upscaling net."""

    def __init__(self, codec, width=64, depth=4):
        super().__init__()
        self.codec = codec
        self.enter = nn.Conv2d(3 * BLOCK_T, width, 3, padding=1)
        self.hidden = nn.ModuleList(nn.ModuleList([nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)]) for _ in range(depth))
        self.up1 = nn.Conv2d(width, 24 * 16, 3, padding=1)
        self.up2 = nn.Conv2d(24, 3 * BLOCK_T * 4, 3, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):  # torch's own start is so small that nothing is learned for a thousand steps
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu"), nn.init.zeros_(layer.bias)
        with torch.no_grad():
            for _, second in self.hidden:
                second.weight.mul_(0.3)
        nn.init.zeros_(self.up2.weight)

    def slots(self, coarse):
        """coarse [N, 12, h, w] (4 frames x RGB) -> [N, 12, 8h, 8w]"""
        x = F.gelu(self.enter(coarse * 2), approximate="tanh")
        for a, b in self.hidden:
            x = x + b(F.gelu(a(x), approximate="tanh"))
        fine = self.up2(F.gelu(F.pixel_shuffle(self.up1(x), 4), approximate="tanh"))
        return F.interpolate(coarse, scale_factor=8, mode="bilinear", align_corners=False) + F.pixel_shuffle(fine, 2)

    def forward(self, latent_sample):
        b = latent_sample.shape[0]
        coarse = self.codec.decode(latent_sample).reshape(b * SLOTS, BLOCK_T * 3, COARSE, COARSE)
        # As in training, the net's zero padding lies MARGIN pixels outside of what is shown: no frame around the picture.
        edge = MARGIN * PIXELS // COARSE
        wide = self.slots(F.pad(coarse, (MARGIN,) * 4, mode="replicate"))
        clip = wide[..., edge:-edge, edge:-edge].reshape(b, FRAMES, 3, PIXELS, PIXELS)
        return clip.clamp(-1, 1).transpose(1, 2)
