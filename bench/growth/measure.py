#!/usr/bin/env python3
"""How steps, memory and evaluations grow with sites, symbols and batch: measures the points of points.py on one core.

    bench/growth/measure.py FIGURES.json [--network NAME] [--axis sites|symbols|batch] [--programs FOLDER] [--plan]

Each point is a trial in a process of its own, run by `marginalia run`; the figures are put into FIGURES.json, and points that it has
are not measured again. --plan asks `marginalia plan` about every point instead. show.py makes the table and the picture.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile

from points import AXES, MOST_EVALUATED, NETWORKS, OF_DATA, points, smallest

HERE = pathlib.Path(__file__).resolve().parent
WARMING = 3  # steps that are left out


def rows_file(path, point, rows=160):
    """Rows of random symbols as numpy.save would write them."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, {point.side}, {point.side}), }}"
    symbols = random.Random(0).choices(range(point.symbols), k=rows * point.sites)
    path.write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117).encode() + b"\n" + bytes(symbols))


def arguments(point, folder):
    """The experiment file of a point and the words that make it that one."""
    words = [f"network.plugin={point.network}", f"train.batch={point.batch}"]
    if point.network in OF_DATA:
        rows_file(folder / "rows.npy", point)
        words += [f"dataset.file={folder / 'rows.npy'}", f"dataset.categories={point.symbols}"]
    else:
        words += [f"energy.rows={point.side}", f"energy.columns={point.side}", f"energy.states={point.symbols}"]
    if point.sites > MOST_EVALUATED[point.network]:
        words += ["evaluation.samples=0"] + ["evaluation.nll_samples=0"] * (point.network in OF_DATA)
    return [str(HERE / ("data.toml" if point.network in OF_DATA else "energy.toml")), *words]


def peak_of(command):
    """Runs a command and tells the most bytes that it, or a process that it waited for, had in memory."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return usage.ru_maxrss * 1024


def measure(point, marginalia):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        store = folder / "growth.db"
        peak = peak_of([marginalia, "--store", str(store), "run", "--quiet", *arguments(point, folder)])
        with sqlite3.connect(store) as opened:
            steps = opened.execute(
                "SELECT value, time FROM metrics WHERE name = 'step_seconds' ORDER BY step"
            ).fetchall()
            started, finished = opened.execute("SELECT started, finished FROM trials").fetchone()
    ended = datetime.datetime.fromisoformat(finished).timestamp()
    begun = datetime.datetime.fromisoformat(started).timestamp()
    return {
        "network": point.network, "side": point.side, "symbols": point.symbols, "batch": point.batch,
        "step_seconds": statistics.median(value for value, _ in steps[WARMING:]),
        "peak_bytes": peak,
        "start_seconds": steps[0][1] - steps[0][0] - begun,
        "evaluation_seconds": None if point.sites > MOST_EVALUATED[point.network] else ended - steps[-1][1],
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=pathlib.Path)
    parser.add_argument("--network", choices=NETWORKS, action="append", help="only this one; may be repeated")
    parser.add_argument("--axis", choices=AXES, action="append", help="only this one; may be repeated")
    parser.add_argument("--programs", type=pathlib.Path, default=HERE.parents[1] / "build/release/bin")
    parser.add_argument("--plan", action="store_true")
    given = parser.parse_args()
    marginalia = str(given.programs / "marginalia")
    figures = json.loads(given.figures.read_text()) if given.figures.exists() else []
    done = {(f["network"], f["side"], f["symbols"], f["batch"]) for f in figures}
    for network in given.network or NETWORKS:
        for point in [smallest(network)] + [p for axis in given.axis or AXES for p in points(network, axis)]:
            key = (point.network, point.side, point.symbols, point.batch)
            if key in done:
                continue
            done.add(key)
            if given.plan:
                with tempfile.TemporaryDirectory() as name:
                    subprocess.run([marginalia, "plan", *arguments(point, pathlib.Path(name))], check=True, cwd=name)
                continue
            figures.append(measure(point, marginalia))
            print(figures[-1], flush=True)
            given.figures.write_text("[\n" + ",\n".join(json.dumps(f) for f in figures) + "\n]\n")


if __name__ == "__main__":
    main()
