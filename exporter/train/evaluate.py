"""Asks a bundle for fixed prompts and lets the oracle read the clips back.

    python evaluate.py --bundle ../../models/reelay-mini [--json evaluation.json] [--sheet sheet.png]
    python evaluate.py --server http://127.0.0.1:4180       the same prompts through a running Reelay and its MP4s (needs ffmpeg)

A quarter of the prompts are combinations of color, shape and motion that training never saw; half, drawn independently, are phrased in
ways that the caption grammar cannot make. `--oracle` judges true renders instead, to show what the oracle itself reads right.
"""

import argparse
import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path

# ONNX Runtime's builds for Linux report to their maker what they load, unless this is set before they start.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np

import oracle
import tokens
import world

PROMPT_SEED = 2026  # settings were chosen on other prompts (seed 404)
SHOWN = 12  # clips on the contact sheet
ATTRIBUTES = ("background", "color", "shape", "motion")
PARAPHRASES = (
    "please show me a {color} {shape} that keeps {motion} on {background}",
    "{background} background. {color} {shape}. {motion}.",
    "cinematic shot of one {color} {shape} {motion} against {background}",
    "I would like to see a {color} {shape}, {motion}, with everything behind it {background}",
    "{motion} {color} {shape} in front of {background} scenery",
)


def prompts(count: int) -> list[dict]:
    """A quarter unseen combinations, half paraphrases, drawn independently; any synonym the captions know may be asked for."""
    rng = np.random.default_rng(PROMPT_SEED)
    rows = []
    for i in range(count):
        unseen, paraphrase = bool(rng.random() < 0.25), bool(rng.random() < 0.5)
        clip = world.sample_clip(rng, want_held_out=unseen)
        pick = lambda words: words[int(rng.integers(len(words)))]
        words = {
            "color": pick(world.COLOR_WORDS[world.COLOR_NAMES[clip.color]]), "shape": pick(world.SHAPE_WORDS[world.SHAPES[clip.shape]]),
            "background": pick(world.BACKGROUND_WORDS[world.BACKGROUND_NAMES[clip.background]]),
            "motion": pick(world.MOTION_WORDS[world.MOTIONS[clip.motion]]),
        }
        template = pick(PARAPHRASES) if paraphrase else "a {color} {shape} {motion} over a {background} background"
        rows.append({"prompt": template.format(**words), "seed": 1000 + i, "unseen": unseen, "paraphrase": paraphrase,
                     "want": oracle.truth(clip), "clip": clip})
    return rows


def torch_noise(seed: int, shape: tuple) -> np.ndarray:
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).numpy()


def timesteps(steps: int, shift: float) -> np.ndarray:
    """FlowMatchEulerDiscrete as diffusers has it: the smallest sigma is shifted once before the schedule is, so twice in all."""
    shifted = lambda s: shift * s / (1 + (shift - 1) * s)
    return np.append(shifted(np.linspace(1.0, shifted(1 / 1000), steps)), 0.0).astype(np.float32)


