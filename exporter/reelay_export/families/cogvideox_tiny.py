"""Tiny CogVideoX pipelines with random weights, see ../tiny.py."""

import json
from pathlib import Path

import diffusers
import torch

from ..seeded import widen
from .ltx_tiny import TOKENS, t5
from .tiny_governance import TINY_GOVERNANCE

CHANNELS = 4
SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": "v_prediction",
            "rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "set_alpha_to_one": True, "clip_sample": False}

REQUEST = {"prompt": "A red circle bouncing over a dark blue background", "negative_prompt": "worst quality, blurry, static",
           "size": "32x32", "num_frames": 9, "num_inference_steps": 4, "guidance_scale": 6, "seed": 42}


def _case(name: str, task: str = "t2v", **changes) -> dict:
    return {"name": name, "task": task, "request": {k: v for k, v in (REQUEST | changes).items() if v is not None}}


def _transformer(seed: int, **more) -> diffusers.CogVideoXTransformer3DModel:
    model = diffusers.CogVideoXTransformer3DModel(**{
        "num_attention_heads": 2, "attention_head_dim": 16, "in_channels": CHANNELS, "out_channels": CHANNELS, "time_embed_dim": 16,
        "text_embed_dim": 16, "num_layers": 2, "sample_width": 6, "sample_height": 4, "sample_frames": 17,
        "max_text_seq_length": TOKENS} | more)
    widen(model, seed)
    return model.eval()


def _vae(seed: int, **more) -> diffusers.AutoencoderKLCogVideoX:
    vae = diffusers.AutoencoderKLCogVideoX(
        block_out_channels=(4, 4, 8, 8), layers_per_block=1, norm_num_groups=2, latent_channels=CHANNELS,
        sample_height=32, sample_width=48, **more)
    widen(vae, seed)
    with torch.no_grad():
        vae.decoder.conv_out.conv.weight.mul_(0.2)  # keeps most pixels inside -1..1
        vae.encoder.conv_out.conv.bias[CHANNELS:].sub_(3)  # real encoders give small deviations
    return vae.eval()


def _build(out: Path, id: str, cls, transformer, vae, scheduler, cases: list, **limits) -> None:
    tokenizer, encoder = t5(16, seed=51)
    cls(tokenizer=tokenizer, text_encoder=encoder, transformer=transformer, vae=vae, scheduler=scheduler).save_pretrained(str(out))
    said = {"id": id, "license": "Apache-2.0", "owned_by": "reelay", "created": 1795219200, "governance": TINY_GOVERNANCE, "maxTokens": TOKENS,
            "description": "Random weights in the shape of a CogVideoX pipeline, for tests.",
            "limits": {"sizes": ["32x32", "48x32", "32x48"], "frames": {"min": 9, "max": 33, "step": 8}} | limits,
            "defaults": {"size": limits.get("sizes", ["32x32"])[0], "frames": 9, "steps": 4}, "cases": cases}
    (out / "reelay.json").write_text(json.dumps(said, indent=2) + "\n")


def build_2b(out: Path) -> None:
    """CogVideoX 2b: sine positions, DDIM with snr_shift_scale 3."""
    _build(out, "cogvideox-2b-tiny", diffusers.CogVideoXPipeline, _transformer(52), _vae(53),
           diffusers.CogVideoXDDIMScheduler(**SCHEDULE, snr_shift_scale=3.0), [
               _case("t2v-guided"),
               _case("t2v-plain", guidance_scale=1, negative_prompt=None, seed=4294967301, num_inference_steps=3),
               _case("t2v-wide", size="48x32", num_frames=17, seed=3, num_inference_steps=2, prompt="Two cats & a dog, baking a cake!"),
               _case("v2v-guided", "v2v", seed=5, num_inference_steps=5, strength=0.6),
               _case("v2v-plain", "v2v", seed=6, size="32x48", num_frames=17, guidance_scale=1, negative_prompt=None, strength=0.8,
                     num_inference_steps=3),
           ])


def build_5b(out: Path) -> None:
    """CogVideoX 5b: rotary positions, DPM with snr_shift_scale 1, which draws noise in its steps."""
    _build(out, "cogvideox-5b-tiny", diffusers.CogVideoXPipeline, _transformer(54, use_rotary_positional_embeddings=True),
           _vae(55, scaling_factor=0.7), diffusers.CogVideoXDPMScheduler(**SCHEDULE, snr_shift_scale=1.0), [
               _case("t2v-guided"),
               _case("t2v-plain", guidance_scale=1, negative_prompt=None, seed=7, num_inference_steps=3, size="32x48"),
               _case("t2v-wide", size="48x32", num_frames=17, seed=3, num_inference_steps=2),
               _case("v2v-guided", "v2v", seed=5, num_inference_steps=5, strength=0.6),
           ])


def build_5b_i2v(out: Path) -> None:
    """CogVideoX 5b image-to-video: 4 + 4 channels, learned positions of one size beside the rotary ones."""
    transformer = _transformer(56, in_channels=2 * CHANNELS, sample_width=6, sample_height=4, sample_frames=9,
                               use_rotary_positional_embeddings=True, use_learned_positional_embeddings=True)
    _build(out, "cogvideox-5b-i2v-tiny", diffusers.CogVideoXImageToVideoPipeline, transformer, _vae(57, scaling_factor=0.7),
           diffusers.CogVideoXDPMScheduler(**SCHEDULE, snr_shift_scale=1.0), [
               _case("i2v-guided", "i2v", size="48x32"),
               _case("i2v-plain", "i2v", size="48x32", guidance_scale=1, negative_prompt=None, seed=7, num_inference_steps=3),
           ], sizes=["48x32"], frames={"min": 9, "max": 9, "step": 8})


def build_15_i2v(out: Path) -> None:
    """CogVideoX 1.5 image-to-video: patches of two latent frames, so that one is put before and dropped after; any size."""
    transformer = _transformer(58, in_channels=2 * CHANNELS, sample_width=10, sample_height=8, patch_size_t=2, ofs_embed_dim=16,
                               use_rotary_positional_embeddings=True, patch_bias=False)
    _build(out, "cogvideox-1.5-i2v-tiny", diffusers.CogVideoXImageToVideoPipeline, transformer,
           _vae(59, scaling_factor=0.7, invert_scale_latents=True), diffusers.CogVideoXDDIMScheduler(**SCHEDULE, snr_shift_scale=1.0), [
               _case("i2v-guided", "i2v", size="48x32"),
               _case("i2v-plain", "i2v", guidance_scale=1, negative_prompt=None, seed=7, num_inference_steps=3),
           ])


TINY = {"cogvideox-2b": build_2b, "cogvideox-5b": build_5b, "cogvideox-5b-i2v": build_5b_i2v, "cogvideox-1.5-i2v": build_15_i2v}
