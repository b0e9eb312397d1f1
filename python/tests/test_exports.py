"""What `marginalia export` writes, read back by the programs it is for: the numbers are those of the store."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

import marginalia
from conftest import SOURCE


@pytest.fixture(scope="module")
def export(program, trained):
    def run(*words, code=0):
        done = subprocess.run(
            [program, "--store", "marginalia.db", "export", *words], cwd=trained, capture_output=True, text=True
        )
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def points(trained):
    """(trial, metric) -> its rows of step, value, time."""
    store = sqlite3.connect(trained / "marginalia.db")
    found = {}
    for trial, name, *row in store.execute("SELECT trial_id, name, step, value, time FROM metrics ORDER BY step"):
        found.setdefault((trial, name), []).append(row)
    store.close()
    assert len(found) > 20
    return found


def equals(tables, points):
    """Whether a table in long form has exactly these points."""
    groups = {key: group.sort_values("step")[["step", "value", "time"]] for key, group in tables}
    assert groups.keys() == points.keys()
    for key, rows in points.items():
        numpy.testing.assert_array_equal(groups[key].to_numpy(float), numpy.array(rows, float))


def test_pandas_reads_csv(export, trained, points):
    pandas = pytest.importorskip("pandas")
    export("--out", "points.csv")
    equals(pandas.read_csv(trained / "points.csv").groupby(["trial_id", "name"]), points)


def test_pandas_reads_json(export, trained, points):
    pandas = pytest.importorskip("pandas")
    export("--format", "json", "--out", "points.json")
    rows = json.loads((trained / "points.json").read_text())
    equals(pandas.DataFrame(rows).groupby(["trial_id", "name"]), points)


def test_conditions_choose_trials(export):
    rows = json.loads(export("final", "--where", "seed = 1", "--format", "json").stdout)
    assert {row["seed"] for row in rows} == {1}
    assert export("final", "--where", "seed = 77", code=5).stdout.count("\n") == 1


def test_the_line_for_parquet_writes_it(export, trained, points):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for what in ("metrics", "final", "trials"):
        words = shlex.split(export(what, "--format", "parquet", code=2).stderr.partition(": python3 ")[2])
        subprocess.run(
            [sys.executable, *words],
            cwd=trained,
            check=True,
            env={"PYTHONPATH": f"{SOURCE}/python:" + ":".join(sys.path)},
        )
    equals(pandas.read_parquet(trained / "metrics.parquet").groupby(["trial_id", "name"]), points)
    with marginalia.open(trained / "marginalia.db") as store:
        finals = store.final_metrics()
    assert pandas.read_parquet(trained / "final.parquet").equals(finals)
    assert len(pandas.read_parquet(trained / "trials.parquet")) == 2


def test_tensorboard_reads_its_events(export, trained, points):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    said = export("--format", "tensorboard", "--out", "runs").stderr
    assert said.startswith("2 runs written to runs")
    export("--format", "tensorboard", "--out", "runs")  # again: no point twice
    for trial in {trial for trial, _ in points}:
        read = EventAccumulator(str(trained / "runs/lattice" / str(trial)), size_guidance={"scalars": 0})
        read.Reload()
        tags = set(read.Tags()["scalars"])
        assert {tag for tag in tags if not tag.startswith("final/")} == {name for of, name in points if of == trial}
        for (of, name), rows in points.items():
            if of != trial:
                continue
            events = [(event.step, event.value, event.wall_time) for event in read.Scalars(name)]
            steps, values, times = (numpy.array(column, float) for column in zip(*rows))
            numpy.testing.assert_array_equal([event[0] for event in events], steps)
            numpy.testing.assert_array_equal([event[1] for event in events], values.astype(numpy.float32))
            numpy.testing.assert_array_equal([event[2] for event in events], times)
        with marginalia.open(trained / "marginalia.db") as store:
            for row in store.final_metrics(trial=trial).itertuples():
                (event,) = read.Scalars(f"final/{row.name}")
                assert event.value == numpy.float32(row.value) or numpy.isnan(row.value)


def test_what_cannot_be_written_is_said(export, trained):
    assert "name it by --out FOLDER" in export("--format", "tensorboard", code=2).stderr
    assert "leave out 'final'" in export("final", "--format", "tensorboard", "-o", "x", code=2).stderr
    Path(trained, "taken").write_text("")
    assert "cannot be made" in export("--format", "tensorboard", "--out", "taken", code=2).stderr
