"""Clips by index, and their latents and captions in shards. A shard's content depends on its number alone."""

import os
from pathlib import Path

import numpy as np
import torch

from . import captions, tokens, world
from .model import COARSE, Codec

SHARD = 2000  # clips
CAPTIONS = 4  # a clip
FIT_CLIPS = 2000


def clip_at(index: int) -> world.Clip:
    return world.sample_clip(np.random.default_rng([11, index]))


def emphasis(clip: world.Clip) -> float:
    """How much more often denoiser and student are trained on such a clip than on an easy one: what is drawn wrong most."""
    names = {world.SHAPES[t.shape] for t in clip.things}
    shape = 1.6 if names & {"star", "ring"} else 1.3 if "boat" in names else 1.0
    return shape * {"single": 1.0, "beside": 1.5, "stacked": 2.0}[world.PLACES[clip.place]] * (3.0 if world.CAMERAS[clip.camera].startswith("pan") else 1.0)


def coarse_clip(clip: world.Clip) -> np.ndarray:
    """[25, 3, 32, 32] in -1..1: area mean, drawn at 64 with antialiased edges."""
    frames = world.render(clip, 2 * COARSE).reshape(world.FRAMES, COARSE, 2, COARSE, 2, 3).mean((2, 4))
    return frames.transpose(0, 3, 1, 2) * 2 - 1


def save(state, path: Path) -> None:
    """Whole or not at all."""
    torch.save(state, f"{path}.tmp")
    os.replace(f"{path}.tmp", path)


def fit_codec(out: Path, log) -> None:
    if (out / "codec.pt").exists():
        return
    coarse = np.stack([coarse_clip(world.sample_clip(np.random.default_rng([12, i]))).astype(np.float16) for i in range(FIT_CLIPS)])
    codec = Codec()
    first, following = codec.fit(torch.from_numpy(coarse).float())
    latents = codec.encode(torch.from_numpy(coarse[:1000]).float())
    spread = lambda part: part.transpose(0, 1).flatten(1).std(1)
    save({"codec": codec.state_dict(), "std": torch.stack([spread(latents[:, :, :1]), spread(latents[:, :, 1:])])}, out / "codec.pt")
    log(stage="codec", variance_kept_first=first, variance_kept=following)


def load_codec(out: Path) -> tuple[Codec, torch.Tensor]:
    state, codec = torch.load(out / "codec.pt"), Codec()
    codec.load_state_dict(state["codec"])
    return codec.requires_grad_(False), state["std"]


_EMPTY = [tokens.UNKNOWN] * 20 + sorted(tokens.VOCABULARY.index(word) for word in captions.EMPTY)


def tokenise(text: str, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Ids and marks of a marked caption. Half of them are disturbed: empty words go missing or become unknown, others come in."""
    ids, marks = tokens.marked_ids(text)
    if rng.random() < 0.5:
        start, noise = len(tokens.START), rng.random((len(ids) + 1, 2))
        kept, whose = ids[:start], marks[:start]
        for i, m, (lose, add) in zip(ids[start:], marks[start:], noise):
            if add < 0.10:
                kept.append(_EMPTY[int(add * 10 * len(_EMPTY))]), whose.append(0)
            empty = i in _EMPTY
            if not (empty and lose < 0.15):
                kept.append(tokens.UNKNOWN if empty and lose < 0.25 else i), whose.append(m)
        ids, marks = kept, whose
    pad = [tokens.PAD] * (tokens.MAX_TOKENS - len(ids))
    return (ids + pad)[: tokens.MAX_TOKENS], (marks + pad)[: tokens.MAX_TOKENS]


def _write(array: np.ndarray, path: Path) -> None:
    np.save(f"{path}.{os.getpid()}.npy", array)
    os.replace(f"{path}.{os.getpid()}.npy", path)


def make_shard(out: Path, number: int) -> None:
    folder = out / "shards"
    folder.mkdir(exist_ok=True)
    clips = None
    drawn = lambda: clips or [clip_at(number * SHARD + i) for i in range(SHARD)]
    if not (folder / f"{number:04d}.latents.npy").exists():
        (codec, _), clips, latents = load_codec(out), drawn(), []
        for at in range(0, SHARD, 100):
            coarse = np.stack([coarse_clip(c) for c in clips[at: at + 100]])
            latents.append(codec.encode(torch.from_numpy(coarse)).half().numpy())
        _write(np.concatenate(latents), folder / f"{number:04d}.latents.npy")
    if not (folder / f"{number:04d}.ids.npy").exists():
        rng = np.random.default_rng([13, number])
        ids = [[tokenise(captions.marked_caption(c, rng)[0], rng)[0] for _ in range(CAPTIONS)] for c in drawn()]
        _write(np.array(ids, np.int16), folder / f"{number:04d}.ids.npy")
    if not (folder / f"{number:04d}.emphasis.npy").exists():
        _write(np.array([emphasis(c) for c in drawn()], np.float32), folder / f"{number:04d}.emphasis.npy")


class Shards:
    """Draws from the first `count` of `total` shards: from files that are mapped, or from a GPU's memory."""

    def __init__(self, out: Path, total: int, device: torch.device):
        self.folder, self.total, self.device, self.opened = out / "shards", total, device, 0
        self.latents, self.ids, self.summed = [], [], np.zeros(0)

    def open(self, count: int) -> None:
        for number in range(self.opened, count):
            name = self.folder / f"{number:04d}"
            latents, ids = np.load(f"{name}.latents.npy", mmap_mode="r"), np.load(f"{name}.ids.npy")
            before = self.summed[-1] if number else 0.0
            self.summed = np.append(self.summed, before + np.cumsum(np.load(f"{name}.emphasis.npy"), dtype=np.float64))
            if self.device.type == "cuda":
                if not number:
                    self.latents = torch.empty((self.total * SHARD, *latents.shape[1:]), dtype=torch.float16, device=self.device)
                    self.ids = torch.empty((self.total * SHARD, *ids.shape[1:]), dtype=torch.int16, device=self.device)
                rows = slice(number * SHARD, (number + 1) * SHARD)
                self.latents[rows], self.ids[rows] = torch.from_numpy(np.array(latents)).to(self.device), torch.from_numpy(ids).to(self.device)
            else:
                self.latents.append(latents), self.ids.append(ids)
        self.opened = max(self.opened, count)

    def get(self, index: np.ndarray, rng: np.random.Generator):
        """Latents and caption ids of these clips."""
        which = rng.integers(CAPTIONS, size=len(index))
        if self.device.type == "cuda":
            at = torch.from_numpy(index).to(self.device)
            return self.latents[at].float(), self.ids[at, torch.from_numpy(which).to(self.device)].long()
        x0 = torch.from_numpy(np.stack([self.latents[i // SHARD][i % SHARD] for i in index])).float()
        return x0, torch.from_numpy(np.stack([self.ids[i // SHARD][i % SHARD, w] for i, w in zip(index, which)]).astype(np.int64))

    def draw(self, count: int, n: int, rng: np.random.Generator):
        """n clips of the first `count` shards, the hard ones more often."""
        self.open(count)
        return self.get(np.searchsorted(self.summed[: count * SHARD], rng.random(n) * self.summed[count * SHARD - 1], side="right"), rng)
