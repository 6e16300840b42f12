"""CogVideoX's loop over the graphs of a bundle, from request and seed alone."""

import diffusers
import numpy as np
import torch

from .replay_parts import F32, Draws, encode, guide, late, normalized, pixels, posterior, rows, sizes


def replay(bundle, case: dict, given: dict) -> dict:
    """The tensors of one golden case, computed with ONNX Runtime, NumPy and diffusers' scheduler."""
    request, draw, task = case["request"], Draws(case["request"]["seed"]), case["task"]
    config, vae = bundle.json("transformer/config.json"), bundle.json("vae_decoder/config.json")
    factor, scale = 2 ** (len(vae["block_out_channels"]) - 1), vae["scaling_factor"]
    frames, height, width = sizes(request)
    real, patch_t = (frames - 1) // vae["temporal_compression_ratio"] + 1, config["patch_size_t"]
    extra = 0 if patch_t is None else -real % patch_t  # 1.5: latent frames that are put before and dropped after
    shape = (1, real + extra, config["in_channels"] // (2 if task == "i2v" else 1), height // factor, width // factor)

    scheduler, got = bundle.scheduler(), encode(bundle, request)
    scheduler.set_timesteps(request["num_inference_steps"])
    steps, image = scheduler.timesteps, None
    if task == "v2v":
        steps = steps[late(request["num_inference_steps"], request["strength"]):]
        video = normalized(given["video"]).transpose(1, 0, 2, 3)[None]
        z0 = posterior(stream(bundle, "encoder", "sample", video, 9, 8), draw).transpose(0, 2, 1, 3, 4) * F32(scale)
    elif task == "i2v":
        picture = normalized(given["image"])[None, :, None]
        first = posterior(bundle.run("vae_encoder/model.onnx", {"sample": picture})[0], draw).transpose(0, 2, 1, 3, 4)
        image = got["image_latents"] = np.zeros(shape, F32)
        image[:, :1] = first * F32(1 / scale if vae["invert_scale_latents"] else scale)
    got["noise"] = draw(*shape)
    latents = torch.from_numpy(got["noise"])
    if task == "v2v":
        latents = scheduler.add_noise(torch.from_numpy(z0), latents, steps[:1])

    grid = shape[1] // (patch_t or 1), shape[3] // config["patch_size"], shape[4] // config["patch_size"]
    tables = rotary(config, *grid) if config["use_rotary_positional_embeddings"] else {}
    got |= _denoise(bundle, request, scheduler, steps, latents, image, rows(got, "embeds"), tables, draw)
    z = F32(1 / scale) * got["latents"][-1][:, extra:].transpose(0, 2, 1, 3, 4)
    got["frames"] = pixels(stream(bundle, "decoder", "latent_sample", z, 3, 2))
    return {k: v for k, v in (got | tables).items() if k in given}


def _denoise(bundle, request, scheduler, steps, latents, image, embeds, tables, draw) -> dict:
    batch, seen, old = len(embeds), [], None
    for i, step in enumerate(steps):
        x = latents.numpy() if image is None else np.concatenate([latents.numpy(), image], axis=2)
        feeds = {"hidden_states": np.repeat(x, batch, 0), "encoder_hidden_states": embeds, "timestep": np.repeat(step.numpy(), batch)}
        out = bundle.run("transformer/model.onnx", feeds | tables)[0]
        out = torch.from_numpy(guide(out, request["guidance_scale"]))
        if isinstance(scheduler, diffusers.CogVideoXDPMScheduler):
            latents, old = scheduler.step(out, old, step, steps[i - 1] if i else None, latents, generator=draw.generator, return_dict=False)
        else:
            latents = scheduler.step(out, step, latents, return_dict=False)[0]
        seen.append(latents.numpy())
    return {"timesteps": steps.double().numpy(), "latents": np.stack(seen)}


def rotary(config: dict, t: int, h: int, w: int) -> dict:
    """Tables [t*h*w, D]; t, h and w in patches. 1.0 stretches the grid onto that of the training size, 1.5 does not."""
    dim, patch = config["attention_head_dim"], config["patch_size"]
    y, x = np.arange(h), np.arange(w)
    if config["patch_size_t"] is None:
        base_w, base_h = config["sample_width"] // patch, config["sample_height"] // patch
        high, wide = (base_h, round(base_h / h * w)) if h / w > base_h / base_w else (round(base_w / w * h), base_w)
        top, left = round((base_h - high) / 2), round((base_w - wide) / 2)  # round: half to even
        y, x = np.linspace(top, (top + high) * (h - 1) / h, h), np.linspace(left, (left + wide) * (w - 1) / w, w)

    def angles(size, places):
        frequencies = 1 / 10000 ** (np.arange(0, size, 2, dtype=F32) / F32(size))
        return np.repeat(np.outer(places.astype(F32), frequencies.astype(F32)), 2, axis=1)

    parts = [angles(dim // 4, np.arange(t))[:, None, None], angles(dim // 8 * 3, y)[None, :, None], angles(dim // 8 * 3, x)[None, None]]
    table = np.concatenate([np.broadcast_to(a, (t, h, w, a.shape[-1])) for a in parts], axis=-1).reshape(t * h * w, dim)
    return {"image_rotary_emb_cos": np.cos(table), "image_rotary_emb_sin": np.sin(table)}


def stream(bundle, which: str, main: str, clip: np.ndarray, first: int, following: int) -> np.ndarray:
    """Pieces of `first`, `following`, `following` … frames along axis 2 through a streaming coder."""
    out, caches = [], {}
    for i, piece in enumerate(np.split(clip, np.arange(first, clip.shape[2], following), axis=2)):
        result = bundle.run(f"vae_{which}/stream_{'next' if i else 'first'}.onnx", {main: piece} | caches)
        caches = {f"cache_{j}": c for j, c in enumerate(result[1:])}
        out.append(result[0])
    return np.concatenate(out, axis=2)
