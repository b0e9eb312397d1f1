#!/usr/bin/env python3
"""What another model thinks of the rows that trials draw: bits a site, lower is better.

    bench/scored_by.py BUILD_DIR STORE SCORER_TRIAL TRIAL... [--rows 200]

Draws --rows rows of each TRIAL, and of SCORER_TRIAL itself, and prints -log2 p by the scorer's conditionals along a
random order of each, divided by the number of sites: mean and standard error. Compare with the scorer's own rows and
with the data (its nll_bits): text that the scorer finds likelier than its own is poorer than the data, not better. For
experiments/rivals-text8.toml the scorer is a recurrent network, such as the widest trial of table3-text8-cpu.stage1.
Needs the package numpy.
"""

import argparse
import csv
import io
import os
import subprocess
import tempfile

import numpy


def main():
    parser = argparse.ArgumentParser()
    for name in ("build", "store", "scorer"):
        parser.add_argument(name)
    parser.add_argument("trials", nargs="+")
    parser.add_argument("--rows", type=int, default=200)
    options = parser.parse_args()

    def ask(verb, trial, *words):
        program = os.path.join(options.build, "bin", "marginalia")
        return subprocess.run(
            [program, verb, trial, "--store", options.store, *words], check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    with tempfile.TemporaryDirectory() as folder:
        states = os.path.join(folder, "states.npy")
        for trial in [options.scorer, *options.trials]:
            ask("sample", trial, "-n", str(options.rows), "-o", states)
            sites = numpy.load(states)[0].size
            scores = csv.DictReader(io.StringIO(ask("score", options.scorer, "--states", states)))
            bits = -numpy.array([float(row["log_density"]) for row in scores]) / (sites * numpy.log(2))
            print(f"trial {trial:>6}  {bits.mean():.3f} ± {bits.std(ddof=1) / len(bits) ** 0.5:.3f} bits a site")


if __name__ == "__main__":
    main()
