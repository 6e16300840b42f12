"""Tiny AnimateDiff pipelines with random weights, see ../tiny.py."""

import json
import re
from collections import Counter
from pathlib import Path

import diffusers
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast

from ..seeded import SENTENCES, widen
from .tiny_governance import TINY_GOVERNANCE

TOKENS, WIDTH = 77, 16
START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "linear"}


def clip_like_tokenizer(merges: int = 120) -> Tokenizer:
    """Byte pairs as CLIP has them: lower case, </w> behind words, the 256 bytes twice, then merges, then the two special tokens."""
    def frame(model) -> Tokenizer:
        tokenizer = Tokenizer(model)
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
        return tokenizer

    pairs = _pairs(SENTENCES, merges)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = [*letters, *[letter + "</w>" for letter in letters], *["".join(pair) for pair in pairs], START, END]
    ids = {piece: i for i, piece in enumerate(dict.fromkeys(vocabulary))}
    tokenizer = frame(models.BPE(vocab=ids, merges=pairs, unk_token=END, end_of_word_suffix="</w>", continuing_subword_prefix=""))
    tokenizer.add_special_tokens([START, END])
    tokenizer.post_processor = processors.RobertaProcessing((END, ids[END]), (START, ids[START]), trim_offsets=False,
                                                               add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _pairs(sentences: list[str], count: int) -> list[tuple[str, str]]:
    """The `count` most frequent pairs, merged one after the other. The library's trainer orders equal ones anew in each run."""
    words = [[*word[:-1], word[-1] + "</w>"] for s in sentences for word in re.findall(r"'s|[a-z]+|[0-9]|[^\sa-z0-9]+", s.lower())]
    pairs = []
    while len(pairs) < count:
        found = Counter(pair for word in words for pair in zip(word, word[1:]))
        best = max(found, key=lambda pair: (found[pair], pair))
        pairs.append(best)
        for word in words:
            for i in range(len(word) - 2, -1, -1):
                if (word[i], *word[i + 1:i + 2]) == best:
                    word[i:i + 2] = ["".join(best)]
    return pairs


def _text_encoder(tokenizer: Tokenizer) -> CLIPTextModel:
    encoder = CLIPTextModel(CLIPTextConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=WIDTH, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=TOKENS, bos_token_id=tokenizer.token_to_id(START), eos_token_id=tokenizer.token_to_id(END),
        pad_token_id=tokenizer.token_to_id(END)))
    widen(encoder, seed=31)
    return encoder.eval()


def _unet() -> diffusers.UNetMotionModel:
    unet = diffusers.UNetMotionModel(
        sample_size=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=WIDTH,
        down_block_types=("CrossAttnDownBlockMotion", "DownBlockMotion"), up_block_types=("UpBlockMotion", "CrossAttnUpBlockMotion"),
        num_attention_heads=2, motion_num_attention_heads=2, motion_max_seq_length=8)
    widen(unet, seed=32)
    _predict_mostly_input(unet)
    return unet.eval()


@torch.no_grad()
def _predict_mostly_input(unet) -> None:
    """Lets the sample through the outermost skip connection, so that the predicted noise resembles it: an arbitrary prediction is
    blown up fifteenfold at the first timestep, and rounding with it. Channels 0-3 carry x and 4-7 its negative, for SiLU(x) -
    SiLU(-x) = x."""
    last = unet.up_blocks[-1].resnets[-1]
    for module, share in ((unet.conv_in, 0.1), (last.conv2, 0.3), (last.conv_shortcut, 0.1), (unet.conv_out, 0.1)):
        module.weight.mul_(share)
    for block in (unet.up_blocks[-1].attentions[-1], unet.up_blocks[-1].motion_modules[-1]):
        block.proj_out.weight.mul_(0.3)
    for c in range(8):
        unet.conv_in.weight[c, c % 4, 1, 1] += 1 if c < 4 else -1
        last.conv_shortcut.weight[c, 8 + c, 0, 0] += 1
        unet.conv_out.weight[c % 4, c, 1, 1] += 1 if c < 4 else -1


