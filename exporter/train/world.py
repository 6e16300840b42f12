"""The world the bundled model is trained on: procedural clips, their captions, and nothing else.

One object in calm staging. Every clip is drawn here from a seed, so the data set has no source, no license and no
person in it. Coordinates: x to the right and y down, both 0..1 over the frame; sizes are fractions of the width.
"""

from dataclasses import dataclass

import numpy as np

FRAMES = 16

COLORS = {
    "red": (222, 44, 48), "orange": (246, 136, 28), "yellow": (250, 220, 52), "green": (46, 184, 84),
    "blue": (46, 104, 240), "purple": (146, 64, 206), "pink": (246, 128, 196), "white": (246, 246, 246),
}
BACKGROUNDS = {
    "black": (16, 16, 20), "dark blue": (16, 28, 92), "dark green": (10, 66, 42), "dark red": (90, 14, 28),
    "gray": (124, 128, 136), "light blue": (164, 212, 242), "white": (240, 240, 240), "cream": (236, 214, 166),
}
SHAPES = ("circle", "square", "triangle", "star", "ring", "heart")
MOTIONS = ("right", "left", "up", "down", "bounce", "orbit", "grow", "spin")
SIZES = {"small": 0.180, "medium": 0.212, "large": 0.245}

COLOR_NAMES, BACKGROUND_NAMES, SIZE_NAMES = tuple(COLORS), tuple(BACKGROUNDS), tuple(SIZES)

# Pairs closer than this (Euclid, 8-bit RGB) are not drawn: a person could not tell object from ground either.
MIN_CONTRAST = 95.0


@dataclass(frozen=True)
class Clip:
    """What a clip shows, as indices into the tables above, and the small jitter that makes two clips differ."""

    color: int
    shape: int
    motion: int
    background: int
    size: int
    gradient: int
    jitter: tuple  # (dx, dy, scale, travel, phase)


_VISIBLE = [[float(np.linalg.norm(np.subtract(a, b))) >= MIN_CONTRAST for b in BACKGROUNDS.values()] for a in COLORS.values()]


def visible(color: int, background: int) -> bool:
    return _VISIBLE[color][background]


def drawable(shape: int, motion: int) -> bool:
    """A spinning circle or ring cannot be told from a still one."""
    return not (MOTIONS[motion] == "spin" and SHAPES[shape] in ("circle", "ring"))


def held_out(color: int, shape: int, motion: int) -> bool:
    """One combination in sixteen is never trained on; the evaluation asks for those too."""
    return (color * 48 + shape * 8 + motion) * 2654435761 % 2**32 >> 28 == 3


def sample_clip(rng: np.random.Generator, want_held_out: bool = False) -> Clip:
    while True:
        c, s, m, b = (int(rng.integers(n)) for n in (len(COLORS), len(SHAPES), len(MOTIONS), len(BACKGROUNDS)))
        if visible(c, b) and drawable(s, m) and held_out(c, s, m) == want_held_out:
            j = rng.uniform(-1, 1, 5)
            return Clip(c, s, m, b, int(rng.integers(3)), int(rng.random() < 0.35), tuple(float(v) for v in j))


def trajectory(clip: Clip, frames: int = FRAMES):
    """Centre x, centre y, radius and angle per frame, each [frames]."""
    u = np.linspace(0, 1, frames, dtype=np.float32)
    dx, dy, scale, travel, phase = clip.jitter
    radius = SIZES[SIZE_NAMES[clip.size]] * (1 + 0.04 * scale)
    reach = min(0.235 * (1 + 0.06 * travel), 0.49 - radius)
    x, y = np.full(frames, 0.5 + 0.02 * dx, np.float32), np.full(frames, 0.5 + 0.02 * dy, np.float32)
    r, a = np.full(frames, radius, np.float32), np.zeros(frames, np.float32)
    name = MOTIONS[clip.motion]
    if name in ("right", "left"):
        x = 0.5 + (reach if name == "right" else -reach) * (2 * u - 1)
    elif name in ("up", "down"):
        y = 0.5 + (reach if name == "down" else -reach) * (2 * u - 1)
    elif name == "bounce":
        fall = 1 - np.abs(2 * u - 1)  # slow at the top, fast at the floor, which it touches at half time
        y = 0.5 - reach + 2 * reach * fall**1.7
    elif name == "orbit":
        turn = 2 * np.pi * (u * frames / (frames + 1)) - np.pi / 2 + 0.15 * phase
        x, y = 0.5 + reach * 0.9 * np.cos(turn), 0.5 + reach * 0.9 * np.sin(turn)
    elif name == "grow":
        r = radius * (0.5 + 1.0 * u)
    elif name == "spin":
        a = np.deg2rad(150) * u + 0.2 * phase
    return x.astype(np.float32), y.astype(np.float32), r.astype(np.float32), a.astype(np.float32)


