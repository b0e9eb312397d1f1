"""A store made by hand: tables with the names and columns of the documented views, all that the package asks."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "python"))
os.environ.setdefault("MPLBACKEND", "Agg")

APPLICATION = 0x4D617267
VIEWS = {
    "trials": "trial_id, experiment, status, seed, config, config_hash, created, started, finished, device, host, "
    "error, attempts, seconds, threads, sweep_id, trained, evaluation_id, "
    "device_name, device_id, device_memory, driver, tags",
    "metrics": "trial_id, name, step, value, time",
    "final_metrics": "trial_id, name, value",
    "summaries": "trial_id, name, n, nonfinite, last, last_step, min, min_step, max, max_step",
    "checkpoints": "trial_id, step, bytes, created",
    "samples": "trial_id, name, step, kind, data",
    "sweeps": "sweep_id, experiment, description, file, toml, provenance, created, trials",
}


def add(connection, view, **values):
    names = ", ".join(values)
    connection.execute(f"INSERT INTO {view}({names}) VALUES ({', '.join('?' * len(values))})", list(values.values()))


def add_trial(connection, trial, experiment="sweep", status="done", seed=0, rate=1e-3, kl=None, **more):
    config = {"energy": {"plugin": "ising", "rows": 2}, "train": {"learning_rate": rate, "steps": 20}}
    values = {
        "trial_id": trial,
        "experiment": experiment,
        "status": status,
        "seed": seed,
        "trained": int(status == "done"),
    }
    values |= {
        "config": json.dumps(config),
        "config_hash": f"{int(rate * 1e6):08x}cafe",
        "started": f"2026-01-0{trial}",
    }
    add(connection, "trials", **(values | more))
    if kl is not None:
        add(connection, "final_metrics", trial_id=trial, name="kl", value=kl)
        add(connection, "final_metrics", trial_id=trial, name="kl_stderr", value=0.01)
        add(connection, "final_metrics", trial_id=trial, name="spearman", value=0.9 + trial / 100)
    for step in (10, 20):
        loss = None if step == 10 and trial == 2 else 100 / step + trial
        add(connection, "metrics", trial_id=trial, name="loss", step=step, value=loss, time=1e9 + step)
    for size in (1, 2, 3):
        add(
            connection,
            "metrics",
            trial_id=trial,
            name="marginal_rmse_by_size",
            step=size,
            value=size / 10 + seed,
            time=1e9,
        )
    add(connection, "summaries", trial_id=trial, name="loss", n=2, nonfinite=0, last=5.0 + trial, last_step=20)


@pytest.fixture
def connection(tmp_path):
    made = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    made.execute(f"PRAGMA application_id = {APPLICATION}")
    made.execute("PRAGMA journal_mode = WAL")
    made.execute("PRAGMA user_version = 5")
    for view, columns in VIEWS.items():
        made.execute(f"CREATE TABLE {view}({columns})")
    add_trial(made, 1, seed=0, kl=0.3)
    add_trial(made, 2, seed=1, kl=0.1)
    add_trial(made, 3, seed=0, rate=2e-3, kl=float("inf"))
    add_trial(made, 4, seed=1, rate=2e-3, kl=None, status="failed", error="out of luck")
    add_trial(made, 5, experiment="other", kl=0.2, rate=3e-3)
    states = {"shape": [2, 2], "categories": 2, "states": [[0, 1, 1, 0], [1, 1, 2, 0]], "texts": ["a", "b"]}
    add(made, "samples", trial_id=1, name="samples", step=20, kind="states", data=json.dumps(states))
    add(made, "samples", trial_id=1, name="precision", step=0, kind="text", data="float32")
    add(made, "samples", trial_id=5, name="samples", step=20, kind="svg", data="<svg/>")
    add(made, "checkpoints", trial_id=1, step=20, bytes=1000, created="2026-01-01T00:00:00.000Z")
    yield made
    made.close()


@pytest.fixture
def store_file(connection, tmp_path):
    """The store at rest: closed, one file."""
    connection.close()
    return tmp_path / "store.db"


def need_torch():
    try:
        import torch
    except (ImportError, OSError, ValueError) as error:  # a CUDA build without its CUDA libraries
        pytest.skip(f"PyTorch cannot be imported here ({error}); make setup MARGINALIA_CUDA=1 gets what is missing")
    return torch


@pytest.fixture(scope="session")
def program():
    from marginalia._program import find_program

    try:
        return find_program()
    except Exception as error:
        pytest.skip(str(error))


LATTICE = {
    "name": "lattice",
    "seeds": [0, 1],
    "energy": {"plugin": "ising", "rows": 4, "columns": 3, "coupling": 0.2},
    "network": {"plugin": "lattice-conv", "channels": 16, "layers": 3},
    "sampler": {"plugin": "block-gibbs"},
    "objective": {"plugin": "mam-energy"},
    "train": {"steps": 30, "batch": 32, "learning_rate": 4e-3},
    "evaluation": {"every": 10, "samples": 100, "nll_samples": 100, "marginal_states": 40, "marginal_time": False},
    "run": {"slots": 1, "device": "cpu"},
}


def run_in(folder, experiment, overrides, store):
    """Runs an experiment in this folder, where the file of a dict is written as well."""
    import marginalia

    before = os.getcwd()
    os.chdir(folder)
    try:
        return marginalia.run(experiment, overrides, store, quiet=True)
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def trained(program, tmp_path_factory):
    """A folder with a store: two seeds of an any-order model of a 4 x 3 lattice, trained a little."""
    folder = tmp_path_factory.mktemp("trained")
    run_in(folder, LATTICE, {}, "marginalia.db")
    return folder
