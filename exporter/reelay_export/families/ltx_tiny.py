"""Tiny LTX-Video pipelines with random weights, see ../tiny.py."""

import json
from pathlib import Path

import diffusers
import torch
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from ..seeded import t5_like_tokenizer, widen
from .tiny_governance import TINY_GOVERNANCE

TOKENS, CHANNELS = 32, 8

DYNAMIC_SHIFT = {"use_dynamic_shifting": True, "base_shift": 0.95, "max_shift": 2.05, "base_image_seq_len": 1024,
                 "max_image_seq_len": 4096, "shift_terminal": 0.1}

REQUEST = {"prompt": "A red circle bouncing over a dark blue background", "negative_prompt": "worst quality, blurry, static",
           "size": "32x32", "num_frames": 9, "fps": 25, "num_inference_steps": 3, "guidance_scale": 3, "seed": 42}


def _case(name: str, task: str = "t2v", **changes) -> dict:
    return {"name": name, "task": task, "request": {k: v for k, v in (REQUEST | changes).items() if v is not None}}


def t5(d_model: int, seed: int) -> tuple[PreTrainedTokenizerFast, T5EncoderModel]:
    """A tokenizer and an encoder as T5 v1.1 has them."""
    tokenizer = t5_like_tokenizer()
    encoder = T5EncoderModel(T5Config(vocab_size=tokenizer.get_vocab_size(), d_model=d_model, d_kv=8, d_ff=32, num_layers=2, num_heads=2,
                                      relative_attention_num_buckets=8, relative_attention_max_distance=16,
                                      feed_forward_proj="gated-gelu", dropout_rate=0.0))
    widen(encoder, seed)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
                                   padding_side="right", model_max_length=TOKENS), encoder.eval()


def _vae(**more) -> diffusers.AutoencoderKLLTXVideo:
    vae = diffusers.AutoencoderKLLTXVideo(**{"latent_channels": CHANNELS, "block_out_channels": (8, 8, 16, 16),
                                             "layers_per_block": (1, 1, 1, 1, 1)} | more)
    widen(vae, seed=3, gain=0.8)
    generator = torch.Generator("cpu").manual_seed(4)
    vae.latents_mean.copy_(0.3 * torch.randn(CHANNELS, generator=generator))
    vae.latents_std.copy_(0.7 + 0.6 * torch.rand(CHANNELS, generator=generator))
    with torch.no_grad():
        vae.decoder.conv_out.conv.weight.mul_(0.5)  # keeps pixels inside -1..1
    return vae.eval()


def _build(out: Path, id: str, vae: dict, scheduler: dict, cases: list) -> None:
    tokenizer, encoder = t5(16, seed=1)
    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=CHANNELS, out_channels=CHANNELS, num_attention_heads=2, attention_head_dim=10, cross_attention_dim=20,
        num_layers=2, caption_channels=16)
    widen(transformer, seed=2)
    with torch.no_grad():
        transformer.proj_out.weight.mul_(0.7)
    diffusers.LTXPipeline(tokenizer=tokenizer, text_encoder=encoder, transformer=transformer.eval(), vae=_vae(**vae),
                          scheduler=diffusers.FlowMatchEulerDiscreteScheduler(**scheduler)).save_pretrained(str(out))
    said = {"id": id, "license": "Apache-2.0", "owned_by": "reelay", "created": 1795219200, "governance": TINY_GOVERNANCE, "maxTokens": TOKENS,
            "description": "Random weights in the shape of an LTX-Video pipeline, for tests.",
            "limits": {"sizes": ["32x32", "64x32", "32x64", "64x64"], "frames": {"min": 9, "max": 33, "step": 8}},
            "defaults": {"size": "32x32", "frames": 9, "steps": 3}, "cases": cases}
    (out / "reelay.json").write_text(json.dumps(said, indent=2) + "\n")


def build_ltx(out: Path) -> None:
    """LTX-Video 0.9.0: a decoder without timestep; sigmas shifted by the number of tokens and stretched to end at 0.1."""
    decoder = {"decoder_block_out_channels": (8, 8, 16, 16), "decoder_layers_per_block": (1, 1, 1, 1, 1)}
    plain = {"guidance_scale": 1, "negative_prompt": None, "num_inference_steps": 2}
    _build(out, "ltx-tiny", decoder, DYNAMIC_SHIFT, [
        _case("t2v-guided"),
        _case("t2v-plain", seed=4294967301, **plain),
        _case("t2v-wide", size="64x32", num_frames=17, fps=12, seed=3, num_inference_steps=2,
              prompt="Two cats & a dog, baking a cake! The small boat drifts across the quiet lake at sunrise; slow camera pan."),
        _case("i2v-guided", "i2v", seed=5),
        _case("i2v-plain", "i2v", seed=6, size="32x64", **plain),
    ])


def build_ltx_timestep(out: Path) -> None:
    """LTX-Video 0.9.1 and later: the decoder takes a timestep and noise and upsamples with residuals; a static shift of sigmas."""
    decoder = {"decoder_block_out_channels": (8, 16, 32), "decoder_layers_per_block": (1, 1, 1, 1),
               "decoder_spatio_temporal_scaling": (True, True, True), "decoder_inject_noise": (True, True, True, False),
               "upsample_residual": (True, True, True), "upsample_factor": (2, 2, 2), "timestep_conditioning": True}
    _build(out, "ltx-timestep-tiny", decoder, {"shift": 1.5, "use_dynamic_shifting": False}, [
        _case("t2v-guided"),
        _case("t2v-plain", guidance_scale=1, negative_prompt=None, seed=7, num_inference_steps=2, size="64x32"),
        _case("i2v-guided", "i2v", seed=5, num_inference_steps=2),
    ])


TINY = {"ltx": build_ltx, "ltx-timestep": build_ltx_timestep}
