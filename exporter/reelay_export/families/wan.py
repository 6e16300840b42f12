"""Wan 2.1 and 2.2: text-, image- and video-to-video."""

import inspect
from pathlib import Path

import diffusers
import torch
from PIL import Image

from .. import golden
from ..bundle import write_component_config
from ..onnx_export import export_graph
from ..options import Options, size_of
from . import Exported, read_model_index
from .wan_replay import replay  # noqa: F401 (part of a family's interface, as TINY is)
from .wan_tiny import TINY  # noqa: F401
from .wan_vae import export_stream, prepare

MAX_TOKENS = 512


def load(source: Path):
    """The pipeline in float32. WanVideoToVideoPipeline has the parts of WanPipeline and is loaded as one."""
    name = read_model_index(source)["_class_name"]
    cls = diffusers.WanPipeline if name == "WanVideoToVideoPipeline" else getattr(diffusers, name)
    return cls.from_pretrained(str(source), dtype=torch.float32)


def _as(cls, pipeline):
    """The same parts in another of Wan's pipelines."""
    wanted = inspect.signature(cls.__init__).parameters
    parts = {k: v for k, v in {**pipeline.components, "boundary_ratio": pipeline.config.get("boundary_ratio"),
                               "expand_timesteps": pipeline.config.get("expand_timesteps")}.items() if k in wanted}
    return cls(**parts)


def _tasks(pipeline) -> list[str]:
    """What the weights were made for: TI2V takes a first frame or none, 36 channels mean image-to-video only."""
    if pipeline.config.get("expand_timesteps"):
        return ["t2v", "i2v"]
    transformer = pipeline.transformer or pipeline.transformer_2
    if transformer.config.in_channels != pipeline.vae.config.z_dim:
        return ["i2v"]
    # diffusers has no video-to-video with two experts
    return ["t2v"] if pipeline.config.get("boundary_ratio") is not None else ["t2v", "v2v"]


class TextEncoder(torch.nn.Module):
    """input_ids, attention_mask [B, L] → last_hidden_state [B, L, D]; rows past the mask are zeroed by the engine."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        return self.encoder(input_ids, attention_mask).last_hidden_state


class Denoiser(torch.nn.Module):
    """The transformer as docs/bundles.md has it; frames, height and width of the latents are free."""

    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer

    def forward(self, hidden_states, timestep, encoder_hidden_states, encoder_hidden_states_image=None):
        return self.transformer(hidden_states, timestep, encoder_hidden_states, encoder_hidden_states_image, return_dict=False)[0]


class ImageEncoder(torch.nn.Module):
    """pixel_values [1, 3, S, S] → the hidden state before the last layer, which Wan 2.1 uses."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, pixel_values):
        return self.encoder(pixel_values, output_hidden_states=True).hidden_states[-2]


def export(pipeline, out: Path, options: Options) -> Exported:
    """Writes every graph of the pipeline into `out`."""
    tokens = options.max_tokens or MAX_TOKENS
    rows, components = [], {}
    rows += _export_text(pipeline, out, options, tokens)
    components["text_encoder"] = {"graph": "text_encoder/model.onnx", "maxTokens": tokens,
                                  "width": pipeline.text_encoder.config.d_model}
    if pipeline.components.get("image_encoder") is not None:
        rows += _export_image(pipeline, out, options)
        components["image_encoder"] = {"graph": "image_encoder/model.onnx"}
    for name in ("transformer", "transformer_2"):
        if pipeline.components.get(name) is not None:
            rows += _export_transformer(pipeline, name, out, options, tokens)
            components[name] = {"graph": f"{name}/model.onnx"}
    prepare(pipeline.vae)
    rows += export_stream(pipeline.vae, "decoder", out, options)
    components["vae_decoder"] = _streaming("vae_decoder")
    tasks = _tasks(pipeline)
    if tasks != ["t2v"]:
        rows += export_stream(pipeline.vae, "encoder", out, options)
        components["vae_encoder"] = _streaming("vae_encoder")
    return Exported("wan", tasks, components, *_offer(pipeline), parity=rows)


