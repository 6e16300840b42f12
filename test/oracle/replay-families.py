"""Renders the golden cases of a bundle with ONNX Runtime, NumPy and diffusers' scheduler classes, without its pipelines, and prints
how far latents and frames are from the goldens: the formulas that gpu-container/engine/families follows, in their shortest form.

    python test/oracle/replay-families.py test/fixtures/bundles/ltx ...
"""

import inspect
import json
import math
import sys
from pathlib import Path

import diffusers
import numpy as np
import onnxruntime
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer

F32 = np.float32


class Bundle:
    """A bundle's graphs and small files, read when asked for."""

    def __init__(self, root: Path):
        self.root, self.sessions = root, {}
        self.manifest = self.json("bundle.json")
        self.scheduler_config = self.json("scheduler/scheduler_config.json")

    def json(self, path: str):
        return json.loads((self.root / path).read_text())

    def run(self, path: str, feeds: dict) -> list[np.ndarray]:
        if path not in self.sessions:
            self.sessions[path] = onnxruntime.InferenceSession(str(self.root / path), providers=["CPUExecutionProvider"])
        graph = self.sessions[path]
        types = {"tensor(float)": F32, "tensor(int64)": np.int64}
        return graph.run(None, {i.name: np.asarray(feeds[i.name]).astype(types[i.type]) for i in graph.get_inputs()})

    def ids(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Ids and mask [1, L]: cut behind, the template's last token kept, padded behind."""
        tokenizer, length = Tokenizer.from_file(str(self.root / "tokenizer/tokenizer.json")), self.manifest["components"]["text_encoder"]["maxTokens"]
        pad = (tokenizer.padding or {"pad_id": tokenizer.token_to_id("<pad>")})["pad_id"]
        tokenizer.no_padding()
        tokenizer.enable_truncation(length)
        found = tokenizer.encode(text).ids
        padded = found + [pad] * (length - len(found))
        return np.array([padded], np.int64), np.array([[1] * len(found) + [0] * (length - len(found))], np.int64)

    def encode(self, request: dict) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings [B, L, D] and mask [B, L], negative first where there is guidance."""
        texts = [request["prompt"]] if request["guidance_scale"] <= 1 else [request.get("negative_prompt") or "", request["prompt"]]
        pairs = [self.ids(text) for text in texts]
        rows = [self.run("text_encoder/model.onnx", {"input_ids": ids, "attention_mask": mask})[0] for ids, mask in pairs]
        return np.concatenate(rows), np.concatenate([mask for _, mask in pairs])


class Draws:
    """torch's CPU generator."""

    def __init__(self, seed: int):
        self.generator = torch.Generator("cpu").manual_seed(seed)

    def __call__(self, *shape) -> np.ndarray:
        return torch.randn(shape, generator=self.generator).numpy()


def guide(out: np.ndarray, scale: float) -> np.ndarray:
    """One row, or [negative, prompt] combined."""
    return out if len(out) == 1 else out[:1] + F32(scale) * (out[1:] - out[:1])


def posterior(parameters: np.ndarray, draw: Draws) -> np.ndarray:
    mean, logvar = np.split(parameters, 2, axis=1)
    return mean + np.exp(F32(0.5) * np.clip(logvar, -30, 20)) * draw(*mean.shape)


def pixels(sample: np.ndarray) -> np.ndarray:
    """[1, 3, F, H, W] in -1..1 to [F, H, W, 3] in 0..1."""
    return np.clip(sample[0] / 2 + F32(0.5), 0, 1).transpose(1, 2, 3, 0)


def normalized(image: np.ndarray) -> np.ndarray:
    """[..., H, W, 3] bytes to [..., 3, H, W] in -1..1."""
    return np.moveaxis(image.astype(F32) / F32(255), -1, -3) * 2 - 1


def sizes(request: dict) -> tuple[int, int, int]:
    width, height = map(int, request["size"].split("x"))
    return request["num_frames"], height, width


def ltx(bundle: Bundle, case: dict, given: dict) -> tuple[np.ndarray, np.ndarray]:
    request, draw = case["request"], Draws(case["request"]["seed"])
    vae, channels = bundle.json("vae_decoder/config.json"), bundle.json("transformer/config.json")["in_channels"]
    space, time = vae["spatial_compression_ratio"], vae["temporal_compression_ratio"]
    frames, height, width = sizes(request)
    shape = t, h, w = (frames - 1) // time + 1, height // space, width // space
    count = t * h * w
    mean, std = (np.array(vae[k], F32).reshape(1, -1, 1, 1, 1) for k in ("latents_mean", "latents_std"))

    first = None
    if case["task"] == "i2v":
        image = normalized(given["image"])[None, :, None]
        first = (posterior(bundle.run("vae_encoder/model.onnx", {"sample": image})[0], draw) - mean) / std
    latents = draw(1, channels, *shape)
    if first is not None:
        latents[:, :, :1] = first
    latents = latents.reshape(1, channels, count).transpose(0, 2, 1)  # packed [1, S, C]

    config, steps = bundle.scheduler_config, request["num_inference_steps"]
    base, top = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    mu = count * (high - low) / (top - base) + low - (high - low) / (top - base) * base
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler.from_config(config)
    scheduler.set_timesteps(steps, sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)

    f, y, x = np.meshgrid(*(np.arange(n, dtype=F32) for n in shape), indexing="ij")
    coords = np.stack([f * F32(time / request["fps"]), y * space, x * space]).reshape(1, 3, count)
    embeds, mask = bundle.encode(request)
    batch, seen = len(embeds), []
    moving = np.ones((1, count), F32)
    if first is not None:
        moving[:, :h * w] = 0
    for step in scheduler.timesteps:
        out = bundle.run("transformer/model.onnx", {
            "hidden_states": np.repeat(latents, batch, 0), "encoder_hidden_states": embeds, "encoder_attention_mask": mask,
            "timestep": np.repeat(moving * F32(step), batch, 0), "video_coords": np.repeat(coords, batch, 0)})[0]
        stepped = scheduler.step(torch.from_numpy(guide(out, request["guidance_scale"])), step, torch.from_numpy(latents))[0].numpy()
        latents = np.where(moving[..., None] > 0, stepped, latents)
        seen.append(latents)

    z = latents.transpose(0, 2, 1).reshape(1, channels, *shape) * std / F32(vae["scaling_factor"]) + mean
    feeds = {}
    if vae["timestep_conditioning"]:
        share = F32(vae["decode_noise_scale"])
        z = (1 - share) * z + share * draw(*z.shape)
        feeds["timestep"] = np.array([vae["decode_timestep"]], F32)
    return np.stack(seen), pixels(bundle.run("vae_decoder/model.onnx", feeds | {"latent_sample": z})[0])


def late(steps: int, strength: float) -> int:
    """The index of the first timestep of a video-to-video run."""
    return steps - min(int(steps * strength), steps)


def animatediff(bundle: Bundle, case: dict, given: dict) -> tuple[np.ndarray, np.ndarray]:
    request, draw = case["request"], Draws(case["request"]["seed"])
    vae = bundle.json("vae_decoder/config.json")
    factor, scale = 2 ** (len(vae["block_out_channels"]) - 1), F32(vae["scaling_factor"])
    frames, height, width = sizes(request)
    scheduler = getattr(diffusers, bundle.scheduler_config["_class_name"]).from_config(bundle.scheduler_config)
    scheduler.set_timesteps(request["num_inference_steps"])
    steps = scheduler.timesteps
    if case["task"] == "v2v":
        steps = steps[late(request["num_inference_steps"], request["strength"]):]
        video = normalized(given["video"])
        z0 = np.concatenate([posterior(bundle.run("vae_encoder/model.onnx", {"sample": video[i:i + 16]})[0], draw)
                             for i in range(0, frames, 16)])[None] * scale  # [1, F, 4, h, w]: frames before channels
        latents = scheduler.add_noise(torch.from_numpy(z0), torch.from_numpy(draw(*z0.shape)), steps[:1]).permute(0, 2, 1, 3, 4)
    else:
        latents = torch.from_numpy(draw(1, 4, frames, height // factor, width // factor)) * scheduler.init_noise_sigma

    embeds = np.repeat(bundle.encode(request)[0], frames, 0)
    batch, seen = len(embeds) // frames, []
    takes_generator = {"generator": draw.generator} if "generator" in inspect.signature(scheduler.step).parameters else {}
    for step in steps:
        scaled = scheduler.scale_model_input(latents, step).numpy()
        out = bundle.run("unet/model.onnx", {"sample": np.repeat(scaled, batch, 0), "timestep": step.numpy(), "encoder_hidden_states": embeds})[0]
        latents = scheduler.step(torch.from_numpy(guide(out, request["guidance_scale"])), step, latents, **takes_generator).prev_sample
        seen.append(latents.numpy())
    z = (F32(1 / vae["scaling_factor"]) * seen[-1])[0].transpose(1, 0, 2, 3)
    sample = bundle.run("vae_decoder/model.onnx", {"latent_sample": z})[0]
    return np.stack(seen), pixels(sample.transpose(1, 0, 2, 3)[None])


FAMILIES = {"ltx": ltx, "animatediff": animatediff}


def check_ids(bundle: Bundle, request: dict, tensors: dict) -> None:
    for prefix, text in (("prompt", request["prompt"]), ("negative", request.get("negative_prompt") or "")):
        if f"{prefix}_ids" in tensors:
            assert (bundle.ids(text)[0] == tensors[f"{prefix}_ids"]).all(), f"tokenizer.json and the pipeline differ on {text!r}"


def main() -> int:
    worst = 0.0
    for root in map(Path, sys.argv[1:]):
        bundle = Bundle(root)
        for case in bundle.json("golden/golden.json")["cases"]:
            tensors = load_file(str(root / case["file"]))
            check_ids(bundle, case["request"], tensors)
            latents, frames = FAMILIES[bundle.manifest["family"]](bundle, case, tensors)
            off = [float(np.abs(a.reshape(b.shape) - b).max()) for a, b in ((latents, tensors["latents"]), (frames, tensors["frames"]))]
            worst = max(worst, *off)
            print(f"{root.name:24} {case['name']:18} latents {off[0]:.1e}  frames {off[1]:.1e}")
    return 0 if worst < 1e-3 and math.isfinite(worst) else 1


if __name__ == "__main__":
    sys.exit(main())
