"""AnimateDiff's loop over the graphs of a bundle, from request and seed alone."""

import inspect

import numpy as np
import torch

from .replay_parts import F32, Draws, encode, guide, late, normalized, pixels, posterior, rows, sizes


def replay(bundle, case: dict, given: dict) -> dict:
    """The tensors of one golden case, computed with ONNX Runtime, NumPy and diffusers' scheduler."""
    request, draw = case["request"], Draws(case["request"]["seed"])
    vae, got = bundle.json("vae_decoder/config.json"), encode(bundle, request)
    factor, frames, height, width = 2 ** (len(vae["block_out_channels"]) - 1), *sizes(request)
    scheduler = bundle.scheduler()
    scheduler.set_timesteps(request["num_inference_steps"])
    steps = scheduler.timesteps
    if case["task"] == "v2v":
        steps = steps[late(request["num_inference_steps"], request["strength"]):]
        z0 = _encode(bundle, normalized(given["video"]), draw)[None] * F32(vae["scaling_factor"])  # frames before channels
        got["noise"] = draw(*z0.shape)
        latents = scheduler.add_noise(torch.from_numpy(z0), torch.from_numpy(got["noise"]), steps[:1]).permute(0, 2, 1, 3, 4)
    else:
        got["noise"] = draw(1, vae["latent_channels"], frames, height // factor, width // factor)
        latents = torch.from_numpy(got["noise"]) * scheduler.init_noise_sigma

    embeds, seen = np.repeat(rows(got, "embeds"), frames, 0), []
    noisy = {"generator": draw.generator} if "generator" in inspect.signature(scheduler.step).parameters else {}
    for step in steps:
        scaled = np.repeat(scheduler.scale_model_input(latents, step).numpy(), len(embeds) // frames, 0)
        out = bundle.run("unet/model.onnx", {"sample": scaled, "timestep": step.numpy(), "encoder_hidden_states": embeds})[0]
        latents = scheduler.step(torch.from_numpy(guide(out, request["guidance_scale"])), step, latents, **noisy).prev_sample
        seen.append(latents.numpy())
    z = (F32(1 / vae["scaling_factor"]) * seen[-1])[0].transpose(1, 0, 2, 3)
    sample = bundle.run("vae_decoder/model.onnx", {"latent_sample": z})[0]
    got |= {"timesteps": steps.double().numpy(), "latents": np.stack(seen), "frames": pixels(sample.transpose(1, 0, 2, 3)[None])}
    return {k: v for k, v in got.items() if k in given}


def _encode(bundle, video: np.ndarray, draw: Draws) -> np.ndarray:
    """Latents [F, C, h, w], sampled for 16 frames at a time."""
    pieces = [video[i:i + 16] for i in range(0, len(video), 16)]
    return np.concatenate([posterior(bundle.run("vae_encoder/model.onnx", {"sample": piece})[0], draw) for piece in pieces])
