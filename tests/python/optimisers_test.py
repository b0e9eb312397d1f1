"""The programs of docs/optimisers.md, as they stand there: Optuna and Nevergrad search a space that `ask` prints by
trials that `tell` runs, and find a better model than the worst they tried. What is not installed is left out, aloud.

    optimisers_test.py SOURCE_DIR BIN_DIR PLUGIN_DIR
"""

import importlib.util
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

source, programs, plugins = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
page = (source / "docs/optimisers.md").read_text(encoding="utf-8")
failures = []


def expect(right, what):
    if not right:
        failures.append(what)


def block(mark):
    return re.search(rf"^```{mark}\n(.*?)^```$", page, re.S | re.M).group(1)


def search(package):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "tune.toml").write_text(block("toml"), encoding="utf-8")
        env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "MARGINALIA_PLUGIN_PATH": str(plugins)}
        env.pop("MARGINALIA_STORE", None)
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", block(f"python {package}")], cwd=path, env=env,
                              capture_output=True, text=True, timeout=240)
        print(f"{package}: {done.stdout.strip()}")
        expect(done.returncode == 0 and "best" in done.stdout, f"{package}: {done.stdout}{done.stderr}")
        with sqlite3.connect(path / "marginalia.db") as store:
            found = [value for value, in store.execute("SELECT value FROM final_metrics WHERE name = 'kl' ORDER BY value")]
            sweeps = store.execute("SELECT count(*) FROM sweeps").fetchone()[0]
        expect(10 <= len(found) <= 20, f"{package}: {len(found)} trials of 20, some of which may be equal")
        expect(found and found[0] < 0.15 and found[0] < found[-1] / 3, f"{package} found kl {found[:1]} to {found[-1:]}")
        expect(sweeps == 1, f"{package}: {sweeps} runs of a file in the store, not one")
        asked = subprocess.run([programs / "marginalia", "ask", "tune.toml"], cwd=path, env=env, capture_output=True, text=True)
        known = [json.loads(line) for line in asked.stdout.splitlines()[1:]]
        expect(len(known) == len(found), f"{package}: ask knows {len(known)} configurations")
        expect([line["metrics"]["kl"] for line in known if line["metrics"]["kl"] == found[0]], f"{package}: ask has another best")


tried = 0
for package in ("optuna", "nevergrad"):
    if importlib.util.find_spec(package):
        search(package)
        tried += 1
    else:
        print(f"skipped: there is no {package}; get it by .venv/bin/python3 -m pip install {package}")
print(f"optimisers: {tried} tried, {len(failures)} failures", *failures, sep="\n")
sys.exit(1 if failures else 77 if tried == 0 else 0)