def _vae() -> diffusers.AutoencoderKL:
    vae = diffusers.AutoencoderKL(
        block_out_channels=(4, 4, 8, 8), layers_per_block=1, norm_num_groups=2, latent_channels=4, scaling_factor=0.18215,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
    widen(vae, seed=33)
    with torch.no_grad():
        vae.decoder.conv_out.weight.mul_(0.4)  # keeps most pixels inside -1..1
        # Real encoders give means of some 5 and small deviations.
        vae.quant_conv.weight[:4].mul_(4)
        vae.quant_conv.bias[4:].sub_(3)
    return vae.eval()


def _build(out: Path, id: str, scheduler, cases: list, **defaults) -> None:
    tokenizer, unet = clip_like_tokenizer(), _unet()
    diffusers.AnimateDiffPipeline(
        tokenizer=PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=START, eos_token=END, unk_token=END, pad_token=END,
                                          model_max_length=TOKENS),
        text_encoder=_text_encoder(tokenizer), unet=unet, vae=_vae(), motion_adapter=None, scheduler=scheduler,
    ).save_pretrained(str(out))
    said = {"id": id, "license": "Apache-2.0", "owned_by": "reelay", "created": 1795219200, "governance": TINY_GOVERNANCE,
            "description": "Random weights in the shape of an AnimateDiff pipeline, for tests.",
            "limits": {"sizes": ["32x32", "48x32"], "frames": {"min": 1, "max": 8, "step": 1}},
            "defaults": {"size": "32x32", "frames": 4, "steps": 3} | defaults, "cases": cases}
    (out / "reelay.json").write_text(json.dumps(said, indent=2) + "\n")


REQUEST = {"prompt": "A red circle bouncing over a dark blue background", "negative_prompt": "worst quality, blurry, static",
           "size": "32x32", "num_frames": 4, "num_inference_steps": 3, "guidance_scale": 7.5, "seed": 42}


def _case(name: str, task: str = "t2v", **changes) -> dict:
    return {"name": name, "task": task, "request": {k: v for k, v in (REQUEST | changes).items() if v is not None}}


def build_ddim(out: Path) -> None:
    """DDIM as the motion adapters' cards have it."""
    scheduler = diffusers.DDIMScheduler(**BETAS, clip_sample=False, timestep_spacing="linspace", steps_offset=1)
    long = "Two  cats & a dog,\nbaking a CAKE in café №5! it's 1924: " + "the small boat drifts across the quiet lake at sunrise; " * 3
    _build(out, "animatediff-tiny", scheduler, [
        _case("t2v-guided"),
        _case("t2v-plain", guidance_scale=1, negative_prompt=None, seed=4294967301, num_inference_steps=2),
        _case("t2v-wide", size="48x32", num_frames=6, seed=3, num_inference_steps=2, prompt=long),
        _case("v2v-guided", "v2v", seed=5, num_inference_steps=5, strength=0.6),
        _case("v2v-plain", "v2v", seed=6, size="32x48", guidance_scale=1, negative_prompt=None, strength=0.8),
    ])


def build_lcm(out: Path) -> None:
    """LCM with a motion adapter distilled for it: few steps, noise drawn in each but the last."""
    _build(out, "animatediff-lcm-tiny", diffusers.LCMScheduler(**BETAS), [
        _case("t2v-guided", guidance_scale=2, num_inference_steps=4),
        _case("t2v-plain", guidance_scale=1, negative_prompt=None, seed=7, num_inference_steps=2, size="48x32"),
        _case("v2v-guided", "v2v", guidance_scale=1.5, seed=8, num_inference_steps=4, strength=0.7),
    ], guidance=2)


def build_euler(out: Path) -> None:
    """Euler with trailing timesteps, as AnimateDiff-Lightning has it; the noise is scaled by the first sigma."""
    _build(out, "animatediff-euler-tiny", diffusers.EulerDiscreteScheduler(**BETAS, timestep_spacing="trailing"), [
        _case("t2v-guided", guidance_scale=3, num_inference_steps=4),
        _case("t2v-plain", guidance_scale=1, negative_prompt=None, seed=7, num_inference_steps=2, size="48x32"),
        _case("v2v-guided", "v2v", guidance_scale=3, seed=8, num_inference_steps=4, strength=0.5),
    ])


TINY = {"animatediff": build_ddim, "animatediff-lcm": build_lcm, "animatediff-euler": build_euler}
