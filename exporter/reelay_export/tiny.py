"""python -m reelay_export.tiny <name> <out>: a tiny random-weight diffusers pipeline, for tests."""

import argparse
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from . import families
from .errors import ExportError

FAMILIES = ("wan", "animatediff", "ltx", "cogvideox")

SENTENCES = [
    "a red circle bouncing over a dark blue background", "a cat and a dog baking a cake together in a kitchen",
    "the small boat drifts across the quiet lake at sunrise", "two children run through a field of yellow flowers",
    "slow camera pan over snowy mountains, cinematic light", "an astronaut rides a green bicycle on the moon",
    "blurry, low quality, static, watermark, worst quality", "rain falls on a busy street in the city at night",
    "close-up of waves breaking on black sand", "a paper airplane glides past tall glass buildings",
    "bright tones, overexposed, subtitles, ugly, deformed", "the old clock tower & its bells, 1924's fog",
]


def t5_like_tokenizer(pieces: int = 400) -> Tokenizer:
    """Unigram pieces with T5's frame: <pad> 0, </s> 1, <unk> 2, metaspace, </s> appended. Learned from SENTENCES alone."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=pieces, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 4, trainer)
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


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reelay_export.tiny", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="which pipeline; a wrong name lists them")
    parser.add_argument("out", type=Path)
    args = parser.parse_args(argv)
    builders = {}
    for family in FAMILIES:
        try:
            builders |= families.module(family).TINY
        except ExportError:
            continue  # a family that has no module yet
    if args.name not in builders:
        print(f"tiny: there is no {args.name!r}. Allowed: {', '.join(sorted(builders))}.", file=sys.stderr)
        return 1
    torch.manual_seed(0)
    builders[args.name](args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
