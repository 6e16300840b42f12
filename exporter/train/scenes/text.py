"""The text encoder's own training: to read from a caption what it states, from the first token's row alone. Then it is frozen."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import captions, tokens, world
from .data import tokenise
from .loop import fit
from .model import TEXT_WIDTH, TextEncoder
from .prompts import TUNING_SEED, prompts

POOL = 9000  # clips whose captions are drawn again and again; a third of each placing
THING = 4  # labels of the scene come first, then as many of either object


class Reader(torch.nn.Module):
    """Encoder, a linear head per label, on the row that gathers it, the last class being "unsaid"; and one that says of which object a word is."""

    def __init__(self):
        super().__init__()
        self.encoder = TextEncoder(len(tokens.VOCABULARY))
        self.heads = torch.nn.ModuleList(torch.nn.Linear(TEXT_WIDTH, n + 1) for n in captions.LABELS)
        self.whose = torch.nn.Linear(TEXT_WIDTH, len(captions.MARKS))

    def forward(self, ids):
        rows = self.encoder(ids)
        return [head(rows[:, i // THING]) for i, head in enumerate(self.heads)], self.whose(rows)


def targets(labels):
    return [torch.where(labels[:, i] < 0, n, labels[:, i]) for i, n in enumerate(captions.LABELS)]


def stated(clip: world.Clip) -> list[int]:
    """Labels that a prompt of prompts.py states; -1 is not asked."""
    things = [[t.color, t.shape, -1, t.motion] for t in clip.things]
    return sum([[clip.background, -1, clip.camera, clip.place], *things, [-1] * 4], [])[: len(captions.LABELS)]


def _watch(device):
    """How many of the tuning prompts are read right."""
    rows = prompts(400, TUNING_SEED)
    ids, want = torch.tensor([tokens.encode(r["prompt"]) for r in rows], device=device), torch.tensor([stated(r["clip"]) for r in rows], device=device)
    kinds = {f"{place}_{phrased}": torch.tensor([(world.PLACES[r["clip"].place] == place) and r["paraphrase"] == (phrased == "paraphrase") for r in rows])
             for place in world.PLACES for phrased in ("template", "paraphrase")}

    def watch(reader):
        got = torch.stack([x.argmax(-1) for x in reader(ids)[0]], 1)
        right = ((got == want) | (want < 0)).all(1).float().cpu()
        return {k: round(100 * float(right[rows].mean()), 1) for k, rows in kinds.items()}
    return watch


def text(crew, out, steps, batch, shards):
    """Twice the batch of the other stages: captions are cheap."""
    torch.manual_seed(1)
    reader, rng, n = Reader().to(crew.device), np.random.default_rng(21), 2 * batch // crew.processes
    clips = [world.sample_clip(rng, place=i % 3) for i in range(POOL)]
    optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-3, weight_decay=0.01)

    def loss_of(step, rng):
        pairs = [captions.marked_caption(clips[int(i)], rng) for i in rng.integers(POOL, size=n)]
        ids, marks = torch.tensor([tokenise(text, rng) for text, _ in pairs]).unbind(1)
        long = int((ids != tokens.PAD).sum(1).max())
        ids, marks = ids[:, :long].to(crew.device), marks[:, :long].to(crew.device)
        with crew.autocast():
            logits, whose = reader(ids)
        target, said = targets(torch.tensor(np.stack([label for _, label in pairs]), device=crew.device)), ids > tokens.START[-1]
        return sum(F.cross_entropy(x.float(), y) for x, y in zip(logits, target)) + 2 * F.cross_entropy(whose.float()[said], marks[said])

    return fit(crew, out, "text", reader, [optimizer], loss_of, steps, 0.6, 0.99, _watch(crew.device), 250)


def load_text(out: Path) -> TextEncoder:
    reader = Reader()
    reader.load_state_dict(torch.load(out / "text.pt", map_location="cpu"))
    return reader.encoder.eval().requires_grad_(False)
