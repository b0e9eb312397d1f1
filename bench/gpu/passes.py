#!/usr/bin/env python3
"""What a step cannot do without, in this Python's PyTorch, one JSON object on standard output.

passes.py limits DEVICE                  rates of bare matrix products and of copies
passes.py network DEVICE MODEL.pt JSON   of a network that `marginalia checkpoint export` wrote:
    pass       the passes of a step, forward and backward, with nothing else
    graph      the same captured in a CUDA graph, so that no launch is waited for
    products   the matrix products and convolutions of these passes alone, on the same tensors, in a CUDA graph
    optimiser  AdamW on its weights
JSON: {"rows", "sites", "precision", "draws", "joint", "seconds"}; joint: the pass is over three rows
a state, of both heads, and `draws` passes without gradients come before it (mam-energy by block-gibbs); otherwise
it is over rows half known, of the conditionals (ao-arm).
"""

import contextlib
import json
import statistics
import sys
import time

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class Clock:
    """Seconds of a piece of work: by CUDA's events, or by the wall on a CPU."""

    def __init__(self, device):
        self.cuda = device.type == "cuda"

    def once(self, work):
        if not self.cuda:
            began = time.perf_counter()
            work()
            return time.perf_counter() - began
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        work()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3

    def median(self, work, seconds, least=5):
        """Of as many as take so many seconds, after three that warm up."""
        for _ in range(3):
            self.once(work)
        taken, until = [], time.perf_counter() + seconds
        while len(taken) < least or (time.perf_counter() < until and len(taken) < 1000):
            taken.append(self.once(work))
        return statistics.median(taken)


def captured(work):
    """The work as a CUDA graph's replay."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


class Products(TorchDispatchMode):
    """Keeps the calls whose floating-point operations count, with the tensors they were called with."""

    def __init__(self):
        super().__init__()
        self.calls, self.operations = [], 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        keywords = keywords or {}
        out = function(*arguments, **keywords)
        count = flop_registry.get(function._overloadpacket)
        if count is not None:
            self.calls.append((function, arguments, keywords))
            with contextlib.suppress(Exception):  # it does not know these arguments
                self.operations += count(*arguments, **keywords, out_val=out)
        return out

    def replay(self):
        for function, arguments, keywords in self.calls:
            function(*arguments, **keywords)


class Passes:
    def __init__(self, file, asked, device):
        module = torch.jit.load(file, map_location=device)
        self.network = getattr(module, "network", module)
        self.asked, self.device = asked, device
        rows, sites = asked["rows"], asked["sites"]
        with torch.no_grad():
            categories = self.network.conditional_logits(torch.zeros((1, sites), dtype=torch.long, device=device)).size(
                2
            )
        states = torch.randint(categories, (3 * rows if asked["joint"] else rows, sites), device=device)
        self.x = states.masked_fill(torch.rand(states.shape, device=device) < 0.5, categories)
        self.site = torch.randint(sites, (rows,), device=device)
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]

    def autocast(self):
        if self.asked["precision"] != "bfloat16":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def run(self):
        for weight in self.weights:
            weight.grad = None
        with self.autocast():
            with torch.no_grad():
                for _ in range(self.asked["draws"]):
                    self.network.conditional_at(self.x[: self.asked["rows"]], self.site)
            if self.asked["joint"]:
                marginal, logits = self.network.joint(self.x, self.site)
                value = marginal.float().sum() + logits.float().sum()
            else:
                value = self.network.conditional_logits(self.x).float().sum()
        value.backward()

    def optimiser(self):
        for weight in self.weights:
            weight.grad = torch.randn_like(weight)
        return torch.optim.AdamW(self.weights, lr=1e-9, fused=self.device.type == "cuda").step


def timed(clock, work, seconds, name, notes, plain=True):
    """Seconds of the work in a CUDA graph; where it cannot be captured, as it is or, unless `plain`, None."""
    if clock.cuda:
        try:
            return clock.median(captured(work), seconds)
        except RuntimeError as error:
            notes.append(f"{name} in no CUDA graph: {str(error).splitlines()[0]}")
            torch.cuda.synchronize()
    return clock.median(work, seconds) if plain else None


def network(device, file, asked):
    torch._C._jit_set_autocast_mode(False)  # eager mode's rules, as in the worker
    torch._C._jit_set_profiling_mode(False)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = asked["precision"] == "tf32"
    torch.backends.cudnn.benchmark = True
    passes, clock, seconds = Passes(file, asked, device), Clock(device), asked["seconds"] / 4
    found = {"parameters": sum(weight.numel() for weight in passes.weights), "notes": []}
    found["pass"] = clock.median(passes.run, seconds)
    if device.type == "cuda":
        found["peak_bytes"] = torch.cuda.max_memory_allocated()
    products = Products()
    with products:
        passes.run()
    found["operations"] = products.operations
    if products.calls:
        found["products"] = timed(clock, products.replay, seconds, "products", found["notes"])
    if device.type == "cuda":
        found["graph"] = timed(clock, passes.run, seconds, "graph", found["notes"], plain=False)
    products.calls.clear()
    found["optimiser"] = clock.median(passes.optimiser(), seconds)
    return found


def limits(device):
    clock, cuda = Clock(device), device.type == "cuda"
    size, numbers = (8192, 1 << 30) if cuda else (512, 1 << 22)
    found = {"size": size}
    for name, dtype, tf32 in (
        ("bfloat16", torch.bfloat16, False),
        ("tf32", torch.float32, True),
        ("float32", torch.float32, False),
    ):
        if tf32 and not cuda:
            continue
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        found[name] = 2 * size**3 / clock.median(lambda a=a, b=b: torch.mm(a, b), 0.5)
    torch.backends.cuda.matmul.allow_tf32 = False
    a = torch.randn(numbers, device=device)
    b = torch.empty_like(a)
    found["bytes_per_second"] = 2 * a.numel() * a.element_size() / clock.median(lambda: b.copy_(a), 0.5)
    return found


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)  # of a CPU, where this tries itself
    what, where = sys.argv[1], torch.device(sys.argv[2])
    print(json.dumps(limits(where) if what == "limits" else network(where, sys.argv[3], json.loads(sys.argv[4]))))
