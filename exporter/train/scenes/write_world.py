"""Writes the fixed prompts, and what this side makes of their scenes, for the side in TypeScript.

    python -m scenes.write_world            then `npm run lint -- --write` on fixed-prompts.json, which is formatted as code is
    python -m scenes.write_world --check    says whether the files are what would be written; exit status 1 where one is not

fixed-prompts.json: the prompts with their scenes, the first 32 of them a small sample with the shares of all.
frames.json: every fourth pixel of two frames of a few of these scenes, which together show every ground, outline, motion and camera.
readings.json: what the oracle reads in all true clips, and in clips that were damaged in ways that both sides make alike.
"""

import argparse
import base64
import json
import zlib
from pathlib import Path

import numpy as np

from . import damage, oracle, world
from .prompts import prompts

ROOT = Path(__file__).resolve().parents[3]
FIXED = ROOT / "gpu-container/evaluation/world/fixed-prompts.json"
FIXTURES = ROOT / "test/evaluation/world/fixtures"
COUNT = 256
# Of a place: seen and plain, unseen and plain, seen and paraphrased, unseen and paraphrased. 32 in all.
QUICK = {"single": (8, 2, 7, 3), "beside": (3, 1, 3, 1), "stacked": (1, 1, 2, 0)}
FRAMES_SHOWN, PIXEL_STEP = (7, 20), 4


def scene(clip: world.Clip) -> dict:
    things = [{"color": world.COLOR_NAMES[t.color], "shape": world.SHAPES[t.shape], "motion": world.MOTIONS[t.motion],
               "size": world.SIZE_NAMES[t.size], "jitter": [round(v, 6) for v in t.jitter]} for t in clip.things]
    return {"things": things, "place": world.PLACES[clip.place], "background": world.BACKGROUNDS[clip.background], "gradient": bool(clip.gradient),
            "camera": world.CAMERAS[clip.camera], "layout": clip.layout, "shift": round(clip.shift, 6)}


def ordered() -> list[dict]:
    """All prompts, the small sample first."""
    first, rest, left = [], [], {place: list(counts) for place, counts in QUICK.items()}
    for row in prompts(COUNT):
        kinds, kind = left[row["want"]["place"]], 2 * row["paraphrase"] + row["unseen"]
        (first if kinds[kind] > 0 else rest).append(row)
        kinds[kind] -= 1
    return first + rest


def fixed(rows: list[dict]) -> list[dict]:
    return [{**{k: row[k] for k in ("prompt", "seed", "unseen", "paraphrase")}, "scene": scene(row["clip"])} for row in rows]


def shown(row: dict) -> set:
    want = row["want"]
    return {(k, want[k]) for k in ("background", "camera", "place")} | {("gradient", row["clip"].gradient)} | {x for t in want["things"] for x in t.items()}


def covering(rows: list[dict]) -> list[int]:
    """Few rows that show everything: each time the one that shows most of what is missing."""
    missing, found = set().union(*map(shown, rows)), []
    while missing:
        found.append(max(range(len(rows)), key=lambda i: len(shown(rows[i]) & missing)))
        missing -= shown(rows[found[-1]])
    return found


def frames(rows: list[dict]) -> dict:
    def pixels(row):
        drawn = world.render(row["clip"], 256, np.array(FRAMES_SHOWN))[:, ::PIXEL_STEP, ::PIXEL_STEP]
        return base64.b64encode(zlib.compress((drawn * 255).round().astype(np.uint8).tobytes(), 9)).decode()

    return {"frames": FRAMES_SHOWN, "step": PIXEL_STEP, "clips": [{"row": i, "pixels": pixels(rows[i])} for i in covering(rows)]}


def readings(rows: list[dict]) -> list[dict]:
    found = []
    for i, row in enumerate(rows):
        side = 256 if i % 16 == 0 else 128
        clip = as_bytes(row["clip"], side)
        other = as_bytes(rows[(i + 1) % len(rows)]["clip"], side)
        read = lambda c: oracle.read(c.astype(np.float32) / 255)
        kinds = [damage.KINDS[(2 * i + k) % len(damage.KINDS)] for k in (0, 1)]
        found.append({"row": i, "side": side, "true": read(clip), **{kind: read(damage.damaged(kind, clip, other, i)) for kind in kinds}})
    return found


def as_bytes(clip: world.Clip, side: int) -> np.ndarray:
    return (world.render(clip, side) * 255).round().astype(np.uint8)


def same_frames(a: dict, b: dict) -> bool:
    """Machines round float32 differently: a byte may differ by one."""
    unpacked = lambda clip: np.frombuffer(zlib.decompress(base64.b64decode(clip["pixels"])), np.uint8).astype(int)
    return [c["row"] for c in a["clips"]] == [c["row"] for c in b["clips"]] and all(
        np.abs(unpacked(x) - unpacked(y)).max() <= 1 for x, y in zip(a["clips"], b["clips"]))


def lines(rows: list[dict]) -> str:
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    rows = ordered()
    made = {FIXED: fixed(rows), FIXTURES / "frames.json": frames(rows), FIXTURES / "readings.json": readings(rows)}
    stale = []
    for path, content in made.items():
        if not args.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(lines(content) if isinstance(content, list) else json.dumps(content) + "\n")
            continue
        there = json.loads(path.read_text())
        same = same_frames(content, there) if isinstance(content, dict) else json.loads(json.dumps(content)) == there
        print(f"{path.relative_to(ROOT)}: {'as written here' if same else 'DIFFERS from what would be written here'}")
        stale += [] if same else [path]
    raise SystemExit(1 if stale else 0)


if __name__ == "__main__":
    main()
