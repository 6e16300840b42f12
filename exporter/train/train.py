"""Trains the bundled model: data -> codec -> text encoder -> denoiser -> decoder -> denoiser refined.

    python train.py --out build [--processes 2] [--denoiser-steps 4400] [--decoder-steps 2600]

Every stage is seeded and scheduled by steps. A finished stage is skipped when run again, the three long ones save their state every 200
steps and resume; a folder belongs to one set of arguments. Two processes of one thread each with averaged gradients rather than one of
two threads, which waits on its slower thread whenever other work shares the cores.
"""

import argparse
import json
import os
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F

import tokens
import world
from model import BLOCK_T, CHANNELS, COARSE, GRID, LABELS, MARGIN, PIXELS, SLOTS, TEXT_WIDTH, Codec, Decoder, Denoiser, TextEncoder
from muon import Muon

SAVE_EVERY = 200


def log(out: Path, **row) -> None:
    line = json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
    print(line, flush=True)
    with open(out / "log.jsonl", "a") as file:
        file.write(line + "\n")


def save(state, path: Path) -> None:
    """Whole or not at all: a stage whose file is there is done."""
    torch.save(state, f"{path}.tmp")
    os.replace(f"{path}.tmp", path)


# ---- data -----------------------------------------------------------------------------------------------------------


def clip_at(index: int) -> world.Clip:
    return world.sample_clip(np.random.default_rng([11, index]))


def coarse_clip(clip: world.Clip) -> np.ndarray:
    """[16, 3, 32, 32] in -1..1: area mean, drawn at 64 with antialiased edges (from the mean of 256 a mean of 0.01 % of the
    range and at most 10 %, on single pixels of an outline; 40 clips)."""
    frames = world.render(clip, 2 * COARSE).reshape(world.FRAMES, COARSE, 2, COARSE, 2, 3).mean((2, 4))
    return frames.transpose(0, 3, 1, 2) * 2 - 1


def _draw(span: tuple[int, int]) -> np.ndarray:
    return np.stack([coarse_clip(clip_at(i)) for i in range(*span)]).astype(np.float16)


def make_data(out: Path, clips: int, processes: int) -> None:
    if (out / "latents.npy").exists():
        return
    started, codec = time.time(), Codec()
    spans = [(i, min(i + 500, clips)) for i in range(0, clips, 500)]
    with get_context("spawn").Pool(processes) as pool:
        first = np.concatenate(pool.map(_draw, [(clips + i, clips + i + 500) for i in range(0, 4000, 500)]))
        kept = codec.fit(Codec.blocks(torch.from_numpy(first).float()).reshape(-1, codec.mean.numel()))
        save(codec.state_dict(), out / "codec.pt")
        latents = np.lib.format.open_memmap(out / "latents.tmp.npy", "w+", np.float16, (clips, CHANNELS, SLOTS, GRID, GRID))
        for span, coarse in zip(spans, pool.imap(_draw, spans)):
            latents[span[0]:span[1]] = codec.encode(torch.from_numpy(coarse).float()).half().numpy()
        latents.flush()
    os.replace(out / "latents.tmp.npy", out / "latents.npy")
    log(out, stage="data", clips=clips, variance_kept=kept, seconds=time.time() - started)


def load_codec(out: Path) -> Codec:
    codec = Codec()
    codec.load_state_dict(torch.load(out / "codec.pt"))
    return codec


def tokenise(text: str, rng: np.random.Generator) -> list[int]:
    """Ids of a caption; now and then a word nobody knows, so that an unknown adjective does no harm later."""
    ids = [i for i in tokens.encode(text) if i != tokens.PAD]
    if rng.random() < 0.2:
        for _ in range(int(rng.integers(1, 4))):
            ids.insert(int(rng.integers(1, len(ids) + 1)), tokens.UNKNOWN)
    ids = ids[: tokens.MAX_TOKENS]
    return ids + [tokens.PAD] * (tokens.MAX_TOKENS - len(ids))


# ---- text encoder ---------------------------------------------------------------------------------------------------


def train_text(out: Path, steps: int) -> None:
    if (out / "text.pt").exists():
        return
    torch.manual_seed(1)
    rng, started = np.random.default_rng(21), time.time()
    encoder = TextEncoder(len(tokens.VOCABULARY))
    heads = torch.nn.ModuleList(torch.nn.Linear(TEXT_WIDTH, n + 1) for n in LABELS)  # the last class is "unsaid"
    parameters = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.01)
    for step in range(steps):
        pairs = [world.caption(world.sample_clip(rng), rng) for _ in range(192)]
        ids = torch.tensor([tokenise(text, rng) for text, _ in pairs])
        labels = torch.tensor(np.stack([label for _, label in pairs]))
        first = encoder(ids)[:, 0]
        target = [torch.where(labels[:, i] < 0, n, labels[:, i]) for i, n in enumerate(LABELS)]
        logits = [head(first) for head in heads]
        loss = sum(F.cross_entropy(x, y) for x, y in zip(logits, target))
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 50) * min(1, 2 * (1 - step / steps) + 0.02)
        optimizer.zero_grad(), loss.backward(), torch.nn.utils.clip_grad_norm_(parameters, 1.0), optimizer.step()
        if step % 100 == 99 or step == steps - 1:
            right = [float((x.argmax(-1) == y).float().mean()) for x, y in zip(logits, target)]
            log(out, stage="text", step=step + 1, loss=loss.item(), worst=min(right), seconds=time.time() - started)
    save(encoder.state_dict(), out / "text.pt")


