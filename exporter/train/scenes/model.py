"""The networks of the bundled model, and its linear codec.

Lineage: latent DiT with adaLN (Peebles & Xie 2023; one shared modulation as in PixArt, Chen et al. 2023), flow matching (Lipman et al.
2023) with the preconditioning of EDM (Karras et al. 2022) worked out for the straight path, few wide tokens and a timestep per latent
frame as in LTX-Video, a first latent frame that is one picture as in Wan.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from .tokens import MAX_TOKENS, START

FRAMES, PIXELS, COARSE = 25, 256, 32
BLOCK_T, BLOCK_S = 6, 8  # a latent token covers 6 frames of an 8x8 block of the 32x32 clip; those of the first latent frame one
GRID = COARSE // BLOCK_S
SLOTS = 1 + (FRAMES - 1) // BLOCK_T
CELLS = GRID * GRID
TOKENS = SLOTS * CELLS
CHANNELS = 224
TEXT_WIDTH = 128
MARGIN = 2  # coarse pixels the decoder sees around a window
ALIKE = 0.05  # rms difference, in -1..1, at which two moments of a place count a third of one another


class Codec(nn.Module):
    """PCA of blocks: latent [B, C, T, H, W] <-> coarse clip [B, 25, 3, 32, 32] in -1..1. Fitted, not trained.

    Two of them: one for the first frame alone, so that a picture can be given, one for six frames. Half-whitened: the latent's std
    is sqrt(s / 0.4), so strong channels stay strong. The first frame's blocks have 192 numbers; its channels above are zero.
    """

    def __init__(self):
        super().__init__()
        for name, frames in (("first", 1), ("next", BLOCK_T)):
            size = 3 * frames * BLOCK_S**2
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_basis", torch.zeros(CHANNELS, size))
            self.register_buffer(f"{name}_scale", torch.ones(CHANNELS))

    @staticmethod
    def blocks(coarse):
        """[B, F, 3, 32, 32] -> [B, 1, cells, 192] and [B, slots - 1, cells, 1152]"""
        b = coarse.shape[0]
        cut = lambda x, t: x.reshape(b, -1, t, 3, GRID, BLOCK_S, GRID, BLOCK_S).permute(0, 1, 4, 6, 2, 3, 5, 7).reshape(b, -1, CELLS, 3 * t * BLOCK_S**2)
        return cut(coarse[:, :1], 1), cut(coarse[:, 1:], BLOCK_T)

    @staticmethod
    def unblocks(first, following):
        b = first.shape[0]
        join = lambda x, t: x.reshape(b, -1, GRID, GRID, t, 3, BLOCK_S, BLOCK_S).permute(0, 1, 4, 5, 2, 6, 3, 7).reshape(b, -1, 3, COARSE, COARSE)
        return torch.cat([join(first, 1), join(following, BLOCK_T)], 1)

    def fit(self, coarse):
        """Returns the share of variance kept by either."""
        kept = []
        for name, part in zip(("first", "next"), self.blocks(coarse)):
            rows = part.reshape(-1, part.shape[-1])
            mean = rows.mean(0)
            values, vectors = torch.linalg.eigh(torch.cov((rows - mean).T))
            order = values.argsort(descending=True)[:CHANNELS]
            std, n = values[order].clamp_min(1e-8).sqrt(), len(order)
            getattr(self, f"{name}_mean").copy_(mean), getattr(self, f"{name}_basis")[:n].copy_(vectors[:, order].T)
            getattr(self, f"{name}_scale")[:n].copy_((std / 0.4).sqrt() / std)
            kept.append(float(values[order].sum() / values.sum()))
        return kept

    def encode(self, coarse):
        first, following = self.blocks(coarse)
        tokens = torch.cat([(first - self.first_mean) @ self.first_basis.T * self.first_scale,
                            (following - self.next_mean) @ self.next_basis.T * self.next_scale], 1)
        return tokens.permute(0, 3, 1, 2).reshape(-1, CHANNELS, SLOTS, GRID, GRID)

    def decode(self, latent):
        tokens = latent.flatten(3).permute(0, 2, 3, 1)
        first = tokens[:, :1] / self.first_scale @ self.first_basis + self.first_mean
        following = tokens[:, 1:] / self.next_scale @ self.next_basis + self.next_mean
        return self.unblocks(first, following)


class Encoder(nn.Module):
    """sample [B, 3, 25, 256, 256] in -1..1 -> latent_parameters [B, 2C, 5, 4, 4]: mean, and a log variance of nothing."""

    def __init__(self, codec):
        super().__init__()
        self.codec = codec

    def forward(self, sample):
        frames = sample.transpose(1, 2).reshape(-1, 3, PIXELS, PIXELS)
        coarse = F.avg_pool2d(frames, PIXELS // COARSE).reshape(-1, FRAMES, 3, COARSE, COARSE)
        mean = self.codec.encode(coarse)
        return torch.cat([mean, torch.full_like(mean, -30.0)], 1)


class Norm(nn.Module):
    """RMS norm of a head's queries or keys, in float32, with a weight."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        y = x.float()
        return (y * torch.rsqrt(y.square().mean(-1, keepdim=True) + 1e-6)).to(x.dtype) * self.weight.to(x.dtype)


