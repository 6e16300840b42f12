"""The training loop of every stage: processes with averaged gradients, schedules by steps, averaged weights, state that resumes."""

import json
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from .data import save
from .muon import Muon

SAVE_EVERY, LOG_EVERY = 100, 50


def log_to(out: Path):
    def log(**row) -> None:
        line = json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
        print(line, flush=True)
        with open(out / "log.jsonl", "a") as file:
            file.write(line + "\n")
    return log


class Crew:
    """The processes of a run: on the CPU some of one thread each, on a GPU one."""

    def __init__(self, rank: int, processes: int, port: int, deadline: float | None):
        self.rank, self.processes, self.deadline = rank, processes, deadline
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.device.type == "cpu":
            torch.set_num_threads(1)
        if processes > 1:
            dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=processes, timeout=timedelta(hours=12))

    def autocast(self):
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def average(self, parameters) -> None:
        if self.processes == 1:
            return
        flat = torch.cat([p.grad.reshape(-1) for p in parameters])
        dist.all_reduce(flat)
        flat /= self.processes
        for p, part in zip(parameters, flat.split([p.numel() for p in parameters])):
            p.grad.copy_(part.view_as(p))

    def gather(self, rows: list) -> list:
        if self.processes == 1:
            return rows
        parts = [None] * self.processes
        dist.all_gather_object(parts, rows)
        return sum(parts, [])

    def out_of_time(self) -> bool:
        """The same answer in every process: that of the first."""
        if self.deadline is None:
            return False
        late = torch.tensor([float(time.time() > self.deadline)])
        if self.processes > 1:
            dist.broadcast(late, 0)
        return bool(late)


def optimizers_of(crew: Crew, module, muon_rate: float, adam_rate: float):
    """Muon for the matrices and kernels inside, AdamW for what is at the edges and for the rest."""
    edges = ("enter", "leave", "modulate", "places", "offset", "time", "pooled")
    inner = [p for n, p in module.named_parameters() if p.requires_grad and p.ndim in (2, 4) and not any(e in n for e in edges)]
    chosen = {id(p) for p in inner}
    rest = [p for p in module.parameters() if p.requires_grad and id(p) not in chosen]
    return [Muon(inner, lr=muon_rate, rank=crew.rank, processes=crew.processes), torch.optim.AdamW(rest, lr=adam_rate, weight_decay=0.0)]


def fit(crew: Crew, out: Path, stage: str, module, optimizers, loss_of, steps: int, decay: float, ema: float, watch=None, watch_every=0) -> bool:
    """Warm-up, constant, linear decay over the last `decay` of the steps. True when done, False when out of time.

    While the rate is still constant, `steps` may be raised between calls without changing what was done. `watch(module)` sees the averaged weights.
    """
    log, parameters = log_to(out), [p for p in module.parameters() if p.requires_grad]
    average, first, spent = [p.detach().clone() for p in parameters], 0, 0.0
    state_path = out / f"{stage}.state.pt"
    if state_path.exists():
        state = torch.load(state_path, map_location=crew.device)
        module.load_state_dict(state["module"])
        for optimizer, saved in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        average, first, spent = state["average"], state["step"], state["seconds"]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group.setdefault("base", group["lr"])

    def swapped(action):
        """Runs `action` with the averaged weights in place."""
        kept = [p.detach().clone() for p in parameters]
        with torch.no_grad():
            for p, a in zip(parameters, average):
                p.copy_(a)
            result = action()
            for p, k in zip(parameters, kept):
                p.copy_(k)
        return result

    def keep(step):
        if crew.rank == 0:
            save({"module": module.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "average": average, "step": step,
                  "seconds": spent + time.time() - started}, state_path)
            save(swapped(lambda: {k: v.clone() for k, v in module.state_dict().items()}), out / f"{stage}.average.pt")

    started, losses, seed = time.time(), [], sum(map(ord, stage))
    for step in range(first, steps):
        factor = min(1, (step + 1) / 100) * min(1, (1 - step / steps) / decay + 0.01)
        rng = np.random.default_rng([31, seed, step, crew.rank])
        torch.manual_seed((seed * 10_000_000 + step) * 64 + crew.rank)
        for optimizer in optimizers:
            optimizer.zero_grad()
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * factor
        loss = loss_of(step, rng)
        loss.backward()
        crew.average(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 2.0)
        for optimizer in optimizers:
            optimizer.step()
        rate = min(ema, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - rate)
        losses.append(loss.detach())
        done = step + 1
        if crew.rank == 0 and done % LOG_EVERY == 0:
            log(stage=stage, step=done, loss=float(torch.stack(losses).mean()), seconds=spent + time.time() - started)
            losses = []
        if watch and done % watch_every == 0:
            figures = swapped(lambda: watch(module))
            if crew.rank == 0:
                log(stage=stage, step=done, **figures)
        late = done % 10 == 0 and crew.out_of_time()
        if done % SAVE_EVERY == 0 or done == steps or late:
            keep(done)
        if late and done < steps:
            return False
    if crew.rank == 0:
        (out / f"{stage}.average.pt").replace(out / f"{stage}.pt")
    return True
