"""The clock model as an energy for marginalia, scripted: python energy.py clock.pt

q angles 2 pi k / q on a square lattice with opposite sides joined,
    log f(x) = coupling * sum over neighbours cos(angle_i - angle_j).
"""

import json
import math
import sys

import torch


class Clock(torch.nn.Module):
    def __init__(self, rows: int, columns: int, categories: int, coupling: float):
        super().__init__()
        self.rows, self.columns, self.categories, self.coupling = rows, columns, categories, coupling

    def angles(self, x):
        return x.view(-1, self.rows, self.columns).double() * (2 * math.pi / self.categories)

    @torch.jit.export
    def log_density(self, x: torch.Tensor) -> torch.Tensor:  # (B, D) symbols 0..K-1 -> (B) nats
        angle = self.angles(x)
        right, below = angle.roll(-1, 2), angle.roll(-1, 1)
        return self.coupling * (torch.cos(angle - right) + torch.cos(angle - below)).sum([1, 2])

    @torch.jit.export
    def observe(self, x: torch.Tensor) -> torch.Tensor:  # (B, D) -> (B, number of observables)
        angle = self.angles(x).flatten(1)
        return torch.hypot(torch.cos(angle).mean(1), torch.sin(angle).mean(1)).unsqueeze(1)


if __name__ == "__main__":
    rows, columns, categories = 3, 3, 3
    module = torch.jit.script(Clock(rows, columns, categories, coupling=0.4))
    states = torch.cartesian_prod(*[torch.arange(categories)] * (rows * columns))  # all 3^9 = 19,683
    metadata = {
        "sites": rows * columns,
        "categories": categories,
        "shape": [rows, columns],
        "periodic": True,
        "symbols": ["→", "↖", "↙"],
        "observables": ["magnetisation"],
        "log_z": module.log_density(states).logsumexp(0).item(),
    }
    torch.jit.save(module, sys.argv[1], _extra_files={"marginalia.json": json.dumps(metadata)})
