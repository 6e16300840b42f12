"""What is behind the objects: plain grounds and seven scenes, as functions of world coordinates, so that a camera can move.

Everything is a product of a function of x and one of y or a height line over x, so that a frame costs a few small matrix products.
Layers lie at depths: the camera's pan moves a layer by its `near` (0 the sky, 1 where the objects are).
"""

import numpy as np

PLAIN = {
    "black": (16, 16, 20), "dark blue": (16, 28, 92), "dark green": (10, 66, 42), "dark red": (90, 14, 28),
    "gray": (124, 128, 136), "light blue": (164, 212, 242), "white": (240, 240, 240), "cream": (236, 214, 166),
}
SCENES = ("sky", "sea", "meadow", "night", "city", "desert", "snow")
BACKGROUNDS = (*PLAIN, *SCENES)
LAYOUTS = 4  # of clouds, hills, houses, per scene
FLOOR = 0.88  # where the shadow of an object falls
HAS_FLOOR = ("sea", "meadow", "city", "desert", "snow")


class View:
    """World coordinates of the pixels of some frames: x [F, w] per layer, y [F, h]; a pixel's width in world units."""

    def __init__(self, columns, rows, pixels, pan, zoom, shift, time):
        self.columns, self.pan, self.zoom, self.shift, self.time = columns, pan[:, None], zoom[:, None], shift, time
        self.pixels, self.moves = pixels, np.ptp(pan) + np.ptp(zoom) > 0
        self.y = (rows[None] - 0.56) / self.zoom + 0.56
        self.rows, self.sharp = rows, (pixels * zoom)[:, None, None]

    def first(self):
        return View(self.columns, self.rows, self.pixels, self.pan[:1, 0], self.zoom[:1, 0], self.shift, self.time[:1])

    def x(self, near):
        return (self.columns[None] - 0.5) / self.zoom + 0.5 + self.pan * near + self.shift * near


def _rgb(*values):
    return np.array(values, np.float32) / 255


def _fade(rows, top, bottom, low=0.0, high=1.0):
    """Vertical gradient [F, h, 1, 3]."""
    k = np.clip((rows - low) / (high - low), 0, 1)[..., None, None]
    return top * (1 - k) + bottom * k


def _over(under, color, alpha):
    return under + (color - under) * alpha


def _below(view, line):
    """Coverage [F, h, w, 1] of what lies below a height line [F, w]."""
    return np.clip((view.y[:, :, None] - line[:, None, :]) * view.sharp + 0.5, 0, 1)[..., None]


def _spots(view, near, spots):
    """Sum of Gaussian spots (x, y, width, height, strength), [F, h, w]."""
    x, y, w, h, s = (np.array(v, np.float32) for v in zip(*spots))
    across = np.exp(-np.square((view.x(near)[:, None, :] - x[:, None]) / w[:, None])) * s[:, None]
    down = np.exp(-np.square((view.y[:, :, None] - y) / h))
    return down @ across


def _band(position, low, high, sharp):
    """1 between low and high along one axis, softened to a pixel."""
    return np.clip(np.minimum(position - low, high - position) * sharp + 0.5, 0, 1)


def _clouds(view, near, layout, color, base, strength, amount=0.85):
    rng = np.random.default_rng([5, layout])
    spots = []
    for k in range(5):
        cx, cy, w = -0.35 + 0.42 * k + rng.uniform(-0.08, 0.08), strength * rng.uniform(0.25, 1.0), rng.uniform(0.11, 0.16)
        spots += [(cx, cy, w, 0.032, 0.9), (cx - 0.05, cy - 0.025, w * 0.5, 0.035, 0.9), (cx + 0.06, cy - 0.015, w * 0.45, 0.03, 0.8)]
    drift = View.__new__(View)
    drift.__dict__.update(view.__dict__)
    drift.pan = view.pan + 0.06 * view.time[:, None] / max(near, 0.1)
    thick = np.clip((_spots(drift, near, spots) - 0.40) * 2.0, 0, 1)[..., None]
    return _over(base, color, thick * thick * (3 - 2 * thick) * amount)


