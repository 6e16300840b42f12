"""Pictures of what a running Reelay delivers: a contact sheet, and an animation in rows of three.

    python -m scenes.show --server http://127.0.0.1:4180 --seed 7 --sheet clips.png --animation clips.webp "a red ball bouncing over the sea" ...

Needs ffmpeg, to decode the MP4s. The prompts are asked for as they stand, with the server's defaults.
"""

import argparse
import json
import subprocess
import time
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ACROSS = 3  # clips side by side in an animation
SHRUNK = 192  # pixels, a clip's side in an animation


def delivered(url: str, prompt: str, seed: int) -> tuple[np.ndarray, float]:
    """Through create, the queue, the worker, H.264 and download: [F, H, W, 3] in 0..1, and frames a second."""
    def call(path, data=None):
        request = urllib.request.Request(url + path, data=data, headers={"content-type": "application/json"})
        return urllib.request.urlopen(request, timeout=60).read()

    video = json.loads(call("/v1/videos", json.dumps({"prompt": prompt, "seed": seed}).encode()))
    for _ in range(1200):
        if video["status"] in ("completed", "failed"):
            break
        time.sleep(0.1)
        video = json.loads(call(f"/v1/videos/{video['id']}"))
    if video["status"] != "completed":
        raise SystemExit(f"{prompt!r}: {video['status']} after two minutes; {(video['error'] or {}).get('message', 'no reason yet')}")
    width, height = (int(n) for n in video["size"].split("x"))
    arguments = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    raw = subprocess.run(arguments, input=call(f"/v1/videos/{video['id']}/content"), stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3).astype(np.float32) / 255, video["fps"]


def sheet(labels: list[str], clips: list[np.ndarray], path: Path) -> None:
    """A row a clip, its prompt above it, every fourth frame at half size."""
    strips = [np.concatenate(list(clip[::4, ::2, ::2]), 1) for clip in clips]
    height, width = strips[0].shape[:2]
    label, gap = 26, 10
    page = Image.new("RGB", (width, len(strips) * (height + label + gap)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for i, (text, strip) in enumerate(zip(labels, strips)):
        top = i * (height + label + gap)
        pen.text((2, top + 4), text, fill="black", font=font)
        page.paste(Image.fromarray((strip * 255).round().astype(np.uint8)), (0, top + label))
    page.save(path)


def animation(clips: list[np.ndarray], fps: float, path: Path) -> None:
    """All clips at once, in rows of ACROSS; an animated WebP that repeats."""
    pages = []
    for t in range(min(map(len, clips))):
        page = Image.new("RGB", (ACROSS * SHRUNK, -(-len(clips) // ACROSS) * SHRUNK), "white")
        for i, clip in enumerate(clips):
            frame = Image.fromarray((clip[t] * 255).round().astype(np.uint8)).resize((SHRUNK, SHRUNK), Image.LANCZOS)
            page.paste(frame, (i % ACROSS * SHRUNK, i // ACROSS * SHRUNK))
        pages.append(page)
    pages[0].save(path, save_all=True, append_images=pages[1:], duration=round(1000 / fps), loop=0, quality=80, method=6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--animation", type=Path)
    parser.add_argument("prompts", nargs="+")
    args = parser.parse_args()
    made = [delivered(args.server, prompt, args.seed) for prompt in args.prompts]
    clips = [clip for clip, _ in made]
    if args.sheet:
        sheet(args.prompts, clips, args.sheet)
    if args.animation:
        animation(clips, made[0][1], args.animation)


if __name__ == "__main__":
    main()
