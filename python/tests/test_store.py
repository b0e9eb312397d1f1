"""Stores as tables: what is in them, filters, rankings, refusals, a store that is written meanwhile."""

from __future__ import annotations

import math
import os
import re
import signal
import sqlite3
import threading
import time

import pytest

import marginalia
from conftest import SOURCE, add_trial
from marginalia import _metrics
from marginalia._database import LAYOUT


@pytest.fixture
def store(store_file):
    with marginalia.open(store_file, pandas=False) as opened:
        yield opened


def ids(rows):
    return [row["trial_id"] for row in rows]


def test_trials_have_the_columns_of_the_view_and_a_config(store):
    trials = store.trials()
    assert ids(trials) == [1, 2, 3, 4, 5]
    assert trials[0]["config"]["train"] == {"learning_rate": 1e-3, "steps": 20}
    assert list(trials[0])[:6] == ["trial_id", "experiment", "status", "seed", "config", "config_hash"]
    assert trials[3]["error"] == "out of luck"


def test_filters(store):
    assert ids(store.trials(experiment="other")) == [5]
    assert ids(store.trials(experiment=["other", "sweep"], status="failed")) == [4]
    assert ids(store.trials(seed=[1])) == [2, 4]
    assert ids(store.trials(config={"train.learning_rate": 2e-3})) == [3, 4]
    assert ids(store.trials(config={"learning_rate": [1e-3, 3e-3]}, seed=0)) == [1, 5]
    assert ids(store.trials(where="error IS NOT NULL OR trial_id = 2")) == [2, 4]
    assert ids(store.trials(experiment="sweep", where="0 OR 1")) == [1, 2, 3, 4]
    assert ids(store.trials(trial=["best:kl", 4])) == [2, 4]
    assert ids(store.trials(trial=[])) == []


def test_rankings_are_of_one_energy(store_file, tmp_path):
    copy = tmp_path / "copy.db"
    copy.write_bytes(store_file.read_bytes())
    with sqlite3.connect(copy) as connection:
        connection.execute(
            "UPDATE trials SET config = replace(config, '\"rows\": 2', '\"rows\": 3') WHERE trial_id = 5"
        )
    with marginalia.open(copy, pandas=False) as store:
        words = (
            r"'spearman' of 2 energies or data sets is not comparable; .* the best of each: 5 of 'other', 3 of 'sweep'"
        )
        for rank in (
            lambda: store.best("spearman"),
            lambda: store.ranking("spearman"),
            lambda: store.trials(trial="best:spearman"),
        ):
            with pytest.raises(marginalia.Error, match=words) as refused:
                rank()
            assert refused.value.exit_code == 5
        assert ids(store.trials(trial="best:spearman@sweep")) == [3]
        assert ids(store.trials(trial="best:spearman:min@other")) == [5]
        assert store.best("spearman", experiment="other")["trial_id"] == 5


def test_trials_by_name(store):
    assert ids(store.trials(trial="last")) == [5]
    assert ids(store.trials(trial="3")) == [3]
    assert ids(store.trials(trial="best:spearman")) == [5]
    assert ids(store.trials(trial="best:spearman:min")) == [1]
    assert ids(store.trials(trial="00000bb8")) == [5]
    assert ids(store.trials(trial="000003e8:1")) == [2]
    with pytest.raises(marginalia.Error, match=r"'000003e8' names 2 trials \(1, 2\); give a number, or a seed"):
        store.trials(trial="000003e8")
    with pytest.raises(marginalia.Error, match="there is no trial '77'; name one by its number, 'last'"):
        store.trials(trial="77")


def test_misspelt_names_are_refused_with_the_nearest(store):
    for call, words in (
        (lambda: store.trials(experiment="swep"), "there is no experiment 'swep' in this store; did you mean 'sweep'?"),
        (lambda: store.trials(status="dnoe"), "there is no status 'dnoe'; did you mean 'done'?"),
        (lambda: store.trials(config={"train.learning_rte": 1}), "did you mean 'train.learning_rate'?"),
        (lambda: store.curves("losss"), "there is no metric 'losss' in this store; did you mean 'loss'?"),
        (lambda: store.best("kll"), "no trial that is done has a finite 'kll'; did you mean 'kl'?"),
        (lambda: store.trials(where="nonsense = 1"), "the statement was refused by SQLite: no such column: nonsense"),
    ):
        with pytest.raises(marginalia.Error, match=re.escape(words)):
            call()
    with pytest.raises(TypeError, match="'experimnt' is no filter; did you mean 'experiment'"):
        store.trials(experimnt="sweep")
    assert store.curves("nll_bits") == []  # known, and nobody has it yet


