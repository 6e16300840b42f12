"""LTX-Video, text- and image-to-video. The transformer sees packed tokens; their coordinates are an input, computed outside."""

import inspect

import torch
from diffusers import LTXImageToVideoPipeline, LTXPipeline
from PIL import Image

from .. import golden
from ..bundle import write_component_config, write_json
from ..errors import ExportError
from ..onnx_export import export_graph
from ..options import size_of
from . import Exported
from .ltx_replay import replay  # noqa: F401 (part of a family's interface)
from .ltx_tiny import TINY  # noqa: F401

MAX_TOKENS = 128
# What the model cards of 0.9.1 and later use; the pipelines' own default, 0, leaves the timestep-conditioned decoder untouched.
DECODE_TIMESTEP, DECODE_NOISE_SCALE = 0.05, 0.025


def load(source) -> LTXPipeline:
    """The pipeline in float32. Noise that the decoder of 0.9.1 draws inside itself from the global generator is left out: a
    graph with it would not give the same frames twice."""
    pipeline = LTXPipeline.from_pretrained(str(source), dtype=torch.float32, local_files_only=True)
    if pipeline.transformer.config.patch_size != 1 or pipeline.transformer.config.patch_size_t != 1:
        raise ExportError(f"{source}/transformer: patches other than 1x1x1 are not known here.")
    for module in pipeline.vae.decoder.modules():
        if getattr(module, "per_channel_scale1", None) is not None:
            module.per_channel_scale1 = module.per_channel_scale2 = None
    return pipeline


class TextEncoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model(input_ids)[0]


class Transformer(torch.nn.Module):
    """One timestep for each token, so that one graph serves text-to-video (all equal) and image-to-video (0 where frozen)."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, hidden_states, encoder_hidden_states, timestep, encoder_attention_mask, video_coords):
        return self.model(hidden_states=hidden_states, encoder_hidden_states=encoder_hidden_states, timestep=timestep,
                          encoder_attention_mask=encoder_attention_mask, video_coords=video_coords, return_dict=False)[0]


class Decoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.decoder = vae.decoder

    def forward(self, latent_sample, timestep=None):
        return self.decoder(latent_sample, timestep)


class Encoder(torch.nn.Module):
    """Mean and log variance of one image. The VAE repeats one log variance for all channels: C + 1 channels become 2C."""

    def __init__(self, vae):
        super().__init__()
        self.encoder = vae.encoder

    def forward(self, sample):
        return self.encoder(sample)


def tokens(batch: int, count: int, width: int, dim: int, length: int) -> dict:
    """Example inputs of the transformer: `count` video tokens of `width` channels, a prompt of `length` x `dim`, half masked."""
    generator = torch.Generator("cpu").manual_seed(count)
    mask = torch.zeros(batch, length, dtype=torch.int64)
    mask[:, :length // 2] = 1
    return {
        "hidden_states": torch.randn(batch, count, width, generator=generator),
        "encoder_hidden_states": torch.randn(batch, length, dim, generator=generator),
        "timestep": 1000 * torch.rand(batch, count, generator=generator),
        "encoder_attention_mask": mask,
        "video_coords": 100 * torch.rand(batch, 3, count, generator=generator),
    }


def export(pipeline, out, options) -> Exported:
    """Text encoder, transformer, decoder and encoder of one image, each free in the sizes that a request may choose."""
    length = options.max_tokens or MAX_TOKENS
    vae, config = pipeline.vae.eval(), pipeline.transformer.config
    axes = {0: "batch", 1: "tokens"}
    parity = export_graph(TextEncoder(pipeline.text_encoder), {"input_ids": torch.randint(2, 50, (2, length))}, ["last_hidden_state"],
                          out / "text_encoder/model.onnx", options, free={"input_ids": axes, "last_hidden_state": axes},
                          checks=({"input_ids": torch.randint(2, 50, (1, length))},))
    write_component_config(pipeline.text_encoder, out / "text_encoder")

    shape = (config.in_channels, config.caption_channels, length)
    parity += export_graph(
        Transformer(pipeline.transformer), tokens(2, 12, *shape), ["out_hidden_states"], out / "transformer/model.onnx", options,
        free={"hidden_states": {0: "batch", 1: "tokens"}, "encoder_hidden_states": {0: "batch"}, "timestep": {0: "batch", 1: "tokens"},
              "encoder_attention_mask": {0: "batch"}, "video_coords": {0: "batch", 2: "tokens"},
              "out_hidden_states": {0: "batch", 1: "tokens"}},
        checks=(tokens(1, 6, *shape), tokens(2, 40, *shape)))
    write_component_config(pipeline.transformer, out / "transformer")

    def latent(frames, height, width):
        z = {"latent_sample": torch.randn(1, vae.config.latent_channels, frames, height, width)}
        return z | ({"timestep": torch.tensor([DECODE_TIMESTEP])} if vae.config.timestep_conditioning else {})

    parity += export_graph(
        Decoder(vae), latent(3, 2, 4), ["sample"], out / "vae_decoder/model.onnx", options,
        free={"latent_sample": {2: "latent_frames", 3: "latent_height", 4: "latent_width"},
              "sample": {2: "frames", 3: "height", 4: "width"}},
        checks=(latent(2, 3, 2), latent(4, 1, 1)))
    parity += export_graph(
        Encoder(vae), {"sample": torch.rand(1, 3, 1, 64, 128) * 2 - 1}, ["latent_parameters"], out / "vae_encoder/model.onnx", options,
        free={"sample": {3: "height", 4: "width"}, "latent_parameters": {3: "latent_height", 4: "latent_width"}},
        checks=({"sample": torch.rand(1, 3, 1, 32, 96) * 2 - 1},))
    for folder in ("vae_decoder", "vae_encoder"):
        write_vae_config(vae, out / folder)
    return Exported("ltx", ["t2v", "i2v"], components(pipeline, length), limits(vae), defaults(), parity=parity)


def write_vae_config(vae, folder) -> None:
    """The VAE's config with what diffusers keeps elsewhere: latent statistics in the weights, ratios in attributes, the decoder's
    timestep in a call's arguments."""
    write_component_config(vae, folder)
    write_json(folder / "config.json", {
        **{k: v for k, v in vae.config.items() if not k.startswith("_") or k in ("_class_name", "_diffusers_version")},
        "latents_mean": vae.latents_mean.tolist(), "latents_std": vae.latents_std.tolist(),
        "spatial_compression_ratio": vae.spatial_compression_ratio, "temporal_compression_ratio": vae.temporal_compression_ratio,
        **({"decode_timestep": DECODE_TIMESTEP, "decode_noise_scale": DECODE_NOISE_SCALE} if vae.config.timestep_conditioning else {}),
    })


