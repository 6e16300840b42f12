"""AnimateDiff on Stable Diffusion 1.5, text- and video-to-video: a UNet with motion modules, a VAE that sees frames as a batch."""

import inspect
from pathlib import Path

import diffusers
import torch
from PIL import Image

from .. import golden
from ..bundle import write_component_config
from ..errors import ExportError
from ..onnx_export import export_graph
from ..options import Options, size_of
from . import Exported
from .animatediff_replay import replay  # noqa: F401 (part of a family's interface)
from .animatediff_tiny import TINY  # noqa: F401

REFUSED = ("time_cond_proj_dim", "encoder_hid_dim_type", "addition_embed_type")


def load(source: Path) -> diffusers.AnimateDiffPipeline:
    """The pipeline in float32. Its UNet must be a UNetMotionModel, as a saved AnimateDiffPipeline has it."""
    pipeline = diffusers.AnimateDiffPipeline.from_pretrained(str(source), dtype=torch.float32, local_files_only=True)
    for key in REFUSED:
        if pipeline.unet.config.get(key) is not None:
            raise ExportError(f"{source}/unet: {key} is {pipeline.unet.config[key]!r}. Only UNets without it can be exported.")
    return pipeline


class TextEncoder(torch.nn.Module):
    """CLIP without attention mask, as diffusers calls it: last_hidden_state after the final norm."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model(input_ids)[0]


class Unet(torch.nn.Module):
    """`encoder_hidden_states` comes repeated for each frame, [B·F, L, D], as the pipeline passes it."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, encoder_hidden_states):
        return self.unet(sample, timestep, encoder_hidden_states, return_dict=False)[0]


class Decoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latent_sample):
        return self.vae.decode(latent_sample, return_dict=False)[0]


class Encoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, sample):
        return self.vae.encode(sample).latent_dist.parameters


def _factor(pipeline) -> int:
    return 2 ** (len(pipeline.vae.config.block_out_channels) - 1)


def _multiple(pipeline) -> int:
    """Sizes in pixels must be multiples of this: the traced UNet halves and doubles exactly."""
    return _factor(pipeline) * 2 ** (len(pipeline.unet.config.block_out_channels) - 1)


def export(pipeline, out: Path, options: Options) -> Exported:
    """Writes every graph of the pipeline into `out`."""
    tokens = pipeline.tokenizer.model_max_length
    _write_tokenizer(pipeline, out, tokens)
    rows = _export_text(pipeline, out, options, tokens)
    rows += _export_unet(pipeline, out, options, tokens)
    rows += _export_vae(pipeline, out, options)
    components = {
        "text_encoder": {"graph": "text_encoder/model.onnx", "maxTokens": tokens, "width": pipeline.text_encoder.config.hidden_size},
        "unet": {"graph": "unet/model.onnx"},
        "vae_decoder": {"graph": "vae_decoder/model.onnx", "plan": "per-frame"},
        "vae_encoder": {"graph": "vae_encoder/model.onnx"},
    }
    return Exported("animatediff", ["t2v", "v2v"], components, *_offer(pipeline), parity=rows)


def _write_tokenizer(pipeline, out: Path, tokens: int) -> None:
    """tokenizer.json with its padding written down: CLIP pads with <|endoftext|>, which no file but the Python class says."""
    tokenizer = pipeline.tokenizer.backend_tokenizer
    tokenizer.enable_truncation(tokens)
    tokenizer.enable_padding(length=tokens, pad_id=pipeline.tokenizer.pad_token_id, pad_token=pipeline.tokenizer.pad_token)
    tokenizer.save(str(out / "tokenizer/tokenizer.json"))


def _export_text(pipeline, out, options, tokens):
    def example(batch):
        return {"input_ids": torch.randint(3, min(pipeline.text_encoder.config.vocab_size, 300), (batch, tokens),
                                           generator=torch.Generator().manual_seed(1))}

    write_component_config(pipeline.text_encoder, out / "text_encoder")
    return export_graph(TextEncoder(pipeline.text_encoder), example(2), ["last_hidden_state"], out / "text_encoder/model.onnx", options,
                        free={"input_ids": {0: "batch"}, "last_hidden_state": {0: "batch"}}, checks=(example(1),))


def _export_unet(pipeline, out, options, tokens):
    unet, generator = pipeline.unet, torch.Generator().manual_seed(2)
    side = _multiple(pipeline) // _factor(pipeline)
    write_component_config(unet, out / "unet")

    def example(batch, frames, h, w, step):
        return {
            "sample": torch.randn(batch, unet.config.in_channels, frames, h * side, w * side, generator=generator),
            "timestep": torch.tensor(step),
            "encoder_hidden_states": torch.randn(batch * frames, tokens, unet.config.cross_attention_dim, generator=generator),
        }

    clip = {0: "batch", 2: "frames", 3: "height", 4: "width"}
    return export_graph(Unet(unet), example(2, 3, 2, 3, 801.0), ["out_sample"], out / "unet/model.onnx", options, method="torchscript",
                        free={"sample": clip, "encoder_hidden_states": {0: "rows"}, "out_sample": clip},
                        checks=(example(1, 2, 1, 2, 1.0), example(2, 5, 2, 1, 501.5)))


