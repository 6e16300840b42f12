"""Reads ground, camera, number and places of the objects, and color, shape and motion of each back from pixels.

It knows the palettes, the outlines and the scenes, never the prompt. The ground is the nearest of prototypes, compared where they agree
best; an object is what has no color of that ground; its outline is compared with templates, its way is measured with the camera's undone.
"""

import functools

import numpy as np

from . import grounds, shapes, world

_SIDE, _GRID, _THUMB = 128, 48, 32
_ANGLES = np.deg2rad(np.arange(0, 360, 15))
_UPRIGHT = ("ball", "ring", "boat", "balloon", "car")
_FOLD = {"square": 4, "triangle": 3, "star": 5, "heart": 1, "moon": 1}
_MOMENTS = np.array([0, 12, 24])
_BINS, _NEAR, _TIE = 32, 30.0, 0.01


def _normalised(mask: np.ndarray) -> np.ndarray:
    """Mask resampled to a fixed grid, centred on its centroid and scaled to a fixed area."""
    ys, xs = np.nonzero(mask)
    steps = ((np.arange(_GRID) + 0.5) / _GRID - 0.5) * np.sqrt(len(ys)) * 1.9
    iy, ix = (np.round(v.mean() + steps).astype(int) for v in (ys, xs))
    inside = ((iy >= 0) & (iy < mask.shape[0]))[:, None] & ((ix >= 0) & (ix < mask.shape[1]))[None]
    return mask[iy.clip(0, mask.shape[0] - 1)[:, None], ix.clip(0, mask.shape[1] - 1)[None]] & inside


@functools.lru_cache(None)
def _templates() -> dict[str, np.ndarray]:
    x, y = np.meshgrid(*[(np.arange(192) + 0.5) / 192 * 3 - 1.5] * 2)
    found = {}
    for name in world.SHAPES:
        turned = [(np.cos(a), np.sin(a)) for a in (_ANGLES if name not in _UPRIGHT else _ANGLES[:1])]
        found[name] = [_normalised(shapes.distance(name, c * x + s * y, c * y - s * x) < 0) for c, s in turned]
        part = shapes.plain_part(name, x, y)
        found[name] = np.stack(found[name] + ([_normalised(part < 0)] if part is not None else []))
    return found


def _empty(background: int, layout: int, shift: float, gradient=0, camera=0) -> world.Clip:
    return world.Clip((), 0, background, gradient, camera, layout, shift)