class Bundle:
    def __init__(self, folder: Path):
        import onnxruntime

        self.manifest = json.loads((folder / "bundle.json").read_text())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        load = lambda part: onnxruntime.InferenceSession(str(folder / part / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.text, self.transformer, self.decoder = load("text_encoder"), load("transformer"), load("vae_decoder")
        self.shift = json.loads((folder / "scheduler/scheduler_config.json").read_text())["shift"]

    def clip(self, row: dict, steps: int, guidance: float) -> np.ndarray:
        size = self.manifest["latents"]
        embeds = self.text.run(None, {"input_ids": np.array([tokens.encode(""), tokens.encode(row["prompt"])], np.int64)})[0]
        x = torch_noise(row["seed"], (1, size["channels"], size["frames"], size["height"], size["width"]))
        sigmas = timesteps(steps, self.shift)
        for now, following in zip(sigmas[:-1], sigmas[1:]):
            feeds = {"hidden_states": np.concatenate([x, x]), "timestep": np.full(2, now * 1000, np.float32), "encoder_hidden_states": embeds}
            unconditional, conditional = self.transformer.run(None, feeds)[0]
            x = x + (following - now) * (unconditional + guidance * (conditional - unconditional))[None]
        sample = self.decoder.run(None, {"latent_sample": x.astype(np.float32)})[0][0]
        return ((sample.transpose(1, 2, 3, 0) + 1) / 2).clip(0, 1)


def clip_of_server(url: str, row: dict, steps: int, guidance: float) -> np.ndarray:
    """Through create, the queue, the worker, H.264 and download; RGB read back by ffmpeg."""
    def call(path, data=None):
        request = urllib.request.Request(url + path, data=data, headers={"content-type": "application/json"})
        return urllib.request.urlopen(request, timeout=60).read()

    body = {"prompt": row["prompt"], "seed": row["seed"], "num_inference_steps": steps, "guidance_scale": guidance}
    video = json.loads(call("/v1/videos", json.dumps(body).encode()))
    for _ in range(1200):
        if video["status"] in ("completed", "failed"):
            break
        time.sleep(0.1)
        video = json.loads(call(f"/v1/videos/{video['id']}"))
    assert video["status"] == "completed", video["error"]
    width, height = (int(n) for n in video["size"].split("x"))
    arguments = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    raw = subprocess.run(arguments, input=call(f"/v1/videos/{video['id']}/content"), stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3).astype(np.float32) / 255


def rates(rows: list[dict]) -> dict:
    right = {a: 100 * float(np.mean([row["got"][a] == row["want"][a] for row in rows])) for a in ATTRIBUTES}
    right["all"] = 100 * float(np.mean([row["got"] == row["want"] for row in rows]))
    return {"n": len(rows), **{k: round(v, 1) for k, v in right.items()}}


def sheet(rows: list[dict], clips: list[np.ndarray], path: Path) -> None:
    """A row a clip, its prompt above it, every other frame at half size."""
    from PIL import Image, ImageDraw, ImageFont

    strips = [np.concatenate(list(clip[::2, ::2, ::2]), 1) for clip in clips]
    height, width = strips[0].shape[:2]
    label, gap = 26, 10
    page = Image.new("RGB", (width, len(strips) * (height + label + gap)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for i, (row, strip) in enumerate(zip(rows, strips)):
        top = i * (height + label + gap)
        pen.text((2, top + 4), row["prompt"], fill="black", font=font)
        page.paste(Image.fromarray((strip * 255).round().astype(np.uint8)), (0, top + label))
    page.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bundle", type=Path)
    source.add_argument("--server")
    source.add_argument("--oracle", action="store_true")
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--prompts", nargs="+", help="these instead of the fixed ones; for contact sheets, nothing is judged")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    bundle = Bundle(args.bundle) if args.bundle else None
    def clip_of(row):
        if args.oracle:
            return world.render(row["clip"], 256)
        return bundle.clip(row, args.steps, args.guidance) if bundle else clip_of_server(args.server, row, args.steps, args.guidance)

    rows, shown = prompts(args.count), []
    if args.prompts:
        rows = [{"prompt": text, "seed": 7} for text in args.prompts]
    for i, row in enumerate(rows):
        clip = clip_of(row)
        row["got"] = oracle.read(clip)
        if i < SHOWN:
            shown.append(clip)
    if args.prompts:
        return sheet(rows, shown, args.sheet)
    groups = {
        "all_prompts": rows,
        **{f"{seen}_{phrased}": [r for r in rows if r["unseen"] == (seen == "unseen") and r["paraphrase"] == (phrased == "paraphrase")]
           for seen in ("seen", "unseen") for phrased in ("template", "paraphrase")},
        **{f"shape_{name}": [r for r in rows if r["want"]["shape"] == name] for name in world.SHAPES},
        **{f"motion_{name}": [r for r in rows if r["want"]["motion"] == name] for name in world.MOTIONS},
    }
    result = {"steps": args.steps, "guidance": args.guidance, "percent": {name: rates(group) for name, group in groups.items() if group}}
    print(json.dumps(result, indent=1))
    if args.json:
        misses = [{k: row[k] for k in ("prompt", "seed", "want", "got")} for row in rows if row["got"] != row["want"]]
        args.json.write_text(json.dumps({**result, "misses": misses}, indent=1) + "\n")
    if args.sheet:
        sheet(rows, shown, args.sheet)


if __name__ == "__main__":
    main()