def _export_vae(pipeline, out, options):
    vae, generator, factor = pipeline.vae, torch.Generator().manual_seed(3), _factor(pipeline)
    for folder in ("vae_decoder", "vae_encoder"):
        write_component_config(vae, out / folder)

    def latents(frames, h, w):
        return {"latent_sample": torch.randn(frames, vae.config.latent_channels, h, w, generator=generator)}

    def images(frames, h, w):
        return {"sample": torch.rand(frames, 3, h * factor, w * factor, generator=generator) * 2 - 1}

    axes = {0: "frames", 2: "height", 3: "width"}
    free = {"latent_sample": axes, "sample": axes, "latent_parameters": axes}
    rows = export_graph(Decoder(vae), latents(2, 4, 6), ["sample"], out / "vae_decoder/model.onnx", options, method="torchscript",
                        free={k: free[k] for k in ("latent_sample", "sample")}, checks=(latents(1, 3, 2), latents(4, 2, 5)))
    return rows + export_graph(Encoder(vae), images(2, 4, 6), ["latent_parameters"], out / "vae_encoder/model.onnx", options,
                               method="torchscript", free={k: free[k] for k in ("sample", "latent_parameters")}, checks=(images(3, 2, 3),))


def _offer(pipeline) -> tuple[dict, dict]:
    """Limits and defaults of Stable Diffusion 1.5 with a motion adapter of 16 frames; a few steps and little guidance with LCM."""
    few = type(pipeline.scheduler).__name__ == "LCMScheduler"
    limits = {"sizes": ["512x512", "384x576", "576x384", "256x256"],
              "frames": {"min": 1, "max": pipeline.unet.config.motion_max_seq_length, "step": 1}, "fps": {"min": 4, "max": 30},
              "steps": {"min": 1, "max": 100}, "guidance": {"min": 1, "max": 20}, "maxPromptChars": 2000}
    defaults = {"size": "512x512", "frames": 16, "fps": 8, "steps": 6 if few else 25, "guidance": 2 if few else 7.5,
                "negativePrompt": "", "strength": 0.8}
    return limits, defaults


def golden_cases(pipeline, options: Options) -> list[dict]:
    """One small clip of each task."""
    size = (options.limits.get("sizes") or ["256x256"])[-1]
    request = {"prompt": "a red fox runs through snow", "negative_prompt": "blurry", "size": size, "num_frames": 4,
               "num_inference_steps": 4, "guidance_scale": _offer(pipeline)[1]["guidance"], "seed": 1}
    return [{"name": "t2v", "task": "t2v", "request": request}, {"name": "v2v", "task": "v2v", "request": request | {"strength": 0.6}}]


def record(pipeline, case: dict, options: Options) -> dict:
    """Runs one case in diffusers' AnimateDiffPipeline or AnimateDiffVideoToVideoPipeline; returns the tensors of docs/bundles.md."""
    request, given = case["request"], {}
    width, height = size_of(request["size"])
    if width % _multiple(pipeline) or height % _multiple(pipeline):
        raise ExportError(f"{case['name']}: size is {request['size']}; multiples of {_multiple(pipeline)} are allowed.")
    call = {k: request[k] for k in ("prompt", "negative_prompt", "num_inference_steps", "guidance_scale", "strength") if k in request}
    call |= {"width": width, "height": height}
    if case["task"] == "v2v":
        cls = diffusers.AnimateDiffVideoToVideoPipeline
        wanted = inspect.signature(cls.__init__).parameters
        pipeline = cls(**{k: v for k, v in pipeline.components.items() if k in wanted})
        given["video"] = golden.picture(width, height, request["num_frames"], 2)
        call["video"] = [Image.fromarray(frame) for frame in given["video"]]
    else:
        call["num_frames"] = request["num_frames"]
    seen = golden.run(pipeline, call, seed=request["seed"], denoiser_names=("sample", "timestep", "encoder_hidden_states"))
    if posterior := seen.drawn_by("vae"):  # one for each 16 frames: joined, for the last may be smaller
        seen.draws = [d for d in seen.draws if d[0] != "vae"] + [("vae", torch.cat(posterior))]
    fed = seen.denoiser[0]["encoder_hidden_states"][::request["num_frames"]]  # one row of the frames' equal ones
    embeds = {"prompt_embeds": fed[-1:]} | ({"negative_embeds": fed[:1]} if len(fed) == 2 else {})
    return golden.text_tensors(seen.text) | embeds | golden.step_tensors(seen) | given
