#!/usr/bin/env python3
"""What keeping results costs, side by side in one run: raw SQLite (Python's sqlite3), Optuna and MLflow, each on a SQLite
file, and marginalia. A trivial trial, 1,000 points of a metric, and the best of 1,000 trials of 1,000 points.

    python3 -m venv build/peers && build/peers/bin/pip install optuna mlflow
    build/peers/bin/python bench/peers/tracking.py --json tracking.json

Each peer is used in the way that costs it least: raw SQLite in WAL mode with a transaction per lot, Optuna by `optimize` with
random draws and `report`, MLflow by its client and `log_batch` of 1,000 points, the most that it takes.
marginalia's trials are whole ones of `marginalia run`: a network built, a step trained, a checkpoint made, which the
others leave to their user. Prints a table in Markdown: milliseconds by the clock and of CPU, of all processes, the least of
some rounds. What is not installed is left out, and said. Half an hour on a busy machine, most of
it MLflow's; --trials 100 takes three minutes.
"""

import argparse
import contextlib
import importlib
import json
import os
import pathlib
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time

from machine import processor

ROOT = pathlib.Path(__file__).resolve().parents[2]

SWEEP = """name = "trivial"
energy = { plugin = "ising", rows = 2, columns = 2 }
network = { plugin = "mlp", layers = 1, hidden = 8 }
objective = { plugin = "mam-energy" }
sampler = { plugin = "ancestral" }
train = { steps = 1, batch = 4, learning_rate = 0.001 }
evaluation = { samples = 0, nll_samples = 0, marginal_states = 0 }
run = { device = "cpu", slots = 1, cores = 1 }
sweep = { "energy.coupling" = { lin = [0.1, 0.2], n = %d } }
"""


def value_at(trial, step):
    return 0.6180339887 * trial % 1 + 1 / step


class RawSqlite:
    name = "raw SQLite"
    ways = {
        "trivial": "two transactions: it runs, it is done",
        "points": "`executemany`, one transaction",
        "final": "the value of the last step, an index",
        "minimum": "`min(value)` over all points",
    }

    def __init__(self, folder, asked):
        self.database = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self.database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE trial(id INTEGER PRIMARY KEY, status TEXT, value REAL);"
            "CREATE TABLE metric(trial INTEGER, step INTEGER, value REAL, PRIMARY KEY(trial, step)) WITHOUT ROWID;"
            "CREATE INDEX by_step ON metric(step, value)"
        )

    def trivial(self, trials):
        for _ in range(trials):
            row = self.database.execute("INSERT INTO trial(status) VALUES ('running')").lastrowid
            self.database.execute("UPDATE trial SET status = 'done', value = 0.1 WHERE id = ?", (row,))

    def points(self, trial, points):
        self.database.execute("BEGIN")
        lot = ((trial, step, value_at(trial, step)) for step in range(1, points + 1))
        self.database.executemany("INSERT INTO metric VALUES (?, ?, ?)", lot)
        self.database.execute("COMMIT")

    def fill(self, trials, points):
        self.database.execute("DELETE FROM metric")
        for trial in range(1, trials + 1):
            self.points(trial, points)
        self.last = points

    def final(self):
        return self.database.execute(
            "SELECT trial FROM metric WHERE step = ? ORDER BY value LIMIT 1", (self.last,)
        ).fetchone()[0]

    def minimum(self):
        return self.database.execute(
            "SELECT trial, min(value) FROM metric GROUP BY trial ORDER BY 2 LIMIT 1"
        ).fetchone()[0]


