"""The world of the bundled model: procedural clips of one or two objects before a ground, seen by a camera.

Every clip is drawn here from a seed, so the data set has no source, no license and no person in it. Coordinates: x to the right and y
down, both 0..1 over the frame; sizes are fractions of the width. Objects lie at depth 1 of the scene: a pan moves them as the ground.
"""

import functools
from dataclasses import dataclass

import numpy as np

from . import grounds, shapes

FRAMES, FPS = 25, 8

COLORS = {
    "red": (222, 44, 48), "orange": (246, 136, 28), "yellow": (250, 220, 52), "green": (46, 184, 84),
    "blue": (46, 104, 240), "purple": (146, 64, 206), "pink": (246, 128, 196), "white": (246, 246, 246),
}
SHAPES, BACKGROUNDS = shapes.SHAPES, grounds.BACKGROUNDS
MOTIONS = ("right", "left", "up", "down", "bounce", "orbit", "grow", "shrink", "spin", "still")
CAMERAS = ("static", "pan right", "pan left", "zoom in", "zoom out")
PLACES = ("single", "beside", "stacked")  # one object; two, the first left of the second; two, the first above the second
SIZES = {"small": 0.170, "medium": 0.205, "large": 0.240}
COLOR_NAMES, SIZE_NAMES = tuple(COLORS), tuple(SIZES)

_ALONE = {"static": MOTIONS, "pan right": ("still", "spin", "bounce"), "pan left": ("still", "spin", "bounce"),
          "zoom in": ("still", "spin"), "zoom out": ("still", "spin")}
_IN_PLACE = {"beside": ("up", "down", "bounce", "grow", "shrink", "spin", "still"),
             "stacked": ("right", "left", "grow", "shrink", "spin", "still")}
MIN_CONTRAST = 78.0  # Euclid, 8-bit RGB, between a color and nearly everything of a ground


@dataclass(frozen=True)
class Thing:
    color: int
    shape: int
    motion: int
    size: int
    jitter: tuple  # (dx, dy, scale, travel, phase), each -1..1


@dataclass(frozen=True)
class Clip:
    """What a clip shows, as indices into the tables above, and the small jitter that makes two clips differ."""

    things: tuple
    place: int
    background: int
    gradient: int
    camera: int
    layout: int
    shift: float


@functools.lru_cache(None)
def _table() -> np.ndarray:
    """Which colors can be told from which ground: few pixels of any layout are near the color."""
    table = np.zeros((len(COLORS), len(BACKGROUNDS)), bool)
    for b, name in enumerate(BACKGROUNDS):
        views = [view(32, np.arange(8), Clip((), 0, b, 0, 0, layout, 0.0)) for layout in range(grounds.LAYOUTS)]
        pixels = np.concatenate([grounds.draw(name, False, i, v).reshape(-1, 3) for i, v in enumerate(views)]) * 255
        for c, rgb in enumerate(COLORS.values()):
            table[c, b] = np.quantile(np.linalg.norm(pixels - np.array(rgb, np.float32), axis=1), 0.04) >= MIN_CONTRAST
    return table


def visible(color: int, background: int) -> bool:
    return bool(_table()[color, background])


def drawable(shape: int, motion: int) -> bool:
    """What cannot be seen to spin does not; what has a below does not either."""
    return not (MOTIONS[motion] == "spin" and SHAPES[shape] in ("ball", "ring", "boat", "balloon", "car"))


def held_out(thing: Thing) -> bool:
    """One combination in sixteen is never trained on; the evaluation asks for those too."""
    return (thing.color * 100 + thing.shape * 10 + thing.motion) * 2654435761 % 2**32 >> 28 == 3


