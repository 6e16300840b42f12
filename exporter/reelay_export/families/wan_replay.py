"""Wan's loop over the graphs of a bundle, written down once more from docs/bundles.md: if it gives what diffusers gave, the
bundle holds all that an engine needs."""

import numpy as np
import torch
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from PIL import Image
from transformers import AutoImageProcessor


def replay(bundle, case: dict, want: dict) -> dict:
    """The tensors of one golden case, computed with ONNX Runtime from its request, noise and image or video."""
    request, got = case["request"], {}
    prefixes = {"prompt": request["prompt"]}
    if request["guidance_scale"] > 1:
        prefixes["negative"] = request.get("negative_prompt", "")
    for prefix, text in prefixes.items():
        got |= _embed(bundle, prefix, text)
    scheduler, index = bundle.scheduler(), bundle.json("model_index.json")
    scheduler.set_timesteps(request["num_inference_steps"])
    timesteps = scheduler.timesteps
    latents = torch.from_numpy(want["noise"])
    condition = {}
    if case["task"] == "v2v":
        steps = request["num_inference_steps"]
        timesteps = timesteps[max(steps - min(int(steps * request["strength"]), steps), 0):]
        clean = _encode(bundle, _signed(want["video"]))
        latents = scheduler.add_noise(clean, latents, timesteps[:1])
    if case["task"] == "i2v":
        condition = _condition(bundle, index, want, request["num_frames"], latents.shape)
        got |= {k: condition[k] for k in ("image_embeds", "image_latents", "image_mask") if k in condition}
    got["timesteps"] = timesteps.double().numpy()
    got["latents"], latents = _denoise(bundle, index, request, scheduler, timesteps, latents, condition, got)
    got["frames"] = _decode(bundle, latents)
    return got


def _embed(bundle, prefix: str, text: str) -> dict:
    part = bundle.manifest["components"]["text_encoder"]
    ids, mask = bundle.ids(prompt_clean(text), part["maxTokens"])
    embeds = bundle.run(part["graph"], {"input_ids": ids, "attention_mask": mask})[0]
    return {f"{prefix}_ids": ids, f"{prefix}_mask": mask, f"{prefix}_embeds": embeds * mask[:, :, None]}


def _condition(bundle, index, given: dict, frames: int, shape) -> dict:
    """What joins the noise: the image's latents, and the mask or CLIP's view where the weights want them. CLIP sees the image as it came,
    the VAE at the clip's size."""
    made, first = {}, _signed(given["image"][None])
    if index.get("expand_timesteps"):
        return {"image_latents": _encode(bundle, first)}
    rest = torch.zeros(1, 3, frames - 1, *first.shape[3:])
    made["image_latents"] = _encode(bundle, torch.cat([first, rest], 2))
    made["image_mask"] = torch.zeros(1, 4, *shape[2:])
    made["image_mask"][:, :, 0] = 1  # the first frame stands for four, so it fills the first latent frame's four channels
    if "image_encoder" in bundle.manifest["components"]:
        processor = AutoImageProcessor.from_pretrained(str(bundle.folder / "image_processor"))
        pixels = processor(images=Image.fromarray(given.get("picture", given["image"])), return_tensors="np")["pixel_values"]
        made["image_embeds"] = bundle.run("image_encoder/model.onnx", {"pixel_values": pixels})[0]
    return made


def _denoise(bundle, index, request, scheduler, timesteps, latents, condition, text):
    """Latents after every step [N, …], and those that are decoded."""
    boundary = (index.get("boundary_ratio") or 0) * scheduler.config.num_train_timesteps
    expand, seen = index.get("expand_timesteps"), []
    keep = torch.ones_like(latents[:, :1])
    if expand and condition:
        keep[:, :, 0] = 0
    for t in timesteps:
        high = t >= boundary
        part = bundle.manifest["components"]["transformer" if high else "transformer_2"]
        scale = request["guidance_scale"] if high else request.get("guidance_scale_2", request["guidance_scale"])
        fed = latents
        if expand and condition:
            fed = (1 - keep) * condition["image_latents"] + keep * latents
        elif condition:
            fed = torch.cat([latents, condition["image_mask"], condition["image_latents"]], 1)
        feeds = {"hidden_states": fed.numpy(), "timestep": (keep[0, 0, :, ::2, ::2] * t).reshape(1, -1) if expand else t.reshape(1),
                 "encoder_hidden_states_image": condition.get("image_embeds")}
        velocity = bundle.run(part["graph"], feeds | {"encoder_hidden_states": text["prompt_embeds"]})[0]
        if request["guidance_scale"] > 1:
            negative = bundle.run(part["graph"], feeds | {"encoder_hidden_states": text["negative_embeds"]})[0]
            velocity = negative + scale * (velocity - negative)
        latents = scheduler.step(torch.from_numpy(velocity), t, latents, return_dict=False)[0]
        seen.append(latents)
    if expand and condition:
        latents = (1 - keep) * condition["image_latents"] + keep * latents
    return torch.stack(seen), latents


def _signed(frames: np.ndarray) -> torch.Tensor:
    """uint8 [F, H, W, 3] as [1, 3, F, H, W] in -1..1."""
    return torch.from_numpy(frames).float().div(255).mul(2).sub(1).permute(3, 0, 1, 2)[None]


def _statistics(bundle, folder: str) -> tuple[torch.Tensor, torch.Tensor]:
    config = bundle.json(f"{folder}/config.json")
    return tuple(torch.tensor(config[k]).view(1, -1, 1, 1, 1) for k in ("latents_mean", "latents_std"))


def _stream(bundle, folder: str, name: str, chunks: list[torch.Tensor]) -> torch.Tensor:
    caches, made = [], []
    for i, chunk in enumerate(chunks):
        graph = f"{folder}/stream_{'first' if i == 0 else 'next'}.onnx"
        out, *caches = bundle.run(graph, {name: chunk.numpy()} | {f"cache_{j}": c for j, c in enumerate(caches)})
        made.append(torch.from_numpy(out))
    return torch.cat(made, 2)


def _encode(bundle, frames: torch.Tensor) -> torch.Tensor:
    """Normalized latents of [1, 3, F, H, W]: the posterior's mean, as Wan's pipelines take it."""
    mean, std = _statistics(bundle, "vae_encoder")
    parameters = _stream(bundle, "vae_encoder", "sample", [frames[:, :, :1], *frames[:, :, 1:].split(4, dim=2)][: 1 + (frames.shape[2] - 1) // 4])
    return (parameters.chunk(2, dim=1)[0] - mean) / std


def _decode(bundle, latents: torch.Tensor) -> np.ndarray:
    """Frames [F, H, W, 3] in 0..1."""
    mean, std = _statistics(bundle, "vae_decoder")
    frames = _stream(bundle, "vae_decoder", "latent_sample", list((latents * std + mean).split(1, dim=2)))
    return (frames / 2 + 0.5).clamp(0, 1)[0].permute(1, 2, 3, 0).numpy()
