"""[hooks] of an experiment file, with a fake worker: what commands get, what becomes of those that fail, hang, are too many
or are a stranger's.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", required=True)
parser.add_argument("--program", required=True, help="marginalia, for what the host of the tests does not know")
parser.add_argument("--worker", required=True)
parser.add_argument("--plugins", required=True)
arguments = parser.parse_args()
TOML = """name = "hooked"
seeds = [{seeds}]
[energy]
plugin = "fake"
{energy}
[network]
plugin = "fake"
[objective]
plugin = "fake"
[train]
steps = 10
[run]
device = "fake:0"
[hooks]
{hooks}
"""
failures = []


def expect(right, what):
    if not right:
        failures.append(what)
        print("FAILED", what, flush=True)


class Place:
    def __init__(self, path, hooks, seeds="0, 1", energy=""):
        self.path = pathlib.Path(path)
        self.write(hooks, seeds, energy)

    def write(self, hooks, seeds="0, 1", energy=""):
        lines = "\n".join(f"{key} = {json.dumps(command)}" for key, command in hooks.items())
        (self.path / "hooked.toml").write_text(TOML.format(seeds=seeds, energy=energy, hooks=lines))

    def run(self, *words, code=0, program=None, me="me"):
        environment = {
            **os.environ,
            "NO_COLOR": "1",
            "MARGINALIA_WORKER": arguments.worker,
            "MARGINALIA_PLUGIN_PATH": arguments.plugins,
            "XDG_STATE_HOME": str(self.path / me),
        }
        began = time.time()
        done = subprocess.run(
            [program or arguments.host, *words],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.seconds = time.time() - began
        expect(done.returncode == code, f"{words}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
        return done.stderr

    def lines(self, name):
        file = self.path / name
        return file.read_text().splitlines() if file.exists() else []

    def kl_of(self, trial):
        with contextlib.closing(sqlite3.connect(self.path / "marginalia.db")) as store:
            return store.execute(
                "SELECT value FROM final_metrics WHERE name = 'kl' AND trial_id = ?", (trial,)
            ).fetchone()[0]


def commands_get_what_ended(folder):
    place = Place(
        folder,
        {
            "finish": "cat >> finished; echo $MARGINALIA_HOOK $MARGINALIA_EXPERIMENT $MARGINALIA_TRIAL $MARGINALIA_STORE >> seen",
            "fail": "cat >> failed",
            "sweep_end": "cat >> end; echo $MARGINALIA_HOOK $MARGINALIA_TRIAL. >> seen; wc -l < finished > order",
        },
    )
    place.run("run", "hooked.toml")
    trials = [json.loads(line) for line in place.lines("finished")]
    expect(sorted(trial["trial"] for trial in trials) == [1, 2], f"finish of {trials}")
    for trial in trials:
        expect(trial["status"] == "done" and trial["experiment"] == "hooked", f"finish: {trial}")
        expect(abs(trial["final_metrics"]["kl"] - place.kl_of(trial["trial"])) < 1e-15, f"finish: {trial}")
        expect(trial["config"]["train"]["steps"] == 10 and "provenance" not in trial, f"finish: {trial}")
    store = str(place.path / "marginalia.db")
    expect(
        sorted(place.lines("seen")) == [f"finish hooked 1 {store}", f"finish hooked 2 {store}", "sweep_end ."],
        f"seen: {place.lines('seen')}",
    )
    expect(place.lines("order") == ["2"], "sweep_end ran before the trials' own")
    (end,) = [json.loads(line) for line in place.lines("end")]
    expect(
        [end[key] for key in ("experiment", "trials", "done", "failed", "already_done", "stopped", "signal")]
        == ["hooked", 2, 2, 0, 0, 0, None],
        f"sweep_end: {end}",
    )
    expect(place.lines("failed") == [], "fail ran for a trial that was done")
    # Hooks are no part of what a trial is, and nothing to do is no end of a sweep.
    place.write({"finish": "cat > again", "sweep_end": "cat > again"})
    expect("nothing to run" in place.run("run", "hooked.toml"), "a hook changed a trial's identity")
    expect(not (place.path / "again").exists(), "a hook ran where there was nothing to run")


def trials_fail(folder):
    place = Place(
        folder, {"finish": "cat >> finished", "fail": "cat >> failed", "sweep_end": "cat > end"}, "0", 'behaviour = "throw"'
    )
    place.run("run", "hooked.toml", "run.retries=2", code=1)
    (trial,) = [json.loads(line) for line in place.lines("failed")]
    expect(trial["status"] == "failed" and "not in the mood" in trial["error"], f"fail: {trial}")
    expect(trial["attempts"] == 3, f"fail came before the last try: {trial['attempts']}")
    expect(json.loads(place.lines("end")[0])["failed"] == 1, "sweep_end counts no failure")
    expect(place.lines("finished") == [], "finish ran for a trial that failed")


def commands_fail(folder):
    place = Place(folder, {"finish": "echo first; echo no such luck >&2; exit 3"})
    said = place.run("run", "hooked.toml")
    for trial in (1, 2):
        expect(f"hook finish of trial {trial} failed with exit code 3: no such luck\n" in said, said)
    place.write({"sweep_end": "no-such-program-at-all"}, "2")
    said = place.run("run", "hooked.toml")
    expect("hook sweep_end failed with exit code 127: " in said, said)
    # One that never reads its input, and prints without end.
    place.write({"finish": "head -c 30000000 /dev/zero | tr '\\0' x; exit 1"}, "3")
    said = place.run("run", "hooked.toml")
    expect("hook finish of trial 4 failed with exit code 1: " in said and len(said) < 5000, said[:2000])
    # Only so many are reported one by one.
    place.write({"finish": "exit 1"}, ", ".join(map(str, range(10, 30))))
    said = place.run("run", "hooked.toml")
    expect(said.count("hook finish of trial") == 10 and "10 more hooks failed" in said, said)


def commands_hang(folder):
    place = Place(folder, {"finish": "sleep 300 & echo $! > child; sleep 300"}, "0")
    said = place.run("run", "hooked.toml", "--hook-patience", "700")
    expect("hook finish of trial 1 did not end within 700 ms and was killed" in said, said)
    expect(place.seconds < 30, f"the run took {place.seconds:.0f} s")
    child = place.lines("child")[0]
    expect(not os.path.exists(f"/proc/{child}") or " Z " in open(f"/proc/{child}/stat").read(), "what it started lives on")
    # More than can be run in time.
    place.write({"finish": "sleep 0.3; cat >> finished"}, ", ".join(map(str, range(10, 40))))
    said = place.run("run", "hooked.toml", "--hook-patience", "1000")
    expect("left out: hooks run one after another, and the run has ended" in said, said)
    expect(0 < len(place.lines("finished")) < 30, f"{len(place.lines('finished'))} were run")


def commands_of_strangers(folder):
    mark = 'behaviour = "throw-once"\nmark = "mark-{}"'
    place = Place(folder, {"finish": "cat >> ran"}, "0", mark.format(0))
    place.run("run", "hooked.toml", code=1, program=arguments.program)
    shutil.copy(place.path / "marginalia.db", place.path / "whole.db")

    def resumed(*options, me="me", change=None):
        shutil.copy(place.path / "whole.db", place.path / "marginalia.db")
        (place.path / "ran").unlink(missing_ok=True)
        if change:
            with contextlib.closing(sqlite3.connect(place.path / "marginalia.db")) as store:
                store.execute(change)
                store.commit()
        return place.run(*options, "resume", "--retry-failed", program=arguments.program, me=me)

    expect("left out" not in resumed() and len(place.lines("ran")) == 1, "one's own hook was left out")
    said = resumed(me="other")
    expect(
        "left out: the hooks of this experiment, commands that the store names" in said and "--trust runs them" in said,
        said,
    )
    expect(place.lines("ran") == [], "a stranger's hook ran")
    said = resumed(change="UPDATE sweep SET toml = replace(toml, 'cat >> ran', 'echo evil >> ran')")
    expect("left out" in said and place.lines("ran") == [], f"a changed hook ran: {said}")
    said = resumed("--trust", me="other")
    expect("left out" not in said and len(place.lines("ran")) == 1, f"--trust runs no hook: {said}")


with tempfile.TemporaryDirectory() as folder:
    for part in (commands_get_what_ended, trials_fail, commands_fail, commands_hang, commands_of_strangers):
        began = time.time()
        place = pathlib.Path(folder, part.__name__)
        place.mkdir()
        part(place)
        print(f"{part.__name__}: {time.time() - began:.1f} s", flush=True)
print("hooks:", "all as expected" if not failures else f"{len(failures)} failed")
sys.exit(1 if failures else 0)