def test_results_side_by_side(store):
    rows = store.results(experiment="sweep")
    assert list(rows[0]) == ["trial_id", "experiment", "status", "seed", "train.learning_rate", "kl", "spearman"]
    assert list(store.results("all")[0])[5:] == ["kl", "kl_stderr", "spearman"]
    assert [row["kl"] for row in rows[:3]] == [0.3, 0.1, math.inf] and math.isnan(rows[3]["kl"])
    assert list(store.results("kl", keys=["steps"])[0])[4:] == ["train.steps", "kl"]


def test_long_tables(store):
    finals = store.final_metrics("kl", experiment="sweep")
    assert [(row["trial_id"], row["value"]) for row in finals] == [(1, 0.3), (2, 0.1), (3, math.inf)]
    curves = store.curves("loss", trial=2)
    assert [(row["step"], row["value"]) for row in curves if row["step"] == 20] == [(20, 7.0)]
    assert math.isnan(curves[0]["value"])
    assert {row["step"] for row in store.curves("loss", every=20)} == {20}
    assert store.checkpoints() == [{"trial_id": 1, "step": 20, "bytes": 1000, "created": "2026-01-01T00:00:00.000Z"}]
    assert store.experiments() == ["sweep", "other"]
    assert store.metrics() == ["kl", "kl_stderr", "spearman", "loss"]


def test_samples(store):
    (states,) = store.samples(kind="states")
    assert states["data"].x.tolist() == [[0, 1, 1, 0], [1, 1, 2, 0]] and states["data"].x.dtype == "int64"
    assert states["data"].shape == (2, 2) and states["data"].texts == ["a", "b"]
    assert [row["data"] for row in store.samples("samples", trial=5)] == ["<svg/>"]


@pytest.mark.parametrize(
    "data",
    ["", "[]", "{}", '{"shape": [2, 2], "categories": 2, "states": [[0, 1, 3, 0]]}', '{"shape": [3], "states": [[0]]}'],
)
def test_samples_of_another_form_are_refused(connection, tmp_path, data):
    connection.execute("UPDATE samples SET data = ? WHERE kind = 'states'", [data])
    with marginalia.open(tmp_path / "store.db") as store, pytest.raises(marginalia.Error, match="not of the form"):
        store.samples()


def test_best_is_finite_and_done(store):
    assert (store.best("kl")["trial_id"], store.best("kl")["value"]) == (2, 0.1)
    assert store.best("kl", highest=True)["trial_id"] == 1  # not the infinite one
    assert store.best("spearman")["trial_id"] == 5 and store.best("kl", experiment="other")["trial_id"] == 5
    assert store.best("loss")["trial_id"] == 1  # by the last recorded value, where there is no final one
    rows = store.ranking("kl")
    assert [(row["trial_id"], row["kl"]) for row in rows] == [(2, 0.1), (5, 0.2), (1, 0.3)]
    assert ids(store.ranking("kl", 1)) == [2]


def test_dataframes(store_file):
    pandas = pytest.importorskip("pandas")
    with marginalia.open(store_file) as store:
        results = store.results(experiment="sweep")
        assert isinstance(results, pandas.DataFrame) and results["kl"].dtype == float
        finite = results[results["kl"] < math.inf]
        assert finite.groupby("train.learning_rate")["kl"].mean().to_dict() == {1e-3: 0.2}
        assert list(store.trials(where="0").columns)[:2] == ["trial_id", "experiment"]
        assert store.query("SELECT count(*) AS n FROM trials")["n"][0] == 5


def test_it_only_reads(store_file):
    before = store_file.read_bytes()
    with marginalia.open(store_file, pandas=False) as store:
        for sql in (
            "DELETE FROM trials",
            "UPDATE sqlite_master SET sql = ''",
            "INSERT INTO metrics VALUES (1, 'x', 1, 1, 1)",
            "ATTACH '/tmp/elsewhere.db' AS elsewhere",
            "PRAGMA query_only = 0",
            "PRAGMA journal_mode = DELETE",
            "SELECT 1; SELECT 2",
            "SELECT load_extension('x')",
            "CREATE TEMP TABLE t(a)",
        ):
            with pytest.raises(marginalia.Error):
                store.query(sql)
        assert store.query("SELECT count(*) AS n FROM trials WHERE seed = ?", [0])[0]["n"] == 3
    assert store_file.read_bytes() == before
    assert [path.name for path in store_file.parent.iterdir()] == ["store.db"]  # no log is left beside it


def test_ctrl_c_stops_a_statement(store):
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        store.query(endless)
    assert len(store.trials()) == 5


def test_a_store_that_cannot_be_written(store_file):
    store_file.chmod(0o444)
    store_file.parent.chmod(0o555)
    try:
        with marginalia.open(store_file, pandas=False) as store:
            assert len(store.trials()) == 5
    finally:
        store_file.parent.chmod(0o755)