def _streaming(folder: str) -> dict:
    return {"plan": "streaming", "first": f"{folder}/stream_first.onnx", "next": f"{folder}/stream_next.onnx",
            "caches": f"{folder}/stream_caches.json"}


def _export_text(pipeline, out, options, tokens):
    folder = out / "text_encoder"
    write_component_config(pipeline.text_encoder, folder)

    def example(batch, length, filled):
        ids = torch.randint(3, min(pipeline.text_encoder.config.vocab_size, 300), (batch, length), generator=torch.Generator().manual_seed(1))
        mask = (torch.arange(length) < filled).long().repeat(batch, 1)
        return {"input_ids": ids * mask, "attention_mask": mask}

    axes = {0: "batch", 1: "tokens"}
    return export_graph(TextEncoder(pipeline.text_encoder), example(2, tokens, max(2, tokens // 3)), ["last_hidden_state"],
                        folder / "model.onnx", options, checks=(example(1, tokens, tokens), example(1, tokens, 1)),
                        free={"input_ids": axes, "attention_mask": axes, "last_hidden_state": axes})


def _export_image(pipeline, out, options):
    folder = out / "image_encoder"
    write_component_config(pipeline.image_encoder, folder)
    size = pipeline.image_encoder.config.image_size
    return export_graph(ImageEncoder(pipeline.image_encoder), {"pixel_values": torch.randn(1, 3, size, size)},
                        ["last_hidden_state"], folder / "model.onnx", options)


def _export_transformer(pipeline, name, out, options, tokens):
    transformer, folder = pipeline.components[name], out / name
    config = transformer.config
    write_component_config(transformer, folder)
    expand, patch = pipeline.config.get("expand_timesteps"), config.patch_size
    generator = torch.Generator().manual_seed(2)

    def example(batch, t, h, w):
        count = (t // patch[0]) * (h // patch[1]) * (w // patch[2])
        made = {
            "hidden_states": torch.randn(batch, config.in_channels, t, h, w, generator=generator),
            "timestep": torch.rand((batch, count) if expand else (batch,), generator=generator) * 1000,
            "encoder_hidden_states": torch.randn(batch, tokens, config.text_dim, generator=generator),
        }
        if config.image_dim is not None:
            made["encoder_hidden_states_image"] = torch.randn(batch, _image_tokens(pipeline), config.image_dim, generator=generator)
        return made

    latents = {0: "batch", 2: "frames", 3: "height", 4: "width"}
    free = {"hidden_states": latents, "timestep": {0: "batch", 1: "tokens"} if expand else {0: "batch"},
            "encoder_hidden_states": {0: "batch"}, "encoder_hidden_states_image": {0: "batch"}, "out_hidden_states": latents}
    return export_graph(Denoiser(transformer), example(2, 3, 4, 6), ["out_hidden_states"], folder / "model.onnx", options,
                        free=free, checks=(example(1, 2, 4, 4), example(1, 1, 8, 4)))


def _image_tokens(pipeline) -> int:
    config = pipeline.image_encoder.config
    return (config.image_size // config.patch_size) ** 2 + 1


def _offer(pipeline) -> tuple[dict, dict]:
    """Limits and defaults that the makers name: 480p at 16 frames a second for 2.1, 720p at 24 for TI2V-5B."""
    expand = pipeline.config.get("expand_timesteps")
    sizes = ["1280x704", "704x1280"] if expand else ["832x480", "480x832"]
    frames = 121 if expand else 81
    limits = {"sizes": sizes, "frames": {"min": 5, "max": frames, "step": 4}, "fps": {"min": 8, "max": 30},
              "steps": {"min": 1, "max": 100}, "guidance": {"min": 1, "max": 20}, "maxPromptChars": 4000}
    defaults = {"size": sizes[0], "frames": frames, "fps": 24 if expand else 16, "steps": 50, "guidance": 5,
                "negativePrompt": "", "strength": 0.8}
    return limits, defaults


def golden_cases(pipeline, options: Options) -> list[dict]:
    """Two requests for each task: with guidance at the smallest size, and without at another size; where CLIP sees the image, one more
    with an image of another shape than the clip."""
    sizes = options.limits.get("sizes") or _offer(pipeline)[0]["sizes"]
    frames = options.limits.get("frames") or _offer(pipeline)[0]["frames"]
    low, high = frames["min"], min(frames["min"] + frames["step"], frames["max"])
    cases = []
    for task in _tasks(pipeline):
        guided = {"prompt": "a red circle over a blue field", "negative_prompt": "blurry, low quality",
                  "size": sizes[0], "num_frames": high, "num_inference_steps": 4, "guidance_scale": 5.0, "seed": 7}
        plain = {"prompt": "  a small boat &amp;amp; the quiet\n lake’s sunrise ", "negative_prompt": "",
                 "size": sizes[-1], "num_frames": low, "num_inference_steps": 3, "guidance_scale": 1.0, "seed": 4294967301}
        if pipeline.config.get("boundary_ratio") is not None:
            guided["guidance_scale_2"] = 3.0
        if task == "v2v":
            guided["strength"], plain["strength"] = 0.6, 0.8
        cases += [{"name": f"{task}-guided", "task": task, "request": guided}, {"name": f"{task}-plain", "task": task, "request": plain}]
    if pipeline.components.get("image_encoder") is not None:
        cases.append({"name": "i2v-portrait", "task": "i2v", "request": plain | {"seed": 8}, "picture": "50x90"})
    return cases


def record(pipeline, case: dict, options: Options) -> dict:
    """Runs one case in diffusers and returns the tensors of docs/bundles.md."""
    request, task = case["request"], case["task"]
    width, height = size_of(request["size"])
    call = {k: request[k] for k in ("prompt", "negative_prompt", "num_inference_steps", "guidance_scale", "guidance_scale_2", "strength")
            if k in request}
    call |= {"width": width, "height": height, "max_sequence_length": options.max_tokens or MAX_TOKENS}
    given, used = {}, _as(diffusers.WanPipeline, pipeline) if task == "t2v" else None
    if task == "i2v":
        used = _as(diffusers.WanImageToVideoPipeline, pipeline)
        call["image"], given = golden.still(used, case, width, height, seed=1)
    if task == "v2v":
        used = _as(diffusers.WanVideoToVideoPipeline, pipeline)
        given["video"] = golden.picture(width, height, request["num_frames"], 2)
        call["video"] = [Image.fromarray(frame) for frame in given["video"]]
    else:
        call["num_frames"] = request["num_frames"]
    seen = golden.run(used, call, seed=request["seed"])
    embeds = {"prompt_embeds": seen.denoiser[0]["encoder_hidden_states"]}
    if request["guidance_scale"] > 1:
        embeds["negative_embeds"] = seen.denoiser[1]["encoder_hidden_states"]
    return golden.text_tensors(seen.text) | embeds | golden.step_tensors(seen) | given | _image_tensors(used, seen, task)


def _image_tensors(pipeline, seen: golden.Recording, task: str) -> dict:
    """What the denoiser was shown of the image: CLIP's hidden state, and the normalized latent of the first frame."""
    if task != "i2v":
        return {}
    first, z = seen.denoiser[0], pipeline.vae.config.z_dim
    tensors = {}
    if first.get("encoder_hidden_states_image") is not None:
        tensors |= {"pixel_values": seen.image[0]["pixel_values"], "image_embeds": first["encoder_hidden_states_image"]}
    if pipeline.config.expand_timesteps:
        tensors["image_latents"] = first["hidden_states"][:, :, :1]
    else:
        tensors["image_latents"] = first["hidden_states"][:, -z:]
        tensors["image_mask"] = first["hidden_states"][:, z:-z]
    return tensors
