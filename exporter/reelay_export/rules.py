"""What a family can make by the configs in a diffusers folder, known before its weights are loaded."""

import json
from dataclasses import dataclass
from pathlib import Path

from .errors import ExportError


@dataclass
class Rules:
    """Sides in pixels are multiples of `multiple`; frames are `first` + k · `step`, at most `most` where there is an end. A size or
    frame count that the weights have built in is `only_size`, `only_frames`. `chooses_tokens`: whether a prompt's length is free."""

    multiple: int
    first: int
    step: int
    most: int | None = None
    only_size: str | None = None
    only_frames: int | None = None
    chooses_tokens: bool = True


def _config(source: Path, folder: str) -> dict:
    """A component's config; {} where it is missing or broken, which diffusers tells better."""
    try:
        config = json.loads((source / folder / "config.json").read_text())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _scale(config: dict) -> int:
    """How far a network of several levels shrinks height and width: one level of Stable Diffusion's four does not."""
    return 2 ** (len(config.get("block_out_channels") or (0,) * 4) - 1)


def _wan(vae, transformer, _unet) -> Rules:
    return Rules(multiple=vae.get("scale_factor_spatial", 8) * 2, first=1, step=vae.get("scale_factor_temporal", 4))


def _ltx(vae, _transformer, _unet) -> Rules:
    halvings = sum(vae.get("spatio_temporal_scaling") or (True, True, True, False))
    return Rules(multiple=vae.get("spatial_compression_ratio") or vae.get("patch_size", 4) * 2**halvings, first=1,
                 step=vae.get("temporal_compression_ratio") or vae.get("patch_size_t", 1) * 2**halvings)


def _cogvideox(vae, transformer, _unet) -> Rules:
    spatial, patch, step = _scale(vae), transformer.get("patch_size", 2), 2 * int(vae.get("temporal_compression_ratio", 4))
    rules = Rules(multiple=spatial * patch, first=1 + step, step=step)
    if transformer.get("use_learned_positional_embeddings"):
        rules.only_size = f"{transformer.get('sample_width', 90) * spatial}x{transformer.get('sample_height', 60) * spatial}"
        rules.only_frames = transformer.get("sample_frames", 49)
    return rules


def _animatediff(vae, _transformer, unet) -> Rules:
    return Rules(multiple=_scale(vae) * _scale(unet), first=1, step=1, most=unet.get("motion_max_seq_length", 32), chooses_tokens=False)


MAKERS = {"wan": _wan, "ltx": _ltx, "cogvideox": _cogvideox, "animatediff": _animatediff}


def rules_of(family: str, source: Path) -> Rules:
    """The rules of the pipeline in `source`, by its family's name."""
    return MAKERS[family](*(_config(source, folder) for folder in ("vae", "transformer", "unet")))


def check_sizes(rules: Rules, sizes: list[str]) -> None:
    """ExportError for the first size that the family cannot make."""
    for size in sizes:
        if rules.only_size is not None and size != rules.only_size:
            raise ExportError(f"--sizes has {size}. These weights make {rules.only_size} only.")
        if any(int(side) % rules.multiple for side in size.split("x")):
            raise ExportError(f"--sizes has {size}. Both sides are multiples of {rules.multiple} with these weights.")


def check_frames(rules: Rules, frames: dict) -> None:
    """ExportError for frame counts that the family cannot make. The greatest has to be one that the latents hold; of it fewer are cut."""
    low, high, step = frames["min"], frames["max"], frames.get("step", 1)
    said = f"--frames is {low}:{high}:{step}."
    if rules.only_frames is not None and (high != rules.only_frames or low <= high - rules.step):
        least = rules.only_frames - rules.step + 1
        raise ExportError(f"{said} These weights make {rules.only_frames} frames only, or cut a few of them: {least}:{rules.only_frames}:1.")
    if high < rules.first or (high - rules.first) % rules.step:
        raise ExportError(f"{said} These weights make {rules.first} + k · {rules.step} frames: MAX must be one of them; fewer are cut from the next.")
    if rules.most is not None and high > rules.most:
        raise ExportError(f"{said} {rules.most} are the most with these weights.")
