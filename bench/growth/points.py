"""What bench/growth measures: the points of each axis, and the work that a step or an evaluation cannot do without."""

import dataclasses

SIDES = (4, 6, 8, 12, 16, 24, 32, 48, 64)
SYMBOLS = (2, 4, 8, 16, 24, 32, 48, 64)
BATCHES = (4, 8, 16, 32, 64, 128, 256)
OF_DATA = ("transformer", "unet")  # the others learn from an energy
NETWORKS = ("lattice-conv", "mlp") + OF_DATA
AXES = ("sites", "symbols", "batch")
# A state of so many sites is drawn in that many passes, whose own work may grow with their number: the largest that is evaluated.
MOST_EVALUATED = {"lattice-conv": 4096, "mlp": 4096, "transformer": 1024, "unet": 2304}


@dataclasses.dataclass(frozen=True)
class Point:
    network: str
    side: int = 16
    symbols: int = 4
    batch: int = 16

    @property
    def sites(self):
        return self.side**2

    def on(self, axis):
        return getattr(self, axis)


def points(network, axis):
    if axis == "sites":
        return [Point(network, side=side) for side in SIDES]
    return [Point(network, **{axis: value}) for value in (SYMBOLS if axis == "symbols" else BATCHES)]


def smallest(network):
    """The point whose memory is that of the process, its libraries and little else."""
    return Point(network, side=2, symbols=2, batch=2)


# The work below is in products of two numbers. A gradient counts as two passes, a one-hot input as the look-up of one row, and
# each weight as five products of the optimiser. Widths and numbers of layers are those of energy.toml and data.toml.
def step_work(p):
    if p.network == "lattice-conv":
        body = 9 * 16 + 2 * 9 * 16 * 16
        return 3 * (3 * p.batch) * p.sites * body + 4 * p.batch * (9 * 16 * 25 + 10 * 9 * 16 * 16)
    if p.network == "mlp":
        return (3 * 3 + 4) * p.batch * mlp_pass(p) + 5 * weights(p)
    logits = p.sites * p.symbols * (64 if p.network == "transformer" else 16)
    return 3 * p.batch * (body_of_data(p) + logits) + 5 * weights(p)


def evaluation_work(p):
    if p.network == "lattice-conv":  # a patch of 7 x 7 sites a pass
        return p.sites * (9 * 16 * 25 + 10 * 9 * 16 * 16)
    return p.sites * (mlp_pass(p) if p.network == "mlp" else body_of_data(p))


def memory_work(p):
    """Numbers that are kept between the pass and its gradient, and those of weights, gradients and the optimiser's averages."""
    kept = {
        "lattice-conv": 3 * p.sites * 3 * 16,
        "mlp": 3 * (p.sites + 3 * 128),
        "transformer": p.sites * (2 * (6 * 64 + 2 * 256) + p.symbols),
        "unet": p.sites * (2 * 4 * 16 + 2 * 4 * 32 // 4 + p.symbols),
    }
    return p.batch * kept[p.network] + 4 * weights(p)


def mlp_pass(p):
    return p.sites * 128 + 2 * 128 * 128


def body_of_data(p):
    if p.network == "transformer":
        return p.sites * 64 + 2 * (p.sites * (4 * 64 * 64 + 2 * 64 * 256) + 2 * p.sites**2 * 64)
    places = p.sites // 4
    convolutions = p.sites * 9 * (16 + 4 * 16 * 16) + places * 9 * (16 * 32 + 4 * 32 * 32)
    return convolutions + places * (16 * 32 + 4 * 32 * 32) + 2 * places**2 * 32


def weights(p):
    return {
        "lattice-conv": 9 * 16 * (p.symbols + 1 + 2 * 16),
        "mlp": 128 * (p.sites * (2 * p.symbols + 1) + 2 * 128),
        "transformer": 64 * p.sites + 2 * (4 * 64 * 64 + 2 * 64 * 256),
        "unet": 9 * (16 * p.symbols + 4 * 16 * 16 + 16 * 32 + 4 * 32 * 32),
    }[p.network]