def attend(q, k, v, heads, bias=None, norm_q=None, norm_k=None):
    split = lambda x: x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
    q, k, v = split(q), split(k), split(v)
    if norm_q is not None:
        q, k = norm_q(q), norm_k(k)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # on CPUs faster than torch's fused attention, whose gradient is slow
    out = (scores if bias is None else scores + bias).softmax(-1).to(v.dtype) @ v
    return out.transpose(1, 2).flatten(2)


class TextEncoder(nn.Module):
    """input_ids [B, 40] -> [B, 40, 128], rows of padding zeroed. The first three carry the scene and either object."""

    def __init__(self, words, layers=3, heads=4):
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
        x = self.words(input_ids) + self.places[: input_ids.shape[1]]
        for layer in self.layers:
            x = x + layer["out"](attend(*layer["qkv"](layer["norm1"](x)).chunk(3, -1), self.heads, bias))
            x = x + layer["down"](F.gelu(layer["up"](layer["norm2"](x)), approximate="tanh"))
        return self.norm(x) * real[..., None]


class Block(nn.Module):
    def __init__(self, width, heads, cross):
        super().__init__()
        self.heads, self.cross = heads, cross
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm_q, self.norm_k = Norm(width // heads), Norm(width // heads)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        # added to the modulation all blocks share: shift, scale, gate of attention, then of the MLP
        self.offset = nn.Parameter(torch.tensor([0.0, 0.0, 0.3, 0.0, 0.0, 0.3])[:, None].repeat(1, width))
        if cross:
            self.norm3 = nn.LayerNorm(width)
            self.cross_q, self.cross_kv = nn.Linear(width, width), nn.Linear(TEXT_WIDTH, 2 * width)
            self.cross_norm_q, self.cross_norm_k = Norm(width // heads), Norm(width // heads)
            self.cross_out = nn.Linear(width, width)

    def forward(self, x, modulation, text):
        """x [B, TOKENS, W]; modulation [B, SLOTS, 6, W], one row for the tokens of a latent frame."""
        rows = (modulation + self.offset).to(x.dtype)
        shift1, scale1, gate1, shift2, scale2, gate2 = (r.unsqueeze(2) for r in rows.unbind(2))
        slots = lambda y: y.reshape(-1, SLOTS, CELLS, y.shape[-1])
        y = (slots(self.norm1(x)) * (1 + scale1) + shift1).flatten(1, 2)
        y = attend(*self.qkv(y).chunk(3, -1), self.heads, None, self.norm_q, self.norm_k)
        x = x + (gate1 * slots(self.out(y))).flatten(1, 2)
        if self.cross:
            k, v = self.cross_kv(text).chunk(2, -1)
            x = x + self.cross_out(attend(self.cross_q(self.norm3(x)), k, v, self.heads, None, self.cross_norm_q, self.cross_norm_k))
        y = (slots(self.norm2(x)) * (1 + scale2) + shift2).flatten(1, 2)
        return x + (gate2 * slots(self.down(F.gelu(self.up(y), approximate="tanh")))).flatten(1, 2)


class Denoiser(nn.Module):
    """(hidden_states [B, C, T, H, W], timestep [B, T] in 0..1000, encoder_hidden_states [B, 40, 128]) -> velocity, same shape.

    A timestep per latent frame: image-to-video holds the first at the picture, at 0. x_t = (1 - t) x0 + t e and v = e - x0. With g the
    latent's std per channel and var = (1-t)^2 g^2 + t^2, the network F sees x / sqrt(var) and v = (t - (1-t) g^2) / var * x +
    sqrt(g^2 / var) * F, so that F's input and target have unit variance.
    """

    def __init__(self, width=256, depth=6, heads=4):
        super().__init__()
        self.register_buffer("std", torch.ones(2, CHANNELS))  # of the first latent frame, of the others
        self.enter, self.leave = nn.Linear(CHANNELS, width), nn.Linear(width, CHANNELS)
        self.enter_first, self.leave_first = nn.Linear(CHANNELS, width), nn.Linear(width, CHANNELS)
        self.places = nn.Parameter(torch.randn(TOKENS, width) * 0.02)
        self.time1, self.time2 = nn.Linear(128, width), nn.Linear(width, width)
        self.pooled = nn.Linear(len(START) * TEXT_WIDTH, width)
        self.modulate = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(width, heads, cross=i % 3 == 1) for i in range(depth))
        self.norm, self.modulate_last = nn.LayerNorm(width), nn.Linear(width, 2 * width)
        for layer in (self.leave, self.leave_first, self.modulate, self.modulate_last):
            nn.init.zeros_(layer.weight), nn.init.zeros_(layer.bias)

    def forward(self, hidden_states, timestep, encoder_hidden_states):
        b = hidden_states.shape[0]
        t = (timestep.float() / 1000).clamp(1e-3, 1).reshape(-1, SLOTS, 1)
        angles = t * 1000 * torch.exp(-math.log(10000) * torch.arange(64, device=t.device) / 64)
        cond = self.time2(F.silu(self.time1(torch.cat([angles.cos(), angles.sin()], -1))))
        cond = F.silu(cond + self.pooled(encoder_hidden_states[:, : len(START)].flatten(1))[:, None])
        modulation = self.modulate(cond).reshape(b, SLOTS, 6, -1)

        t = t[:, :, None]
        g2 = torch.cat([self.std[:1], self.std[1:].expand(SLOTS - 1, -1)])[None, :, None].square()
        var = (1 - t).square() * g2 + t.square()
        x = hidden_states.flatten(3).permute(0, 2, 3, 1)  # [B, SLOTS, CELLS, C]
        y = x * var.rsqrt()
        y = torch.cat([self.enter_first(y[:, :1]), self.enter(y[:, 1:])], 1).flatten(1, 2) + self.places
        for block in self.blocks:
            y = block(y, modulation, encoder_hidden_states)
        shift, scale = self.modulate_last(cond)[:, :, None].chunk(2, -1)
        y = self.norm(y).reshape(b, SLOTS, CELLS, -1) * (1 + scale) + shift
        f = torch.cat([self.leave_first(y[:, :1]), self.leave(y[:, 1:])], 1).float()
        v = (t - (1 - t) * g2) / var * x + (g2 / var).sqrt() * f
        return v.permute(0, 3, 1, 2).reshape(hidden_states.shape)


class Decoder(nn.Module):
    """latent_sample [B, C, 5, 4, 4] -> sample [B, 3, 25, 256, 256] in -1..1: inverse PCA, then a small 8x upscaling net.

    The net sees six frames, and the one before and the one behind them, and draws the six.
    """

    def __init__(self, codec, width=56, depth=4):
        super().__init__()
        self.codec, self.alike = codec, ALIKE
        self.enter = nn.Conv2d(3 * (BLOCK_T + 2), width, 3, padding=1)
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

    @staticmethod
    def groups(coarse):
        """[B, 25, 3, h, w] -> [B, SLOTS, 8, 3, h, w]: the first frame stands for all of its group; neighbours on both sides."""
        b, _, _, h, w = coarse.shape
        first = coarse[:, :1].expand(-1, BLOCK_T + 2, -1, -1, -1)[:, None]
        padded = torch.cat([coarse, coarse[:, -1:]], 1)  # frame f is at f; a group begins at 1 + 6k, its neighbour before is 6k
        rest = [padded[:, None, BLOCK_T * k: BLOCK_T * k + BLOCK_T + 2] for k in range(SLOTS - 1)]
        return torch.cat([first, *rest], 1)

    def slots(self, seen):
        """[N, 24, h, w] (8 frames x RGB) -> [N, 18, 8h, 8w]"""
        x = F.gelu(self.enter(seen * 2), approximate="tanh")
        for a, b in self.hidden:
            x = x + b(F.gelu(a(x), approximate="tanh"))
        fine = self.up2(F.gelu(F.pixel_shuffle(self.up1(x), 4), approximate="tanh"))
        return F.interpolate(seen[:, 3:-3], scale_factor=8, mode="bilinear", align_corners=False) + F.pixel_shuffle(fine, 2)

    def steady(self, coarse, clip):
        """Non-local means over time: every cell of 8x8 pixels is the mean of the cells at its place in all frames, weighted by how alike the
        3x3 coarse pixels about them are. A ground that stands still stays the same across latent frames; what moves meets few like itself.

        coarse [B, 25, 3, 32, 32], clip [B, 25, 3, 256, 256] -> clip
        """
        b, side = clip.shape[0], PIXELS // COARSE
        apart = (coarse[:, :, None] - coarse[:, None]).square().mean(3).flatten(1, 2)
        apart = F.avg_pool2d(F.pad(apart, (1, 1, 1, 1), mode="replicate"), 3, 1)
        weights = torch.exp(-apart / self.alike**2).reshape(b, FRAMES, FRAMES, COARSE, COARSE)
        weights = (weights / weights.sum(2, keepdim=True)).permute(0, 3, 4, 1, 2)
        cells = clip.reshape(b, FRAMES, 3, COARSE, side, COARSE, side).permute(0, 3, 5, 1, 2, 4, 6).reshape(b, COARSE, COARSE, FRAMES, 3 * side**2)
        return (weights @ cells).reshape(b, COARSE, COARSE, FRAMES, 3, side, side).permute(0, 3, 4, 1, 5, 2, 6).reshape(clip.shape)

    def forward(self, latent_sample):
        b, coarse = latent_sample.shape[0], self.codec.decode(latent_sample)
        seen = self.groups(coarse).reshape(b * SLOTS, -1, COARSE, COARSE)
        # As in training, the net's zero padding lies MARGIN pixels outside of what is shown: no frame around the picture.
        edge = MARGIN * PIXELS // COARSE
        wide = self.slots(F.pad(seen, (MARGIN,) * 4, mode="replicate"))[..., edge:-edge, edge:-edge]
        wide = wide.reshape(b, SLOTS, BLOCK_T, 3, PIXELS, PIXELS)
        clip = torch.cat([wide[:, 0, :1], wide[:, 1:].flatten(1, 2)], 1)
        return self.steady(coarse, clip).clamp(-1, 1).transpose(1, 2)
