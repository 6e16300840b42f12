"""The causal VAE of Wan as streaming graphs: one latent frame a call, with what the convolutions remember as inputs and outputs.

diffusers decodes and encodes in chunks with a list of caches (`feat_cache`). A cache that is missing at the first chunk acts as
zeros before the first frame, so zeros of two frames say the same and every call can have one list of one shape. Only the first
chunk leaves out the doubling (or halving) of time, therefore two graphs: `first` makes 1 frame of a latent, `next` makes 4.
"""

import inspect
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d, patchify, unpatchify

from ..bundle import write_component_config, write_json
from ..errors import ExportError
from ..onnx_export import export_graph, run_graph, session
from ..options import Options


def prepare(vae) -> None:
    """Upsampling by 2 takes the same pixel in modes nearest and nearest-exact; only the first is an ONNX Resize."""
    for module in vae.modules():
        if isinstance(module, torch.nn.Upsample):
            module.mode = "nearest"


class _Stream(torch.nn.Module):
    """Runs a coder over one chunk. `specs` has a dict of channels, frames and scale for each cache, see `probe`."""

    def __init__(self, vae, coder, first: bool, specs: list[dict]):
        super().__init__()
        self.vae, self.first, self.specs = vae, first, specs
        self.coder = [coder]  # in a list: the VAE holds it already
        self.slots = sum(isinstance(m, WanCausalConv3d) for m in coder.modules())

    def chunk(self, x: torch.Tensor, caches: tuple, **kwargs):
        """The coder's output and its caches, all of them brought to the shapes of `specs`."""
        slots = [*caches, *[None] * (self.slots - len(caches))]
        index = [0]
        out = self.coder[0](x, feat_cache=slots, feat_idx=index, **kwargs)
        height, width = self.base(x, out)
        return out, [_filled(c, s, x, height, width) for c, s in zip(slots[: index[0]], self.specs, strict=True)]