def _hills(view, near, base, height, layout, waves=((0.5, 6.0), (0.5, 11.0))):
    phase = np.random.default_rng([7, layout, int(near * 100)]).uniform(0, 6.28, len(waves))
    x = view.x(near)
    return base + height * sum(a * np.sin(f * x + p) for (a, f), p in zip(waves, phase))


def _sky(view, layout):
    base = _fade(view.rows[None], _rgb(64, 138, 218), _rgb(186, 222, 246))
    return _clouds(view, 0.6, layout, _rgb(250, 251, 253), base, 0.9)


def _sea(view, layout):
    horizon = 0.44
    base = _fade(view.y, _rgb(126, 190, 232), _rgb(226, 238, 240), 0.0, horizon)
    base = _clouds(view, 0.35, layout, _rgb(250, 250, 250), base, 0.28, 0.75)
    island = horizon + 0.005 - 0.085 * _spots_line(view.x(0.5), layout)
    base = _over(base, _rgb(92, 130, 140), _below(view, island))
    depth = np.clip((view.y - horizon) / (1 - horizon), 0.001, 2)
    water = _fade(view.y, _rgb(52, 140, 176), _rgb(14, 74, 126), horizon, 1.0)
    x = view.x(0.9)
    bands = np.sin(10 * np.sqrt(depth) * 3.2 - 5.0 * view.time[:, None])
    swell = bands[:, :, None] * np.cos(7 * x + 2.0 * view.time[:, None])[:, None, :]
    water = water + (0.055 * np.sqrt(depth))[:, :, None, None] * swell[..., None]
    return _over(base, water, _below(view, np.full_like(x, horizon)))


def _spots_line(x, layout):
    centre = np.random.default_rng([9, layout]).uniform(0.1, 0.9)
    return np.exp(-np.square((x - centre) / 0.13)) + 0.7 * np.exp(-np.square((x - centre - 0.75) / 0.10))


def _meadow(view, layout):
    base = _fade(view.rows[None], _rgb(108, 182, 240), _rgb(214, 236, 246), 0.0, 0.6)
    base = _clouds(view, 0.35, layout, _rgb(252, 252, 252), base, 0.32, 0.8)
    far = _hills(view, 0.6, 0.60, 0.055, layout)
    base = _over(base, _rgb(134, 178, 112), _below(view, far))
    near = _hills(view, 1.0, 0.74, 0.045, layout)
    grass = _fade(view.y, _rgb(112, 168, 66), _rgb(62, 124, 44), 0.68, 1.05)
    return _over(base, grass, _below(view, near))


def _night(view, layout):
    base = _fade(view.rows[None], _rgb(8, 12, 36), _rgb(46, 50, 98), 0.0, 0.9)
    rng = np.random.default_rng([13, layout])
    stars = [(-0.2 + 0.1 * k + rng.uniform(-0.03, 0.03), rng.uniform(0.03, 0.62), 0.009, 0.009, rng.uniform(0.5, 0.9)) for k in range(15)]
    twinkle = 0.85 + 0.15 * np.sin(6.3 * view.time)[:, None, None, None]
    base = base + _spots(view, 0.25, stars)[..., None] * _rgb(150, 160, 190) * twinkle
    mx, my = rng.uniform(0.12, 0.30) if layout % 2 else rng.uniform(0.70, 0.88), 0.15
    d = np.hypot(view.x(0.25)[:, None, :] - mx, view.y[:, :, None] - my)
    base = base + np.exp(-np.square(d / 0.16))[..., None] * _rgb(34, 36, 44)
    base = _over(base, _rgb(124, 138, 182), np.clip((0.07 - d) * view.sharp + 0.5, 0, 1)[..., None])
    return _over(base, _rgb(14, 18, 34), _below(view, _hills(view, 0.8, 0.88, 0.04, layout)))


