"""What the replays of three families share: draws, guidance, posteriors and pixels in NumPy, as diffusers has them in torch."""

import numpy as np
import torch

F32 = np.float32


class Draws:
    """torch's CPU generator."""

    def __init__(self, seed: int):
        self.generator = torch.Generator("cpu").manual_seed(seed)

    def __call__(self, *shape) -> np.ndarray:
        return torch.randn(shape, generator=self.generator).numpy()


def guide(out: np.ndarray, scale: float) -> np.ndarray:
    """One row, or [negative, prompt] combined."""
    return out if len(out) == 1 else out[:1] + F32(scale) * (out[1:] - out[:1])


def posterior(parameters: np.ndarray, draw: Draws) -> np.ndarray:
    mean, logvar = np.split(parameters, 2, axis=1)
    return mean + np.exp(F32(0.5) * np.clip(logvar, -30, 20)) * draw(*mean.shape)


def pixels(sample: np.ndarray) -> np.ndarray:
    """[1, 3, F, H, W] in -1..1 to [F, H, W, 3] in 0..1."""
    return np.clip(sample[0] / 2 + F32(0.5), 0, 1).transpose(1, 2, 3, 0)


def normalized(image: np.ndarray) -> np.ndarray:
    """[..., H, W, 3] bytes to [..., 3, H, W] in -1..1."""
    return np.moveaxis(image.astype(F32) / F32(255), -1, -3) * 2 - 1


def sizes(request: dict) -> tuple[int, int, int]:
    width, height = map(int, request["size"].split("x"))
    return request["num_frames"], height, width


def late(steps: int, strength: float) -> int:
    """The index of the first timestep of a video-to-video run."""
    return steps - min(int(steps * strength), steps)


def encode(bundle, request: dict) -> dict:
    """Ids, masks and embeddings of the prompt, and of the negative prompt where there is guidance, by their names in a golden."""
    part, made = bundle.manifest["components"]["text_encoder"], {}
    texts = {"prompt": request["prompt"]} | ({"negative": request.get("negative_prompt") or ""} if request["guidance_scale"] > 1 else {})
    for prefix, text in texts.items():
        ids, mask = bundle.ids(text, part["maxTokens"])
        made |= {f"{prefix}_ids": ids, f"{prefix}_mask": mask, f"{prefix}_embeds": bundle.run(part["graph"], {"input_ids": ids})[0]}
    return made


def rows(text: dict, what: str) -> np.ndarray:
    """The negative prompt's `what` and the prompt's as one batch, in this order."""
    return np.concatenate([text[f"{prefix}_{what}"] for prefix in ("negative", "prompt") if f"{prefix}_{what}" in text])