def components(pipeline, length: int) -> dict:
    return {
        "text_encoder": {"graph": "text_encoder/model.onnx", "maxTokens": length, "width": pipeline.text_encoder.config.d_model},
        "transformer": {"graph": "transformer/model.onnx"},
        "vae_decoder": {"graph": "vae_decoder/model.onnx", "plan": "whole"},
        "vae_encoder": {"graph": "vae_encoder/model.onnx"},
    }


def limits(vae) -> dict:
    step = vae.temporal_compression_ratio
    return {"sizes": ["704x512", "512x704", "768x512", "1216x704"], "frames": {"min": step + 1, "max": 257, "step": step},
            "fps": {"min": 8, "max": 60}, "steps": {"min": 1, "max": 100}, "guidance": {"min": 1, "max": 20}, "maxPromptChars": 4000}


def defaults() -> dict:
    return {"size": "704x512", "frames": 161, "fps": 25, "steps": 50, "guidance": 3, "negativePrompt": ""}


def golden_cases(pipeline, options) -> list[dict]:
    """One small clip of each task."""
    request = {"prompt": "a red fox runs through snow", "negative_prompt": "blurry", "size": "256x256", "num_frames": 9, "fps": 25,
               "num_inference_steps": 4, "guidance_scale": 3, "seed": 1}
    return [{"name": "t2v", "task": "t2v", "request": request}, {"name": "i2v", "task": "i2v", "request": request | {"seed": 2}}]


def record(pipeline, case: dict, options) -> dict:
    """Runs one request in diffusers' LTXPipeline or LTXImageToVideoPipeline."""
    request, length = case["request"], options.max_tokens or MAX_TOKENS
    width, height = size_of(request["size"])
    conditioned = pipeline.vae.config.timestep_conditioning
    call = {
        "prompt": request["prompt"], "negative_prompt": request.get("negative_prompt"), "width": width, "height": height,
        "num_frames": request["num_frames"], "frame_rate": request["fps"], "num_inference_steps": request["num_inference_steps"],
        "guidance_scale": request["guidance_scale"], "max_sequence_length": length,
        **({"decode_timestep": DECODE_TIMESTEP, "decode_noise_scale": DECODE_NOISE_SCALE} if conditioned else {}),
    }
    extra = {}
    if case["task"] == "i2v":
        wanted = inspect.signature(LTXImageToVideoPipeline.__init__).parameters
        pipeline = LTXImageToVideoPipeline(**{k: v for k, v in pipeline.components.items() if k in wanted})
        image = golden.picture(width, height)[0]
        call["image"] = Image.fromarray(image)
        extra["image"] = torch.from_numpy(image)
    seen = golden.run(pipeline, call, seed=request["seed"])
    tensors = golden.step_tensors(seen) | golden.text_tensors(seen.text) | extra
    if conditioned:
        tensors["decode_noise"] = drawn_last(seen, request["seed"])
    return tensors | conditions(pipeline, seen, call, length)


def drawn_last(seen, seed: int) -> torch.Tensor:
    """The noise mixed in before decoding, drawn anew: image-to-video draws it where the recorder does not see it."""
    generator = torch.Generator("cpu").manual_seed(seed)
    posterior, noise = seen.drawn_by("vae"), seen.drawn_by("pipeline")[0]
    before = [torch.randn(t.shape, generator=generator) for t in [*posterior, noise]]
    for again, recorded in zip(before, [*posterior, noise], strict=True):
        assert torch.equal(again, recorded), "the order of the draws has changed in diffusers"
    return torch.randn(noise.shape, generator=generator)


def conditions(pipeline, seen, call: dict, length: int) -> dict:
    """What the transformer was fed beside the latents, negative prompt first where there is guidance. The mask is the DiT's, not
    the text encoder's: T5 here attends to its padding."""
    fed = seen.denoiser[0]
    embeds, mask = fed["encoder_hidden_states"], fed["encoder_attention_mask"].to(torch.int64)
    names = ["negative", "prompt"] if len(embeds) == 2 else ["prompt"]
    tensors = {}
    for i, name in enumerate(names):
        tensors |= {f"{name}_embeds": embeds[i:i + 1], f"{name}_mask": mask[i:i + 1]}
    tensors["model_timesteps"] = torch.stack([d["timestep"][:1] for d in seen.denoiser]).to(torch.float32)
    return tensors
