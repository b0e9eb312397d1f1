"""The published marginalization model on the 2-D Ising model, as one would write it in PyTorch without this workbench:
the network, objective, sampler and settings of experiments/ising-10x10-paper.toml (arXiv 2310.12920).

    mam_pytorch.py --steps 100 [--compile] [--bfloat16] [--samples 2000]

Prints one JSON object: the seconds of every step, what compiling took, and the true KL of the trained model.
"""

import argparse
import itertools
import json
import math
import time

import torch
import torch.nn.functional as F

SIZES = {"steps": 100, "length": 10, "hidden": 2048, "layers": 4, "batch": 512, "block": 4}
UNKNOWN = 2  # the symbol of a site that is not known; 0 is down, 1 is up


class Ising:
    """log f(x) = coupling * sum over neighbours s_i s_j + field * sum s_i on a torus of L x L sites, L at least 3. The exact
    log Z wants a coupling of at least 0."""

    def __init__(self, length, coupling=0.2, field=0.2):
        self.length, self.sites, self.coupling, self.field = length, length * length, coupling, field

    def log_f(self, x):
        s = (2 * x - 1).view(-1, self.length, self.length).double()
        pairs = s * (s.roll(1, 1) + s.roll(1, 2))
        return (self.coupling * pairs + self.field * s).sum((1, 2))

    def log_z(self):
        """Exact: the trace of the transfer matrix between lines, to the power of their number."""
        lines = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=self.length)), dtype=torch.double)
        within = self.coupling * (lines * lines.roll(1, 1)).sum(1) + self.field * lines.sum(1)
        transfer = self.coupling * lines @ lines.T + (within[:, None] + within) / 2
        return (self.length * torch.linalg.eigvalsh(transfer.exp()).log()).logsumexp(0).item()


class MarginalModel(torch.nn.Module):
    """log p(x_S) of any part of the sites, and p(x_d | x_S) of any unknown site, from one residual perceptron."""

    def __init__(self, sites, hidden, layers):
        super().__init__()
        self.sites = sites
        self.first = torch.nn.Linear(3 * sites, hidden)
        self.rest = torch.nn.ModuleList(torch.nn.Linear(hidden, hidden) for _ in range(layers - 1))
        self.marginal = torch.nn.Parameter(torch.zeros(hidden))
        self.conditional = torch.nn.Linear(hidden, 2 * sites)
        for zero in self.conditional.weight, self.conditional.bias:
            torch.nn.init.zeros_(zero)  # uniform at the start

    def body(self, x):
        h = F.leaky_relu(self.first(F.one_hot(x, 3).flatten(1).to(self.first.weight.dtype)))
        for layer in self.rest:
            h = h + F.leaky_relu(layer(h))
        return h

    def logits_at(self, h, site):
        """Of one site a row, (rows, 2)."""
        logits = self.conditional(h).view(-1, self.sites, 2).float()
        return logits[torch.arange(len(h), device=h.device), site]

    def log_marginal(self, h, x):
        """0 where nothing is known, whose features are the last row of h. As a sum, which autocast does not round."""
        score = (h.float() * self.marginal).sum(1)
        return score[:-1] - score[-1] - math.log(2) * (x != UNKNOWN).sum(1)

    def forward(self, x, site):
        """log p of every row of x, and the logits of one site of each of the first rows, in one pass."""
        h = self.body(torch.cat([x, torch.full_like(x[:1], UNKNOWN)]))
        return self.log_marginal(h, x), self.logits_at(h[: len(site)], site)


def sample(logits):
    """One symbol a row."""
    noise = -torch.empty_like(logits).exponential_().log()
    return (logits + noise).argmax(1)


def resample(model, chains, count):
    """Block Gibbs: `count` random sites of every chain are erased and drawn again one after another."""
    block = torch.rand(chains.shape, device=chains.device).topk(count, dim=1).indices
    chains = chains.scatter(1, block, UNKNOWN)
    for site in block.unbind(1):
        symbol = sample(model.logits_at(model.body(chains), site))
        chains = chains.scatter(1, site[:, None], symbol[:, None])
    return chains


def loss_of(model, x, log_f, penalty):
    """KL(p || f/Z) by REINFORCE, and D times the squared error of the sum rule at a random place of a random order."""
    rows, sites = x.shape
    rank = torch.rand(x.shape, device=x.device).argsort(1)
    place = torch.randint(sites, (rows, 1), device=x.device)
    site = (rank == place).int().argmax(1)
    before, after = x.masked_fill(rank >= place, UNKNOWN), x.masked_fill(rank > place, UNKNOWN)
    log_p, logits = model(torch.cat([before, after, x]), site)
    log_before, log_after, log_full = log_p.split(rows)
    log_conditional = -F.cross_entropy(logits, x.gather(1, site[:, None]).squeeze(1), reduction="none")
    error = (log_before + log_conditional - log_after).square().mean()
    reward = log_full.detach() - log_f.float()
    return ((reward - reward.mean()) * log_full).mean() + penalty * sites * error


class Trainer:
    """Adam on the loss above, over chains that live on between steps."""

    def __init__(self, model, energy, batch, block, rate=5e-4, penalty=4.0, bfloat16=False, compiled=False):
        self.model, self.energy, self.block, self.penalty, self.bfloat16 = model, energy, block, penalty, bfloat16
        self.optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
        self.chains = torch.randint(2, (batch, energy.sites))
        wrap = torch.compile if compiled else lambda function: function
        self.resample, self.loss_of = wrap(resample), wrap(loss_of)

    def step(self):
        # Two regions: the casts of one without gradients would not serve the other.
        with torch.no_grad(), self.autocast():
            self.chains = self.resample(self.model, self.chains, self.block)
        log_f = self.energy.log_f(self.chains)
        with self.autocast():
            loss = self.loss_of(self.model, self.chains, log_f, self.penalty)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16)


@torch.inference_mode()
def draw(model, rows, order=None):
    """Independent states and their exact log-densities: every row along a random order of its own, or along `order`."""
    if order is None:
        order = torch.rand(rows, model.sites).argsort(1)
    x = torch.full((rows, model.sites), UNKNOWN)
    log_p = torch.zeros(rows, dtype=torch.double)
    for site in order.expand(rows, -1).unbind(1):
        logits = model.logits_at(model.body(x), site)
        symbol = sample(logits)
        log_p += logits.double().log_softmax(1).gather(1, symbol[:, None]).squeeze(1)
        x.scatter_(1, site[:, None], symbol[:, None])
    return x, log_p


def true_kl(model, energy, samples):
    """KL(p || f/Z) with the exact log Z, and its standard error."""
    x, log_p = draw(model, samples)
    difference = log_p - energy.log_f(x) + energy.log_z()
    return difference.mean().item(), difference.std().item() / math.sqrt(samples)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--samples", type=int, default=0, help="states from which the KL is estimated; 0: not at all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--bfloat16", action="store_true")
    return parser.parse_args()


def main():
    asked = arguments()
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    energy = Ising(asked.length)
    model = MarginalModel(energy.sites, asked.hidden, asked.layers)
    trainer = Trainer(model, energy, asked.batch, asked.block, asked.rate, 4.0, asked.bfloat16, asked.compile)
    seconds = []
    for _ in range(asked.steps):
        began = time.perf_counter()
        trainer.step()
        seconds.append(time.perf_counter() - began)
    result = {"torch": torch.__version__, "log_z": energy.log_z(), "step_seconds": seconds}
    if asked.samples:
        result["kl"], result["kl_stderr"] = true_kl(model, energy, asked.samples)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