def load_text(out: Path) -> TextEncoder:
    encoder = TextEncoder(len(tokens.VOCABULARY))
    encoder.load_state_dict(torch.load(out / "text.pt"))
    return encoder.eval().requires_grad_(False)


# ---- the two big stages, on several processes -----------------------------------------------------------------------


def _average(parameters, processes: int) -> None:
    if processes == 1:
        return
    flat = torch.cat([p.grad.reshape(-1) for p in parameters])
    dist.all_reduce(flat)
    flat /= processes
    at = 0
    for p in parameters:
        p.grad.copy_(flat[at: at + p.numel()].view_as(p))
        at += p.numel()


def _fit(rank, processes, out, stage, module, optimizers, loss_of, steps, decay, ema_rate):
    """The loop both stages share: warm-up, constant, linear decay over the last `decay` of the steps; EMA; resume."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    average, first = [p.detach().clone() for p in parameters], 0
    state_path = out / f"{stage}.state.pt"
    if state_path.exists():
        state = torch.load(state_path)
        module.load_state_dict(state["module"])
        for optimizer, saved in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        average, first = state["average"], state["step"]
    rates = [[g["lr"] if "base" not in g else g["base"] for g in o.param_groups] for o in optimizers]
    for optimizer, row in zip(optimizers, rates):
        for group, base in zip(optimizer.param_groups, row):
            group["base"] = base
    started, mean_loss = time.time(), 0.0
    for step in range(first, steps):
        factor = min(1, (step + 1) / 100) * min(1, (1 - step / steps) / decay + 0.01)
        draw = step + (10_000_000 if stage == "refined" else 0)  # not the first run's draws again
        rng = np.random.default_rng([31, draw, rank])
        torch.manual_seed(draw * 64 + rank)
        for optimizer in optimizers:
            optimizer.zero_grad()
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * factor
        loss = loss_of(rng)
        loss.backward()
        _average(parameters, processes)
        torch.nn.utils.clip_grad_norm_(parameters, 2.0)
        for optimizer in optimizers:
            optimizer.step()
        rate = min(ema_rate, (step + 1) / (step + 10))
        for a, p in zip(average, parameters):
            a.lerp_(p.detach(), 1 - rate)
        mean_loss += float(loss.detach()) / 50
        if rank == 0 and step % 50 == 49:
            log(out, stage=stage, step=step + 1, loss=mean_loss, seconds=time.time() - started)
            mean_loss = 0.0
        if rank == 0 and (step % SAVE_EVERY == SAVE_EVERY - 1 or step == steps - 1):
            state = {"module": module.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "average": average, "step": step + 1}
            save(state, state_path)
    if rank == 0:
        with torch.no_grad():
            for a, p in zip(average, parameters):
                p.copy_(a)
        save(module.state_dict(), out / f"{stage}.pt")


def denoiser_stage(rank, processes, out, steps, batch, refine=False):
    """From nothing; or, refining, from the averaged weights of that first run, at half its rates, which only decay."""
    codec, encoder = load_codec(out), load_text(out)
    latents = np.load(out / "latents.npy", mmap_mode="r")
    torch.manual_seed(2)
    net = Denoiser()
    if refine:
        net.load_state_dict(torch.load(out / "denoiser.pt"))
    net.std.copy_(torch.from_numpy(np.array(latents[:2000])).float().transpose(0, 1).reshape(CHANNELS, -1).std(1))
    matrices = [p for n, p in net.blocks.named_parameters() if p.ndim == 2 and "modulate" not in n]
    chosen = {id(p) for p in matrices}
    rest = [p for p in net.parameters() if id(p) not in chosen]
    rate = 0.5 if refine else 1.0
    optimizers = [Muon(matrices, lr=0.02 * rate), torch.optim.AdamW(rest, lr=1.5e-3 * rate, weight_decay=0.0)]
    nothing = torch.tensor([tokens.encode("")])

    def loss_of(rng):
        n = batch // processes
        index = rng.integers(len(latents), size=n)
        x0 = torch.from_numpy(np.stack([latents[i] for i in index])).float()
        ids = torch.tensor([tokenise(world.caption(clip_at(int(i)), rng)[0], rng) for i in index])
        ids = torch.where(torch.rand(n, 1) < 0.1, nothing, ids)
        t = torch.where(torch.rand(n) < 0.3, torch.rand(n), torch.sigmoid(torch.randn(n)))
        t = (3 * t / (1 + 2 * t)).clamp(1e-3, 1).reshape(-1, 1, 1, 1, 1)
        noise = torch.randn_like(x0)
        with torch.no_grad():
            text = encoder(ids)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            v = net((1 - t) * x0 + t * noise, t.reshape(-1) * 1000, text)
        return F.mse_loss(v.float(), noise - x0)

    del codec
    stage, decay = ("refined", 1.0) if refine else ("denoiser", 0.5)
    _fit(rank, processes, out, stage, net, optimizers, loss_of, steps, decay, 0.998)


CROP = 16  # coarse pixels: the side of the window that is judged


def decoder_stage(rank, processes, out, steps, batch):
    """Targets are 128x128 windows of 4 frames of the 256x256 clip, mostly about the object, where the work is; inputs are noised
    latents or the denoiser's own one-step guesses."""
    codec, encoder = load_codec(out), load_text(out)
    latents = np.load(out / "latents.npy", mmap_mode="r")
    net = Denoiser()
    net.load_state_dict(torch.load(out / "denoiser.pt"))
    net.eval().requires_grad_(False)
    torch.manual_seed(3)
    decoder = Decoder(codec).to(memory_format=torch.channels_last)
    kernels = [p for p in decoder.parameters() if p.ndim == 4]
    biases = [p for p in decoder.parameters() if p.ndim != 4]
    optimizers = [Muon(kernels, lr=0.01), torch.optim.AdamW(biases, lr=1e-3, weight_decay=0.0)]

    def windows(clip, slot, rng):
        """(top, left) of the crop in coarse pixels: around the object's middle in these frames, or anywhere."""
        x, y, _, _ = (v[slot * BLOCK_T: (slot + 1) * BLOCK_T].mean() for v in world.trajectory(clip))
        centre = np.array([y, x]) * COARSE + rng.uniform(-5, 5, 2) if rng.random() < 0.85 else rng.uniform(0, COARSE, 2)
        return np.clip(np.round(centre - CROP / 2), MARGIN, COARSE - CROP - MARGIN).astype(int)

    def guesses(x0, clips, rng):
        level = torch.from_numpy(rng.uniform(0.02, 0.3, (len(clips), 1, 1, 1, 1))).float()
        noise = torch.randn_like(x0)
        if rng.random() < 0.5:
            return x0 + level * noise
        x = (1 - level) * x0 + level * noise
        ids = torch.tensor([tokenise(world.caption(c, rng)[0], rng) for c in clips])
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            return x - level * net(x, level.reshape(-1) * 1000, encoder(ids)).float()

    def loss_of(rng):
        n, scale = batch // processes, PIXELS // COARSE
        index = rng.integers(len(latents), size=n)
        clips = [clip_at(int(i)) for i in index]
        z = guesses(torch.from_numpy(np.stack([latents[i] for i in index])).float(), clips, rng)
        coarse = codec.decode(z).reshape(n, SLOTS, 3 * BLOCK_T, COARSE, COARSE)
        seen, targets = [], []
        for i, clip in enumerate(clips):
            slot = int(rng.integers(SLOTS))
            top, left = windows(clip, slot, rng)
            side = CROP + 2 * MARGIN
            seen.append(coarse[i, slot, :, top - MARGIN: top - MARGIN + side, left - MARGIN: left - MARGIN + side])
            frames = np.arange(slot * BLOCK_T, (slot + 1) * BLOCK_T)
            targets.append(world.render(clip, PIXELS, frames, (top * scale, left * scale, CROP * scale)))
        target = torch.from_numpy(np.stack(targets).transpose(0, 1, 4, 2, 3) * 2 - 1).flatten(1, 2)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            guess = decoder.slots(torch.stack(seen).contiguous(memory_format=torch.channels_last))
        edge = MARGIN * scale
        return 10 * F.huber_loss(guess.float()[:, :, edge:-edge, edge:-edge], target, delta=0.1)

    _fit(rank, processes, out, "decoder", decoder, optimizers, loss_of, steps, 0.6, 0.997)


def _run(rank, processes, port, stage, arguments):
    torch.set_num_threads(1)
    if processes > 1:
        dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=processes)
    if stage == "decoder":
        decoder_stage(rank, processes, *arguments)
    else:
        denoiser_stage(rank, processes, *arguments, refine=stage == "refined")


def parallel(out: Path, stage: str, processes: int, steps: int, batch: int) -> None:
    if not (out / f"{stage}.pt").exists():
        torch.multiprocessing.spawn(_run, (processes, 29400 + os.getpid() % 500, stage, (out, steps, batch)), processes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--clips", type=int, default=72000)
    parser.add_argument("--text-steps", type=int, default=700)
    parser.add_argument("--denoiser-steps", type=int, default=4400)
    parser.add_argument("--decoder-steps", type=int, default=2600)
    parser.add_argument("--refine-steps", type=int, default=2400)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    make_data(args.out, args.clips, args.processes)
    train_text(args.out, args.text_steps)
    parallel(args.out, "denoiser", args.processes, args.denoiser_steps, 64)
    parallel(args.out, "decoder", args.processes, args.decoder_steps, 24)
    parallel(args.out, "refined", args.processes, args.refine_steps, 64)


if __name__ == "__main__":
    main()
