"""CogVideoX: text- and video-to-video with one set of weights, image-to-video with another. The 2b model computes sine positions inside its
graph; others take rotary tables as inputs."""

import contextlib
import inspect
from pathlib import Path

import diffusers
import torch
from diffusers.models.embeddings import get_1d_sincos_pos_embed_from_grid
from PIL import Image

from .. import golden
from ..bundle import write_component_config
from ..onnx_export import export_graph
from ..options import Options, size_of
from . import Exported, read_model_index
from .cogvideox_replay import replay  # noqa: F401 (part of a family's interface)
from .cogvideox_tiny import TINY  # noqa: F401
from .cogvideox_vae import export_image_encoder, export_stream, spatial_ratio

MAX_TOKENS = 226
OFS = 2.0  # the constant that CogVideoX 1.5 image-to-video is always called with


def load(source: Path):
    """The pipeline in float32. CogVideoXVideoToVideoPipeline has the parts of CogVideoXPipeline and is loaded as one."""
    name = read_model_index(source)["_class_name"]
    cls = diffusers.CogVideoXImageToVideoPipeline if name == "CogVideoXImageToVideoPipeline" else diffusers.CogVideoXPipeline
    return cls.from_pretrained(str(source), dtype=torch.float32, local_files_only=True)


def _from_image(pipeline) -> bool:
    return isinstance(pipeline, diffusers.CogVideoXImageToVideoPipeline)


class TextEncoder(torch.nn.Module):
    """T5 without attention mask, as diffusers calls it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model(input_ids)[0]


class Transformer(torch.nn.Module):
    """The transformer as docs/bundles.md has it; without rotary inputs for the 2b model."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, hidden_states, encoder_hidden_states, timestep, image_rotary_emb_cos=None, image_rotary_emb_sin=None):
        rotary = None if image_rotary_emb_cos is None else (image_rotary_emb_cos, image_rotary_emb_sin)
        ofs = None if self.model.config.ofs_embed_dim is None else hidden_states.new_full((1,), OFS)
        return self.model(hidden_states=hidden_states, encoder_hidden_states=encoder_hidden_states, timestep=timestep, ofs=ofs,
                          image_rotary_emb=rotary, return_dict=False)[0]


