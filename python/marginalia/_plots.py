"""Plots of what a store holds, by matplotlib."""

from __future__ import annotations

import base64
import contextlib
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ._configs import differing, find_key, flat
from ._errors import Error
from ._metrics import title_of
from ._states import States, states_of
from ._store import Store, number, open

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from ._store import Filter

Band: TypeAlias = Literal["stderr", "range", "none"]
Axes: TypeAlias = Any
"""matplotlib.axes.Axes"""

# Of ten symbols from dark to light, as the program's own pictures have them.
_PALETTE = "5f005f 5f00af 005faf 0087af 00af87 5faf5f 5fd700 afd700 ffd700 ffffd7".split()
_GUTTER = (58, 74, 104)


def plot_curves(
    store: str | os.PathLike[str] | Store,
    metric: str = "loss",
    *,
    by: Sequence[str] | None = None,
    band: Band = "stderr",
    ax: Axes = None,
    **filters: Unpack[Filter],
) -> Axes:
    """A metric over the training: for each configuration the mean over its seeds, and a band.

    store     a store, or its file
    metric    a recorded metric: "loss", "kl", "nll_bits" (docs/metrics.md, "Curves")
    by        keys of the config by which curves are told apart; left out: all in which the trials differ. Trials alike
              in these are one curve, whatever else they differ in
    band      "stderr": mean ± standard error over seeds; "range": from the lowest to the highest; "none"
    ax        where to draw; left out: a figure of its own
    filters   which trials, as of `Store.trials`

    Points that are not finite are left out of the mean. Returns the axes, to be changed or saved:
    `plot_curves(...).figure.savefig("kl.png")`.
    """
    return _plot(store, metric, by, band, ax, filters)


def plot_marginal_error(
    store: str | os.PathLike[str] | Store,
    metric: str = "marginal_rmse_by_size",
    *,
    by: Sequence[str] | None = None,
    band: Band = "stderr",
    ax: Axes = None,
    **filters: Unpack[Filter],
) -> Axes:
    """The error of log-marginals against exact ones, in nats, by how many sites are known: for each configuration the
    mean over its seeds, and a band. Arguments as of `plot_curves`; also for "marginal_bias_by_size"."""
    ax = _plot(store, metric, by, band, ax, filters)
    if metric == "marginal_rmse_by_size":
        ax.set_ylabel("RMSE of log-marginals [nats]")
        ax.set_ylim(bottom=0)
    return ax


def show_samples(
    what: str | os.PathLike[str] | Store | States | NDArray[Any],
    *,
    shape: Sequence[int] | None = None,
    categories: int | None = None,
    n: int = 64,
    columns: int | None = None,
    ax: Axes = None,
    **filters: Unpack[Filter],
) -> Axes | Drawing:
    """States as pictures, those of two symbols in black and white, unknown sites in the middle grey.

    what         a store or its file: the samples of the newest of its trials that has any, by `filters`; or states as
                 `Model.sample` and `Model.complete` give them: (n, D), (n, rows, columns), or (B, n, D), a row for
                 each of the B
    shape        of one state, (rows, columns), where `what` does not say so
    categories   K; left out: as many as there are symbols in it, at least 2
    n            at most so many
    columns      pictures beside each other

    Returns the axes. States that do not lie in rows and columns are shown as texts where the store has these, else as
    one row each; a molecule's drawing is a `Drawing`, which a notebook shows and which can be saved.
    """
    if isinstance(what, (str, os.PathLike, Store)):
        found = _newest_samples(what, filters)
        if isinstance(found, Drawing):
            return found
        what = found
    elif filters:
        raise TypeError("filters are of a store's trials; states that are given are all shown")
    texts: list[str] = []
    if isinstance(what, States):
        shape, categories, texts, what = shape or what.shape, categories or what.categories, what.texts, what.x
    x, shape, columns = _pictures(what, shape, n, columns)
    ax = ax or _new_axes(square=True)
    ax.set_axis_off()
    if len(shape) == 1 and any(texts):
        lines = texts[: min(n, 32)]
        ax.text(0, 1, "\n".join(line[:100] for line in lines), family="monospace", va="top", transform=ax.transAxes)
        return ax
    ax.imshow(_mosaic(x, categories or max(2, int(x.max()) + 1), columns), interpolation="nearest")
    return ax