def _city(view, layout):
    base = _fade(view.rows[None], _rgb(62, 72, 128), _rgb(204, 168, 176), 0.0, 0.85)
    for near, tint, low, high in ((0.5, _rgb(96, 92, 134), 0.40, 0.62), (0.85, _rgb(40, 42, 66), 0.52, 0.80)):
        rng = np.random.default_rng([17, layout, int(near * 100)])
        x, left = view.x(near), -0.5
        sharp = view.sharp[:, :, 0]
        while left < 1.5:
            wide, top = rng.uniform(0.12, 0.19), rng.uniform(low, high)
            across, down = _band(x, left, left + wide - 0.012, sharp), _band(view.y, top, 2.0, sharp)
            base = _over(base, tint, (down[:, :, None] * across[:, None, :])[..., None])
            if near > 0.6:  # lit windows in a grid of 0.045
                columns = sum(_band(x, left + a, left + a + 0.02, sharp) for a in np.arange(0.02, wide - 0.035, 0.042))
                rows = sum(_band(view.y, b, b + 0.022, sharp) for b in np.arange(top + 0.03, 0.90, 0.055))
                base = _over(base, _rgb(186, 150, 92), (rows[:, :, None] * columns[:, None, :])[..., None])
            left += wide
    return _over(base, _rgb(70, 70, 84), _below(view, np.full_like(x, 0.90)))


def _desert(view, layout):
    base = _fade(view.rows[None], _rgb(150, 196, 218), _rgb(248, 230, 200), 0.0, 0.6)
    peak = 0.38 + 0.25 * (layout % 2)
    for at, size in ((peak, 0.20), (peak + 0.38, 0.12), (peak - 0.62, 0.16)):
        base = _over(base, _rgb(206, 178, 136), _below(view, 0.62 - size + np.abs(view.x(0.5) - at) * 0.8))
    base = _over(base, _rgb(224, 188, 130), _below(view, _hills(view, 0.7, 0.62, 0.035, layout)))
    sand = _fade(view.y, _rgb(214, 172, 108), _rgb(176, 130, 76), 0.70, 1.05)
    return _over(base, sand, _below(view, _hills(view, 1.0, 0.76, 0.05, layout)))


def _snow(view, layout):
    base = _fade(view.rows[None], _rgb(132, 164, 200), _rgb(212, 222, 234), 0.0, 0.6)
    base = _over(base, _rgb(190, 204, 222), _below(view, _hills(view, 0.5, 0.52, 0.10, layout)))
    near = _hills(view, 0.8, 0.68, 0.045, layout)
    rng = np.random.default_rng([19, layout])
    for k in range(7):  # firs
        at, size = -0.3 + 0.27 * k + rng.uniform(-0.06, 0.06), rng.uniform(0.13, 0.19)
        x = view.x(0.8)
        base = _over(base, _rgb(62, 92, 92), _below(view, 0.70 - size + np.abs(x - at) * 2.6) * (view.y < 0.78)[:, :, None, None])
    base = _over(base, _rgb(224, 231, 240), _below(view, near))
    return _over(base, _fade(view.y, _rgb(240, 243, 248), _rgb(206, 217, 232), 0.75, 1.05), _below(view, _hills(view, 1.0, 0.80, 0.03, layout)))


_STILL = ("city", "desert", "snow")  # nothing in them moves by itself
_SCENES = {"sky": _sky, "sea": _sea, "meadow": _meadow, "night": _night, "city": _city, "desert": _desert, "snow": _snow}


def draw(name: str, gradient: bool, layout: int, view: View) -> np.ndarray:
    """Frames [F or 1, h, w, 3] in 0..1."""
    if name in PLAIN:
        rows = np.broadcast_to(_rgb(*PLAIN[name]), (len(view.rows), 3))
        if gradient:
            lift = (0.16 * (1 - 2 * view.rows))[:, None]
            rows = np.where(lift > 0, rows + (1 - rows) * lift, rows * (1 + 1.5 * lift))
        return np.broadcast_to(rows[None, :, None], (1, len(view.rows), len(view.columns), 3)).astype(np.float32)
    if name in _STILL and not view.moves:
        view = view.first()
    return np.clip(_SCENES[name](view, layout), 0, 1).astype(np.float32)