@contextlib.contextmanager
def free_positions(patch_embed):
    """Lets 2b's sine positions follow the clip's size: diffusers' own function fills a buffer in place, which no exporter follows. The
    size -1 makes the module ask for positions of every size. Undone after: goldens come from diffusers' own."""
    dim, text = patch_embed.embed_dim, patch_embed.max_text_seq_length

    def positions(height, width, frames, device=None):
        def table(count, size, scale):
            grid = torch.arange(count, dtype=torch.float32, device=device) / scale
            return get_1d_sincos_pos_embed_from_grid(size, grid, dtype=torch.float32)

        t = (frames - 1) // patch_embed.temporal_compression_ratio + 1
        h, w = height // patch_embed.patch_size, width // patch_embed.patch_size
        in_time = table(t, dim // 4, patch_embed.temporal_interpolation_scale)[:, None, None].expand(t, h, w, dim // 4)
        in_width = table(w, 3 * dim // 8, patch_embed.spatial_interpolation_scale)[None, None].expand(t, h, w, 3 * dim // 8)
        in_height = table(h, 3 * dim // 8, patch_embed.spatial_interpolation_scale)[None, :, None].expand(t, h, w, 3 * dim // 8)
        video = torch.cat([in_time, in_width, in_height], dim=-1).reshape(1, t * h * w, dim)
        return torch.cat([video.new_zeros(1, text, dim), video], dim=1)

    if not patch_embed.use_positional_embeddings:
        yield
        return
    size, patch_embed.sample_height, patch_embed._get_positional_embeddings = patch_embed.sample_height, -1, positions
    try:
        yield
    finally:
        patch_embed.sample_height = size
        del patch_embed._get_positional_embeddings


def export(pipeline, out: Path, options: Options) -> Exported:
    """Writes every graph of the pipeline into `out`."""
    tokens = options.max_tokens or MAX_TOKENS
    rows = _export_text(pipeline, out, options, tokens)
    rows += _export_transformer(pipeline, out, options, tokens)
    rows += export_stream(pipeline.vae, "decoder", out, options)
    components = {
        "text_encoder": {"graph": "text_encoder/model.onnx", "maxTokens": tokens, "width": pipeline.text_encoder.config.d_model},
        "transformer": {"graph": "transformer/model.onnx"},
        "vae_decoder": _streaming("vae_decoder"),
    }
    if _from_image(pipeline):
        rows += export_image_encoder(pipeline.vae, out, options)
        components["vae_encoder"] = {"graph": "vae_encoder/model.onnx", "plan": "whole"}
    elif "v2v" in _tasks(pipeline):
        rows += export_stream(pipeline.vae, "encoder", out, options)
        components["vae_encoder"] = _streaming("vae_encoder")
    return Exported("cogvideox", _tasks(pipeline), components, *_offer(pipeline), parity=rows)


def _tasks(pipeline) -> list[str]:
    """diffusers' video-to-video refuses 1.5 with the odd number of latent frames that 8k + 1 frames give."""
    if _from_image(pipeline):
        return ["i2v"]
    return ["t2v", "v2v"] if pipeline.transformer.config.patch_size_t is None else ["t2v"]


def _streaming(folder: str) -> dict:
    return {"plan": "streaming", "first": f"{folder}/stream_first.onnx", "next": f"{folder}/stream_next.onnx",
            "caches": f"{folder}/stream_caches.json"}


def _export_text(pipeline, out, options, tokens):
    def example(batch):
        return {"input_ids": torch.randint(3, min(pipeline.text_encoder.config.vocab_size, 300), (batch, tokens),
                                           generator=torch.Generator().manual_seed(1))}

    axes = {0: "batch", 1: "tokens"}
    write_component_config(pipeline.text_encoder, out / "text_encoder")
    return export_graph(TextEncoder(pipeline.text_encoder), example(2), ["last_hidden_state"], out / "text_encoder/model.onnx", options,
                        free={"input_ids": axes, "last_hidden_state": axes}, checks=(example(1),))


def _export_transformer(pipeline, out, options, tokens):
    """Learned positions, which only image-to-video of 1.0 has, fix the size and the number of frames."""
    model, generator = pipeline.transformer, torch.Generator().manual_seed(2)
    config, fixed = model.config, model.config.use_learned_positional_embeddings
    write_component_config(model, out / "transformer")
    rotary, p, p_t = config.use_rotary_positional_embeddings, config.patch_size, config.patch_size_t or 1

    def example(batch, t, h, w, step):
        count = (t // p_t) * (h // p) * (w // p)
        made = {"hidden_states": torch.randn(batch, t, config.in_channels, h, w, generator=generator),
                "encoder_hidden_states": torch.randn(batch, tokens, config.text_embed_dim, generator=generator),
                "timestep": torch.full((batch,), step, dtype=torch.int64)}
        angles = torch.rand(count, config.attention_head_dim, generator=generator) * 6
        return made | ({"image_rotary_emb_cos": angles.cos(), "image_rotary_emb_sin": angles.sin()} if rotary else {})

    clip = {0: "batch"} | ({} if fixed else {1: "frames", 3: "height", 4: "width"})
    free = {"hidden_states": clip, "encoder_hidden_states": {0: "batch"}, "timestep": {0: "batch"}, "out_hidden_states": clip}
    if rotary and not fixed:
        free |= {"image_rotary_emb_cos": {0: "tokens"}, "image_rotary_emb_sin": {0: "tokens"}}
    if fixed:
        size = (config.sample_frames - 1) // config.temporal_compression_ratio + 1, config.sample_height, config.sample_width
        first, checks = example(2, *size, 501), (example(1, *size, 1),)
    else:
        first, checks = example(2, 4, 4, 6, 501), (example(1, 2, 6, 4, 1), example(2, 6, 8, 2, 999))
    with free_positions(model.patch_embed):
        return export_graph(Transformer(model), first, ["out_hidden_states"], out / "transformer/model.onnx", options, free=free,
                            checks=checks)


def _offer(pipeline) -> tuple[dict, dict]:
    """Limits and defaults of the published sizes. Frames are 8k + 1: the VAE works on eight at a time, and other counts of diffusers come
    out as another number of frames than was asked for."""
    config, ratio = pipeline.transformer.config, spatial_ratio(pipeline.vae)
    width, height, frames = config.sample_width * ratio, config.sample_height * ratio, config.sample_frames
    later = config.patch_size_t is not None
    least = frames if config.use_learned_positional_embeddings else 9
    limits = {"sizes": [f"{width}x{height}"], "frames": {"min": least, "max": frames, "step": 8}, "fps": {"min": 8, "max": 30},
              "steps": {"min": 1, "max": 100}, "guidance": {"min": 1, "max": 20}, "maxPromptChars": 4000}
    defaults = {"size": f"{width}x{height}", "frames": frames, "fps": 16 if later else 8, "steps": 50, "guidance": 6,
                "negativePrompt": "", "strength": 0.8}
    return limits, defaults


def golden_cases(pipeline, options: Options) -> list[dict]:
    """One small clip of each task."""
    size = (options.limits.get("sizes") or _offer(pipeline)[0]["sizes"])[-1]
    frames = (options.limits.get("frames") or _offer(pipeline)[0]["frames"])["min"]
    request = {"prompt": "a red fox runs through snow", "negative_prompt": "blurry", "size": size, "num_frames": frames,
               "num_inference_steps": 4, "guidance_scale": 6, "seed": 1}
    return [{"name": task, "task": task, "request": request | ({"strength": 0.6} if task == "v2v" else {})} for task in _tasks(pipeline)]


def record(pipeline, case: dict, options: Options) -> dict:
    """Runs one case in diffusers' pipeline for its task; returns the tensors of docs/bundles.md."""
    request, given = case["request"], {}
    width, height = size_of(request["size"])
    call = {k: request[k] for k in ("prompt", "negative_prompt", "num_inference_steps", "guidance_scale", "strength") if k in request}
    call |= {"width": width, "height": height, "max_sequence_length": options.max_tokens or MAX_TOKENS}
    if case["task"] == "v2v":
        cls = diffusers.CogVideoXVideoToVideoPipeline
        pipeline = cls(**{k: v for k, v in pipeline.components.items() if k in inspect.signature(cls.__init__).parameters})
        given["video"] = golden.picture(width, height, request["num_frames"], 2)
        call["video"] = [Image.fromarray(frame) for frame in given["video"]]
    else:
        call["num_frames"] = request["num_frames"]
    if case["task"] == "i2v":
        given["image"] = golden.picture(width, height)[0]
        call["image"] = Image.fromarray(given["image"])
    seen = golden.run(pipeline, call, seed=request["seed"])
    fed = seen.denoiser[0]
    embeds = fed["encoder_hidden_states"]
    tensors = {"prompt_embeds": embeds[-1:]} | ({"negative_embeds": embeds[:1]} if len(embeds) == 2 else {})
    if fed.get("image_rotary_emb") is not None:
        tensors |= dict(zip(("image_rotary_emb_cos", "image_rotary_emb_sin"), fed["image_rotary_emb"]))
    if case["task"] == "i2v":
        tensors["image_latents"] = fed["hidden_states"][:1, :, pipeline.transformer.config.in_channels // 2:]
    return golden.text_tensors(seen.text) | tensors | golden.step_tensors(seen) | given
