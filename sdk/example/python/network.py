"""A marginalization model for marginalia, scripted: python network.py network.pt

One hidden layer over the known symbols; the score of the empty state is taken off, so that log p(nothing) = 0.
"""

import json
import sys

import torch
from torch.nn.functional import one_hot


class Perceptron(torch.nn.Module):
    def __init__(self, sites: int, categories: int, hidden: int):
        super().__init__()
        self.sites, self.categories = sites, categories
        self.body = torch.nn.Linear(sites * (categories + 1), hidden)
        self.marginal = torch.nn.Linear(hidden, 1, bias=False)
        self.conditional = torch.nn.Linear(hidden, sites * categories)

    def features(self, x):
        return torch.tanh(self.body(one_hot(x, self.categories + 1).flatten(1).float()))

    @torch.jit.export
    def log_marginal(self, x: torch.Tensor) -> torch.Tensor:  # (B, D) symbols 0..K, K unknown -> (B) nats
        nothing = torch.full([1, self.sites], self.categories, dtype=x.dtype, device=x.device)
        return (self.marginal(self.features(x)) - self.marginal(self.features(nothing))).squeeze(1)

    @torch.jit.export
    def conditional_logits(self, x: torch.Tensor) -> torch.Tensor:  # (B, D) -> (B, D, K)
        return self.conditional(self.features(x)).view(-1, self.sites, self.categories)

    @torch.jit.export
    def initialize(self, generator: torch.Generator) -> None:  # fresh weights for a trial's seed
        with torch.no_grad():
            for weights in (self.body.weight, self.body.bias, self.marginal.weight, self.conditional.weight):
                weights.uniform_(-0.1, 0.1, generator=generator)
            self.conditional.bias.zero_()


if __name__ == "__main__":
    sites, categories = 9, 3
    module = torch.jit.script(Perceptron(sites, categories, hidden=64))
    metadata = {"sites": sites, "categories": categories}
    torch.jit.save(module, sys.argv[1], _extra_files={"marginalia.json": json.dumps(metadata)})
