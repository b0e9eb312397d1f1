"""Sweeps of short trials, half of which misbehave, under random faults from outside: kill -9 of workers, of the host and
of both, SIGSTOP, a disk that is full for a while, a store that is moved away and back, a clock that jumps. Afterwards
every trial is done or has ended with its reason, no row is lost or doubled, the file is whole, and what is done equals
an unbroken run, bit for bit.

    storm_test.py --host MARGINALIA --worker FAKE_WORKER --plugins FOLDER [--faults N] [--seed N]

FAULT_ROUNDS and FAULT_SEED in the environment stand for N (scripts/attack). A disk of its own needs root, jumps of the
clock Debian's faketime: the kinds that cannot be tried are named.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", required=True)
parser.add_argument("--worker", required=True)
parser.add_argument("--plugins", required=True)
parser.add_argument("--faults", type=int, default=int(os.environ.get("FAULT_ROUNDS", 60)))
parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULT_SEED", 1)))
arguments = parser.parse_args()

STEPS = 20
# What a trial may end as, by its behaviour; `None`: only as done.
ENDS = {
    "throw": {"failed"},
    "crash": {"failed"},
    "exit": {"failed"},
    "sleep": {"timeout", "failed"},
    "out-of-memory": {"oom"},
    "kill-itself": {"lost"},
    "flood": None,
    "fork": None,
    "close-descriptors": {"failed", "timeout"},
    "leak": None,
}
GOOD = 10
BEHAVIOURS = ["normal"] * GOOD + list(ENDS)
FILE = f"""
name = "storm"
[energy]
plugin = "fake"
step_milliseconds = 5.0
[network]
plugin = "fake"
[objective]
plugin = "fake"
[train]
steps = {STEPS}
[run]
device = "fake:0,fake:1"
checkpoint_seconds = 0.0
time_limit = 1.5
[[sweep.zip]]
"energy.variant" = {list(range(len(BEHAVIOURS)))}
"energy.behaviour" = {[str(b) for b in BEHAVIOURS]}
"""
CLOCK = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
RESULTS = """SELECT config ->> '$.energy.variant' AS variant, f.value FROM trials JOIN final_metrics f USING (trial_id)
             WHERE f.name = 'kl' AND status = 'done' ORDER BY 1"""


def kill(pid, what=signal.SIGKILL):
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        pass


class Disk:
    """A file system of 24 MB, where we may mount one; else a folder."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder, "disk")
        self.path.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(self.path)]
        self.is_own = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self, seconds):
        filler = self.path / "filler"
        try:
            with open(filler, "wb", buffering=0) as out:
                while out.write(b"x" * 65536):
                    pass
        except OSError:
            pass
        time.sleep(seconds)
        filler.unlink()

    def leave(self):
        if self.is_own:
            subprocess.run(["umount", "--lazy", str(self.path)], check=False)