def sample_clip(rng: np.random.Generator, want_held_out: bool = False, place: int | None = None) -> Clip:
    while True:
        kind = int(rng.choice(3, p=(0.62, 0.24, 0.14))) if place is None else place
        background = int(rng.integers(len(grounds.PLAIN))) if rng.random() < 0.35 else len(grounds.PLAIN) + int(rng.integers(len(grounds.SCENES)))
        scenic = BACKGROUNDS[background] in grounds.SCENES
        camera = 1 + int(rng.integers(4)) if scenic and kind == 0 and rng.random() < 0.3 else 0
        allowed = _ALONE[CAMERAS[camera]] if kind == 0 else _IN_PLACE[PLACES[kind]]
        same = MOTIONS.index(allowed[int(rng.integers(len(allowed)))]) if kind and rng.random() < 0.4 else None
        things = []
        for _ in range(1 if kind == 0 else 2):
            motion = MOTIONS.index(allowed[int(rng.integers(len(allowed)))]) if same is None else same
            things.append(Thing(int(rng.integers(len(COLORS))), int(rng.integers(len(SHAPES))), motion, int(rng.integers(3)),
                                tuple(float(v) for v in rng.uniform(-1, 1, 5))))
        clip = Clip(tuple(things), kind, background, int(not scenic and rng.random() < 0.4), camera,
                    int(rng.integers(grounds.LAYOUTS)), float(rng.uniform(-0.12, 0.12)))
        if kind == 0 and not scenic and MOTIONS[things[0].motion] == "still":
            continue  # nothing would move at all
        if all(visible(t.color, background) and drawable(t.shape, t.motion) for t in things) and any(map(held_out, things)) == want_held_out:
            return clip


def trajectory(clip: Clip, which: int):
    """Of one object: centre x, centre y, radius and angle per frame in world coordinates, each [FRAMES]."""
    thing, place, zooming = clip.things[which], PLACES[clip.place], CAMERAS[clip.camera].startswith("zoom")
    u = np.linspace(0, 1, FRAMES, dtype=np.float32)
    dx, dy, scale, travel, phase = thing.jitter
    radius = (SIZES[SIZE_NAMES[thing.size]] * (0.82 if zooming else 1) if place == "single" else 0.150) * (1 + 0.04 * scale)
    middle = {"single": (0.5, 0.5), "beside": ((0.26, 0.5), (0.74, 0.5))[which], "stacked": ((0.5, 0.27), (0.5, 0.73))[which]}[place]
    reach = min(0.235 * (1 + 0.06 * travel), 0.48 - radius)
    one = np.ones(FRAMES, np.float32)
    x, y, r, a = (middle[0] + 0.015 * dx) * one, (middle[1] + 0.015 * dy) * one, radius * one, 0 * one
    name = MOTIONS[thing.motion]
    if name in ("right", "left"):
        x = 0.5 + (reach if name == "right" else -reach) * (2 * u - 1)
    elif name in ("up", "down"):
        y = 0.5 + (reach if name == "down" else -reach) * (2 * u - 1)
    elif name == "bounce":
        fall = 1 - np.abs(2 * u - 1)  # slow at the top, fast at the floor, which it touches at half time
        y = 0.5 - reach + 2 * reach * fall**1.7
    elif name == "orbit":
        turn = 2 * np.pi * u * FRAMES / (FRAMES + 1) - np.pi / 2 + 0.15 * phase
        x, y = 0.5 + reach * 0.9 * np.cos(turn), 0.5 + reach * 0.9 * np.sin(turn)
    elif name in ("grow", "shrink"):
        small, large = (0.5, 1.45) if place == "single" else (0.5, 1.3)
        r = radius * (small + (large - small) * (u if name == "grow" else 1 - u))
    elif name == "spin":
        a = np.deg2rad(165) * u + 0.2 * phase
    return x, y, r, a


def camera(clip: Clip):
    """Pan and zoom per frame."""
    u, name = np.linspace(0, 1, FRAMES, dtype=np.float32), CAMERAS[clip.camera]
    pan = {"pan right": 0.30 * (u - 0.5), "pan left": 0.30 * (0.5 - u)}.get(name, 0 * u)
    zoom = {"zoom in": 1 + 0.45 * u, "zoom out": 1.45 - 0.45 * u}.get(name, 1 + 0 * u)
    return pan.astype(np.float32), zoom.astype(np.float32)


def view(pixels: int, frames: np.ndarray, clip: Clip, window: tuple[int, int, int] | None = None) -> grounds.View:
    top, left, side = window if window is not None else (0, 0, pixels)
    grid = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels
    pan, zoom = camera(clip)
    time = np.linspace(0, 1, FRAMES, dtype=np.float32)[frames]
    return grounds.View(grid[left: left + side], grid[top: top + side], pixels, pan[frames], zoom[frames], clip.shift, time)


