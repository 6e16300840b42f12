"""A tokenizer and weights for tiny pipelines, the same in every run."""

import collections
import math
import string

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SENTENCES = [
    "a red circle bouncing over a dark blue background", "a cat and a dog baking a cake together in a kitchen",
    "the small boat drifts across the quiet lake at sunrise", "two children run through a field of yellow flowers",
    "slow camera pan over snowy mountains, cinematic light", "an astronaut rides a green bicycle on the moon",
    "blurry, low quality, static, watermark, worst quality", "rain falls on a busy street in the city at night",
    "close-up of waves breaking on black sand", "a paper airplane glides past tall glass buildings",
    "bright tones, overexposed, subtitles, ugly, deformed", "the old clock tower & its bells, 1924's fog",
]


def t5_like_tokenizer(pieces: int = 400) -> Tokenizer:
    """Unigram pieces with T5's frame: <pad> 0, </s> 1, <unk> 2, metaspace, </s> appended.

    The pieces are substrings of SENTENCES' words by how much text they cover. UnigramTrainer is not used: its choice depends on
    the order of a hash table and differs from run to run.
    """
    counts = collections.Counter()
    for word in (f"▁{word}" for sentence in SENTENCES for word in sentence.split()):
        counts.update(word[i:j] for i in range(len(word)) for j in range(i + 1, min(i + 7, len(word) + 1)))
    letters = sorted({piece for piece in counts if len(piece) == 1} | set(string.printable[:95]) - {" "})
    longer = sorted((p for p in counts if len(p) > 1), key=lambda p: (-counts[p] * len(p), p))[: pieces - 3 - len(letters)]
    total = sum(counts.values())
    vocabulary = [(p, round(math.log(max(counts[p], 0.5) / total), 4)) for p in letters + longer]
    specials = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    tokenizer = Tokenizer(models.Unigram([*specials, *vocabulary], unk_id=2))
    tokenizer.add_special_tokens([token for token, _ in specials])
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer


@torch.no_grad()
def widen(module: torch.nn.Module, seed: int, gain: float = 1.0) -> None:
    """Draws every matrix and kernel anew with variance gain²/fan_in and every bias a little off zero, so that a random network
    passes signals on: default initializations leave a tiny model's output nearly constant."""
    generator = torch.Generator("cpu").manual_seed(seed)
    for name, parameter in sorted(module.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim >= 2 and "table" not in name and "embed_tokens" not in name and "shared" not in name:
            parameter.copy_(noise * gain / (parameter[0].numel() ** 0.5))
        elif parameter.ndim == 1 and name.endswith("bias"):
            parameter.copy_(noise * 0.05)
