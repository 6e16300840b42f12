"""Tiny Wan pipelines with random weights, see ../tiny.py."""

import json
from pathlib import Path

import diffusers
import torch
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

# Made-up statistics of four and six latent channels; real ones have 16 and 48.
MEAN = [-0.7571, 0.3, 0.1075, -0.9113, 0.21, -0.05]
STD = [2.8184, 1.4541, 2.3275, 1.6558, 1.1, 1.9]
TOKENS = 24


def _tokenizer():
    from ..tiny import t5_like_tokenizer

    return PreTrainedTokenizerFast(tokenizer_object=t5_like_tokenizer(), pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
                                   padding_side="right", model_max_length=512)


def _text_encoder(vocabulary: int) -> UMT5EncoderModel:
    from ..tiny import widen

    encoder = UMT5EncoderModel(UMT5Config(vocab_size=vocabulary, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4,
                                          relative_attention_num_buckets=8, relative_attention_max_distance=16, dropout_rate=0.0))
    widen(encoder, seed=11)
    return encoder.eval()


def _transformer(seed: int, channels: int, out_channels: int, **more) -> diffusers.WanTransformer3DModel:
    from ..tiny import widen

    model = diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=16, in_channels=channels, out_channels=out_channels,
        text_dim=32, freq_dim=32, ffn_dim=64, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads", eps=1e-6,
        rope_max_seq_len=32, **more)
    widen(model, seed)
    return model.eval()


def _vae(seed: int, z_dim: int, **more) -> diffusers.AutoencoderKLWan:
    from ..tiny import widen

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
    said = {"id": id, "license": "Apache-2.0", "owned_by": "reelay", "created": 1795219200, "maxTokens": TOKENS,
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


TINY = {"wan-2.1-t2v": build_21_t2v}