def screen(clip: Clip, which: int):
    """trajectory() as the camera sees it."""
    x, y, r, a = trajectory(clip, which)
    pan, zoom = camera(clip)
    return (x - 0.5 - pan) * zoom + 0.5, (y - 0.56) * zoom + 0.56, r * zoom, a


def render(clip: Clip, pixels: int, frames: np.ndarray | None = None, window: tuple[int, int, int] | None = None) -> np.ndarray:
    """Frames as float32 RGB in 0..1, [F, side, side, 3]; `frames` picks some, `window` (top, left, side) a square, in pixels."""
    frames = np.arange(FRAMES) if frames is None else frames
    seen = view(pixels, frames, clip, window)
    name = BACKGROUNDS[clip.background]
    ground = grounds.draw(name, bool(clip.gradient), clip.layout, seen)
    canvas = np.array(np.broadcast_to(ground, (len(frames), *ground.shape[1:])))
    places = [tuple(v[frames] for v in screen(clip, i)) for i in range(len(clip.things))]
    if name in grounds.PLAIN or name in grounds.HAS_FLOOR:
        for x, y, r, _ in places:
            _shadow(canvas, seen, x, y, r)
    top, left, _ = window if window is not None else (0, 0, pixels)
    for thing, at in zip(clip.things, places):
        _put(canvas, thing, at, pixels, top, left)
    return canvas


def _shadow(canvas, seen, x, y, r):
    """A soft ellipse on the floor under an object, fainter and wider the higher it is."""
    floor = np.maximum((grounds.FLOOR - 0.56) * seen.zoom[:, 0] + 0.56, y + 0.92 * r)
    height = np.clip((floor - y - 0.92 * r) / 0.5, 0, 1)
    wide, high = r * (0.85 + 0.3 * height), r * (0.15 + 0.06 * height)
    across = np.exp(-np.square((seen.columns[None] - x[:, None]) / wide[:, None]) ** 2)
    down = np.exp(-np.square((seen.rows[None] - floor[:, None]) / high[:, None])) * (0.42 * (1 - 0.65 * height))[:, None]
    canvas *= 1 - (down[:, :, None] * across[:, None, :])[..., None]


def _put(canvas, thing: Thing, at, pixels: int, top: int, left: int):
    """Draws the object into a patch of each frame around it."""
    x, y, r, a = at
    side = int(np.ceil(2.16 * float(r.max()) * pixels)) + 3
    x0, y0 = (np.round((v - 1.08 * r) * pixels).astype(int) - 1 for v in (x, y))
    steps = np.arange(side, dtype=np.float32) + 0.5
    px = ((x0[:, None] + steps) / pixels - x[:, None])[:, None, :] / r[:, None, None]
    py = ((y0[:, None] + steps) / pixels - y[:, None])[:, :, None] / r[:, None, None]
    px, py = np.broadcast_arrays(px, py)
    name, step = SHAPES[thing.shape], (1 / (pixels * r))[:, None, None]
    if MOTIONS[thing.motion] == "spin":
        c, s = np.cos(a)[:, None, None], np.sin(a)[:, None, None]
        px, py = c * px + s * py, c * py - s * px
    away = shapes.distance(name, px, py).astype(np.float32)
    alpha = np.clip(0.5 - away / step, 0, 1)[..., None]
    surface = shapes.paint(name, np.array(COLORS[COLOR_NAMES[thing.color]], np.float32) / 255, px, py, away, step)
    height, width = canvas.shape[1:3]
    for f in range(len(canvas)):
        oy, ox = y0[f] - top, x0[f] - left
        t, b, l, e = max(oy, 0), min(oy + side, height), max(ox, 0), min(ox + side, width)
        if t < b and l < e:
            part = np.s_[t - oy: b - oy, l - ox: e - ox]
            under = canvas[f, t:b, l:e]
            canvas[f, t:b, l:e] = under + (surface[f][part] - under) * alpha[f][part]
