"""kill -9 at any moment of `rm`, `restore` and `gc`: the next command mends what that left. Every trial is in the store or
in its trash, in one of them and as it was, until `gc` empties the trash, and then it is gone for good and nothing else.

FAULT_ROUNDS kills, from FAULT_SEED on.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", required=True)
parser.add_argument("--sample", required=True, help="program that writes the sample store")
parser.add_argument("--worker", required=True, help="for a sweep that runs meanwhile")
parser.add_argument("--plugins", required=True)
arguments = parser.parse_args()

ROUNDS = int(os.environ.get("FAULT_ROUNDS") or 24)
chance = random.Random(int(os.environ.get("FAULT_SEED") or 1))
VIEWS = ["trials", "metrics", "summaries", "final_metrics", "checkpoints", "samples", "tags", "notes"]


def words(*arguments_of_verb):
    return [arguments.host, *arguments_of_verb]


def verb(*arguments_of_verb, code=0):
    done = subprocess.run(words(*arguments_of_verb), cwd=folder, capture_output=True, text=True, timeout=120)
    check(done.returncode == code, f"{arguments_of_verb}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check(good, what):
    if not good:
        sys.exit(f"trash_test: {what}")


def opened(name):
    return contextlib.closing(sqlite3.connect(f"file:{os.path.join(folder, name)}?mode=rw", uri=True))


def contents(name):
    """Of each trial, a digest of all that it has."""
    if not os.path.exists(os.path.join(folder, name)):
        return {}
    with opened(name) as store:
        check(store.execute("PRAGMA integrity_check").fetchone()[0] == "ok", f"{name} is damaged")
        found = {}
        for (trial,) in store.execute("SELECT trial_id FROM trials").fetchall():
            digest = hashlib.sha256()
            for view in VIEWS:
                columns = [row[1] for row in store.execute(f"PRAGMA table_info({view})")]
                kept = ", ".join(c for c in columns if c not in ("sweep_id", "evaluation_id"))  # numbers of the file's
                for row in store.execute(f"SELECT {kept} FROM {view} WHERE trial_id = ? ORDER BY {kept}", (trial,)):
                    digest.update(repr(row).encode())
            pieces = store.execute(
                "SELECT k.step, p.number, p.data FROM checkpoint k JOIN checkpoint_piece p ON p.trial = k.trial AND "
                "p.archive = k.archive WHERE k.trial = ? ORDER BY 1, 2",
                (trial,),
            )
            for row in pieces:
                digest.update(repr(row).encode())
            found[trial] = digest.hexdigest()
        return found


def size_on_disk():
    return sum(os.path.getsize(os.path.join(folder, name)) for name in ("marginalia.db", "marginalia.trash.db"))


def killed(*arguments_of_verb, most_seconds):
    """Whether it was: it may have ended before."""
    process = subprocess.Popen(
        words(*arguments_of_verb), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(chance.random() * most_seconds)
    process.kill()
    return process.wait() == -signal.SIGKILL


def seconds_of(*arguments_of_verb):
    began = time.time()
    verb(*arguments_of_verb)
    return time.time() - began


SWEEP = """name = "running"
seeds = [0, 1, 2]
[energy]
plugin = "fake"
step_milliseconds = 30.0
[network]
plugin = "fake"
[objective]
plugin = "fake"
[train]
steps = 100
[run]
device = "fake:0"
"""


def removed_from_a_running_sweep():
    """One that waits may go, one that runs may not; the run goes on with the others."""
    around = {**os.environ, "MARGINALIA_WORKER": arguments.worker, "MARGINALIA_PLUGIN_PATH": arguments.plugins}
    with open(os.path.join(folder, "running.toml"), "w") as file:
        file.write(SWEEP)
    run = subprocess.Popen(
        words("--store", "running.db", "run", "running.toml"),
        cwd=folder,
        env=around,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.time() + 60
    while "running" not in statuses("running.db") and time.time() < end:
        time.sleep(0.02)
    refused = subprocess.run(
        words("--store", "running.db", "rm", "1", "3"), cwd=folder, capture_output=True, text=True, timeout=60
    )
    check(refused.returncode == 2, f"rm of a running trial: exit code {refused.returncode}\n{refused.stderr}")
    check("trial 1 is running; stop what runs before it is removed" in refused.stderr, refused.stderr)
    verb("--store", "running.db", "rm", "3")
    verb("--store", "running.db", "gc")  # which leaves the pages of a store in use where they are
    out, said = run.communicate(timeout=60)
    check(run.returncode == 0, f"the run ended with {run.returncode}\n{out}{said}")
    check("trial 3 (seed 2) was removed meanwhile; marginalia restore 3 brings it back" in said, said)
    check(statuses("running.db") == ["done", "done"], f"the run left {statuses('running.db')}")


def statuses(name):
    try:
        with opened(name) as store:
            return [status for (status,) in store.execute("SELECT status FROM trials ORDER BY trial_id")]
    except sqlite3.OperationalError:
        return []


with tempfile.TemporaryDirectory() as folder:
    removed_from_a_running_sweep()
    subprocess.run([arguments.sample, os.path.join(folder, "marginalia.db")], check=True)
    with opened("marginalia.db") as store:  # as large as trials of some size
        store.execute("UPDATE checkpoint_piece SET data = randomblob(400000)")
        store.execute("UPDATE checkpoint SET bytes = 400000")
        store.commit()
    verb("tag", "1", "5", "13", "good")
    verb("note", "5", "a thought")
    before = contents("marginalia.db")
    check(len(before) == 13, "the sample store has other trials")
    lattice = [str(trial) for trial in range(1, 13)]
    longest = seconds_of("rm", "-e", "lattice")
    longest = max(longest, seconds_of("restore", "-e", "lattice"))
    check(contents("marginalia.db") == before, "restore changed something")

    kills = moved = 0
    for number in range(ROUNDS):
        here, there = contents("marginalia.db"), contents("marginalia.trash.db")
        command = chance.choice(["rm", "restore", "gc"])
        if command == "gc":
            kills += killed("gc", "--older-than", "1", most_seconds=longest / 2)
        elif command == "rm":
            some = [trial for trial in lattice if int(trial) in here]
            kills += killed("rm", *some, most_seconds=longest / 2)
        else:
            some = [str(trial) for trial in there]
            kills += killed("restore", *some, most_seconds=longest / 2)
        verb("gc", "--older-than", "1")  # the next command
        here, there = contents("marginalia.db"), contents("marginalia.trash.db")
        what = f"round {number}, {command}"
        check(not set(here) & set(there), f"{what}: in both: {sorted(set(here) & set(there))}")
        check({**here, **there} == before, f"{what}: lost or changed: {sorted(set(before) - set(here) - set(there))}")
        moved += len(there) > 0
    print(f"trash: {ROUNDS} rounds, {kills} killed, {moved} with trials in the trash")

    if there := contents("marginalia.trash.db"):
        verb("restore", *map(str, there))
    verb("rm", *lattice)
    foretold = json.loads(verb("gc", "--dry-run", "--format", "json"))
    size = size_on_disk()
    for _ in range(4):
        kills += killed("gc", most_seconds=longest / 4)
        check(contents("marginalia.db") == {13: before[13]}, "gc took a trial of the store")
    verb("gc")
    freed = size - size_on_disk()
    promised = sum(kind["size"] for kind in foretold)
    check(abs(freed - promised) <= promised / 50 + 131072, f"gc foretold {promised} bytes and freed {freed}")
    check(contents("marginalia.trash.db") == {}, "gc left something in the trash")
    check(contents("marginalia.db") == {13: before[13]}, "gc took a trial of the store")
    verb("restore", "3", code=5)
    print(f"trash: gc foretold {promised} bytes in the end and freed {freed}")
