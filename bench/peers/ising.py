#!/usr/bin/env python3
"""What a user would pick instead, in one run: the published network on the 10x10 Ising model, by a plain PyTorch script
(mam_pytorch.py, eager and compiled) and by `marginalia run`, at float32 and bfloat16.

    .venv/bin/python bench/peers/ising.py --json peers.json
    .venv/bin/python bench/peers/ising.py --rounds 1 --train-seconds 0 --check-steps 0    # seconds a step, in two minutes

Measures seconds a step, in rounds in which all peers take turns, each a process of its own; the true KL of each after
the same seconds of training; and, as a check that both are the same method, the KL of a smaller model of a smaller
lattice after the same number of steps, over three seeds. Prints tables in Markdown. Needs a built marginalia, a C++ compiler for
torch.compile, and nothing else running; takes 25 minutes on two cores.
"""

import argparse
import contextlib
import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile

from machine import processor

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = pathlib.Path(__file__).resolve().with_name("mam_pytorch.py")
EXPERIMENT = ROOT / "experiments/ising-10x10-paper.toml"
EAGER = "PyTorch, eager"
WARM_UP = 3  # steps
SMALL = {"length": 4, "hidden": 128, "batch": 128}  # the model of the check, which learns most of what it can
SEEDS = 3


def say(text):
    print(text, file=sys.stderr, flush=True)


