"""Outlines of the objects as signed distances, their inner parts, and the light on them.

Distances are in units of the object's radius, negative inside, y down; exact near the outline, where it matters.
"""

import numpy as np

SHAPES = ("ball", "square", "triangle", "star", "ring", "heart", "moon", "boat", "balloon", "car")
LIGHT = np.array([-0.28, -0.72, 0.64], np.float32)  # from above, a little from the left, towards the viewer
_ROUNDNESS = {"ball": 0.95, "ring": 0.24, "heart": 0.34, "moon": 0.35, "balloon": 0.62}  # how far from the outline the surface still curves


def _star(x, y):
    sector = np.float32(np.pi / 5)
    folded = np.abs((np.arctan2(x, -y) + sector) % (2 * sector) - sector)
    radius = np.hypot(x, y)
    px, py = radius * np.cos(folded), radius * np.sin(folded)
    ix, iy = 0.46 * np.cos(sector), 0.46 * np.sin(sector)
    nx, ny = iy, 1.0 - ix  # normal of the edge from the tip (1, 0) to the inner corner
    return ((px - 1.0) * nx + py * ny) / np.hypot(nx, ny)


def _heart(x, y):
    s = 0.62  # half side of the tilted square; a circle sits on each of its two upper sides
    u, v = (x + (y - 0.12)) * 0.70710678, ((y - 0.12) - x) * 0.70710678
    body = np.maximum(np.abs(u), np.abs(v)) - s
    return np.minimum(body, np.minimum(np.hypot(u, v + s), np.hypot(u + s, v)) - s)


def _rounded(x, y, half_x, half_y, corner):
    qx, qy = np.abs(x) - (half_x - corner), np.abs(y) - (half_y - corner)
    return np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - corner


def _boat(x, y):
    hull = np.maximum(np.abs(y - 0.56) - 0.26, (np.abs(x) - (0.98 - 0.75 * (y - 0.30))) * 0.8)
    sail = np.maximum(y - 0.32, (np.abs(x - 0.06) - 0.53 * (y + 0.98)) * 0.884)
    return np.minimum(hull, sail)


def _balloon(x, y):
    """A large circle above and a small one below with their common tangents, and the basket."""
    px, py, large, small, apart = np.abs(x), -(y - 0.52), 0.68, 0.13, 0.80
    b = (small - large) / apart  # measured from the small circle upwards
    a = np.sqrt(1 - b * b)
    k = py * a - px * b
    side = px * a + py * b - small
    envelope = np.where(k < 0, np.hypot(px, py) - small, np.where(k > a * apart, np.hypot(px, py - apart) - large, side))
    return np.minimum(envelope, _rounded(x, y - 0.80, 0.20, 0.18, 0.04))


def _car(x, y):
    body = _rounded(x, y - 0.17, 0.99, 0.27, 0.15)
    cabin = np.maximum(np.abs(y + 0.20) - 0.32, (np.abs(x + 0.04) - (0.46 + 0.45 * (y + 0.52))) * 0.91)
    return np.minimum(np.minimum(body, cabin), _car_wheels(x, y))


_OUTLINES = {
    "ball": lambda x, y: np.hypot(x, y) - 0.95,
    "square": lambda x, y: _rounded(x, y, 0.80, 0.80, 0.10),
    "triangle": lambda x, y: np.maximum(y - 0.70, np.abs(x) * 0.894427 - (y - 0.14) * 0.447214 - 0.50),
    "star": _star,
    "ring": lambda x, y: np.abs(np.hypot(x, y) - 0.72) - 0.25,
    "heart": _heart,
    "moon": lambda x, y: np.maximum(np.hypot(x - 0.28, y) - 0.95, 0.74 - np.hypot(x - 0.74, y + 0.10)),
    "boat": _boat, "balloon": _balloon, "car": _car,
}


def distance(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _OUTLINES[name](x, y)


def plain_part(name: str, x, y):
    """The outline without the tinted part, which may look like the ground; None for what has none."""
    if name == "car":
        return np.maximum(_car(x, y), -_car_wheels(x, y))
    if name == "boat":
        return np.maximum(_boat(x, y), np.minimum(0.30 - y, x - 0.10))
    return np.maximum(_balloon(x, y), y - 0.63) if name == "balloon" else None


def _soft(d, sharp):
    return np.clip(0.5 - d * sharp, 0, 1)[..., None]


def paint(name: str, color: np.ndarray, x, y, d, step) -> np.ndarray:
    """Surface colors [F, h, w, 3] of an object lit by LIGHT; `step` [F, 1, 1] is a pixel's width in radii."""
    gx, gy = np.zeros_like(d), np.zeros_like(d)
    gx[..., 1:-1], gy[..., 1:-1, :] = d[..., 2:] - d[..., :-2], d[..., 2:, :] - d[..., :-2, :]
    size = np.sqrt(gx * gx + gy * gy) + 1e-6
    rim = 1 - np.clip(-d / _ROUNDNESS.get(name, 0.28), 0, 1)
    along = (gx * LIGHT[0] + gy * LIGHT[1]) / size * rim
    facing = np.sqrt(np.maximum(1 - rim * rim, 0))
    lit = np.maximum(along + facing * LIGHT[2], 0)
    gloss = np.clip(along * 1.05 + facing * 0.62 - 0.86, 0, 1)[..., None] * 2.2
    surface = np.broadcast_to(color, d.shape + (3,))
    sharp, light, dark = 1 / step, color + (1 - color) * 0.5, color * 0.30 + 0.05  # parts are tints: seen before any ground
    if name == "car":
        surface = _over(surface, light, _soft(np.maximum(_car_window(x, y), 0.04 - np.abs(x + 0.04)), sharp))
        surface = _over(surface, dark, _soft(_car_wheels(x, y), sharp))
        surface = _over(surface, light, _soft(_car_wheels(x, y) + 0.15, sharp))
    elif name == "boat":
        surface = _over(surface, light, _soft(np.maximum(y - 0.30, 0.10 - x), sharp))
    elif name == "balloon":
        surface = _over(surface, dark + color * 0.2, _soft(0.63 - y, sharp))
    shade = (0.60 + 0.50 * lit)[..., None]
    return np.clip(surface * shade + gloss * 0.55 * (1 - surface * 0.5), 0, 1)


def _car_wheels(x, y):
    return np.hypot(np.abs(x) - 0.54, y - 0.42) - 0.25


def _car_window(x, y):
    return np.maximum(np.abs(y + 0.20) - 0.19, (np.abs(x + 0.04) - (0.36 + 0.42 * (y + 0.52))) * 0.91)


def _over(under, color, alpha):
    return under * (1 - alpha) + np.array(color, np.float32) * alpha