def _thumbnails(clip: np.ndarray) -> np.ndarray:
    """[F, H, W, 3] -> [F, 32, 32, 3]"""
    f, h, w, _ = clip.shape
    return clip.reshape(f, _THUMB, h // _THUMB, _THUMB, w // _THUMB, 3).mean((2, 4))


@functools.lru_cache(None)
def _grounds():
    """Prototypes without objects: the frame in the middle, and whose they are."""
    pictures, names = [], []
    for b, name in enumerate(world.BACKGROUNDS):
        plain = name in grounds.PLAIN
        for layout in range(2 if plain else grounds.LAYOUTS):
            for shift in (0.0,) if plain else (-0.1, 0.0, 0.1):
                clip = _empty(b, layout, shift, layout if plain else 0)
                pictures.append(world.render(clip, _THUMB, np.array([12]))[0])
                names.append(b)
    return np.stack(pictures), np.array(names)


@functools.lru_cache(None)
def _colors(background: int) -> np.ndarray:
    """Every color of a ground, in shadow or not, widened by _NEAR: a table over 32^3 colors."""
    clips = [_empty(background, i, 0.0, i) for i in (0, 1)] if background < len(grounds.PLAIN) else [_empty(background, i, s) for i in range(4) for s in (-0.1, 0.1)]
    pixels = np.concatenate([world.render(c, 64, np.array([0, 12])).reshape(-1, 3) for c in clips])
    bins, counts = np.unique((pixels * (_BINS - 0.01)).astype(int), axis=0, return_counts=True)
    kept = (bins[counts > 1e-4 * len(pixels)] + 0.5) / _BINS
    dark = (1, 0.86, 0.72, 0.60) if world.BACKGROUNDS[background] in (*grounds.PLAIN, *grounds.HAS_FLOOR) else (1,)
    kept = np.concatenate([kept * d for d in dark])
    cells = np.stack(np.meshgrid(*[(np.arange(_BINS) + 0.5) / _BINS] * 3, indexing="ij"), -1).reshape(-1, 3)
    nearest = np.full(len(cells), 9.0)
    for i in range(0, len(kept), 64):
        nearest = np.minimum(nearest, np.linalg.norm(cells[:, None] - kept[None, i: i + 64], axis=2).min(1))
    return (nearest * 255 < _NEAR).reshape((_BINS,) * 3)


@functools.lru_cache(None)
def _cameras(background: int):
    """Prototypes of a scene under each camera at three moments, [N, 3, 32, 32, 3]."""
    pictures, names = [], []
    for camera in range(len(world.CAMERAS)):
        for layout in range(grounds.LAYOUTS):
            for shift in np.arange(-0.12, 0.13, 0.03):
                pictures.append(world.render(_empty(background, layout, float(shift), 0, camera), _THUMB, _MOMENTS))
                names.append(camera)
    return np.stack(pictures).astype(np.float32), np.array(names)


def _background(thumbnails) -> int:
    pictures, names = _grounds()
    away = np.abs(np.median(thumbnails, 0)[None] - pictures).mean(-1).reshape(len(pictures), -1)
    return int(names[np.sort(away, 1)[:, : away.shape[1] * 6 // 10].mean(1).argmin()])


def _camera(thumbnails, masks, background: int) -> int:
    if background < len(grounds.PLAIN):
        return 0
    pictures, names = _cameras(background)
    moments = np.round(_MOMENTS * (len(thumbnails) - 1) / 24).astype(int)
    f, h, w = masks.shape
    free = masks[moments].reshape(3, _THUMB, h // _THUMB, _THUMB, w // _THUMB).mean((2, 4)) < 0.02
    away = np.abs(thumbnails[moments][None] - pictures).mean(-1)
    away = (away * free).sum((1, 2, 3), dtype=np.float64)
    return int(names[np.argmax(away <= away.min() + _TIE)])  # a pan to the left, looked at backwards, is one to the right


def _masks(clip, background: int) -> np.ndarray:
    index = (clip * (_BINS - 0.01)).astype(int).clip(0, _BINS - 1)
    away = ~_colors(background)[index[..., 0], index[..., 1], index[..., 2]]
    total = np.cumsum(np.cumsum(np.pad(away.astype(np.int16), ((0, 0), (2, 1), (2, 1))), 1, dtype=np.int32), 2)
    around = total[:, 3:, 3:] - total[:, :-3, 3:] - total[:, 3:, :-3] + total[:, :-3, :-3]
    return around >= 5  # a majority of 3x3: no specks, no pinholes


def _split(masks):
    """Where two objects are, the line between them: ('beside' or 'stacked', per frame a column or row), else None."""
    found = {}
    low, high = int(0.38 * _SIDE), int(0.62 * _SIDE)
    for name, axis in (("beside", 1), ("stacked", 2)):
        mass = masks.sum(axis).astype(float)
        total = mass.sum(1)
        # the emptiest line about the middle, and of those the one nearest to it
        wide = sum(mass[:, low + k: high + k] for k in (-1, 0, 1, 2))
        cost = wide / np.maximum(total, 1)[:, None] + np.abs(np.arange(low, high) - _SIDE / 2) * 1e-5
        line = cost.argmin(1) + low
        before = np.array([m[:k].sum() for m, k in zip(mass, line)]) / np.maximum(total, 1)
        good = (cost.min(1) < 0.02) & (before > 0.13) & (before < 0.87)
        found[name] = (good.mean(), line)
    name = max(found, key=lambda k: found[k][0])
    return (name, found[name][1]) if found[name][0] >= 0.7 else None


def _color(pixels: np.ndarray) -> str:
    """Majority over the pixels of the nearest color at any of some shades."""
    names = [*world.COLORS]
    base = np.array([*world.COLORS.values()], np.float32) / 255
    shades = np.array([0.62, 0.78, 0.93, 1.08], np.float32)
    palette = np.clip(base[:, None] * shades[None, :, None], 0, 1).reshape(-1, 3)
    votes = np.linalg.norm(pixels[:, None] - palette[None], axis=2).argmin(1) // len(shades)
    return names[int(np.bincount(votes).argmax())]


def _overlap(mask, others):
    return (mask & others).sum((-1, -2)) / np.maximum((mask | others).sum((-1, -2)), 1)


def _thing(clip, masks, camera: int) -> dict[str, str]:
    area = masks.reshape(len(masks), -1).mean(1)
    seen = np.nonzero(area > 0.003)[0]
    if len(seen) < 0.75 * len(masks):
        return {"color": "none", "shape": "none", "motion": "none"}
    color = _color(np.concatenate([clip[f][masks[f]][::7] for f in seen[::3]]))
    small = [_normalised(masks[f]) for f in seen[::2]]
    score = {name: np.mean([_overlap(m, t).max() for m in small]) for name, t in _templates().items()}
    shape = max(score, key=score.get)
    return {"color": color, "shape": shape, "motion": _motion(masks, seen, area, small, shape, camera)}


def _motion(masks, seen, area, small, shape, camera) -> str:
    pan, zoom = world.camera(_empty(0, 0, 0.0, 0, camera))
    at = np.round(seen * 24 / (len(masks) - 1)).astype(int)
    size = masks.shape[1]
    cy = (np.array([np.nonzero(masks[f])[0].mean() for f in seen]) / size - 0.56) / zoom[at] + 0.56
    cx = (np.array([np.nonzero(masks[f])[1].mean() for f in seen]) / size - 0.5) / zoom[at] + 0.5 + pan[at]
    area = area[seen] / zoom[at] ** 2
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
    change = area[-3:].mean() / area[:3].mean()
    if change > 1.6 or change < 1 / 1.6:
        return "grow" if change > 1 else "shrink"
    if shape not in _FOLD:
        return "still"
    turns = [_ANGLES[int(_overlap(m, _templates()[shape]).argmax())] for m in small]
    period = 2 * np.pi / _FOLD[shape]
    steps = (np.diff(turns) + period / 2) % period - period / 2
    return "spin" if abs(steps.sum()) > np.deg2rad(60) else "still"


def read(clip: np.ndarray) -> dict:
    """clip: float RGB 0..1, [F, H, W, 3], H and W multiples of 128. 'none' where nothing can be read."""
    factor = clip.shape[1] // _SIDE
    clip = clip.reshape(len(clip), _SIDE, factor, _SIDE, factor, 3).mean((2, 4)) if factor > 1 else clip
    thumbnails = _thumbnails(clip)
    background = _background(thumbnails)
    masks = _masks(clip, background)
    camera = _camera(thumbnails, masks, background)
    two = _split(masks)
    parts = [masks]
    if two is not None:
        place, line = two
        before = np.arange(_SIDE)[None] < line[:, None]
        before = before[:, None, :] if place == "beside" else before[:, :, None]
        parts = [masks & before, masks & ~before]
    return {"background": world.BACKGROUNDS[background], "camera": world.CAMERAS[camera], "place": two[0] if two else "single",
            "things": [_thing(clip, part, camera) for part in parts]}


def truth(clip: world.Clip) -> dict:
    return {"background": world.BACKGROUNDS[clip.background], "camera": world.CAMERAS[clip.camera], "place": world.PLACES[clip.place],
            "things": [{"color": world.COLOR_NAMES[t.color], "shape": world.SHAPES[t.shape], "motion": world.MOTIONS[t.motion]} for t in clip.things]}


def marks(want: dict, got: dict) -> dict[str, bool]:
    """What is right, per attribute; an attribute of the objects when it is right for all of them."""
    same = len(want["things"]) == len(got["things"])
    each = {k: same and all(a[k] == b[k] for a, b in zip(want["things"], got["things"])) for k in ("color", "shape", "motion")}
    rest = {k: want[k] == got[k] for k in ("background", "camera", "place")}
    return {**rest, **each, "all": all(rest.values()) and all(each.values())}
