"""The programs of marginalia as this check runs them, and what their stores say."""

import contextlib
import gzip
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import statistics
import subprocess
import time

WARM = 0.3  # share of a training's points that is left out of its seconds a step
PATIENCE = 10  # seconds that a run gets to end by itself once it was asked to


class Failed(Exception):
    """What a part of the check ends with: one sentence."""


def ended(process):
    """Ends a process of ours that has a group of its own, by asking first."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, word)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(PATIENCE)
    return process.wait()


class Programs:
    """bin/marginalia of a build or a bundle, in a folder of its own for stores and caches."""

    def __init__(self, root, binaries, folder, torch_libraries, deadline):
        self.root, self.folder, self.deadline = root, folder, deadline
        self.program = binaries / "marginalia"
        own = [str(self._unpacked(root / "lib/needed", "needed"))] if (root / "lib/needed").is_dir() else []
        inherited = os.environ.get("LD_LIBRARY_PATH")
        cuda = (
            [str(f) for f in pathlib.Path(torch_libraries).parents[1].glob("nvidia/*/lib")] if torch_libraries else []
        )
        self.libraries = [*own, *filter(None, (torch_libraries, *cuda, inherited))]
        self.environment = {**os.environ, "NO_COLOR": "1", "XDG_CACHE_HOME": str(folder / "cache")}
        self.environment.setdefault("HOME", str(folder))
        self.environment.pop("MARGINALIA_STORE", None)
        self._use(self.libraries)
        fallback = root / "lib/fallback"
        if fallback.is_dir() and self.call(["version"], 60).returncode != 0:  # a C++ library older than ours
            self._use([str(self._unpacked(fallback, "fallback")), *self.libraries])

    def _use(self, libraries):
        self.environment["LD_LIBRARY_PATH"] = ":".join(libraries)

    def _unpacked(self, packed, name):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for file in packed.iterdir():
            with gzip.open(file) as source, open(folder / file.stem, "wb") as target:
                shutil.copyfileobj(source, target)
        return folder

    def start(self, words, **streams):
        return subprocess.Popen(
            [str(self.program), *map(str, words)],
            env=self.environment,
            cwd=self.folder,
            start_new_session=True,
            text=True,
            **streams,
        )

    def call(self, words, seconds):
        """Runs it to its end, or for so long; returncode is None where it had to be ended."""
        process = self.start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, words_of = process.communicate(timeout=max(1.0, min(seconds, self.deadline - time.time())))
            code = process.returncode
        except subprocess.TimeoutExpired:
            ended(process)
            out, words_of = process.communicate()
            code = None
        return subprocess.CompletedProcess(words, code, out, words_of)

    def run(self, file, overrides, store, seconds):
        """`marginalia run` of one of this root's files. Raises Failed where it is refused or does not end."""
        done = self.call(["--store", store, "run", "--quiet", self.root / file, *overrides], seconds)
        if done.returncode is None:
            raise Failed(f"{file} did not end within {seconds:.0f} s")
        if done.returncode not in (0, 1):
            raise Failed(f"{file}: exit code {done.returncode}: {last_line(done.stderr)}")
        return done


def last_line(text):
    return (text.strip().splitlines() or ["it says nothing"])[-1]


def ask(store, query, arguments=()):
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)) as opened:
        return opened.execute(query, arguments).fetchall()


def trials(store):
    """Every trial of a store, as dictionaries; `config` is read, and `final` has its final figures."""
    columns = "trial_id experiment status error seed config device device_name seconds started finished".split()
    found = [dict(zip(columns, row)) for row in ask(store, f"SELECT {', '.join(columns)} FROM trials ORDER BY 1")]
    for trial in found:
        trial["config"] = json.loads(trial["config"])
        final = "SELECT name, value FROM final_metrics WHERE trial_id = ?"
        trial["final"] = dict(ask(store, final, (trial["trial_id"],)))
    return found


def unfinished(found):
    """A sentence on the trials that are not done; empty where all are."""
    wrong = [t for t in found if t["status"] != "done"]
    if not wrong:
        return ""
    first = wrong[0]
    what = first["config"].get("objective", {}).get("plugin", first["experiment"])
    return f"{len(wrong)} of {len(found)} trials are not done, the first ({what}): {first['status']}, {first['error']}"


def steady(points):
    """Of (step, seconds a step, moment) the median of the seconds once warm, and the moments between which that was."""
    kept = points[int(len(points) * WARM) :]
    if len(kept) < 2:
        raise Failed(f"{len(points)} points of the training are too few to time a step")
    return statistics.median(seconds for _, seconds, _ in kept), kept[0][2], kept[-1][2]


def step_points(store, trial):
    query = "SELECT step, value, time FROM metrics WHERE trial_id = ? AND name = 'step_seconds' ORDER BY step"
    return ask(store, query, (trial,))


def children_of(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # ended meanwhile
            parent = int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            if parent == pid:
                found.append(int(stat.parent.name))
    return found


def gone(pid, seconds):
    """Waits until a process of ours has ended, whoever its parent is."""
    until = time.time() + seconds
    while pathlib.Path(f"/proc/{pid}").exists() and time.time() < until:
        time.sleep(0.05)
