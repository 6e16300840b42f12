"""Muon (Jordan et al. 2024): momentum, then the nearest orthogonal matrix by five Newton-Schulz steps."""

import torch
import torch.distributed as dist


def orthogonalise(g, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = (g / (g.norm() + 1e-7)).bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        y = x @ x.T
        x = a * x + (b * y + c * y @ y) @ x
    return (x.T if tall else x).float()


class Muon(torch.optim.Optimizer):
    """With several processes each finds the updates of every so many matrices, and all share them: the same result, sooner."""

    def __init__(self, params, lr=0.02, momentum=0.95, rank=0, processes=1):
        super().__init__(list(params), {"lr": lr, "momentum": momentum})
        self.rank, self.processes = rank, processes

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            updates = []
            for i, p in enumerate(group["params"]):
                m = self.state[p].setdefault("momentum", torch.zeros_like(p))
                m.mul_(group["momentum"]).add_(p.grad)
                mine = i % self.processes == self.rank
                nesterov = (p.grad + group["momentum"] * m).flatten(1)  # a kernel is a matrix too
                updates.append(orthogonalise(nesterov) if mine else torch.zeros_like(nesterov))
            if self.processes > 1:
                flat = torch.cat([u.reshape(-1) for u in updates])
                dist.all_reduce(flat)
                updates = [part.view_as(u) for part, u in zip(flat.split([u.numel() for u in updates]), updates)]
            for p, update in zip(group["params"], updates):
                p.add_(update.view_as(p), alpha=-group["lr"] * max(1.0, update.shape[0] / update.shape[1]) ** 0.5)