class Optuna:
    name, package = "Optuna", "optuna"
    ways = {
        "trivial": "`optimize`, random draws of one parameter",
        "points": "`report` of each, a transaction each",
        "final": "`study.best_trial`",
        "minimum": "the intermediate values of `study.trials`",
    }

    def __init__(self, folder, asked):
        self.optuna = importlib.import_module("optuna")
        self.optuna.logging.set_verbosity(self.optuna.logging.WARNING)
        self.file = folder / "optuna.db"
        self.storage = f"sqlite:///{self.file}"
        self.study = self.new_study("trials")

    def new_study(self, name):
        return self.optuna.create_study(
            storage=self.storage, study_name=name, sampler=self.optuna.samplers.RandomSampler(0)
        )

    def trivial(self, trials):
        self.study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=trials)

    def points(self, trial, points):
        running = self.study.ask()
        for step in range(1, points + 1):
            running.report(value_at(trial, step), step)
        self.study.tell(running, value_at(trial, points))

    def fill(self, trials, points):
        """By SQL, after the pattern of one trial: `add_trial` would take half a second each."""
        study = self.new_study("filled")
        study.add_trial(self.optuna.trial.create_trial(value=0, intermediate_values={1: 0}))
        with contextlib.closing(sqlite3.connect(self.file)) as database:
            (first,) = database.execute("SELECT max(trial_id) FROM trials").fetchone()
            for table in ("trials", "trial_values", "trial_intermediate_values"):
                names = [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")]
                (row,) = database.execute(f"SELECT * FROM {table} WHERE trial_id = ?", (first,))
                rows = (
                    self.row_like(names, row, trial, step, points)
                    for trial in range(1, trials + 1)
                    for step in self.steps_of(table, points)
                )
                database.execute(f"DELETE FROM {table} WHERE trial_id = ?", (first,))
                database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", rows)
            database.commit()

    @staticmethod
    def steps_of(table, points):
        return range(1, points + 1) if table == "trial_intermediate_values" else [points]

    @staticmethod
    def row_like(names, row, trial, step, points):
        """A row of another trial; ids of its own for rows that have such."""
        base = 1_000_000_000
        value = value_at(trial, step)
        own = {"trial_id": base + trial, "number": trial - 1, "step": step, "intermediate_value": value, "value": value}
        own |= {"trial_value_id": base + trial, "trial_intermediate_value_id": base + trial * (points + 1) + step}
        return [own.get(name, old) for name, old in zip(names, row)]

    def loaded(self):  # as a new process finds it
        return self.optuna.load_study(study_name="filled", storage=self.storage)

    def final(self):
        return self.loaded().best_trial.number + 1

    def minimum(self):
        return min(self.loaded().trials, key=lambda trial: min(trial.intermediate_values.values())).number + 1


class Mlflow:
    name, package = "MLflow", "mlflow"
    ways = {
        "trivial": "`create_run`, `log_metric`, `set_terminated`",
        "points": "`log_batch`",
        "final": "`search_runs`, ordered by the metric",
        "minimum": "`get_metric_history` of each run",
    }

    def __init__(self, folder, asked):
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        tracking = importlib.import_module("mlflow.tracking")
        self.Metric = importlib.import_module("mlflow.entities").Metric
        self.client = tracking.MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
        self.experiment = self.client.create_experiment("trials")

    def trivial(self, trials):
        for _ in range(trials):
            run = self.client.create_run(self.experiment).info.run_id
            self.client.log_metric(run, "loss", 0.1)
            self.client.set_terminated(run)

    def log(self, experiment, trial, points):
        run = self.client.create_run(experiment, tags={"trial": str(trial)}).info.run_id
        for first in range(1, points + 1, 1000):
            lot = [
                self.Metric("loss", value_at(trial, step), step, step)
                for step in range(first, min(first + 1000, points + 1))
            ]
            self.client.log_batch(run, metrics=lot)
        self.client.set_terminated(run)

    def points(self, trial, points):
        self.log(self.experiment, trial, points)

    def fill(self, trials, points):
        self.filled = self.client.create_experiment("filled")
        for trial in range(1, trials + 1):
            self.log(self.filled, trial, points)

    def final(self):
        best = self.client.search_runs([self.filled], order_by=["metrics.loss ASC"], max_results=1)[0]
        return int(best.data.tags["trial"])

    def minimum(self):
        best, token = (float("inf"), 0), None
        while True:
            runs = self.client.search_runs([self.filled], max_results=1000, page_token=token)
            for run in runs:
                history = self.client.get_metric_history(run.info.run_id, "loss")
                best = min(best, (min(point.value for point in history), int(run.data.tags["trial"])))
            token = runs.token
            if not token:
                return best[1]


class Marginalia:
    name = "marginalia"
    ways = {
        "trivial": "`marginalia run`: a further trial of a sweep, model and checkpoint included",
        "points": "the store's writer, with its summaries",
        "final": "`marginalia best`, a new process",
        "minimum": "`marginalia query` of `summaries`, a new process",
    }

    def __init__(self, folder, asked):
        self.program, self.scale_bench, self.folder = asked.marginalia, asked.scale_bench, folder
        self.sweep = folder / "trivial.toml"

    def called(self, *words):
        done = subprocess.run([str(word) for word in words], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, store, *words):
        return self.called(self.program, "--store", self.folder / store, *words)

    def trivial(self, trials):
        """Without what a run costs by itself, the start of LibTorch above all: `start` is taken off."""
        for old in self.folder.glob("trivial.db*"):
            old.unlink()
        self.sweep.write_text(SWEEP % trials)
        self.ask("trivial.db", "run", self.sweep, "--quiet")

    def made(self, store, trials, points):
        for old in self.folder.glob(store + "*"):
            old.unlink()
        self.called(self.scale_bench, "--fill", self.folder / store, trials, points)

    def points(self, trial, points):
        self.made("points.db", 2, points)

    def fill(self, trials, points):
        self.made("filled.db", trials, points)

    def final(self):
        return int(json.loads(self.ask("filled.db", "best", "kl", "--format", "json", "-n", "1"))[0]["trials"])

    def minimum(self):
        sql = "SELECT trial_id FROM summaries WHERE name = 'loss' ORDER BY min LIMIT 1"
        return json.loads(self.ask("filled.db", "query", sql, "--format", "json"))[0]["trial_id"]


def cpu_seconds():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def spent(work, *words):
    wall, cpu = time.monotonic(), cpu_seconds()
    work(*words)
    return {"wall": time.monotonic() - wall, "cpu": cpu_seconds() - cpu}


def least(rounds, once):
    taken = [once() for _ in range(rounds)]
    return {clock: 1000 * min(one[clock] for one in taken) for clock in ("wall", "cpu")}


def for_each(rounds, work, few, many):
    """One more of what `work` does: the difference of many and few, so that what it costs once does not count."""
    work(few)
    once, all_of_them = (least(rounds, lambda: spent(work, count)) for count in (few, many))
    return {clock: (all_of_them[clock] - once[clock]) / (many - few) for clock in once}


def measure_points(peer, rounds):
    if isinstance(peer, Marginalia):  # of 2 x 300,000 points, less what the program and two trials cost
        one = for_each(rounds, lambda points: peer.points(1, points), 1_000, 301_000)
        return {clock: 500 * taken for clock, taken in one.items()}
    numbers = iter(range(1, 1000))
    return least(rounds, lambda: spent(peer.points, next(numbers), 1000))


def measure(peer, asked):
    say(f"{peer.name}: trivial trials")
    figures = {"trivial": for_each(asked.rounds, peer.trivial, asked.trivial // 10, asked.trivial)}
    say(f"{peer.name}: points")
    figures["points"] = measure_points(peer, asked.rounds)
    say(f"{peer.name}: filling")
    peer.fill(asked.trials, asked.points)
    for what in ("final", "minimum"):
        say(f"{peer.name}: best by {what}")
        best = min(range(1, asked.trials + 1), key=lambda trial: 0.6180339887 * trial % 1)
        if (found := getattr(peer, what)()) != best:
            sys.exit(f"{peer.name}: the best trial is {best}, and it found {found}")
        figures[what] = least(asked.rounds, lambda: spent(getattr(peer, what)))
    return {"peer": peer.name, "version": version_of(peer), "ways": peer.ways, "milliseconds": figures}


def version_of(peer):
    if isinstance(peer, RawSqlite):
        return sqlite3.sqlite_version
    if isinstance(peer, Marginalia):
        return peer.called(peer.program, "--version").split()[-1]
    return importlib.import_module(peer.package).__version__


def say(text):
    print(text, file=sys.stderr, flush=True)


def shown(taken):
    return " / ".join(
        f"{taken[clock]:.3g}" if taken[clock] < 1000 else f"{taken[clock]:,.0f}" for clock in ("wall", "cpu")
    )


def print_tables(result):
    heads = {
        "trivial": "a trivial trial",
        "points": "1,000 points",
        "final": f"best of {result['trials']:,} trials x {result['points']:,} points, final",
        "minimum": "the same, minimum",
    }
    print("| ms: clock / CPU | " + " | ".join(heads.values()) + " |\n" + "| --- " * (len(heads) + 1) + "|")
    for row in result["peers"]:
        print(
            f"| {row['peer']} {row['version']} | "
            + " | ".join(shown(row["milliseconds"][what]) for what in heads)
            + " |"
        )
    print("\n| what was counted | " + " | ".join(heads.values()) + " |\n" + "| --- " * 5 + "|")
    for row in result["peers"]:
        print(f"| {row['peer']} | " + " | ".join(row["ways"][what] for what in heads) + " |")
    print(
        f"\n{result['processor']}; the least of {result['rounds']} rounds, {result['trivial']:,} trivial trials in each."
    )


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    build = ROOT / "build/release/bin"
    parser.add_argument("--marginalia", type=pathlib.Path, default=build / "marginalia")
    parser.add_argument("--scale-bench", type=pathlib.Path, default=build / "scale_bench")
    parser.add_argument("--trivial", type=int, default=200, help="trivial trials of a round")
    parser.add_argument("--trials", type=int, default=1000, help="of which the best is asked for")
    parser.add_argument("--points", type=int, default=1000, help="of each of those")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, help="where the stores are made, for a while")
    parser.add_argument("--json", type=pathlib.Path, help="file for all figures")
    asked = parser.parse_args()
    if asked.trivial < 20 or min(asked.trials, asked.points, asked.rounds) < 1:
        parser.error("--trivial must be at least 20, --trials, --points and --rounds at least 1")
    for program in (asked.marginalia, asked.scale_bench):
        if not program.exists():
            parser.error(f"{program} does not exist; scripts/build release all bench/all makes it")
    return asked


def main():
    asked = arguments()
    result = {what: getattr(asked, what) for what in ("trivial", "trials", "points", "rounds")}
    result |= {"processor": processor(), "peers": []}
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        for make in (RawSqlite, Optuna, Mlflow, Marginalia):
            try:
                peer = make(pathlib.Path(folder), asked)
            except ImportError as error:
                say(f"skipped: {make.name} ({error}); pip install {make.package}")
                continue
            result["peers"].append(measure(peer, asked))
    print_tables(result)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
