"""Goldens: what diffusers itself makes of fixed noise, step by step. The format is in docs/bundles.md."""

import contextlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.numpy import save_file

from .bundle import write_json


@dataclass
class Recording:
    """What was seen of one run. `draws` has a (who, tensor) for each call of randn_tensor, `who` being "pipeline", "vae" or
    "scheduler"; `text`, `image` and `denoiser` the arguments of each call of the text encoder, image encoder and denoiser."""

    draws: list = field(default_factory=list)
    text: list = field(default_factory=list)
    image: list = field(default_factory=list)
    denoiser: list = field(default_factory=list)
    latents: list = field(default_factory=list)
    timesteps: list = field(default_factory=list)
    frames: np.ndarray | None = None

    def drawn_by(self, who: str) -> list[torch.Tensor]:
        """Noise in the order in which it was drawn."""
        return [tensor for name, tensor in self.draws if name == who]


@contextlib.contextmanager
def _record_draws(draws: list):
    """diffusers imports randn_tensor by name, so every module that holds it gets a recording one for a while."""
    held = [(m, m.randn_tensor) for name, m in list(sys.modules.items())
            if name.startswith("diffusers.") and callable(getattr(m, "randn_tensor", None))]

    def recorder(who, original):
        def randn_tensor(*args, **kwargs):
            tensor = original(*args, **kwargs)
            draws.append((who, tensor.detach().clone().cpu()))
            return tensor
        return randn_tensor

    try:
        for m, original in held:
            if not m.__name__.endswith("torch_utils"):
                who = "vae" if ".autoencoders." in m.__name__ else "scheduler" if ".schedulers." in m.__name__ else "pipeline"
                m.randn_tensor = recorder(who, original)
        yield
    finally:
        for m, original in held:
            m.randn_tensor = original


def _listen(module, names: list[str], calls: list):
    def hook(_module, args, kwargs):
        calls.append({k: v.detach().clone() if torch.is_tensor(v) else v for k, v in (dict(zip(names, args)) | kwargs).items()})
    return module.register_forward_pre_hook(hook, with_kwargs=True)


def run(pipeline, call: dict, *, seed: int, text_names=("input_ids", "attention_mask"),
        denoiser_names=("hidden_states", "timestep", "encoder_hidden_states")) -> Recording:
    """Runs `pipeline(**call)` with a CPU generator of `seed` and records it. Positional arguments are named by `*_names`.

    Denoisers are the pipeline's transformer, transformer_2 and unet; frames come back as float32 [F, H, W, 3] in 0..1.
    """
    seen = Recording()
    denoisers = [m for m in (getattr(pipeline, n, None) for n in ("transformer", "transformer_2", "unet")) if m is not None]
    hooks = [_listen(pipeline.text_encoder, list(text_names), seen.text)]
    if getattr(pipeline, "image_encoder", None) is not None:
        hooks.append(_listen(pipeline.image_encoder, ["pixel_values"], seen.image))
    hooks += [_listen(m, list(denoiser_names), seen.denoiser) for m in denoisers]

    def on_step_end(_pipeline, _step, timestep, tensors):
        seen.timesteps.append(float(timestep))
        seen.latents.append(tensors["latents"].detach().clone())
        return {}

    pipeline.set_progress_bar_config(disable=True)
    try:
        with _record_draws(seen.draws), torch.no_grad():
            result = pipeline(**call, generator=torch.Generator("cpu").manual_seed(seed), output_type="np",
                              callback_on_step_end=on_step_end, callback_on_step_end_tensor_inputs=["latents"])
    finally:
        for hook in hooks:
            hook.remove()
    seen.frames = np.asarray(result.frames[0], dtype=np.float32)
    return seen


def step_tensors(seen: Recording) -> dict:
    """The tensors that every family has: noise, timesteps, latents, frames, and the VAE's own draws where there were any."""
    tensors = {
        "noise": seen.drawn_by("pipeline")[0],
        "timesteps": torch.tensor(seen.timesteps, dtype=torch.float64),
        "latents": torch.stack(seen.latents),
        "frames": torch.from_numpy(seen.frames),
    }
    if posterior := seen.drawn_by("vae"):
        tensors["posterior_noise"] = torch.stack(posterior)
    if steps := seen.drawn_by("scheduler"):
        tensors["step_noise"] = torch.stack(steps)
    return tensors


def text_tensors(calls: list[dict]) -> dict:
    """Ids and masks of the text encoder's calls: the prompt's, then the negative prompt's where there is guidance."""
    tensors = {}
    for prefix, call in zip(("prompt", "negative"), calls):
        tensors[f"{prefix}_ids"] = call["input_ids"].to(torch.int64)
        if call.get("attention_mask") is not None:
            tensors[f"{prefix}_mask"] = call["attention_mask"].to(torch.int64)
    return tensors


def picture(width: int, height: int, frames: int = 1, seed: int = 0) -> np.ndarray:
    """A test clip [F, H, W, 3] uint8: smooth color gradients and a moving bright square, so nothing in it is degenerate."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    clip = np.zeros((frames, height, width, 3), np.uint8)
    for f in range(frames):
        for c in range(3):
            wave = np.sin(2 * np.pi * (x / width * (c + 1) + y / height * (2 - c) + 0.1 * f + 0.3 * seed))
            clip[f, :, :, c] = np.round(127.5 + 90 * wave)
        left = (width // 8 + 2 * f) % (width - width // 4)
        clip[f, height // 3: height // 3 + height // 4, left: left + width // 4] = (250, max(40, 240 - 20 * f), 30)
    return clip


def still(pipeline, case: dict, width: int, height: int, seed: int = 0) -> tuple[Image.Image, dict]:
    """The image that a pipeline is given in an i2v case, and what the case keeps of it. It is of the clip's size, or of the size that the
    case names under `picture`, "50x90": then `image` is what diffusers' VideoProcessor makes of it."""
    sides = tuple(map(int, case["picture"].split("x"))) if "picture" in case else (width, height)
    original = picture(*sides, 1, seed)[0]
    if "picture" not in case:
        return Image.fromarray(original), {"image": original}
    resized = pipeline.video_processor.resize(Image.fromarray(original), height, width)
    return Image.fromarray(original), {"picture": original, "image": np.asarray(resized)}


def check_spread(name: str, tensors: dict) -> str:
    """A line on whether a random-weight pipeline gives something to compare: spread of latents, share of clamped pixels."""
    latents, frames = tensors["latents"][-1].double(), tensors["frames"]
    clamped = ((frames <= 0) | (frames >= 1)).double().mean()
    return f"{name}: latents std {latents.std():.3f}, frames mean {frames.mean():.3f} std {frames.std():.3f}, clamped {clamped:.1%}"


def write(out: Path, family, pipeline, options) -> None:
    """Records every golden case of the family into `out`/golden."""
    cases = options.cases if options.cases is not None else family.golden_cases(pipeline, options)
    folder, entries = out / "golden", []
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        tensors = family.record(pipeline, case, options)
        arrays = {k: np.ascontiguousarray(v.cpu().numpy() if torch.is_tensor(v) else v) for k, v in tensors.items()}
        save_file(arrays, str(folder / f"{case['name']}.safetensors"))
        print(check_spread(case["name"], tensors))
        entries.append({"name": case["name"], "file": f"golden/{case['name']}.safetensors", "task": case["task"],
                        "request": case["request"]})
    versions = {"diffusers": diffusers.__version__, "transformers": transformers.__version__, "torch": torch.__version__}
    write_json(folder / "golden.json", {"versions": versions, "cases": entries})
