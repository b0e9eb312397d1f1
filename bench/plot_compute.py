#!/usr/bin/env python3
"""Likelihood against compute, a curve for each configuration: validation_bits by seconds of training, both axes logarithmic.

    bench/plot_compute.py STORE EXPERIMENT OUT.png [LABEL...]

Needs the package matplotlib. LABELs name the configurations in the order of their trials.
"""
import collections
import sqlite3
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator, NullFormatter

store, experiment, out, *labels = sys.argv[1:]
rows = sqlite3.connect(f"file:{store}?mode=ro", uri=True).execute(
    """SELECT b.trial_id, s.value, b.value FROM metrics b JOIN metrics s USING (trial_id, step) JOIN trials t ON t.trial_id = b.trial_id
       WHERE b.name = 'validation_bits' AND s.name = 'train_seconds' AND t.experiment = ? ORDER BY b.trial_id, b.step""", (experiment,))
curves = collections.defaultdict(list)
for trial, seconds, bits in rows:
    curves[trial].append((seconds, bits))
figure, axes = plt.subplots(figsize=(6, 3.6), constrained_layout=True)
for (trial, points), label in zip(curves.items(), labels or [f"trial {trial}" for trial in curves]):
    axes.plot(*zip(*points), marker="o", markersize=3.5, label=label)
axes.set(xscale="log", yscale="log", xlabel="seconds of training", ylabel="validation bits a site", title=experiment)
axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
axes.xaxis.set_minor_formatter(NullFormatter())
for formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter, axes.xaxis.set_major_formatter):
    formatter("{x:g}")
axes.grid(alpha=0.3, which="both")
axes.legend(frameon=False)
figure.savefig(out, dpi=110)
