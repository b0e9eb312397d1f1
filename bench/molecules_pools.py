#!/usr/bin/env python3
"""log f of 4096 molecules of 55 tokens from an empty cache: marginalia beside pools of Python processes with RDKit.

    bench/molecules_pools.py BUILD_DIR [--molecules FILE]

Needs the packages rdkit and selfies. Rows are random tokens, or with --molecules the SELFIES of a file, a line each. Prints the
seconds of each way, medians of five runs in turn, and how many times faster marginalia is.
"""
import argparse
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import tempfile
import time

import selfies
from rdkit import Chem, RDLogger
from rdkit.Chem import Crippen

TOKENS = ["[nop]", "[#Branch1]", "[#Branch2]", "[#C]", "[#N]", "[=Branch1]", "[=Branch2]", "[=C]", "[=N]", "[=O]", "[=Ring1]",
          "[=Ring2]", "[=S]", "[Br]", "[Branch1]", "[Branch2]", "[C]", "[Cl]", "[F]", "[H]", "[NH1]", "[N]", "[O]", "[P]",
          "[Ring1]", "[Ring2]", "[S]"]
ROWS, LENGTH, REPEATS = 4096, 55, 5


def score(text):
    molecule = Chem.MolFromSmiles(selfies.decoder(text))
    return -1e4 if molecule is None or molecule.GetNumAtoms() == 0 else -(Crippen.MolLogP(molecule) - 4.0) ** 2


def quiet():
    RDLogger.DisableLog("rdApp.*")


def pool_of_call(rows, cores):
    with multiprocessing.Pool(cores, quiet) as pool:
        return pool.map(score, rows, chunksize=64)


def rows_to_score(path):
    if path:
        with open(path, encoding="utf-8") as file:
            return [line.strip() for line, _ in zip(file, range(ROWS))]
    draw = random.Random(0)
    return ["".join(draw.choices(TOKENS, k=LENGTH)) for _ in range(ROWS)]


def marginalia(build, rows):
    with tempfile.NamedTemporaryFile("w", suffix=".selfies") as file:
        file.write("\n".join(rows) + "\n")
        file.flush()
        lines = subprocess.run([os.path.join(build, "bin", "molecules_bench"), file.name], check=True, capture_output=True,
                               text=True).stdout.splitlines()
    return {int(line.split()[1]): float(line.split()[2]) for line in lines if line.startswith("seconds")}, lines[-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--molecules")
    options = parser.parse_args()
    quiet()
    rows, cores = rows_to_score(options.molecules), os.cpu_count()
    times = {"pool of each call": [], "persistent pool": [], "marginalia": []}
    with multiprocessing.Pool(cores, quiet) as persistent:
        persistent.map(score, rows[:256])
        for _ in range(REPEATS):
            ours, parts = marginalia(options.build, rows)
            times["marginalia"].append(ours[cores])
            start = time.perf_counter()
            pool_of_call(rows, cores)
            times["pool of each call"].append(time.perf_counter() - start)
            start = time.perf_counter()
            persistent.map(score, rows, chunksize=64)
            times["persistent pool"].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{len(rows)} molecules on {cores} cores, median of {REPEATS}:")
    for name, value in medians.items():
        print(f"  {name:18} {value:8.4f} s   {value / medians['marginalia']:6.1f} times marginalia's")
    print(parts)
    print(json.dumps({"rows": len(rows), "cores": cores, "seconds": medians}))


if __name__ == "__main__":
    main()
