"""Asks a bundle for fixed prompts and lets the oracle read the clips back.

    python -m scenes.evaluate --bundle ../../models/reelay-mini [--preset fast] [--task i2v] [--json evaluation.json] [--sheet sheet.png]
    python -m scenes.evaluate --oracle --count 512                 true renders: what the oracle itself reads right

A quarter of the prompts are combinations of color, shape and motion that training never saw; half, drawn independently, are phrased in
ways that the caption grammar cannot make. i2v is given the first frame of a true clip, v2v a whole one with other colors and shapes.
`reelay eval --server` asks a running Reelay for the same prompts.
"""

import argparse
import dataclasses
import json
import os
import time
from pathlib import Path

# ONNX Runtime's builds for Linux report to their maker what they load, unless this is set before they start.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np

from . import oracle, sample, tokens, world
from .prompts import TEST_SEED, TUNING_SEED, prompts

SHOWN = 12  # clips on the contact sheet


class Bundle:
    def __init__(self, folder: Path, threads: int = 1):
        import onnxruntime

        self.manifest = json.loads((folder / "bundle.json").read_text())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        load = lambda part: onnxruntime.InferenceSession(str(folder / part / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.text, self.transformer, self.decoder, self.encoder = map(load, ("text_encoder", "transformer", "vae_decoder", "vae_encoder"))
        self.shift = json.loads((folder / "scheduler/scheduler_config.json").read_text())["shift"]

    def encode(self, clip: np.ndarray) -> np.ndarray:
        """[F, H, W, 3] in 0..1 -> [1, C, T, h, w]"""
        values = (clip * 2 - 1).transpose(3, 0, 1, 2)[None].astype(np.float32)
        return self.encoder.run(None, {"sample": values})[0][:, : self.manifest["latents"]["channels"]]

    def clip(self, prompt: str, seed: int, steps: int, guidance: float, first=None, video=None, strength=0.7) -> np.ndarray:
        texts = ["", prompt] if guidance != 1 else [prompt]
        embeds = self.text.run(None, {"input_ids": np.array([tokens.encode(t) for t in texts], np.int64)})[0]
        x, sigmas = sample.noise([seed]).numpy(), sample.timesteps(steps, self.shift)
        still = None if first is None else self.encode(np.repeat(first[None], world.FRAMES, 0))[:, :, :1]
        if video is not None:
            sigmas = sigmas[steps - min(int(steps * strength), steps):]
            x = (1 - sigmas[0]) * self.encode(video) + sigmas[0] * x
        for now, following in zip(sigmas[:-1], sigmas[1:]):
            times = np.full((len(texts), x.shape[2]), now * 1000, np.float32)
            if still is not None:
                x[:, :, :1], times[:, 0] = still, 0
            feeds = {"hidden_states": np.repeat(x, len(texts), 0), "timestep": times, "encoder_hidden_states": embeds}
            v = self.transformer.run(None, feeds)[0]
            v = v if guidance == 1 else v[:1] + guidance * (v[1:] - v[:1])
            x = (x + (following - now) * v).astype(np.float32)
        if still is not None:
            x[:, :, :1] = still
        out = self.decoder.run(None, {"latent_sample": x})[0][0]
        return ((out.transpose(1, 2, 3, 0) + 1) / 2).clip(0, 1)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(max(np.square(a - b).mean(), 1e-10)))


def flicker(clip: np.ndarray) -> float:
    """Mean absolute second difference over time: what neither stays nor moves evenly."""
    return float(np.abs(clip[2:] - 2 * clip[1:-1] + clip[:-2]).mean())


def rates(rows: list[dict]) -> dict:
    marks = [oracle.marks(row["want"], row["got"]) for row in rows]
    each = [all(t[k] == g[k] for k in t) for row in rows if len(row["want"]["things"]) == len(row["got"]["things"]) == 2
            for t, g in zip(row["want"]["things"], row["got"]["things"])]
    found = {k: 100 * float(np.mean([m[k] for m in marks])) for k in marks[0]}
    wanted = 2 * sum(len(row["want"]["things"]) == 2 for row in rows)
    if wanted:
        found["each_of_two"] = 100 * sum(each) / wanted
    return {"n": len(rows), **{k: round(v, 1) for k, v in found.items()}}


def groups(rows: list[dict]) -> dict[str, list[dict]]:
    phrased = lambda r: "paraphrase" if r["paraphrase"] else "template"
    found = {"all_prompts": rows}
    for row in rows:
        thing = row["want"]["things"][0]
        names = [f"{'unseen' if row['unseen'] else 'seen'}_{phrased(row)}", f"place_{row['want']['place']}", f"camera_{row['want']['camera']}",
                 f"background_{row['want']['background']}"]
        if len(row["want"]["things"]) == 1:
            names += [f"shape_{thing['shape']}", f"motion_{thing['motion']}"]
        for name in names:
            found.setdefault(name, []).append(row)
    return {k: found[k] for k in ["all_prompts", *sorted(set(found) - {"all_prompts"})]}


def other(clip: world.Clip, rng: np.random.Generator) -> world.Clip:
    """The same motions and scene with other objects, as a video to start from."""
    while True:
        things = tuple(dataclasses.replace(t, color=int(rng.integers(8)), shape=int(rng.integers(len(world.SHAPES)))) for t in clip.things)
        if all(world.visible(t.color, clip.background) and world.drawable(t.shape, t.motion) for t in things):
            return dataclasses.replace(clip, things=things)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bundle", type=Path)
    source.add_argument("--oracle", action="store_true")
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--tuning", action="store_true", help="the prompts on which settings are chosen")
    parser.add_argument("--task", choices=("t2v", "i2v", "v2v"), default="t2v")
    parser.add_argument("--strength", type=float, default=0.7)
    parser.add_argument("--preset", choices=("fast",))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    if args.sheet:
        from .show import sheet  # needs Pillow, and nothing else here does; missed before the clips are made
    bundle = Bundle(args.bundle) if args.bundle else None
    chosen = {"steps": 0, "guidance": 1}
    if bundle:
        chosen = {**bundle.manifest["defaults"], **(bundle.manifest["presets"][args.preset] if args.preset else {})}
    steps, guidance = args.steps or chosen["steps"], args.guidance or chosen["guidance"]
    rows = prompts(args.count, TUNING_SEED if args.tuning else TEST_SEED)
    shown, measured = [], {"flicker": [], "flicker_of_true_clips": [], "first_frame_psnr": [], "seconds": []}
    for i, row in enumerate(rows):
        true = world.render(row["clip"], 256)
        given = {"i2v": lambda: {"first": true[0]}, "t2v": dict,
                 "v2v": lambda: {"video": world.render(other(row["clip"], np.random.default_rng(row["seed"])), 256), "strength": args.strength}}[args.task]()
        started = time.time()
        clip = bundle.clip(row["prompt"], row["seed"], steps, guidance, **given) if bundle else true
        measured["seconds"].append(time.time() - started)
        if i < SHOWN:
            shown.append(clip)
        row["got"] = oracle.read(clip)
        measured["flicker"].append(flicker(clip))
        measured["flicker_of_true_clips"].append(flicker(true))
        measured["first_frame_psnr"].append(psnr(clip[0], true[0]))
    if args.sheet:
        sheet([row["prompt"] for row in rows], shown, args.sheet)
    if args.task != "i2v":
        del measured["first_frame_psnr"]
    result = {"task": args.task, "steps": steps, "guidance": guidance, **{k: round(float(np.mean(v)), 5) for k, v in measured.items()},
              "percent": {name: rates(group) for name, group in groups(rows).items()}}
    print(json.dumps(result, indent=1))
    if args.json:
        misses = [{k: row[k] for k in ("prompt", "seed", "want", "got")} for row in rows if row["got"] != row["want"]]
        args.json.write_text(json.dumps({**result, "misses": misses}, indent=1) + "\n")


if __name__ == "__main__":
    main()