def shape_distance(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance (negative inside), in units of the shape's radius; y down. Exact near the outline, where it matters."""
    if name == "circle":
        return np.hypot(x, y) - 0.95
    if name == "ring":
        return np.abs(np.hypot(x, y) - 0.74) - 0.24
    if name == "square":
        return np.maximum(np.abs(x), np.abs(y)) - 0.82
    if name == "triangle":
        y = y - 0.14
        return np.maximum(y - 0.56, np.abs(x) * 0.894427 - y * 0.447214 - 0.50)
    if name == "star":
        sector = np.pi / 5
        angle = np.arctan2(x, -y)
        folded = np.abs((angle + sector) % (2 * sector) - sector)
        radius = np.hypot(x, y)
        px, py = radius * np.cos(folded), radius * np.sin(folded)
        ix, iy = 0.44 * np.cos(sector), 0.44 * np.sin(sector)
        nx, ny = iy, 1.0 - ix  # normal of the edge from the tip (1, 0) to the inner corner
        return ((px - 1.0) * nx + py * ny) / np.hypot(nx, ny)
    if name == "heart":
        s = 0.62  # half side of the tilted square; a circle sits on each of its two upper sides
        u, v = (x + (y - 0.12)) * 0.70710678, ((y - 0.12) - x) * 0.70710678
        body = np.maximum(np.abs(u), np.abs(v)) - s
        return np.minimum(body, np.minimum(np.hypot(u, v + s), np.hypot(u + s, v)) - s)
    raise ValueError(name)


def render(clip: Clip, pixels: int, frames: np.ndarray | None = None, window: tuple[int, int, int] | None = None) -> np.ndarray:
    """Frames as float32 RGB in 0..1, [F, pixels, pixels, 3]; `frames` picks some of the 16, `window` (top, left, side) a square."""
    x, y, r, a = trajectory(clip)
    if frames is not None:
        x, y, r, a = x[frames], y[frames], r[frames], a[frames]
    grid = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels
    top, left, side = window if window is not None else (0, 0, pixels)
    rows_at = grid[top: top + side]
    px = (grid[None, None, left: left + side] - x[:, None, None]) / r[:, None, None]
    py = (rows_at[None, :, None] - y[:, None, None]) / r[:, None, None]
    px, py = np.broadcast_arrays(px, py)
    if MOTIONS[clip.motion] == "spin":
        c, s = np.cos(a)[:, None, None], np.sin(a)[:, None, None]
        px, py = c * px + s * py, c * py - s * px
    distance = shape_distance(SHAPES[clip.shape], px, py) * r[:, None, None] * pixels
    alpha = np.clip(0.5 - distance, 0, 1)[..., None]
    ground = np.array(BACKGROUNDS[BACKGROUND_NAMES[clip.background]], np.float32) / 255
    rows = np.broadcast_to(ground, (side, 3))
    if clip.gradient:
        lift = (0.16 * (1 - 2 * rows_at))[:, None]
        rows = np.where(lift > 0, rows + (1 - rows) * lift, rows * (1 + 1.5 * lift))
    color = np.array(COLORS[COLOR_NAMES[clip.color]], np.float32) / 255
    shade = np.clip(1.0 - 0.10 * py, 0.84, 1.06)[..., None]  # lit from above
    return np.clip(rows[None, :, None, :] * (1 - alpha) + np.clip(color * shade, 0, 1) * alpha, 0, 1).astype(np.float32)


# ---- captions -------------------------------------------------------------------------------------------------------

SHAPE_WORDS = {
    "circle": ("circle", "circle", "ball", "disc", "dot"), "square": ("square", "square", "box", "block"),
    "triangle": ("triangle", "triangle", "pyramid"), "star": ("star",), "ring": ("ring", "ring", "hoop", "donut"),
    "heart": ("heart",),
}
COLOR_WORDS = {
    "red": ("red", "red", "crimson"), "orange": ("orange",), "yellow": ("yellow", "yellow", "golden"),
    "green": ("green",), "blue": ("blue",), "purple": ("purple", "purple", "violet"), "pink": ("pink",), "white": ("white",),
}
BACKGROUND_WORDS = {
    "black": ("black",), "dark blue": ("dark blue", "dark blue", "navy"), "dark green": ("dark green",),
    "dark red": ("dark red", "dark red", "maroon"), "gray": ("gray", "grey"),
    "light blue": ("light blue", "light blue", "sky blue", "pale blue"), "white": ("white",), "cream": ("cream", "beige"),
}
SIZE_WORDS = {"small": ("small", "little", "tiny"), "medium": ("medium",), "large": ("large", "big", "huge")}
MOTION_WORDS = {
    "right": ("moving right", "moving to the right", "sliding right", "drifting to the right", "flying right"),
    "left": ("moving left", "moving to the left", "sliding left", "drifting to the left", "flying left"),
    "up": ("moving up", "rising", "floating up", "flying up", "moving upwards"),
    "down": ("moving down", "falling", "sinking", "dropping down", "moving downwards"),
    "bounce": ("bouncing", "bouncing", "jumping", "hopping", "bouncing up and down"),
    "orbit": ("circling", "orbiting", "moving in a circle", "going around", "moving around in circles"),
    "grow": ("growing", "expanding", "getting bigger", "getting larger"),
    "spin": ("spinning", "rotating", "turning", "spinning around"),
}


def caption(clip: Clip, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """A sentence for the clip, and the labels it states [color, shape, motion, background, size, gradient]; -1 = unsaid."""
    pick = lambda words: words[int(rng.integers(len(words)))]
    say = rng.random(6) < np.array([0.97, 0.99, 0.95, 0.93, 0.5, 0.9])
    color = pick(COLOR_WORDS[COLOR_NAMES[clip.color]]) if say[0] else ""
    shape = pick(SHAPE_WORDS[SHAPES[clip.shape]]) if say[1] else pick(("shape", "thing", "object"))
    size = pick(SIZE_WORDS[SIZE_NAMES[clip.size]]) if say[4] else ""
    motion = pick(MOTION_WORDS[MOTIONS[clip.motion]]) if say[2] else ""
    subject = " ".join(w for w in (pick(("a", "a", "the", "one", "")), size, color, shape) if w)
    ground = pick(BACKGROUND_WORDS[BACKGROUND_NAMES[clip.background]])
    gradient = bool(clip.gradient and say[5])
    article = pick(("a", "a", "the"))
    if gradient:
        scene = pick((f"{article} {ground} gradient background", f"{article} {ground} gradient"))
    else:
        scene = pick((f"{article} {ground} background", f"{article} {ground} background", f"{article} {ground} ground", ground))
    preposition = pick(("over", "over", "on", "against", "across", "in front of", "with"))
    if not say[3]:
        text = " ".join(w for w in (subject, pick(("", "is")) if motion else "", motion) if w)
        gradient = False
    elif rng.random() < 0.15:
        text = f"{preposition} {scene}, {subject}" + (f" {pick(('is ', ''))}{motion}" if motion else "")
    else:
        text = " ".join(w for w in (subject, pick(("", "", "is", "that is")) if motion else "", motion, preposition, scene) if w)
    if rng.random() < 0.15:
        text = pick(("a video of ", "video of ", "a clip of ", "an animation of ", "a movie showing ")) + text
    if rng.random() < 0.2:
        text += pick((".", ", slowly", " slowly", " smoothly", "!"))
    labels = np.array([
        clip.color if say[0] else -1, clip.shape if say[1] else -1, clip.motion if motion else -1,
        clip.background if say[3] else -1, clip.size if size else -1, int(gradient) if say[3] else -1,
    ])
    return text, labels
