#!/usr/bin/env python3
"""Fits powers to the figures of measure.py, prints them as the table of docs/performance.md and draws them.

bench/growth/show.py FIGURES.json [OUT.png]        the picture needs the package matplotlib
"""

import json
import math
import pathlib
import sys

from points import AXES, NETWORKS, Point, evaluation_work, memory_work, points, smallest, step_work

KINDS = {
    "step": ("step_seconds", step_work),
    "memory": ("peak_bytes", memory_work),
    "evaluation": ("evaluation_seconds", evaluation_work),
}


def fitted_power(xs, ys):
    """The slope of log y over log x by least squares, and its standard error."""
    u, v = [math.log(x) for x in xs], [math.log(y) for y in ys]
    n, mean_u, mean_v = len(u), sum(u) / len(u), sum(v) / len(v)
    spread = sum((a - mean_u) ** 2 for a in u)
    slope = sum((a - mean_u) * (b - mean_v) for a, b in zip(u, v)) / spread
    residual = sum((b - mean_v - slope * (a - mean_u)) ** 2 for a, b in zip(u, v))
    return slope, math.sqrt(residual / (n - 2) / spread)


def upper_half(pairs):
    """The pairs (x, y) whose x lies in the upper half of the range, on a logarithmic scale."""
    middle = math.sqrt(min(x for x, _ in pairs) * max(x for x, _ in pairs))
    return [(x, y) for x, y in pairs if x >= middle * 0.999]


def curve(figures, network, axis, kind):
    """(x, y) along an axis; of memory what is above that of the smallest point."""
    name, _ = KINDS[kind]
    base = figures[smallest(network)]["peak_bytes"] if kind == "memory" else 0
    found = [(p.on(axis), figures[p][name] - base) for p in points(network, axis) if p in figures and figures[p][name]]
    return [(x, y) for x, y in found if y > 0]


def needed(network, axis, kind, xs):
    work = [KINDS[kind][1](p) for p in points(network, axis) if p.on(axis) in xs]
    return fitted_power(xs, work)[0]


def fit(figures, network, axis, kind):
    """The power of the upper half, its standard error and the needed power; None where too little was measured."""
    pairs = upper_half(curve(figures, network, axis, kind))
    if len(pairs) < 3 or (kind, axis) == ("evaluation", "batch"):
        return None
    xs, ys = zip(*pairs)
    return *fitted_power(xs, ys), needed(network, axis, kind, xs)


def table(figures):
    lines = ["| network | with | " + " | ".join(f"{kind} | needed" for kind in KINDS) + " |", "| --- " * 8 + "|"]
    for network in NETWORKS:
        for axis in AXES:
            fits = [fit(figures, network, axis, kind) for kind in KINDS]
            cells = [f"{f[0]:.2f} ± {f[1]:.2f} | {f[2]:.2f}" if f else " | " for f in fits]
            lines.append(f"| {network} | {axis} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(figures, out):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    labels = {
        "step": "seconds a step",
        "memory": "memory, MB above the smallest trial's",
        "evaluation": "seconds of evaluation",
    }
    picture, grid = plt.subplots(
        len(KINDS), len(AXES), figsize=(10, 9), sharey="row", sharex="col", constrained_layout=True
    )
    for row, kind in zip(grid, KINDS):
        for axes, axis in zip(row, AXES):
            axes.set(xscale="log", yscale="log")
            axes.grid(alpha=0.3)
            if (kind, axis) == ("evaluation", "batch"):
                axes.axis("off")
                continue
            for network, colour in zip(NETWORKS, plt.rcParams["axes.prop_cycle"].by_key()["color"]):
                draw_curve(axes, figures, (network, axis, kind), colour)
        row[0].set_ylabel(labels[kind])
    for axes, axis in zip((grid[-1][0], grid[-1][1], grid[-2][2]), AXES):
        ticks = sorted({p.on(axis) for p in points(NETWORKS[0], axis)} - {24, 48, 36, 144, 576, 2304})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.tick_params(labelbottom=True)
        axes.set_xlabel({"sites": "sites D", "symbols": "symbols K", "batch": "batch"}[axis])
    handles, names = grid[0][0].get_legend_handles_labels()
    handles.append(plt.Line2D([], [], color="grey", linestyle="--", linewidth=1))
    grid[-1][-1].legend(handles, names + ["as the needed work grows"], loc="center", frameon=False)
    picture.savefig(out, dpi=100)


def draw_curve(axes, figures, of, colour):
    """The points, and through the last of them a line of the needed power over the upper half."""
    scale = 1e-6 if of[2] == "memory" else 1
    pairs = [(x, y * scale) for x, y in curve(figures, *of)]
    if not pairs:
        return
    axes.plot(*zip(*pairs), marker="o", markersize=3, linewidth=1, color=colour, label=of[0])
    if (found := fit(figures, *of)) is not None:
        upper = upper_half(pairs)
        last_x, last_y = upper[-1]
        xs = [upper[0][0], last_x]
        axes.plot(xs, [last_y * (x / last_x) ** found[2] for x in xs], linestyle="--", linewidth=1, color=colour)


def main():
    read = json.loads(pathlib.Path(sys.argv[1]).read_text())
    figures = {Point(f["network"], f["side"], f["symbols"], f["batch"]): f for f in read}
    print(table(figures))
    if len(sys.argv) > 2:
        draw(figures, sys.argv[2])


if __name__ == "__main__":
    main()