def test_reading_while_a_sweep_writes(connection, tmp_path):
    """A writer that commits all the time, as a sweep does: every answer is whole, and later ones see more."""
    file, stop = tmp_path / "store.db", threading.Event()

    def write():
        own = sqlite3.connect(file, isolation_level=None, timeout=30)
        trial = 100
        while not stop.is_set():
            own.execute("BEGIN IMMEDIATE")
            add_trial(own, trial, experiment="live", kl=0.5)
            own.execute("COMMIT")
            trial += 1
        own.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with marginalia.open(file, pandas=False) as store:
            while not store.trials(where="experiment = 'live'"):
                pass
            seen, until = [], time.monotonic() + 60
            while len(set(seen)) < 5 and time.monotonic() < until:
                rows = store.query(
                    "SELECT count(*) AS trials, (SELECT count(*) FROM final_metrics JOIN trials USING (trial_id) "
                    "WHERE experiment = 'live' AND name = 'kl') AS finals FROM trials WHERE experiment = 'live'"
                )
                assert rows[0]["trials"] == rows[0]["finals"]
                seen.append(rows[0]["trials"])
                store.results(experiment="live")
            assert seen == sorted(seen) and len(set(seen)) == 5
    finally:
        stop.set()
        writer.join()


def test_a_lock_is_waited_for(store_file):
    """An exclusive lock, as while SQLite's log is being made or recovered."""
    own = sqlite3.connect(store_file, isolation_level=None, check_same_thread=False)
    own.execute("PRAGMA locking_mode = EXCLUSIVE")
    own.execute("BEGIN EXCLUSIVE")
    own.execute("UPDATE trials SET seed = 7 WHERE trial_id = 1")
    own.execute("COMMIT")  # the lock stays
    threading.Timer(0.5, own.close).start()
    with marginalia.open(store_file, pandas=False) as store:
        assert store.trials(trial=1)[0]["seed"] == 7


def test_what_is_no_store_is_refused_in_one_sentence(tmp_path, store_file):
    (tmp_path / "text").write_text("some text")
    (tmp_path / "empty").write_text("")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t(a)").connection.close()
    for name, words in (
        ("none.db", "there is no store .*none.db; run an experiment first, or name another file"),
        ("text", "text is not a marginalia store but a file of another kind"),
        ("empty", "empty is not a marginalia store but an empty file"),
        ("other.db", "other.db is not a marginalia store but another program's SQLite database"),
        ("", "is not a marginalia store but a folder"),
    ):
        with pytest.raises(marginalia.Error, match=words) as refused:
            marginalia.open(tmp_path / name)
        assert refused.value.exit_code == 4 and "\n" not in str(refused.value)
    damaged = bytearray(store_file.read_bytes())
    damaged[4096:] = os.urandom(len(damaged) - 4096)
    store_file.write_bytes(damaged)
    with (
        marginalia.open(store_file) as store,
        pytest.raises(marginalia.Error, match=r"is damaged .* marginalia recover"),
    ):
        store.trials()


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (LAYOUT + 1, "has layout version 6 and this package knows versions up to 5; install the package of the newer"),
        (LAYOUT - 1, "has the older layout version 4 .* bring it up to date with: marginalia resume --store"),
    ],
)
def test_other_layouts_are_refused(connection, tmp_path, version, words):
    connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(marginalia.Error, match=words) as refused:
        marginalia.open(tmp_path / "store.db")
    assert refused.value.exit_code == 4


def test_the_program_writes_this_layout():
    steps = re.findall(r"^constexpr std::string_view version_(\d+)", (SOURCE / "store/schema.cpp").read_text(), re.M)
    assert int(steps[-1]) == LAYOUT


def test_metrics_are_those_of_the_program():
    table = (SOURCE / "kernel/spec/metrics.cpp").read_text().partition("metric_table[] = {")[2].partition("\n};")[0]
    rows = re.findall(r'\{"(\w+)", "([^"]*)", Goal::(\w+), ([^,]+),', table)
    assert len(rows) > 50
    for name, unit, goal, _ in rows:
        assert _metrics.unit_of(name) == unit, name
        assert _metrics.highest_is_best(name) == (goal == "high"), name
    in_tables = [name for name, _, _, uses in rows if "in_tables" in uses]
    assert _metrics.by_importance(in_tables) == in_tables and _metrics.main_metrics() == set(in_tables)
    assert _metrics.title_of("kl_bound_stderr") == "kl_bound_stderr [nats]"
    assert _metrics.title_of("kl@coupling=0.3_stderr") == "kl@coupling=0.3_stderr [nats]"  # of one energy of a family
    assert _metrics.highest_is_best("ess@coupling=0.3") and not _metrics.highest_is_best("kl@coupling=0.3")
    assert _metrics.title_of("observable.magnetisation") == "observable.magnetisation"
