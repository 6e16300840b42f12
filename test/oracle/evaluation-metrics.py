"""What other libraries make of the metrics of `reelay eval`, for test/evaluation/metrics.test.ts.

    python test/oracle/evaluation-metrics.py   (numpy 2.4.6, scipy 1.17.1, scikit-image 0.26.0, torch 2.15.0, pytorch-msssim 1.0.0)

writes test/evaluation/fixtures/metrics.json. The clips are whole-number arithmetic and noise of a linear congruential generator
(Numerical Recipes' constants), so that test/evaluation/made-clips.ts makes the same bytes.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from pytorch_msssim import ms_ssim
from pytorch_msssim.ssim import _fspecial_gauss_1d, _ssim
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.registration import optical_flow_tvl1

SIZES = ((4, 176, 192), (8, 64, 96))
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SEED = 20_240_731


def noise(count: int, seed: int, levels: int) -> np.ndarray:
    state = seed
    values = np.empty(count, dtype=np.int64)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = (state >> 24) * (2 * levels + 1) // 256 - levels
    return values


def disc(frames: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A textured disc that moves by (2, 1) pixels a frame over a textured ground that stands; and where it is."""
    t, y, x, c = np.ogrid[:frames, :height, :width, :3]
    u, v = x - (width // 4 + 2 * t), y - (height // 2 + t)
    inside = u * u + v * v < (height // 6) ** 2
    ground = 40 + np.abs((3 * x + 2 * y + (x * x >> 5)) % 100 - 50) + 20 * c
    face = 120 + (u * u + 3 * v + 10_000) % 60 + 10 * c
    return np.where(inside, face, ground).astype(np.uint8), np.broadcast_to(inside, (frames, height, width, 1))[..., 0]


def disturbed(clip: np.ndarray, seed: int, levels: int) -> np.ndarray:
    values = clip.astype(np.int64) + noise(clip.size, seed, levels).reshape(clip.shape)
    values[..., 0] += 3
    return np.clip(values, 0, 255).astype(np.uint8)


def luma(clip: np.ndarray) -> np.ndarray:
    return clip.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
    return float(np.mean([structural_similarity(p, q, **options) for p, q in zip(a, b)]))


def multiscale(a: np.ndarray, b: np.ndarray) -> float:
    """pytorch-msssim; below its least size its own parts, with as many scales as have a window."""
    x, y = (torch.from_numpy(v)[:, None] for v in (a, b))
    scales = sum(min(a.shape[1:]) // 2**i >= 11 for i in range(5))
    if scales == 5:
        return float(ms_ssim(x, y, data_range=255))
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    window = _fspecial_gauss_1d(11, 1.5)[None].double()
    total = 1.0
    for scale, weight in enumerate(weights):
        both, contrast = _ssim(x, y, data_range=255, win=window)
        total = total * torch.relu(both if scale == scales - 1 else contrast) ** weight
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return float(total.mean())


def warp_errors(clip: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    """With the true motion, where a pixel is seen in both frames; and with TV-L1's, everywhere but a border."""
    y = luma(clip)
    true, tvl1 = [], []
    for t in range(1, len(y)):
        shifted = np.roll(y[t - 1], (1, 2), (0, 1))
        was = np.roll(inside[t - 1], (1, 2), (0, 1))
        moved, stood = inside[t] & was, ~inside[t] & ~inside[t - 1]
        true.append(np.concatenate([np.abs(y[t] - shifted)[moved], np.abs(y[t] - y[t - 1])[stood]]))
        flow = optical_flow_tvl1(y[t], y[t - 1])
        rows, columns = np.mgrid[: y.shape[1], : y.shape[2]].astype(float)
        warped = ndimage.map_coordinates(y[t - 1], [rows + flow[0], columns + flow[1]], order=1, mode="nearest")
        tvl1.append(np.abs(y[t] - warped)[4:-4, 4:-4].ravel())
    return {"true": float(np.concatenate(true).mean()), "tvl1": float(np.concatenate(tvl1).mean())}


def sharpness(clip: np.ndarray) -> float:
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    edges = [ndimage.convolve(plane, kernel)[1:-1, 1:-1] for plane in luma(clip)]
    return float(np.mean([edge.var() for edge in edges]))


def features(clip: np.ndarray) -> list[float]:
    generator = torch.Generator().manual_seed(SEED)
    first = torch.randn(16, 3, 3, 5, 5, generator=generator) * (2 / (3 * 3 * 25)) ** 0.5
    first[8:] = 4 * (first[8:] - first[8:].mean(dim=2, keepdim=True))
    second = torch.randn(32, 8, 3, 3, 3, generator=generator) * (2 / (8 * 27)) ** 0.5
    x = torch.from_numpy(clip).permute(0, 3, 1, 2).double() / 127.5 - 1
    x = F.adaptive_avg_pool2d(x, 32).permute(1, 0, 2, 3)[None].float()
    x = F.relu(F.conv3d(x, first, stride=(1, 2, 2), padding=(1, 2, 2)))
    x = F.relu(F.conv3d(x, second, stride=2, padding=1, groups=2))
    return x.mean(dim=(0, 2, 3, 4)).tolist()


def uniforms(count: int, seed: int) -> np.ndarray:
    state = seed
    values = np.empty(count)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = (state >> 8) / 2**24
    return values


def frechet(clips: int) -> float:
    """The root's trace as the nuclear norm of the product of both data matrices, which needs no root at all."""
    a = uniforms(clips * 32, 1).reshape(clips, 32)
    b = uniforms(clips * 32, 2).reshape(clips, 32) * 1.5 + 0.01 * np.arange(32)
    centred = [(s - s.mean(0)) / (clips - 1) ** 0.5 for s in (a, b)]
    shared = np.linalg.norm(centred[0] @ centred[1].T, "nuc")
    spread = sum(float((s * s).sum()) for s in centred)
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + spread - 2 * shared)


def main() -> None:
    cases = []
    for frames, height, width in SIZES:
        clip, inside = disc(frames, height, width)
        other = disturbed(clip, 7, 12)
        y = luma(clip)
        cases.append(
            {
                **{"frames": frames, "height": height, "width": width},
                "sum": int(clip.astype(np.int64).sum()),
                "otherSum": int(other.astype(np.int64).sum()),
                "psnr": float(peak_signal_noise_ratio(clip, other, data_range=255)),
                "ssim": ssim(y, luma(other)),
                "colorSsim": float(np.mean([ssim(clip[..., c].astype(float), other[..., c].astype(float)) for c in range(3)])),
                "msSsim": multiscale(y, luma(other)),
                "flicker": float(np.abs(np.diff(y, axis=0)).mean()),
                "flickerSecond": float(np.abs(np.diff(y, n=2, axis=0)).mean()),
                "sharpness": sharpness(clip),
                "warp": warp_errors(other, inside),
                "features": features(clip),
            }
        )
    out = {"cases": cases, "frechet": [{"clips": clips, "distance": frechet(clips)} for clips in (10, 64)]}
    path = Path(__file__).parents[1] / "evaluation" / "fixtures" / "metrics.json"
    path.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
