"""Evaluation is stopped within seconds in whatever a plugin is doing; the checkpoint of the training stands, and the trial goes
on from it. What does not fit into run.exact_seconds is left out aloud. Through the real programs.

    stop_evaluation_test.py BIN_DIR PLUGIN_DIR FAULTY_PLUGIN_DIR
"""

import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from real_programs import failed, failures, plugins, rows, start

faulty = pathlib.Path(sys.argv[3]).resolve()
longest = 20  # s from Ctrl-C to the end on a loaded machine; 2 on a quiet one

EXPERIMENT = """
name = "stop"
[energy]
plugin = "blocking"
where = "{where}"
[network]
plugin = "mlp"
hidden = 4
layers = 1
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
[train]
steps = 3
batch = 8
[evaluation]
every = {every}
samples = 8
nll_samples = 8
marginal_states = 8
marginal_time = false
pictures = 2
[run]
exact_seconds = {seconds}
device = "cpu"
cores = 1
"""

# Where it blocks -> (words of the progress that say so, whether there is a checkpoint by then)
stages = {
    "constructor": (None, False),
    "log_z": ("exact log Z", True),
    "entropy": ("exact entropy", True),
    "reference": ("reference states", True),
    "marginals": ("exact log-marginals", True),
    "text": (None, True),
}


def begin(folder):
    return start(folder, "run", "e.toml", MARGINALIA_PLUGIN_PATH=f"{plugins}:{faulty}")


def asked(folder, query):
    try:
        found = rows(folder, query)
    except sqlite3.OperationalError:  # not made yet
        return None
    return found[0] if found else None


def wait_for(what, seconds=120):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def write(folder, where, every=0, seconds=300):
    (folder / "e.toml").write_text(EXPERIMENT.format(where=where, every=every, seconds=seconds))


def stop_in(where, every, checkpoint):
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        write(folder, where, every)
        run = begin(folder)
        sign = "SELECT 1 FROM checkpoints" if checkpoint else "SELECT 1 FROM trials WHERE status = 'running'"
        if not wait_for(lambda: asked(folder, sign) or run.poll() is not None):
            failed(f"{where}: nothing happens")
        time.sleep(1)  # into the method that blocks
        if run.poll() is not None:
            failed(f"{where}: the run ended by itself\n{run.communicate()}")
            return
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        try:
            out, err = run.communicate(timeout=longest)
        except subprocess.TimeoutExpired:
            run.kill()
            failed(f"{where}, every {every}: not stopped within {longest} s")
            return
        print(f"{where}, every {every}: stopped after {time.monotonic() - begun:.1f} s")
        status = asked(folder, "SELECT status FROM trials")
        if run.returncode != 130 or status != ("preempted",):
            failed(f"{where}, every {every}: exit code {run.returncode}, status {status}\n{out}{err}")
        found = asked(folder, "SELECT max(step) FROM checkpoints")
        if found != ((3,) if checkpoint else (None,)):
            failed(f"{where}, every {every}: the newest checkpoint is of {found}")


for where, (words, checkpoint) in stages.items():
    stop_in(where, 0, checkpoint)
stop_in("log_z", 1, False)  # quick evaluations want it before the training

# An energy that takes seconds for the states with one known site, and a budget that has room for none of them.
with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    write(folder, "slow_marginals", seconds=0.5)
    run = begin(folder)
    out, err = run.communicate(timeout=300)
    figures = asked(folder, "SELECT value FROM final_metrics WHERE name = 'marginal_states'")
    if run.returncode != 0 or not figures or not 0 < figures[0] < 8:
        failed(f"budget: exit code {run.returncode}, marginal_states {figures}\n{out}{err}")
    if not re.search(r"trial 1: exact log-marginals: [1-7] of 8 states, those with the most known sites", err):
        failed(f"budget: nothing is said\n{err}")

print(f"stop_evaluation: {len(stages) + 2} inputs, {len(failures)} faults")
sys.exit(bool(failures))
