"""CogVideoX's causal VAE as graphs that take a few frames at a time and hand on what its convolutions saw last.

diffusers decodes latent frames (0, 1, 2), (3, 4), … and encodes frames (0..8), (9..16), …; its group norms look at one such piece at a
time, so other pieces would give other pixels.
"""

from pathlib import Path

import torch

from ..bundle import write_component_config, write_json
from ..onnx_export import export_graph, run_graph, session
from ..options import Options

LATENT_PIECES = (3, 2)  # first, next
FRAME_PIECES = (9, 8)


def spatial_ratio(vae) -> int:
    """Pixels for each latent."""
    return 2 ** (len(vae.config.block_out_channels) - 1)


def _flatten(cache) -> list[torch.Tensor]:
    """The caches in the order in which they are written. Convolutions over one frame keep theirs but never read it."""
    if torch.is_tensor(cache):
        return [cache]
    return [t for key, value in cache.items() if key not in ("conv_y", "conv_b") for t in _flatten(value)]


def _rebuild(template, values):
    """The nested caches of `template` with the tensors of the iterator `values`; the inverse of _flatten."""
    if torch.is_tensor(template):
        return next(values)
    return {key: _rebuild(value, values) for key, value in template.items() if key not in ("conv_y", "conv_b")}


class Stream(torch.nn.Module):
    """One piece through the decoder or encoder: (main[, cache_0, …]) → (out, cache_0_out, …). Without a template it is the first."""

    def __init__(self, vae, which: str, template=None):
        super().__init__()
        self.coder, self.template = getattr(vae, which), template
        self.before = vae.post_quant_conv if which == "decoder" else None
        self.after = vae.quant_conv if which == "encoder" else None

    def forward(self, *values, **named):
        main, *caches = values or tuple(named.values())
        if self.before is not None:
            main = self.before(main)
        cache = None if self.template is None else _rebuild(self.template, iter(caches))
        out, cache = self.coder(main, conv_cache=cache)
        if self.after is not None:
            out = self.after(out)
        return out, *_flatten(cache)


def piece(vae, which: str, count: int, h: int, w: int) -> torch.Tensor:
    """Random frames or latents of the size that h x w latents stand for."""
    generator, ratio = torch.Generator().manual_seed(100 * h + 10 * w + count), spatial_ratio(vae)
    shape = (vae.config.latent_channels, count, h, w) if which == "decoder" else (3, count, h * ratio, w * ratio)
    return torch.randn(1, *shape, generator=generator)


def export_stream(vae, which: str, out: Path, options: Options) -> list:
    """stream_first.onnx, stream_next.onnx and stream_caches.json of the decoder or encoder; returns rows of comparisons."""
    folder = out / f"vae_{which}"
    write_component_config(vae, folder)
    pieces = LATENT_PIECES if which == "decoder" else FRAME_PIECES
    main_in, main_out = ("latent_sample", "sample") if which == "decoder" else ("sample", "latent_parameters")
    first = Stream(vae, which)
    with torch.no_grad():
        _, template = first.coder(first.before(piece(vae, which, pieces[0], 2, 4)) if first.before else piece(vae, which, pieces[0], 2, 4))
    found = _flatten(template)
    write_json(folder / "stream_caches.json",
               [{"channels": c.shape[1], "frames": c.shape[2], "scale": c.shape[3] // 2} for c in found])
    names, sides = [f"cache_{i}" for i in range(len(found))], {3: "height", 4: "width"}
    axes = {name: sides for name in (main_in, main_out, *names, *[f"{n}_out" for n in names])}

    def example(stream, h, w):
        with torch.no_grad():
            caches = [] if stream is first else first(piece(vae, which, pieces[0], h, w))[1:]
        return {main_in: piece(vae, which, pieces[0 if stream is first else 1], h, w)} | dict(zip(names, caches))

    rows = []
    for stream, name in ((first, "first"), (Stream(vae, which, template), "next")):
        inputs, outputs = example(stream, 2, 4), [main_out, *[f"{n}_out" for n in names]]
        rows += export_graph(stream, inputs, outputs, folder / f"stream_{name}.onnx", options, method="torchscript",
                             free={k: axes[k] for k in [*inputs, *outputs]}, checks=(example(stream, 4, 2), example(stream, 3, 5)))
    return rows + _compare_whole(vae, which, folder, pieces, names)


@torch.no_grad()
def _compare_whole(vae, which, folder, pieces, names) -> list:
    """The graphs, piece after piece, against diffusers' own decode or encode of the whole clip."""
    first, following, rows = session(folder / "stream_first.onnx"), session(folder / "stream_next.onnx"), []
    main_in = "latent_sample" if which == "decoder" else "sample"
    for count, h, w in ((1, 3, 2), (2, 2, 4), (3, 2, 2)):
        clip = piece(vae, which, pieces[0] + pieces[1] * (count - 1), h, w)
        want = vae.decode(clip).sample if which == "decoder" else vae.encode(clip).latent_dist.parameters
        got, caches = [], {}
        for i, part in enumerate(clip.split([pieces[0], *[pieces[1]] * (count - 1)], dim=2)):
            result = run_graph(following if i else first, {main_in: part.numpy()} | caches)
            caches = dict(zip(names, result[1:]))
            got.append(torch.from_numpy(result[0]))
        rows.append((f"vae_{which} stream = whole", "x".join(map(str, clip.shape)), float((torch.cat(got, 2) - want).abs().max())))
    return rows


class ImageEncoder(torch.nn.Module):
    """One image: sample [1, 3, 1, H, W] → latent_parameters [1, 2C, 1, h, w]."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, sample):
        return self.vae.encode(sample).latent_dist.parameters


def export_image_encoder(vae, out: Path, options: Options) -> list:
    """model.onnx of the encoder for image-to-video."""
    folder, sides = out / "vae_encoder", {3: "height", 4: "width"}
    write_component_config(vae, folder)
    return export_graph(ImageEncoder(vae), {"sample": piece(vae, "encoder", 1, 2, 4)}, ["latent_parameters"], folder / "model.onnx",
                        options, method="torchscript", free={"sample": sides, "latent_parameters": sides},
                        checks=({"sample": piece(vae, "encoder", 1, 3, 2)},))