def _filled(cache, spec: dict, x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """A cache of fewer frames, or none ("Rep"), with zeros in front."""
    if isinstance(cache, str) or cache is None:
        return x.new_zeros(1, spec["channels"], spec["frames"], height * spec["scale"], width * spec["scale"])
    missing = spec["frames"] - cache.shape[2]
    return torch.cat([torch.zeros_like(cache[:, :, :1]).repeat(1, 1, missing, 1, 1), cache], dim=2) if missing else cache


class StreamDecoder(_Stream):
    """latent_sample [1, C, 1, h, w] (and caches, in `next`) → sample [1, 3, 1 or 4, H, W] in -1..1, and caches."""

    def __init__(self, vae, first: bool, specs: list[dict]):
        super().__init__(vae, vae.decoder, first, specs)

    def base(self, x, _out):
        return x.shape[3], x.shape[4]

    def forward(self, latent_sample, caches=()):
        x = self.vae.post_quant_conv(latent_sample)
        out, kept = self.chunk(x, () if self.first else tuple(caches), first_chunk=self.first)
        if self.vae.config.patch_size is not None:
            out = unpatchify(out, patch_size=self.vae.config.patch_size)
        return torch.clamp(out, -1.0, 1.0), *kept


class StreamEncoder(_Stream):
    """sample [1, 3, 1 or 4, H, W] in -1..1 (and caches, in `next`) → latent_parameters [1, 2C, 1, h, w], and caches."""

    def __init__(self, vae, first: bool, specs: list[dict]):
        super().__init__(vae, vae.encoder, first, specs)

    def base(self, _x, out):
        return out.shape[3], out.shape[4]

    def forward(self, sample, caches=()):
        x = sample if self.vae.config.patch_size is None else patchify(sample, patch_size=self.vae.config.patch_size)
        out, kept = self.chunk(x, () if self.first else tuple(caches))
        return self.vae.quant_conv(out), *kept


@torch.no_grad()
def probe(stream: _Stream, chunks: list[torch.Tensor], height: int, width: int) -> list[dict]:
    """Channels, frames and scale (to the latent's height and width) of each cache. Two chunks are run as diffusers runs them,
    after which every cache is there in its final shape. `chunks` are what the coder is given, after patchify or convolution."""
    slots, index = [None] * stream.slots, [0]
    for i, chunk in enumerate(chunks):
        index[0] = 0
        kwargs = {"first_chunk": i == 0} if isinstance(stream, StreamDecoder) else {}
        stream.coder[0](chunk, feat_cache=slots, feat_idx=index, **kwargs)
    shapes = [tuple(cache.shape) for cache in slots[: index[0]]]
    for shape in shapes:
        if shape[3] % height or shape[4] % width or shape[3] // height != shape[4] // width:
            raise ExportError(f"vae: a cache of shape {shape} does not scale with a latent of {height}x{width}.")
    return [{"channels": s[1], "frames": s[2], "scale": s[3] // height} for s in shapes]


def empty_caches(specs: list[dict], height: int, width: int) -> list[torch.Tensor]:
    """Caches before the first chunk, for a latent of this height and width."""
    return [torch.zeros(1, s["channels"], s["frames"], height * s["scale"], width * s["scale"]) for s in specs]


def _ratios(vae) -> tuple[int, int]:
    """Pixels for each latent, and frames for each latent frame after the first."""
    return vae.config.scale_factor_spatial, vae.config.scale_factor_temporal


def vae_weights(options: Options) -> str:
    """A VAE is a small part of a bundle and shows every rounding in the picture: asked for int8, it has fp16."""
    return "fp16" if options.weights == "int8" else options.weights


def export_stream(vae, which: str, out: Path, options: Options) -> list[tuple[str, str, float]]:
    """Writes the "decoder" or the "encoder" into its folder as two graphs and the list of their caches, and compares them with
    torch, chunk by chunk and as a whole. Returns the rows of the table."""
    folder = out / f"vae_{which}"
    write_component_config(vae, folder)
    cls = StreamDecoder if which == "decoder" else StreamEncoder
    specs = _specs(vae, which)
    write_json(folder / "stream_caches.json", specs)
    names = [f"cache_{i}" for i in range(len(specs))]
    main_in, main_out = ("latent_sample", "sample") if which == "decoder" else ("sample", "latent_parameters")
    sides = {3: "height", 4: "width"}
    rows = []
    for first in (True, False):
        stream = _Flat(cls(vae, first, specs), [main_in] if first else [main_in, *names])

        def example(h, w, seed=3, first=first):
            generator = torch.Generator().manual_seed(seed)
            made = {main_in: torch.randn(_chunk_shape(vae, which, first, h, w), generator=generator)}
            if not first:
                made |= {n: torch.randn(c.shape, generator=generator) for n, c in zip(names, empty_caches(specs, h, w))}
            return made

        free = {main_in: sides, main_out: sides} | ({} if first else {n: sides for n in names})
        rows += export_graph(stream, example(3, 5), [main_out, *[f"{n}_out" for n in names]],
                             folder / f"stream_{'first' if first else 'next'}.onnx", options, free=free, checks=(example(4, 2),),
                             weights=vae_weights(options))
    rows += _compare_whole(vae, which, folder, specs)
    return rows


class _Flat(torch.nn.Module):
    """A stream whose caches are arguments of their own: torch.export reads a graph's inputs off forward's signature."""

    def __init__(self, stream, names: list[str]):
        super().__init__()
        self.stream = stream

        def forward(**feeds):
            chunk, *caches = (feeds[name] for name in names)
            return stream(chunk, tuple(caches))

        forward.__signature__ = inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names])
        self.forward = forward


def _chunk_shape(vae, which, first, h, w):
    spatial, temporal = _ratios(vae)
    if which == "decoder":
        return 1, vae.config.z_dim, 1, h, w
    return 1, 3, 1 if first else temporal, h * spatial, w * spatial


def _specs(vae, which) -> list[dict]:
    h, w = 2, 3
    spatial, temporal = _ratios(vae)
    if which == "decoder":
        return probe(StreamDecoder(vae, True, []), [torch.zeros(1, vae.config.z_dim, 1, h, w)] * 2, h, w)
    patch = vae.config.patch_size or 1
    channels, side = 3 * patch**2, spatial // patch
    return probe(StreamEncoder(vae, True, []), [torch.zeros(1, channels, f, h * side, w * side) for f in (1, temporal)], h, w)


@torch.no_grad()
def _compare_whole(vae, which, folder, specs):
    """The pair of graphs, chunk after chunk, against diffusers' whole decode or encode, at two sizes."""
    first, following, rows = session(folder / "stream_first.onnx"), session(folder / "stream_next.onnx"), []
    spatial, temporal = _ratios(vae)
    for t, h, w in ((3, 2, 3), (2, 4, 2)):
        if which == "decoder":
            x = torch.randn(1, vae.config.z_dim, t, h, w)
            want, chunks = vae.decode(x).sample, [x[:, :, i : i + 1] for i in range(t)]
        else:
            x = torch.rand(1, 3, 1 + temporal * (t - 1), h * spatial, w * spatial) * 2 - 1
            want = vae.encode(x).latent_dist.parameters
            chunks = [x[:, :, :1], *x[:, :, 1:].split(temporal, dim=2)]
        caches, got = empty_caches(specs, h, w), []
        for i, chunk in enumerate(chunks):
            feeds = {"latent_sample" if which == "decoder" else "sample": chunk.numpy()}
            result = run_graph(first if i == 0 else following, feeds | {f"cache_{j}": c for j, c in enumerate(caches)})
            got.append(torch.from_numpy(result[0]))
            caches = result[1:]
        rows.append((f"vae_{which} stream = whole", "x".join(map(str, x.shape)), float((torch.cat(got, 2) - want).abs().max())))
    return rows
