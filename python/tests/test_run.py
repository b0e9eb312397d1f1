"""Running experiments: what comes back, refusals, failures, Ctrl-C, progress."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time

import pytest

import marginalia
from conftest import LATTICE, SOURCE


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MARGINALIA_STORE", raising=False)


def rows_of(table):
    return table.to_dict("records") if hasattr(table, "to_dict") else table


def test_trials_come_back_with_what_they_were_and_their_figures(trained):
    with marginalia.open(trained / "marginalia.db") as store:
        rows = rows_of(store.results())
    assert [(row["experiment"], row["status"], row["seed"]) for row in rows] == [
        ("lattice", "done", 0),
        ("lattice", "done", 1),
    ]
    assert all(0 < row["kl"] < 3 and row["spearman"] > 0 for row in rows)
    assert not list(trained.glob(".lattice*"))  # the dict's file is gone


def test_a_dict_with_overrides_and_again(program, capfd):
    overrides = {
        "train.steps": 4,
        "seeds": [3],
        "objective.penalty": [0.5, 2.0],
        "evaluation.samples": 8,
        "name": "penalties",
    }
    rows = rows_of(marginalia.run(LATTICE, overrides, "other.db"))
    assert [(row["experiment"], row["seed"], row["objective.penalty"]) for row in rows] == [
        ("penalties", 3, 0.5),
        ("penalties", 3, 2.0),
    ]
    said = capfd.readouterr().err
    assert "penalties: 2 trials, 2 to run" in said
    rows = rows_of(marginalia.run(LATTICE, overrides, "other.db", quiet=True))
    assert len(rows) == 2 and capfd.readouterr().err == ""


def test_a_file_with_words(program, tmp_path):
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder/experiment.toml"
    file.write_text(
        'name = "file"\n[energy]\nplugin = "ising"\nrows = 2\ncolumns = 2\n[network]\nplugin = "mlp"\nhidden = 8\n'
        '[sampler]\nplugin = "block-gibbs"\n[objective]\nplugin = "mam-energy"\n[evaluation]\nsamples = 8\n'
    )
    rows = rows_of(marginalia.run(file, ["train.steps=3", "train.batch=8"], quiet=True))
    assert [row["experiment"] for row in rows] == ["file"] and os.path.exists("marginalia.db")


def test_refusals_have_the_programs_words_and_code(program, capfd):
    with pytest.raises(marginalia.Error) as refused:
        marginalia.run({**LATTICE, "train": {"stpes": 3}})
    words = "unknown key 'stpes' in [train]; did you mean 'steps'?"
    assert refused.value.exit_code == 2 and str(refused.value).startswith(words)
    assert capfd.readouterr().err == ""  # said once
    with pytest.raises(marginalia.Error, match="unknown energy plugin 'isin'") as refused:
        marginalia.run({**LATTICE, "energy": {"plugin": "isin"}})
    assert refused.value.exit_code == 3
    with pytest.raises(marginalia.Error, match=r"none.toml"):
        marginalia.run("none.toml")
    with pytest.raises(marginalia.Error, match="no program here; set MARGINALIA") as refused:
        marginalia.run(LATTICE, program="/nowhere/marginalia")
    assert refused.value.exit_code == 3


def test_a_trial_that_fails(program):
    wrong = {
        **LATTICE,
        "name": "wrong",
        "seeds": [0],
        "objective": {"plugin": "arm"},
        "sampler": {"plugin": "ancestral"},
    }
    with pytest.raises(
        marginalia.Error, match=r"1 trial of wrong did not end well\ntrial 1 \(failed\): objective 'arm'"
    ) as failed:
        marginalia.run(wrong, quiet=True)
    assert failed.value.exit_code == 1
    assert [row["status"] for row in rows_of(failed.value.trials)] == ["failed"]
    assert [row["status"] for row in rows_of(marginalia.run(wrong, quiet=True, check=False))] == ["failed"]


SCRIPT = """
import json, sys
sys.path.insert(0, {package!r})
import marginalia
try:
    marginalia.run(json.loads({experiment!r}), {{"train.steps": 1000000, "seeds": [0]}})
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def start(terminal):
    """A script that trains for ever, in a process group of its own as a shell would have it."""
    code = SCRIPT.format(package=str(SOURCE / "python"), experiment=json.dumps(LATTICE))
    ours, its = pty.openpty() if terminal else os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-B", "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=its,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(its)
    return child, ours


def heard(descriptor, words, seconds=60):
    """What is said until the words are."""
    said, until = "", time.monotonic() + seconds
    while words not in said:
        assert time.monotonic() < until, said
        data = os.read(descriptor, 65536).decode("utf-8", "replace")
        assert data, said
        said += data
    return said


@pytest.mark.parametrize("terminal", [True, False])
def test_ctrl_c_lets_trials_checkpoint(program, terminal):
    """On a terminal, with the program's block of lines; and in lines. The signal goes to the whole group, as those of a
    terminal and of Jupyter do, and yet reaches the program once: twice would end it at once, without a checkpoint."""
    child, ours = start(terminal)
    try:
        # On a terminal the bar of the training, elsewhere the line that says it began.
        heard(ours, "steps/s" if terminal else "started on")
        time.sleep(0.5)
        os.killpg(child.pid, signal.SIGINT)
        heard(ours, "marginalia resume lattice")
        assert child.stdout.read() == b"interrupted\n" and child.wait(30) == 0
    finally:
        os.close(ours)
        child.kill()
        child.stdout.close()
    with marginalia.open("marginalia.db", pandas=False) as store:
        assert [trial["status"] for trial in store.trials()] == ["preempted"]
        assert store.checkpoints()[0]["step"] > 0


def test_the_run_ends_with_python(program):
    """kill -9 of Python: the program stops after a checkpoint instead of going on unseen."""
    child, ours = start(terminal=False)
    heard(ours, "started on")
    time.sleep(0.5)
    child.kill()
    child.wait()
    os.close(ours)
    child.stdout.close()
    until = time.monotonic() + 30
    with marginalia.open("marginalia.db", pandas=False) as store:
        while store.trials()[0]["status"] == "running":
            assert time.monotonic() < until
            time.sleep(0.1)
        assert store.trials()[0]["status"] == "preempted"


def test_progress_in_a_notebook(trained):
    """The text under the cell, from the store; and of the program's lines those that are no progress."""
    from marginalia._run import _NotebookView

    view = _NotebookView.__new__(_NotebookView)
    view._file, view._before, view._first = str(trained / "marginalia.db"), 0, None
    assert view._text() == (
        "<progress value='2.0000' max='2' style='width: 16em'></progress> lattice: 2 of 2 trials done"
    )
    view._before = 1
    assert view._text() == ""
    assert view._left(0.5, 8) == ""
    view._first = (time.monotonic() - 10, 0.5)
    assert [view._left(share, 8) for share in (0.5, 1.5, 4.5)] == ["", "about 65 s left", "about 9 s left"]
    view._first = (time.monotonic() - 600, 0)
    assert [view._left(share, 8) for share in (4, 0.5)] == ["about 10 min left", "about 2.5 h left"]


def test_lines_of_progress_are_the_bars(capsys):
    from marginalia._run import _NotebookView

    view = _NotebookView.__new__(_NotebookView)
    view._begun = ""
    for text in (
        "trial 1 (seed 0) started",
        " on cpu\ntrial 1: training 10/40, 5 steps/s\nno GPU ",
        "is used: no driver\n",
    ):
        view.hear(text)
    assert capsys.readouterr().out == "no GPU is used: no driver\n"
