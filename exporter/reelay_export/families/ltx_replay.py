"""LTX-Video's loop over the graphs of a bundle, from request and seed alone."""

import numpy as np
import torch

from .replay_parts import F32, Draws, encode, guide, normalized, pixels, posterior, rows, sizes


def replay(bundle, case: dict, given: dict) -> dict:
    """The tensors of one golden case, computed with ONNX Runtime, NumPy and diffusers' scheduler."""
    request, draw = case["request"], Draws(case["request"]["seed"])
    vae, channels = bundle.json("vae_decoder/config.json"), bundle.json("transformer/config.json")["in_channels"]
    space, time = vae["spatial_compression_ratio"], vae["temporal_compression_ratio"]
    frames, height, width = sizes(request)
    shape = _, h, w = (frames - 1) // time + 1, height // space, width // space
    count = int(np.prod(shape))
    mean, std = (np.array(vae[k], F32).reshape(1, -1, 1, 1, 1) for k in ("latents_mean", "latents_std"))
    moving, got = np.ones((1, count), F32), encode(bundle, request)
    first = None
    if case["task"] == "i2v":
        image = normalized(given["image"])[None, :, None]
        first = (posterior(bundle.run("vae_encoder/model.onnx", {"sample": image})[0], draw) - mean) / std
        moving[:, :h * w] = 0
    got["noise"] = draw(1, channels, *shape)
    latents = got["noise"].copy()
    if first is not None:
        latents[:, :, :1] = first
    packed = latents.reshape(1, channels, count).transpose(0, 2, 1)
    got |= _denoise(bundle, request, got, packed, moving, coordinates(shape, time, space, request["fps"]))

    z = got["latents"][-1].transpose(0, 2, 1).reshape(1, channels, *shape) * std / F32(vae["scaling_factor"]) + mean
    feeds = {}
    if vae["timestep_conditioning"]:
        got["decode_noise"], share = draw(*z.shape), F32(vae["decode_noise_scale"])
        z = (1 - share) * z + share * got["decode_noise"]
        feeds["timestep"] = np.array([vae["decode_timestep"]], F32)
    got["frames"] = pixels(bundle.run("vae_decoder/model.onnx", feeds | {"latent_sample": z})[0])
    return {k: v for k, v in got.items() if k in given}


def coordinates(shape: tuple, time: int, space: int, fps: float) -> np.ndarray:
    """Seconds and pixels of each token [1, 3, S], tokens counted along x, then y, then time."""
    f, y, x = np.meshgrid(*(np.arange(n, dtype=F32) for n in shape), indexing="ij")
    return np.stack([f * F32(time / fps), y * space, x * space]).reshape(1, 3, -1)


def set_timesteps(scheduler, steps: int, tokens: int) -> None:
    """N sigmas from 1 to 1/N, shifted by the number of tokens where the scheduler's config asks for it."""
    config = scheduler.config
    base, top = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    slope = (high - low) / (top - base)
    scheduler.set_timesteps(steps, sigmas=np.linspace(1.0, 1 / steps, steps), mu=tokens * slope + low - slope * base)


def _denoise(bundle, request, text, latents, moving, coords) -> dict:
    """Tokens where `moving` is 0 have timestep 0 and stay."""
    scheduler, seen, times = bundle.scheduler(), [], []
    set_timesteps(scheduler, request["num_inference_steps"], latents.shape[1])
    embeds = rows(text, "embeds")
    batch = len(embeds)
    for step in scheduler.timesteps:
        times.append(moving * F32(step))
        out = bundle.run("transformer/model.onnx", {
            "hidden_states": np.repeat(latents, batch, 0), "encoder_hidden_states": embeds, "encoder_attention_mask": rows(text, "mask"),
            "timestep": np.repeat(times[-1], batch, 0), "video_coords": np.repeat(coords, batch, 0)})[0]
        stepped = scheduler.step(torch.from_numpy(guide(out, request["guidance_scale"])), step, torch.from_numpy(latents))[0].numpy()
        latents = np.where(moving[..., None] > 0, stepped, latents)
        seen.append(latents)
    model = np.stack(times) if moving.min() == 0 else np.stack(times)[:, :, 0]
    return {"timesteps": scheduler.timesteps.double().numpy(), "latents": np.stack(seen), "model_timesteps": model}