def called(words, folder):
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor", "NO_COLOR": "1"}
    words = [str(word) for word in words]
    done = subprocess.run(words, check=False, env=environment, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Script:
    """mam_pytorch.py by this Python."""

    def __init__(self, asked, folder, bfloat16=False, compiled=False):
        self.name = "PyTorch, torch.compile" if compiled else EAGER
        self.precision, self.compiled = "bfloat16" if bfloat16 else "float32", compiled
        self.words = [sys.executable, SCRIPT, "--threads", asked.threads]
        self.words += ["--bfloat16"] * bfloat16 + ["--compile"] * compiled
        self.folder = folder

    def run(self, steps, hidden, batch, length=10, seed=0, samples=0):
        sizes = ["--steps", steps, "--seed", seed, "--samples", samples]
        sizes += ["--hidden", hidden, "--batch", batch, "--length", length]
        return json.loads(called(self.words + sizes, self.folder))


class Ours:
    """`marginalia run` of the experiment file; its store has the figures."""

    compiled = False

    def __init__(self, asked, folder, bfloat16=False):
        self.name, self.precision = "marginalia", "bfloat16" if bfloat16 else "float32"
        self.store, self.folder, self.runs = f"{folder}/{self.precision}.db", folder, 0
        self.words = [asked.marginalia, "--store", self.store, "run", EXPERIMENT, "--quiet"]
        self.words += f"run.device=cpu run.slots=1 run.cores={asked.threads} train.log_every=1".split()
        self.words += f"train.precision={self.precision} evaluation.every=0 evaluation.nll_samples=0".split()
        self.words += "evaluation.marginal_states=0 evaluation.marginal_time=false evaluation.pictures=0".split()

    def run(self, steps, hidden, batch, length=10, seed=0, samples=0):
        self.runs += 1
        name = f"peers-{self.runs}"  # a name of its own, and nothing reused: what is measured is trained
        sizes = f"name={name} seeds={seed} train.steps={steps} evaluation.samples={samples} run.reuse=false"
        sizes += f" network.hidden={hidden} train.batch={batch} energy.rows={length} energy.columns={length}"
        called(self.words + sizes.split(), self.folder)
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as store:
            of_trial = "JOIN trials t USING (trial_id) WHERE t.experiment = ?"
            final = dict(store.execute(f"SELECT name, value FROM final_metrics {of_trial}", (name,)))
            curve = f"SELECT value FROM metrics m {of_trial} AND m.name = 'step_seconds' ORDER BY step"
            return {
                "step_seconds": [value for (value,) in store.execute(curve, (name,))],
                "log_z": final.get("log_z_exact"),
                "kl": final.get("kl"),
                "kl_stderr": final.get("kl_stderr"),
            }


def span(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def measure_steps(peers, size, rounds, steps):
    """Of each peer the medians of its rounds, and the first step of the first round, in which compiling happens."""
    medians, first = [[] for _ in peers], [None] * len(peers)
    for number in range(rounds):
        for i, peer in enumerate(peers):
            seconds = peer.run(WARM_UP + steps, **size, seed=number)["step_seconds"]
            first[i] = first[i] or seconds[0]
            medians[i].append(statistics.median(seconds[WARM_UP:]))
            say(f"round {number + 1}: {peer.name}, {peer.precision}: {medians[i][-1]:.3f} s a step")
    rows = []
    for peer, of_rounds, beginning in zip(peers, medians, first):
        row = {"peer": peer.name, "precision": peer.precision, "step_seconds": span(of_rounds)}
        rows.append({**row, "compile_seconds": beginning - row["step_seconds"]["median"] if peer.compiled else None})
    return rows


def measure_nats(peers, rows, size, seconds, samples):
    """The true KL after so many seconds of training by the steps measured; what was really taken is written down."""
    exact = set()
    for peer, row in zip(peers, rows):
        steps = max(1, round(seconds / row["step_seconds"]["median"]))
        result = peer.run(steps, **size, samples=samples)
        exact.add(round(result["log_z"], 6))
        taken = sum(result["step_seconds"][peer.compiled :])  # compiling left out
        row |= {"steps": steps, "train_seconds": taken, "kl": result["kl"], "kl_stderr": result["kl_stderr"]}
        say(f"{peer.name}, {peer.precision}: {steps} steps, {result['kl']:.3f} nats")
    if len(exact) != 1:
        sys.exit(f"the peers' exact log Z differ: {exact}; they do not have the same target")


def measure_agreement(peers, steps, samples):
    """The KL of the smaller model after the same number of steps: mean over the seeds and its standard error."""
    rows = []
    for peer in peers:
        results = [peer.run(steps, **SMALL, seed=seed, samples=samples) for seed in range(SEEDS)]
        found = [result["kl"] for result in results]
        error = statistics.stdev(found) / SEEDS**0.5
        rows.append({"peer": peer.name, "precision": peer.precision, "steps": steps, "seeds": SEEDS})
        seconds = span([statistics.median(result["step_seconds"][WARM_UP:]) for result in results])
        rows[-1] |= {"step_seconds": seconds, "kl": statistics.mean(found), "kl_stderr": error}
        say(f"{peer.name}, {peer.precision}, small: {rows[-1]['kl']:.3f} ± {error:.3f} nats after {steps} steps")
    return rows


def table(head, rows):
    for row in head, ["---"] * len(head), *rows:
        print("| " + " | ".join(row) + " |")
    print()


def shown(seconds, digits):
    return "{median:.{0}f} ({least:.{0}f} to {most:.{0}f})".format(digits, **seconds)


def print_steps(rows):
    head = ["what", "precision", "seconds a step", "eager / it, same precision", "eager float32 / it", "compiling, s"]
    with_kl = ["steps", "seconds of training", "true KL, nats"] if "kl" in rows[0] else []
    eager = {row["precision"]: row["step_seconds"]["median"] for row in reversed(rows) if row["peer"] == EAGER}
    cells = []
    for row in rows:
        median = row["step_seconds"]["median"]
        against = [eager[row["precision"]], eager.get("float32")]
        cells.append([row["peer"], row["precision"], shown(row["step_seconds"], 3)])
        cells[-1] += ["" if other is None else f"{other / median:.2f}" for other in against]
        cells[-1].append("" if row["compile_seconds"] is None else f"{row['compile_seconds']:.0f}")
        if with_kl:
            cells[-1] += [str(row["steps"]), f"{row['train_seconds']:.0f}", f"{row['kl']:.2f} ± {row['kl_stderr']:.2f}"]
    table(head + with_kl, cells)


def print_tables(result):
    print_steps(result["steps"])
    head = [
        "{length}x{length}, 4 x {hidden}, batch {batch}".format(**SMALL),
        "seconds a step",
        "steps",
        "seeds",
        "true KL, nats",
    ]
    cells = [
        [row["peer"], shown(row["step_seconds"], 4), str(row["steps"]), str(row["seeds"])]
        + [f"{row['kl']:.3f} ± {row['kl_stderr']:.3f}"]
        for row in result["agreement"]
    ]
    if cells:
        table(head, cells)
    machine = f"{result['processor']}, {result['threads']} threads, PyTorch {result['torch']}"
    print(f"{machine}; medians (least to most) of {result['rounds']} rounds.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--marginalia", type=pathlib.Path, default=ROOT / "build/release/bin/marginalia")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8, help=f"of a round, after {WARM_UP} that do not count")
    parser.add_argument("--train-seconds", type=float, default=120, help="0: no KL after equal time")
    parser.add_argument("--samples", type=int, default=2000, help="states from which a KL is estimated")
    parser.add_argument("--check-steps", type=int, default=2000, help="of the smaller model; 0: no check")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="only this one")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--hidden", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--json", type=pathlib.Path, help="file for all figures")
    asked = parser.parse_args()
    if min(asked.rounds, asked.steps, asked.threads, asked.hidden) < 1 or min(asked.batch, asked.samples) < 2:
        parser.error("--rounds, --steps, --threads and --hidden must be at least 1, --batch and --samples at least 2")
    if not asked.marginalia.exists():
        parser.error(f"{asked.marginalia} does not exist; build it by `make`, or say where it is by --marginalia")
    asked.marginalia = asked.marginalia.resolve()
    return asked


def peers_of(asked, folder):
    peers = []
    for bfloat16 in [asked.precision == "bfloat16"] if asked.precision else [False, True]:
        peers.append(Script(asked, folder, bfloat16))
        if not asked.no_compile:
            peers.append(Script(asked, folder, bfloat16, compiled=True))
        peers.append(Ours(asked, folder, bfloat16))
    return peers


def main():
    asked = arguments()
    import torch  # late, so that --help needs none

    result = {"processor": processor(), "torch": torch.__version__, "threads": asked.threads, "rounds": asked.rounds}
    size = {"hidden": asked.hidden, "batch": asked.batch}
    result |= size | {"agreement": []}
    with tempfile.TemporaryDirectory() as folder:
        peers = peers_of(asked, folder)
        if asked.check_steps > 0:
            same = [peer for peer in peers if peer.precision == peers[0].precision and not peer.compiled]
            result["agreement"] = measure_agreement(same, asked.check_steps, asked.samples)
        result["steps"] = measure_steps(peers, size, asked.rounds, asked.steps)
        if asked.train_seconds > 0:
            measure_nats(peers, result["steps"], size, asked.train_seconds, asked.samples)
    print_tables(result)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
