"""Tiny Wan pipelines with random weights, see ../tiny.py."""

import json
from pathlib import Path

import diffusers
import torch
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from ..seeded import t5_like_tokenizer, widen
from .tiny_governance import TINY_GOVERNANCE

# Made-up statistics of four and six latent channels; real ones have 16 and 48.
MEAN = [-0.7571, 0.3, 0.1075, -0.9113, 0.21, -0.05]
STD = [2.8184, 1.4541, 2.3275, 1.6558, 1.1, 1.9]
TOKENS = 14


def _tokenizer():
    return PreTrainedTokenizerFast(tokenizer_object=t5_like_tokenizer(), pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
                                   padding_side="right", model_max_length=512)


def _text_encoder(vocabulary: int) -> UMT5EncoderModel:
    encoder = UMT5EncoderModel(UMT5Config(vocab_size=vocabulary, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4,
                                          relative_attention_num_buckets=8, relative_attention_max_distance=16, dropout_rate=0.0))
    widen(encoder, seed=11)
    return encoder.eval()


def _transformer(seed: int, channels: int, out_channels: int, **more) -> diffusers.WanTransformer3DModel:
    model = diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=16, in_channels=channels, out_channels=out_channels,
        text_dim=32, freq_dim=32, ffn_dim=64, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads", eps=1e-6,
        rope_max_seq_len=32, **more)
    widen(model, seed)
    return model.eval()


def _vae(seed: int, z_dim: int, **more) -> diffusers.AutoencoderKLWan:
    vae = diffusers.AutoencoderKLWan(**{"base_dim": 4, "z_dim": z_dim, "dim_mult": [1, 2, 2, 2], "num_res_blocks": 1,
                                        "temperal_downsample": [False, True, True], "latents_mean": MEAN[:z_dim],
                                        "latents_std": STD[:z_dim]} | more)
    widen(vae, seed)
    with torch.no_grad():
        vae.decoder.conv_out.weight.mul_(0.9)  # keeps most pixels inside -1..1
    return vae.eval()


def _scheduler(shift: float) -> diffusers.UniPCMultistepScheduler:
    return diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)


def _said(out: Path, id: str, sizes: list[str], **more) -> None:
    said = {"id": id, "license": "Apache-2.0", "owned_by": "reelay", "created": 1795219200, "governance": TINY_GOVERNANCE, "maxTokens": TOKENS,
            "description": "Random weights in the shape of a Wan pipeline, for tests.",
            "limits": {"sizes": sizes, "frames": {"min": 5, "max": 13, "step": 4}},
            "defaults": {"size": sizes[0], "frames": 5, "fps": 8, "steps": 4}} | more
    (out / "reelay.json").write_text(json.dumps(said, indent=2) + "\n")


def build_21_t2v(out: Path) -> None:
    """Wan 2.1 text-to-video: UMT5, a transformer of two layers, a causal VAE of 8x4, UniPC with flow shift 3."""
    tokenizer = _tokenizer()
    diffusers.WanPipeline(
        tokenizer=tokenizer, text_encoder=_text_encoder(len(tokenizer)), transformer=_transformer(12, 4, 4), vae=_vae(13, 4),
        scheduler=_scheduler(3.0),
    ).save_pretrained(str(out))
    _said(out, "wan-2.1-t2v-tiny", ["32x32", "64x48"])


def build_22_ti2v(out: Path) -> None:
    """Wan 2.2 TI2V-5B: a timestep for each token, a residual VAE of 16x4 on 2x2 patches, flow shift 5."""
    tokenizer = _tokenizer()
    vae = _vae(23, 6, decoder_base_dim=8, is_residual=True, in_channels=12, out_channels=12, patch_size=2, scale_factor_spatial=16)
    diffusers.WanPipeline(
        tokenizer=tokenizer, text_encoder=_text_encoder(len(tokenizer)), transformer=_transformer(22, 6, 6), vae=vae,
        scheduler=_scheduler(5.0), expand_timesteps=True,
    ).save_pretrained(str(out))
    _said(out, "wan-2.2-ti2v-tiny", ["64x32", "32x64"])


def build_21_i2v(out: Path) -> None:
    """Wan 2.1 image-to-video: latents, mask and image latents as channels, and CLIP's view of the image. The text is padded to
    512 tokens, for the transformer tells the image's tokens from the text's by that number."""
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    tokenizer = _tokenizer()
    vision = CLIPVisionModel(CLIPVisionConfig(hidden_size=20, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2,
                                              image_size=32, patch_size=8))
    widen(vision, seed=35)
    diffusers.WanImageToVideoPipeline(
        tokenizer=tokenizer, text_encoder=_text_encoder(len(tokenizer)), vae=_vae(33, 4), scheduler=_scheduler(3.0),
        transformer=_transformer(32, 12, 4, image_dim=20, added_kv_proj_dim=32), image_encoder=vision.eval(),
        image_processor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    ).save_pretrained(str(out))
    _said(out, "wan-2.1-i2v-tiny", ["32x32", "64x48"], maxTokens=512)


def build_22_a14b(out: Path) -> None:
    """Wan 2.2 A14B text-to-video: one transformer above a timestep of 875, another below."""
    tokenizer = _tokenizer()
    diffusers.WanPipeline(
        tokenizer=tokenizer, text_encoder=_text_encoder(len(tokenizer)), transformer=_transformer(42, 4, 4), vae=_vae(43, 4),
        transformer_2=_transformer(44, 4, 4), scheduler=_scheduler(3.0), boundary_ratio=0.875,
    ).save_pretrained(str(out))
    _said(out, "wan-2.2-a14b-tiny", ["32x32", "64x48"])


def build_22_i2v_a14b(out: Path) -> None:
    """Wan 2.2 A14B image-to-video: two transformers, mask and image latents as channels, no image encoder."""
    tokenizer = _tokenizer()
    diffusers.WanImageToVideoPipeline(
        tokenizer=tokenizer, text_encoder=_text_encoder(len(tokenizer)), vae=_vae(53, 4), scheduler=_scheduler(3.0),
        transformer=_transformer(52, 12, 4), transformer_2=_transformer(54, 12, 4), boundary_ratio=0.9,
    ).save_pretrained(str(out))
    _said(out, "wan-2.2-i2v-a14b-tiny", ["32x32", "48x32"])


TINY = {"wan-2.1-t2v": build_21_t2v, "wan-2.2-ti2v": build_22_ti2v, "wan-2.1-i2v": build_21_i2v, "wan-2.2-a14b": build_22_a14b,
        "wan-2.2-i2v-a14b": build_22_i2v_a14b}
