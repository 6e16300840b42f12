"""What may be wrong with a clip, in whole numbers, so that the oracles of both sides can be asked about the very same bytes.

test/evaluation/world/damaged.ts is the other side.
"""

import numpy as np

KINDS = ("noise 12", "noise 48", "blocks 4", "blocks 8", "ghost", "smear", "dim", "gray", "swapped", "mirrored", "reversed", "frozen", "short", "blank")


def damaged(kind: str, clip: np.ndarray, other: np.ndarray, seed: int) -> np.ndarray:
    """clip, other: uint8 [F, H, W, 3] of one size; `other` is a second clip, for what mixes two."""
    values, (name, _, amount) = clip.astype(np.int64), kind.partition(" ")
    if name == "noise":
        spread = 2 * int(amount) + 1
        values = values + (_hashes(clip.size, seed).astype(np.int64) * spread >> 16).reshape(clip.shape) - int(amount)
    elif name == "blocks":
        k, (f, h, w, _) = int(amount), clip.shape
        means = values.reshape(f, h // k, k, w // k, k, 3).sum((2, 4)) // (k * k)
        values = means.repeat(k, 1).repeat(k, 2)
    elif name == "ghost":
        values = (3 * values + 2 * other.astype(np.int64)) // 5
    elif name == "smear":  # every frame with the one before
        values = (values + values[[0, *range(len(values) - 1)]]) // 2
    elif name == "dim":
        values = values * 7 // 10
    elif name == "gray":  # half of the color is gone
        values = (values + values.sum(-1, keepdims=True) // 3) // 2
    elif name == "swapped":
        values = values[..., ::-1]
    elif name == "mirrored":
        values = values[:, :, ::-1]
    elif name == "reversed":
        values = values[::-1]
    elif name == "frozen":
        values = values[[0] * len(values)]
    elif name == "short":  # 16 frames of another rate
        values = values[np.arange(16) * 24 // 15]
    elif name == "blank":
        values = values * 0 + 127
    return values.clip(0, 255).astype(np.uint8)


def _hashes(count: int, seed: int) -> np.ndarray:
    """16 bits for every value, of its place and the seed."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed)
    for turn, factor in ((15, 0x85EBCA77), (13, 0xC2B2AE3D)):
        x = (x ^ (x >> np.uint32(turn))) * np.uint32(factor)
    return x >> np.uint32(16)