class Storm:
    def __init__(self, folder, disk, chance):
        self.folder, self.disk, self.chance = pathlib.Path(folder), disk, chance
        self.file = self.folder / "storm.toml"
        self.file.write_text(FILE)
        self.clock = self.folder / "clock"
        self.faults = collections.Counter()
        self.kinds = {"kill worker": self.kill_worker, "kill host": self.kill_host, "kill both": self.kill_both,
                      "stop worker": self.stop_worker, "stop host": self.stop_host, "move store": self.move_store}
        if disk.is_own:
            self.kinds["full disk"] = self.fill_disk
        if os.path.exists(CLOCK):
            self.kinds["clock jump"] = self.jump
        self.missing = sorted({"full disk", "clock jump"} - set(self.kinds))
        self.deck = []

    def environment(self):
        found = dict(os.environ, MARGINALIA_WORKER=arguments.worker, MARGINALIA_PLUGIN_PATH=arguments.plugins,
                     XDG_CACHE_HOME=str(self.folder / "cache"))
        if "clock jump" in self.kinds:
            self.clock.write_text("+0\n")
            found.update(LD_PRELOAD=CLOCK, FAKETIME_TIMESTAMP_FILE=str(self.clock), FAKETIME_NO_CACHE="1",
                         DONT_FAKE_MONOTONIC="1")
        return found

    def start(self, *words):
        return subprocess.Popen([arguments.host, "run", str(self.file), "--store", str(self.store), *words],
                                env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                start_new_session=True)

    def run(self, *words):
        host = self.start(*words)
        return host, host.communicate(timeout=300)[1]

    def rows(self, sql):
        database = sqlite3.connect(self.store)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    # --- faults

    def workers(self):
        try:
            with open(f"/proc/{self.host.pid}/task/{self.host.pid}/children") as children:
                return [int(child) for child in children.read().split()]
        except OSError:
            return []

    def kill_worker(self):
        for pid in self.chance.sample(self.workers(), k=min(1, len(self.workers()))):
            kill(pid)

    def kill_host(self):
        kill(self.host.pid)

    def kill_both(self):
        self.kill_worker()
        self.kill_host()

    def stop(self, pid):
        kill(pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.05, 0.5))
        kill(pid, signal.SIGCONT)

    def stop_worker(self):
        for pid in self.workers()[:1]:
            self.stop(pid)

    def stop_host(self):
        self.stop(self.host.pid)

    def move_store(self):
        away = self.store.with_suffix(".away")
        if self.store.exists():
            os.rename(self.store, away)
            time.sleep(self.chance.uniform(0.0, 2.0))
            if not self.store.exists():
                os.rename(away, self.store)

    def next_kind(self):
        """Each as often as the others, in any order."""
        if not self.deck:
            self.deck = self.chance.sample(sorted(self.kinds), k=len(self.kinds))
        return self.deck.pop()

    def fill_disk(self):
        self.disk.fill(self.chance.uniform(0.0, 0.5))

    def jump(self):
        self.clock.write_text(f"{self.chance.choice(['-400d', '-90', '+90', '+3h', '+900d'])}\n")

    # --- a sweep

    def heed(self, words):
        """Where the store was away the host goes on in a copy, and says which."""
        found = re.findall(r"--store (\S+)$", words, re.M)
        for name in found[-1:]:
            if pathlib.Path(name).exists() and pathlib.Path(name) != self.store:
                self.store = pathlib.Path(name)

    def sweep(self, number, most):
        self.store = self.disk.path / f"storm{number}.db"
        while True:
            self.host = self.start()
            while self.host.poll() is None:
                time.sleep(self.chance.uniform(0.02, 0.8))
                if self.host.poll() is None and sum(self.faults.values()) < most:
                    kind = self.next_kind()
                    self.kinds[kind]()
                    self.faults[kind] += 1
            words = self.host.communicate()[1]
            self.heed(words)
            if self.host.returncode in (0, 1):
                return
            if self.host.returncode > 0 and self.host.returncode not in (4, 6):
                sys.exit(f"a run ended with {self.host.returncode}:\n{words}")

    def judge(self, expected):
        """After one more run, without faults, in which what a kill has made fail is tried again."""
        host, words = self.run("--retry-failed")
        self.heed(words)
        if host.returncode not in (0, 1):
            sys.exit(f"the last run ended with {host.returncode}:\n{words}")
        if self.rows("PRAGMA integrity_check") != [("ok",)]:
            sys.exit(f"the store is damaged: {self.rows('PRAGMA integrity_check')}")
        trials = self.rows("SELECT config ->> '$.energy.behaviour', status, coalesce(error, ''), trial_id FROM trials")
        if len(trials) != len(BEHAVIOURS):
            sys.exit(f"{len(trials)} trials in place of {len(BEHAVIOURS)}")
        for behaviour, status, error, trial in trials:
            allowed = ENDS.get(behaviour) or {"done"}
            if status not in allowed or (status != "done") != bool(error):
                sys.exit(f"trial {trial} ({behaviour}) ended as {status}: {error!r}\n{words}")
        doubled = self.rows(f"""SELECT trial_id, count(*) FROM metrics JOIN trials USING (trial_id)
                                WHERE name = 'loss' AND status = 'done' GROUP BY 1 HAVING count(*) <> {STEPS}""")
        if doubled:
            sys.exit(f"points of finished trials are lost or doubled: {doubled}")
        found = self.rows(RESULTS)
        if found != expected:
            sys.exit(f"results differ from those of an unbroken run: {set(found) ^ set(expected)}")
        return len(trials) - len(found)


def main():
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(folder)
        storm = Storm(folder, disk, random.Random(arguments.seed))
        try:
            storm.store = disk.path / "unbroken.db"
            storm.run()
            expected = storm.rows(RESULTS)
            refused = sweeps = 0
            while sum(storm.faults.values()) < arguments.faults:
                sweeps += 1
                storm.sweep(sweeps, arguments.faults)
                refused += storm.judge(expected)
                for left in disk.path.glob("storm*"):
                    left.unlink()
        finally:
            disk.leave()
    if storm.missing:
        print(f"SKIPPED here: {', '.join(storm.missing)}")
    print(", ".join(f"{count} x {kind}" for kind, count in sorted(storm.faults.items())), f"in {sweeps} sweeps")
    print(f"{sweeps} trials of each: {', '.join(sorted(ENDS))}")
    if arguments.faults >= len(storm.kinds) and len(storm.faults) < len(storm.kinds):
        sys.exit(f"never tried: {', '.join(sorted(set(storm.kinds) - set(storm.faults)))}")
    print(f"storm: {sum(storm.faults.values())} inputs, {sweeps * len(BEHAVIOURS) - refused} answered, {refused} refused, "
          "0 faults")


main()
