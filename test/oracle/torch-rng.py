"""Normal numbers of torch's CPU generator, for test/engine/random: what createTorchRng must give within 2e-6.

    python test/oracle/torch-rng.py        (torch 2.15.0) writes test/engine/fixtures/torch-rng.json

Long draws keep their ends, and two sums that any wrong value in between would move.

Run `npm run lint -- --write` on the result.
"""

import json
from pathlib import Path

import torch

SEEDS = (0, 7, 42, 2**32 - 1)
COUNTS = (1, 5, 15, 16, 17, 100, 6144)
SEQUENCE = (3, 16, 1, 2, 40, 6)  # one generator, mixed sizes: the spare sine outlives the longer draws


def summary(values: torch.Tensor) -> dict:
    wide = values.double()
    places = torch.arange(1, len(wide) + 1, dtype=torch.float64)
    return {
        "n": len(values),
        "first": values[:100].tolist(),
        "last": values[-16:].tolist(),
        "sum": wide.sum().item(),
        "ramp": (wide * places).sum().item() / len(wide),  # mean of i * value: order matters
    }


def draw(seed: int, n: int) -> dict:
    return {"seed": seed, **summary(torch.randn(n, generator=torch.Generator().manual_seed(seed)))}


def main() -> None:
    generator = torch.Generator().manual_seed(11)
    document = {
        "torch": torch.__version__,
        "draws": [draw(seed, n) for seed in SEEDS for n in COUNTS],
        "sequence": {"seed": 11, "draws": [summary(torch.randn(n, generator=generator)) for n in SEQUENCE]},
        "wideSeed": {"text": str(2**40 + 5), **draw(2**40 + 5, 32)},
    }
    path = Path(__file__).parents[1] / "engine/fixtures/torch-rng.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
