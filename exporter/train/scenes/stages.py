"""What the three long stages learn: the denoiser from data, the decoder from pixels, the student from the denoiser."""

import os
from multiprocessing import get_context

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F

from . import data, oracle, sample, tokens, world
from .loop import fit, optimizers_of
from .model import BLOCK_T, COARSE, MARGIN, PIXELS, SLOTS, Decoder, Denoiser
from .prompts import TUNING_SEED, prompts
from .text import load_text, text

WATCHED = 48  # prompts, while training


def watch_every(crew) -> int:
    return 500 if crew.device.type == "cpu" else 2000


def shards_at(step: int, batch: int, shards: int) -> int:
    """How much data the schedule uses at a step: six shards first, then a new clip for every fourth one trained on."""
    return min(shards, 6 + step * batch // (4 * data.SHARD))


def _supply(crew, out, count: int) -> None:
    """Draws the shards that are missing, each by one process."""
    for number in range(count):
        if number % crew.processes == crew.rank:
            data.make_shard(out, number)
    if crew.processes > 1:
        dist.barrier()


def _time(n: int) -> torch.Tensor:
    """Training times: 30 % uniform, else logit-normal, shifted to the noisy side."""
    t = torch.where(torch.rand(n) < 0.3, torch.rand(n), torch.sigmoid(torch.randn(n)))
    return (3 * t / (1 + 2 * t)).clamp(1e-3, 1)


def load_denoiser(out, name="denoiser"):
    net = Denoiser()
    path = out / f"{name}.pt"
    net.load_state_dict(torch.load(path if path.exists() else out / f"{name}.average.pt", map_location="cpu"))
    return net.eval().requires_grad_(False)


def _watch(crew, codec, encoder, steps, guidance):
    """Figures of the oracle on prompts that no reported figure is from, without a trained decoder."""
    rows = prompts(WATCHED, TUNING_SEED)[crew.rank:: crew.processes]

    def watch(net):
        found = []
        for at in range(0, len(rows), 16):
            part = rows[at: at + 16]
            x = sample.latents(net, encoder, [r["prompt"] for r in part], [r["seed"] for r in part], steps, guidance, crew.autocast)
            found += [oracle.marks(r["want"], oracle.read(c)) for r, c in zip(part, sample.rough_clips(codec, x))]
        found = crew.gather(found)
        return {k: round(100 * float(np.mean([m[k] for m in found])), 1) for k in found[0]}
    return watch


def denoiser(crew, out, steps, batch, shards):
    """Flow matching. In a quarter of the clips the first latent frame is given, clean and at time 0, as image-to-video has it."""
    (codec, std), encoder, store = data.load_codec(out), load_text(out).to(crew.device), data.Shards(out, shards, crew.device)
    torch.manual_seed(2)
    net = Denoiser()
    net.std.copy_(std)
    net.to(crew.device)
    nothing = torch.tensor(tokens.encode(""), device=crew.device)
    supplied = 0

    def loss_of(step, rng):
        nonlocal supplied
        count, n = shards_at(step, batch, shards), batch // crew.processes
        if count > supplied:
            _supply(crew, out, count)
            supplied = count
        x0, ids = store.draw(count, n, rng)
        ids = torch.where((torch.rand(n, 1) < 0.1).to(crew.device), nothing, ids)
        t = _time(n)[:, None].repeat(1, SLOTS)
        given = torch.rand(n) < 0.25
        t[given, 0] = 0
        t = t.to(crew.device)
        e, s = torch.randn_like(x0), t[:, None, :, None, None]
        with crew.autocast():
            with torch.no_grad():
                text = encoder(ids).float()
            v = net((1 - s) * x0 + s * e, t * 1000, text)
        error = (v.float() - (e - x0)).square().mean((1, 3, 4))
        return (error * (t > 0)).sum() / (t > 0).sum()

    optimizers = optimizers_of(crew, net, 0.02, 1.5e-3)
    return fit(crew, out, "denoiser", net, optimizers, loss_of, steps, 0.4, 0.998, _watch(crew, codec, encoder, 8, 2.0), watch_every(crew))


CROP = 16  # coarse pixels: the side of the window that is judged


def _window(clip, frames, rng):
    """(top, left) of the crop in coarse pixels: around an object's middle in these frames, or anywhere."""
    x, y, _, _ = (v[frames].mean() for v in world.screen(clip, int(rng.integers(len(clip.things)))))
    centre = np.array([y, x]) * COARSE + rng.uniform(-5, 5, 2) if rng.random() < 0.7 else rng.uniform(0, COARSE, 2)
    return np.clip(np.round(centre - CROP / 2), MARGIN, COARSE - CROP - MARGIN).astype(int)


def targets(key: tuple[int, int, int, int]):
    """Of a step, process, number of clips, and clips to choose from: which clips, latent frames and windows, and their true pixels."""
    step, rank, n, clips = key
    rng, rows = np.random.default_rng([41, step, rank]), []
    for index in map(int, rng.integers(clips, size=n)):
        clip, slot = data.clip_at(index), int(rng.integers(SLOTS))
        frames = np.arange(BLOCK_T * (slot - 1) + 1, BLOCK_T * slot + 1) if slot else np.zeros(BLOCK_T, int)
        top, left = map(int, _window(clip, frames, rng))
        scale = PIXELS // COARSE
        rows.append((index, slot, top, left, world.render(clip, PIXELS, frames, (top * scale, left * scale, CROP * scale))))
    return rows


def _ahead(crew, n, clips):
    """targets() of one step after another; beside a GPU drawn some steps ahead on all cores."""
    cores = max(1, (os.cpu_count() or 2) - 2)
    pool = get_context("spawn").Pool(cores) if crew.device.type == "cuda" else None
    waiting = {}

    def of(step):
        if pool is None:
            return targets((step, crew.rank, n, clips))
        for k in range(step, step + 3 * cores):
            if k not in waiting:
                waiting[k] = pool.apply_async(targets, ((k, crew.rank, n, clips),))
        return waiting.pop(step).get()
    return of


def decoder(crew, out, steps, batch, shards):
    """Targets are 128x128 windows of 6 frames of the 256x256 clip, mostly about an object, where the work is; inputs are noised latents
    or the denoiser's own one-step guesses."""
    store, used = data.Shards(out, shards, crew.device), min(6, shards)
    (codec, _), encoder = data.load_codec(out), load_text(out).to(crew.device)
    _supply(crew, out, used)
    store.open(used)
    net = load_denoiser(out).to(crew.device)
    torch.manual_seed(3)
    module = Decoder(codec).to(crew.device, memory_format=torch.channels_last)
    side, edge = CROP + 2 * MARGIN, MARGIN * PIXELS // COARSE
    targets_of = _ahead(crew, max(1, batch * 3 // 8 // crew.processes), used * data.SHARD)

    def guesses(x0, ids, rng):
        level = torch.from_numpy(rng.uniform(0.02, 0.3, (len(x0), 1, 1, 1, 1))).float().to(x0.device)
        e = torch.randn_like(x0)
        if rng.random() < 0.5:
            return x0 + level * e
        x, t = (1 - level) * x0 + level * e, level.reshape(-1, 1).repeat(1, SLOTS)
        with torch.no_grad(), crew.autocast():
            return x - level * net(x, t * 1000, encoder(ids)).float()

    def loss_of(step, rng):
        rows = targets_of(step)
        x0, ids = store.get(np.array([row[0] for row in rows]), rng)
        groups = Decoder.groups(codec.decode(guesses(x0, ids, rng))).flatten(2, 3)
        around = [(slice(None), slice(top - MARGIN, top - MARGIN + side), slice(left - MARGIN, left - MARGIN + side)) for _, _, top, left, _ in rows]
        seen = torch.stack([groups[i, row[1]][part] for i, (row, part) in enumerate(zip(rows, around))])
        target = torch.from_numpy(np.stack([row[4] for row in rows]).transpose(0, 1, 4, 2, 3) * 2 - 1).flatten(1, 2).to(crew.device)
        with crew.autocast():
            guess = module.slots(seen.contiguous(memory_format=torch.channels_last))
        return 10 * F.huber_loss(guess.float()[:, :, edge:-edge, edge:-edge], target, delta=0.1)

    return fit(crew, out, "decoder", module, optimizers_of(crew, module, 0.01, 1e-3), loss_of, steps, 0.6, 0.997)


FAST, SUBSTEPS, GUIDANCE = 4, 3, 2.0


def student(crew, out, steps, batch, shards):
    """The denoiser with guidance baked in. At the times of a four-step schedule it learns where three guided steps of the teacher lead
    (progressive distillation, Salimans & Ho 2022); at all others the guided velocity (Meng et al. 2023)."""
    (codec, _), encoder, store = data.load_codec(out), load_text(out).to(crew.device), data.Shards(out, shards, crew.device)
    _supply(crew, out, min(6, shards))
    teacher = load_denoiser(out).to(crew.device)
    torch.manual_seed(4)
    net = load_denoiser(out).train().requires_grad_(True).to(crew.device)
    grid = sample.timesteps(FAST)
    nothing = torch.tensor([tokens.encode("")], device=crew.device)

    def loss_of(step, rng):
        n = batch // crew.processes
        x0, ids = store.draw(min(6, shards), n, rng)
        e = torch.randn_like(x0)
        coarse = rng.random(n) < 0.8
        at = rng.integers(FAST, size=n)
        start = torch.where(torch.from_numpy(coarse), torch.from_numpy(grid[at]), _time(n))
        # Three steps to the next time of the coarse schedule, or one that is too short to matter.
        end = torch.where(torch.from_numpy(coarse), torch.from_numpy(grid[at + 1]), start * 0.97)
        start, end = start.to(crew.device), end.to(crew.device)
        given = (torch.rand(n) < 0.25).to(crew.device)
        full = lambda t: t[:, None, None, None, None]
        times = lambda t: torch.cat([torch.where(given, torch.zeros_like(t), t)[:, None], t[:, None].repeat(1, SLOTS - 1)], 1)
        held = lambda x: torch.cat([torch.where(full(given), x0[:, :, :1], x[:, :, :1]), x[:, :, 1:]], 2)
        x = begin = held((1 - full(start)) * x0 + full(start) * e)
        with torch.no_grad(), crew.autocast():
            texts = encoder(ids).float()
            none = encoder(nothing).float().repeat(n, 1, 1)
            now = start
            for k in range(1, SUBSTEPS + 1):
                after = start + (end - start) * k / SUBSTEPS
                x = held(x + full(after - now) * sample.velocity(teacher, x, times(now), texts, none, GUIDANCE))
                now = after
        target = (x - begin) / full(end - start)
        with crew.autocast():
            v = net(begin, times(start) * 1000, texts)
        error = (v.float() - target).square().mean((1, 3, 4))
        kept = torch.cat([~given[:, None], torch.ones(n, SLOTS - 1, dtype=torch.bool, device=crew.device)], 1)
        return (error * kept).sum() / kept.sum()

    return fit(crew, out, "student", net, optimizers_of(crew, net, 0.005, 4e-4), loss_of, steps, 0.7, 0.998,
               _watch(crew, codec, encoder, FAST, 1.0), watch_every(crew))


STAGES = {"text": text, "denoiser": denoiser, "decoder": decoder, "student": student}
