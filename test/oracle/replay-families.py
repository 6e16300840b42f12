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


def rotary(config: dict, t: int, h: int, w: int) -> dict:
    """Tables [t*h*w, D] of CogVideoX; h and w in patches. 1.0 stretches the grid onto that of the training size, 1.5 does not."""
    dim, patch = config["attention_head_dim"], config["patch_size"]
    if config["patch_size_t"] is None:
        base_w, base_h = config["sample_width"] // patch, config["sample_height"] // patch
        high, wide = (base_h, round(base_h / h * w)) if h / w > base_h / base_w else (round(base_w / w * h), base_w)
        top, left = round((base_h - high) / 2), round((base_w - wide) / 2)  # round: half to even
        rows = np.linspace(top, (top + high) * (h - 1) / h, h, dtype=np.float64)
        columns = np.linspace(left, (left + wide) * (w - 1) / w, w, dtype=np.float64)
    else:
        rows, columns = np.arange(h), np.arange(w)

    def angles(size, places):
        frequencies = 1 / 10000 ** (np.arange(0, size, 2, dtype=F32) / F32(size))
        return np.repeat(np.outer(places.astype(F32), frequencies.astype(F32)), 2, axis=1)

    parts = [angles(dim // 4, np.arange(t))[:, None, None], angles(dim // 8 * 3, rows)[None, :, None], angles(dim // 8 * 3, columns)[None, None]]
    table = np.concatenate([np.broadcast_to(a, (t, h, w, a.shape[-1])) for a in parts], axis=-1).reshape(t * h * w, dim)
    return {"image_rotary_emb_cos": np.cos(table), "image_rotary_emb_sin": np.sin(table)}


def stream(bundle: Bundle, which: str, main: str, clip: np.ndarray, first: int, following: int) -> np.ndarray:
    """Pieces of `first`, `following`, `following` … frames along axis 2 through a streaming coder."""
    pieces = np.split(clip, np.arange(first, clip.shape[2], following), axis=2)
    out, caches = [], {}
    for i, piece in enumerate(pieces):
        result = bundle.run(f"vae_{which}/stream_{'next' if i else 'first'}.onnx", {main: piece} | caches)
        caches = {f"cache_{j}": c for j, c in enumerate(result[1:])}
        out.append(result[0])
    return np.concatenate(out, axis=2)


def cogvideox(bundle: Bundle, case: dict, given: dict) -> tuple[np.ndarray, np.ndarray]:
    request, draw, task = case["request"], Draws(case["request"]["seed"]), case["task"]
    config, vae = bundle.json("transformer/config.json"), bundle.json("vae_decoder/config.json")
    factor, time, scale = 2 ** (len(vae["block_out_channels"]) - 1), vae["temporal_compression_ratio"], F32(vae["scaling_factor"])
    frames, height, width = sizes(request)
    patch_t, channels = config["patch_size_t"], config["in_channels"] // (2 if task == "i2v" else 1)
    real = (frames - 1) // time + 1
    extra = 0 if patch_t is None else -real % patch_t
    t, h, w = real + extra, height // factor, width // factor
    shape = (1, t, channels, h, w)

    scheduler = getattr(diffusers, bundle.scheduler_config["_class_name"]).from_config(bundle.scheduler_config)
    scheduler.set_timesteps(request["num_inference_steps"])
    steps, image = scheduler.timesteps, None
    if task == "v2v":
        steps = steps[late(request["num_inference_steps"], request["strength"]):]
        video = normalized(given["video"]).transpose(1, 0, 2, 3)[None]
        z0 = posterior(stream(bundle, "encoder", "sample", video, 9, 8), draw).transpose(0, 2, 1, 3, 4) * scale
        latents = scheduler.add_noise(torch.from_numpy(z0), torch.from_numpy(draw(*shape)), steps[:1])
    elif task == "i2v":
        picture = normalized(given["image"])[None, :, None]
        z0 = posterior(bundle.run("vae_encoder/model.onnx", {"sample": picture})[0], draw).transpose(0, 2, 1, 3, 4)
        image = np.zeros(shape, F32)
        image[:, :1] = z0 * (F32(1 / vae["scaling_factor"]) if vae["invert_scale_latents"] else scale)
        latents = torch.from_numpy(draw(*shape))
    else:
        latents = torch.from_numpy(draw(*shape))

    embeds = bundle.encode(request)[0]
    batch, seen, old, dpm = len(embeds), [], None, isinstance(scheduler, diffusers.CogVideoXDPMScheduler)
    tables = rotary(config, t // (patch_t or 1), h // config["patch_size"], w // config["patch_size"]) if config["use_rotary_positional_embeddings"] else {}
    for name, table in tables.items():
        assert np.abs(table - given[name]).max() < 1e-5, f"{name} is off"
    for i, step in enumerate(steps):
        x = latents.numpy() if image is None else np.concatenate([latents.numpy(), image], axis=2)
        out = bundle.run("transformer/model.onnx", {
            "hidden_states": np.repeat(x, batch, 0), "encoder_hidden_states": embeds, "timestep": np.repeat(step.numpy(), batch)} | tables)[0]
        out = torch.from_numpy(guide(out, request["guidance_scale"]))
        if dpm:
            latents, old = scheduler.step(out, old, step, steps[i - 1] if i else None, latents, generator=draw.generator, return_dict=False)
        else:
            latents = scheduler.step(out, step, latents, return_dict=False)[0]
        seen.append(latents.numpy())
    z = F32(1 / vae["scaling_factor"]) * seen[-1][:, extra:].transpose(0, 2, 1, 3, 4)
    return np.stack(seen), pixels(stream(bundle, "decoder", "latent_sample", z, 3, 2))


FAMILIES = {"ltx": ltx, "animatediff": animatediff, "cogvideox": cogvideox}


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
