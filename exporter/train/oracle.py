"""Reads color, shape, motion and background back from pixels. It knows the palettes and outlines, never the prompt."""

import numpy as np

import world

_GRID = 48
_ANGLES = np.deg2rad(np.arange(0, 360, 15))


def _normalised(mask: np.ndarray) -> np.ndarray:
    """Mask resampled to a fixed grid, centred on its centroid and scaled to a fixed area."""
    ys, xs = np.nonzero(mask)
    side = np.sqrt(len(ys)) * 1.9
    steps = ((np.arange(_GRID) + 0.5) / _GRID - 0.5) * side
    iy = np.clip(np.round(ys.mean() + steps), 0, mask.shape[0] - 1).astype(int)
    ix = np.clip(np.round(xs.mean() + steps), 0, mask.shape[1] - 1).astype(int)
    return mask[iy[:, None], ix[None, :]]


def _templates() -> dict[str, np.ndarray]:
    grid = (np.arange(192) + 0.5) / 192 * 3 - 1.5
    found = {}
    for name in world.SHAPES:
        turned = []
        for angle in _ANGLES:
            c, s = np.cos(angle), np.sin(angle)
            x, y = np.meshgrid(grid, grid)
            turned.append(_normalised(world.shape_distance(name, c * x + s * y, c * y - s * x) < 0))
        found[name] = np.stack(turned)
    return found


_TEMPLATES = _templates()


def _overlap(mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    both = (mask & others).sum((-1, -2))
    return both / np.maximum((mask | others).sum((-1, -2)), 1)


def _masks(clip: np.ndarray):
    """Object masks [F, H, W] and background color [3]; the ground of each row is read off the frame's edges."""
    frames, height, width, _ = clip.shape
    strip = max(2, width // 40)
    edges = np.concatenate([clip[:, :, :strip], clip[:, :, -strip:]], 2)
    rows = np.median(edges.transpose(1, 0, 2, 3).reshape(height, -1, 3), 1)
    away = np.linalg.norm(clip - rows[None, :, None], axis=-1)
    masks = away > 0.5 * max(0.16, float(np.quantile(away, 0.985)))
    middle = np.median(rows[height // 2 - height // 16: height // 2 + height // 16], 0)
    return masks, middle


def _nearest(rgb: np.ndarray, palette: dict) -> str:
    values = np.array(list(palette.values()), np.float32) / 255
    return list(palette)[int(np.argmin(np.linalg.norm(values - rgb, axis=1)))]


def read(clip: np.ndarray) -> dict[str, str]:
    """clip: float RGB 0..1, [F, H, W, 3]. Returns a name per attribute; 'none' where nothing can be read."""
    masks, ground = _masks(clip)
    area = masks.reshape(len(masks), -1).mean(1)
    answer = {"background": _nearest(ground, world.BACKGROUNDS), "color": "none", "shape": "none", "motion": "none"}
    seen = area > 0.004
    if seen.sum() < len(masks) * 0.75:
        return answer
    inner = np.stack([np.median(clip[f][masks[f]], 0) for f in np.nonzero(seen)[0]])
    answer["color"] = _nearest(np.median(inner, 0), world.COLORS)

    small = {f: _normalised(masks[f]) for f in np.nonzero(seen)[0]}
    score = {name: np.mean([_overlap(m, t).max() for m in small.values()]) for name, t in _TEMPLATES.items()}
    answer["shape"] = max(score, key=score.get)
    answer["motion"] = _motion(masks, seen, area, small, answer["shape"])
    return answer


def _motion(masks, seen, area, small, shape) -> str:
    index = np.nonzero(seen)[0]
    size = masks.shape[1]
    cy = np.array([np.nonzero(masks[f])[0].mean() for f in index]) / size
    cx = np.array([np.nonzero(masks[f])[1].mean() for f in index]) / size
    wide, tall = np.ptp(cx), np.ptp(cy)
    if max(wide, tall) > 0.12:
        if min(wide, tall) > 0.45 * max(wide, tall):
            return "orbit"
        if wide > tall:
            return "right" if cx[-2:].mean() > cx[:2].mean() else "left"
        ends, middle = (cy[:2].mean() + cy[-2:].mean()) / 2, cy[len(cy) // 2 - 1: len(cy) // 2 + 1].mean()
        if abs(cy[-2:].mean() - cy[:2].mean()) < 0.5 * tall:
            return "bounce" if middle > ends else "none"
        return "down" if cy[-1] > cy[0] else "up"
    a = area[index]
    if a[-3:].mean() > 1.6 * a[:3].mean():
        return "grow"
    turns = [_ANGLES[int(_overlap(small[f], _TEMPLATES[shape]).argmax())] for f in index]
    fold = {"square": 4, "triangle": 3, "star": 5, "heart": 1}.get(shape)
    if fold is None:
        return "none"
    period = 2 * np.pi / fold
    steps = (np.diff(turns) + period / 2) % period - period / 2
    return "spin" if abs(steps.sum()) > np.deg2rad(60) else "none"


def truth(clip: world.Clip) -> dict[str, str]:
    return {
        "color": world.COLOR_NAMES[clip.color], "shape": world.SHAPES[clip.shape],
        "motion": world.MOTIONS[clip.motion], "background": world.BACKGROUND_NAMES[clip.background],
    }
