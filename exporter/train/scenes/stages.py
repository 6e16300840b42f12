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


def _flow_loss(crew, net, encoder, nothing, x0, ids):
    """Flow matching, one caption in ten left out. In a quarter of the clips the first latent frame is given, clean and at time 0, as
    image-to-video has it."""
    n = len(x0)
    ids = torch.where((torch.rand(n, 1) < 0.1).to(crew.device), nothing, ids)
    t = _time(n)[:, None].repeat(1, SLOTS)
    t[torch.rand(n) < 0.25, 0] = 0
    t = t.to(crew.device)
    e, s = torch.randn_like(x0), t[:, None, :, None, None]
    with crew.autocast():
        with torch.no_grad():
            text = encoder(ids).float()
        v = net((1 - s) * x0 + s * e, t * 1000, text)
    return _mean_error(v, e - x0, t)


def _mean_error(v, target, t):
    """Over the latent frames that are not given; t [B, SLOTS]."""
    error = (v.float() - target).square().mean((1, 3, 4))
    return (error * (t > 0)).sum() / (t > 0).sum()


def denoiser(crew, out, steps, batch, shards):
    (codec, std), encoder, store = data.load_codec(out), load_text(out).to(crew.device), data.Shards(out, shards, crew.device)
    torch.manual_seed(2)
    net = Denoiser()
    net.std.copy_(std)
    net.to(crew.device)
    nothing = torch.tensor(tokens.encode(""), device=crew.device)
    supplied = 0

    def loss_of(step, rng):
        nonlocal supplied
        count = shards_at(step, batch, shards)
        if count > supplied:
            _supply(crew, out, count)
            supplied = count
        return _flow_loss(crew, net, encoder, nothing, *store.draw(count, batch // crew.processes, rng))

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
    """The denoiser, which at the times of a four-step schedule learns where three guided steps lead, on trajectories of its own (progressive
    distillation, Salimans & Ho 2022, with guidance baked in, Meng et al. 2023), and at all others goes on as it was: many guided steps hardly
    touch those times, so one network serves both."""
    (codec, _), encoder, store = data.load_codec(out), load_text(out).to(crew.device), data.Shards(out, shards, crew.device)
    used = min(6, shards)
    _supply(crew, out, used)
    teacher = load_denoiser(out).to(crew.device)
    torch.manual_seed(4)
    net = load_denoiser(out).train().requires_grad_(True).to(crew.device)
    nothing = torch.tensor(tokens.encode(""), device=crew.device)
    # Every third time of ten is one of four; the last step of either is too short to learn.
    times = [float(t) for t in sample.timesteps(SUBSTEPS * (FAST - 1) + 1)[:-1]]

    def trajectories(x0, texts, none):
        """Latents, times [B, SLOTS], texts and mean velocities at the first times of the four, one below the other."""
        given = (torch.rand(len(x0)) < 0.25).to(crew.device)
        x, rows = torch.randn_like(x0), []
        x[given, :, :1] = x0[given, :, :1]
        for k in range(0, len(times) - 1, SUBSTEPS):
            begin = x
            for now, after in zip(times[k: k + SUBSTEPS], times[k + 1: k + SUBSTEPS + 1]):
                t = torch.full((len(x0), SLOTS), now, device=crew.device)
                t[given, 0] = 0
                x = x + (after - now) * sample.velocity(teacher, x, t, texts, none, GUIDANCE)
                x[given, :, :1] = x0[given, :, :1]
            t = torch.full((len(x0), SLOTS), times[k], device=crew.device)
            t[given, 0] = 0
            rows.append((begin, t, texts, (x - begin) / (times[k + SUBSTEPS] - times[k])))
        return [torch.cat(parts) for parts in zip(*rows)]

    def loss_of(step, rng):
        n = batch // crew.processes
        long = max(1, n // 5)
        x0, ids = store.draw(used, long, rng)
        with torch.no_grad(), crew.autocast():
            begin, t, texts, target = trajectories(x0, encoder(ids).float(), encoder(nothing[None]).float().repeat(long, 1, 1))
        with crew.autocast():
            v = net(begin, t * 1000, texts)
        plain = _flow_loss(crew, net, encoder, nothing, *store.draw(used, max(1, n - (FAST - 1) * long), rng))
        return _mean_error(v, target, t) + plain

    return fit(crew, out, "student", net, optimizers_of(crew, net, 0.005, 4e-4), loss_of, steps, 0.7, 0.998,
               _watch(crew, codec, encoder, FAST, 1.0), watch_every(crew))


STAGES = {"text": text, "denoiser": denoiser, "decoder": decoder, "student": student}
