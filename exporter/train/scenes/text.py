"""The text encoder's own training: to read from a caption what it states, from the first token's row alone. Then it is frozen."""

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import captions, tokens, world
from .data import save, tokenise
from .model import TEXT_WIDTH, TextEncoder

POOL = 8000  # clips whose captions are drawn again and again


class Reader(torch.nn.Module):
    """Encoder and a linear head per label; the last class of each is "unsaid"."""

    def __init__(self):
        super().__init__()
        self.encoder = TextEncoder(len(tokens.VOCABULARY))
        self.heads = torch.nn.ModuleList(torch.nn.Linear(TEXT_WIDTH, n + 1) for n in captions.LABELS)

    def forward(self, ids):
        first = self.encoder(ids)[:, 0]
        return [head(first) for head in self.heads]


def targets(labels):
    return [torch.where(labels[:, i] < 0, n, labels[:, i]) for i, n in enumerate(captions.LABELS)]


def train_text(out: Path, steps: int, log, batch: int = 128) -> None:
    if (out / "text.pt").exists():
        return
    torch.manual_seed(1)
    rng, started, reader = np.random.default_rng(21), time.time(), Reader()
    clips = [world.sample_clip(rng) for _ in range(POOL)]
    optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-3, weight_decay=0.01)
    for step in range(steps):
        pairs = [captions.caption(clips[int(i)], rng) for i in rng.integers(POOL, size=batch)]
        ids = torch.tensor([tokenise(text, rng) for text, _ in pairs])
        ids = ids[:, : int((ids != tokens.PAD).sum(1).max())]
        target = targets(torch.tensor(np.stack([label for _, label in pairs])))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = [x.float() for x in reader(ids)]
        loss = sum(F.cross_entropy(x, y) for x, y in zip(logits, target))
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 50) * min(1, 2 * (1 - step / steps) + 0.02)
        optimizer.zero_grad(), loss.backward(), torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0), optimizer.step()
        if step % 100 == 99 or step == steps - 1:
            right = torch.stack([x.argmax(-1) == y for x, y in zip(logits, target)])
            log(stage="text", step=step + 1, loss=loss.item(), worst=float(right.float().mean(1).min()), whole=float(right.all(0).float().mean()),
                seconds=time.time() - started)
    save(reader.state_dict(), out / "reader.pt")
    save(reader.encoder.state_dict(), out / "text.pt")


def load_text(out: Path) -> TextEncoder:
    encoder = TextEncoder(len(tokens.VOCABULARY))
    encoder.load_state_dict(torch.load(out / "text.pt"))
    return encoder.eval().requires_grad_(False)
