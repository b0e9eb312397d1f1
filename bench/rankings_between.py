#!/usr/bin/env python3
"""How a model of exact marginals ranks test pictures against an any-order model's five orders (Table 1's row EiNet).

    bench/rankings_between.py BUILD_DIR STORE ANY_ORDER_TRIAL OTHER_TRIAL TEST_AMAT [--groups 6] [--rows 20] [--threshold 5]

The protocol of evaluation.ranking_groups, for two trials in place of one trial's two heads: of each of --groups test
rows, evenly spaced, 100, 400 or 700 random pixels are drawn anew by ANY_ORDER_TRIAL, --rows times; those stay whose
log p by five orders differ by --threshold nats; groups of three or more count. Prints mean Spearman and Pearson
correlation of OTHER_TRIAL's log p with the five orders', and of one further order's, with standard errors over the
groups. Needs the package numpy.
"""
import argparse
import csv
import io
import os
import subprocess
import tempfile

import numpy

MASKED = (100, 400, 700)


def spaced(values, threshold):
    """Indices of values, each at least threshold from the one chosen before, from the lowest on."""
    kept = []
    for i in numpy.argsort(values):
        if not kept or values[i] - values[kept[-1]] >= threshold:
            kept.append(i)
    return kept


def correlation(a, b):
    return numpy.corrcoef(a, b)[0, 1]


def ranks(values):
    return numpy.argsort(numpy.argsort(values))


def printed(name, values):
    error = numpy.std(values, ddof=1) / len(values) ** 0.5
    print(f"  {name:24} {numpy.mean(values):.3f} ± {error:.3f}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("build", "store", "any_order", "other", "test"):
        parser.add_argument(name)
    parser.add_argument("--groups", type=int, default=6)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--threshold", type=float, default=5)
    options = parser.parse_args()
    program = os.path.join(options.build, "bin", "marginalia")
    generator = numpy.random.default_rng(0)
    pictures = numpy.loadtxt(options.test, dtype=numpy.int8)
    given = pictures[:: len(pictures) // options.groups][: options.groups].copy()
    for i, row in enumerate(given):
        row[generator.permutation(row.size)[:MASKED[i % len(MASKED)]]] = -1

    def ask(verb, trial, *words):
        return subprocess.run([program, verb, trial, "--store", options.store, *words], check=True, capture_output=True, text=True).stdout

    def scores(trial, column, states, seed):
        return numpy.array([float(row[column]) for row in csv.DictReader(io.StringIO(ask("score", trial, "--states", states, "--seed", seed)))])

    with tempfile.TemporaryDirectory() as folder:
        masked, states = os.path.join(folder, "given.npy"), os.path.join(folder, "states.npy")
        numpy.save(masked, given)
        ask("complete", options.any_order, "--given", masked, "-n", str(options.rows), "-o", states)
        orders = numpy.array([scores(options.any_order, "log_density", states, str(seed)) for seed in range(6)])
        other = scores(options.other, "log_marginal", states, "0")

    five = numpy.logaddexp.reduce(orders[:5], axis=0) - numpy.log(5)
    names = {"trial " + options.other: other, "one order": orders[5]}
    spearman, pearson = {name: [] for name in names}, {name: [] for name in names}
    for first in range(0, five.size, options.rows):
        kept = [first + i for i in spaced(five[first:first + options.rows], options.threshold)]
        if len(kept) < 3:
            continue
        for name, values in names.items():
            spearman[name].append(correlation(ranks(values[kept]), ranks(five[kept])))
            pearson[name].append(correlation(values[kept], five[kept]))
    for name in names:
        print(f"{name}, {len(spearman[name])} of {options.groups} groups")
        printed("Spearman", spearman[name])
        printed("Pearson", pearson[name])


if __name__ == "__main__":
    main()