class Drawing:
    """An SVG picture that a trial left: shown by a notebook, and saved by `save(file)`.

    A notebook shows it as an image, so that nothing in it runs, whoever made the store.
    """

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def save(self, file: str | os.PathLike[str]) -> None:
        Path(file).write_text(self.svg, encoding="utf-8")

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode("utf-8")).decode("ascii")
        return f'<img src="data:image/svg+xml;base64,{data}" style="max-width: 100%"/>'


@contextlib.contextmanager
def _opened(store: str | os.PathLike[str] | Store) -> Iterator[Store]:
    if isinstance(store, Store):
        yield store
        return
    with open(store) as opened:
        yield opened


def _new_axes(square: bool = False) -> Axes:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise Error("plots need matplotlib; install it with: pip install matplotlib") from None
    _, ax = pyplot.subplots(figsize=(5, 5) if square else (6, 4), layout="constrained")
    return ax


def _step_of(metric: str) -> str:
    if metric.endswith("_by_size"):
        return "number of known sites"
    return "distance [sites]" if metric.startswith("pair_correlation") else "training step"


def _plot(
    store: str | os.PathLike[str] | Store, metric: str, by: Sequence[str] | None, band: Band, ax: Axes, filters: Filter
) -> Axes:
    if band not in ("stderr", "range", "none"):
        raise ValueError(f"band is '{band}'; give stderr, range or none")
    with _opened(store) as opened:
        curves = _curves(opened, metric, by, filters)
    ax = ax or _new_axes()
    for label, trials in curves.items():
        steps, mean, low, high = _over_seeds(trials, band)
        (line,) = ax.plot(steps, mean, label=_legend(label, len(trials)), marker="o" if len(steps) < 20 else "", ms=3)
        if band != "none" and len(trials) > 1:
            ax.fill_between(steps, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
    ax.set_ylabel(title_of(metric))
    ax.set_xlabel(_step_of(metric))
    if ax.get_xscale() == "linear":
        ax.locator_params(axis="x", integer=True)
    seeds = max(map(len, curves.values()))
    if len(curves) > 1 or seeds > 1:
        shown = {"stderr": "mean ± standard error", "range": "mean, lowest and highest", "none": "mean"}[band]
        ax.legend(
            title=f"{shown} over seeds" if seeds > 1 else None, frameon=False, fontsize="small", title_fontsize="small"
        )
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def _legend(label: str, seeds: int) -> str:
    count = f"{seeds} seeds" if seeds > 1 else ""
    return f"{label} ({count})" if label and count else label or count


def _curves(store: Store, metric: str, by: Sequence[str] | None, filters: Filter) -> dict[str, list[dict[int, float]]]:
    """label -> step -> value of each trial with it."""
    trials = store._trials(filters)
    configs = [flat(trial["config"]) for trial in trials]
    keys = differing(trials, configs) if by is None else [find_key(key, configs) for key in by]
    tails = [key.rpartition(".")[2] for key in keys]
    names = [tail if tails.count(tail) == 1 and tail != "plugin" else key for key, tail in zip(keys, tails)]
    experiments = {trial["experiment"] for trial in trials}
    points: dict[int, dict[int, float]] = {}
    sql = "SELECT trial_id, step, value, name FROM metrics"
    for trial, step, value, _ in store._of(trials, sql, store._known(metric)):
        points.setdefault(trial, {})[step] = number(value)
    curves: dict[str, list[dict[int, float]]] = {}
    for trial, config in zip(trials, configs):
        if trial["trial_id"] in points:
            told = [trial["experiment"]] if len(experiments) > 1 else []
            told += [f"{name} = {config[key]}" for name, key in zip(names, keys) if key in config]
            curves.setdefault(", ".join(told), []).append(points[trial["trial_id"]])
    if not curves:
        raise Error(
            f"none of these {len(trials)} trials has a curve of '{metric}'; store.metrics() lists what there is", 5
        )
    return curves


def _over_seeds(
    trials: Sequence[dict[int, float]], band: Band
) -> tuple[list[int], NDArray[numpy.float64], NDArray[numpy.float64], NDArray[numpy.float64]]:
    import numpy

    steps = sorted({step for trial in trials for step in trial})
    values = numpy.array([[trial.get(step, math.nan) for step in steps] for trial in trials])
    values[~numpy.isfinite(values)] = numpy.nan
    n = numpy.isfinite(values).sum(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of steps at which no trial has a number
        mean = numpy.nanmean(values, 0)
        if band == "range":
            return steps, mean, numpy.nanmin(values, 0), numpy.nanmax(values, 0)
        error = numpy.where(n > 1, numpy.nanstd(values, 0, ddof=1) / numpy.sqrt(n), 0)
    return steps, mean, mean - error, mean + error


def _newest_samples(store: str | os.PathLike[str] | Store, filters: Filter) -> States | Drawing:
    with _opened(store) as opened:
        trials = opened._trials(filters)
        rows = opened._of(trials, "SELECT trial_id, step, name, kind, data FROM samples WHERE name = 'samples'")
        if not rows:
            raise Error(f"none of these {len(trials)} trials has samples in the store; Model.sample draws some", 5)
        trial, _, name, kind, data = max(rows, key=lambda row: row[:2])
        return Drawing(data) if kind == "svg" else states_of(trial, name, data)


def _pictures(
    what: Any, shape: Sequence[int] | None, n: int, columns: int | None
) -> tuple[NDArray[Any], tuple[int, ...], int]:
    """The states as (n, rows, columns), the shape of one, and how many stand beside each other."""
    import numpy

    x = numpy.asarray(what.cpu() if hasattr(what, "cpu") else what)
    if shape is not None:
        own = tuple(shape)
        if x.ndim > 1 and x.shape[1:] != own and x.ndim > 2 and x.shape[-1] == math.prod(own):
            columns = columns or x.shape[-2]
        x = x.reshape(-1, math.prod(own))
    elif x.ndim == 3:
        own = x.shape[1:]
    else:
        own = x.shape[-1:]
    x = x.reshape(-1, *(own if len(own) == 2 else (1, math.prod(own))))[:n]
    if len(x) == 0:
        raise ValueError("there are no states to show")
    beside = 1 if len(own) != 2 else math.ceil(math.sqrt(len(x)))
    return x, tuple(own), columns or beside


def _mosaic(x: NDArray[Any], categories: int, columns: int) -> NDArray[numpy.uint8]:
    """Pictures (n, rows, columns) in a grid, as an image (height, width, 3) with the program's frame between them."""
    import numpy

    scale = max(1, 24 // max(x.shape[1:]))  # so that the frame is thin around small ones
    x = x.repeat(scale, 1).repeat(scale, 2)
    count, height, width = x.shape
    gap = max(1, round(0.06 * max(height, width))) if height > scale else 0
    lines = math.ceil(count / columns)
    image = numpy.full((lines * (height + gap) + gap, columns * (width + gap) + gap, 3), _GUTTER, numpy.uint8)
    colours = _colours(categories)
    for i, state in enumerate(x):
        top, left = gap + i // columns * (height + gap), gap + i % columns * (width + gap)
        image[top : top + height, left : left + width] = colours[numpy.minimum(state, categories)]
    return image


def _colours(categories: int) -> NDArray[numpy.uint8]:
    """(K + 1, 3): of each symbol, and of an unknown site."""
    import numpy

    if categories == 2 or categories > len(_PALETTE):
        greys = numpy.arange(categories) * 255 // (categories - 1)
        colours = numpy.repeat(greys[:, None], 3, axis=1)
    else:
        places = [(2 * k * 9 + categories - 1) // (2 * (categories - 1)) for k in range(categories)]
        colours = numpy.array([list(bytes.fromhex(_PALETTE[place])) for place in places])
    unknown = [215, 95, 95] if categories > len(_PALETTE) else [128, 128, 128]
    return numpy.vstack([colours, unknown]).astype(numpy.uint8)
