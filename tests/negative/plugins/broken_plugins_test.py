"""Broken plugins, through the real programs: each is refused, or fails its own trial, with the sentence in *.expected.

    --update writes the sentences of this run as the expected ones.
"""
import argparse
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# Energies that load and break later; with the [run] lines they need.
BREAK_IN_TRIALS = {
    "throws-in-constructor": "",
    "throws-in-log-density": "",
    "segfaults": "",
    "returns-nan": "",
    "sleeps-for-ever": "time_limit = 3.0",
    "wrong-shape": "",
}

EXPERIMENT = """
name = "{name}"
[energy]
plugin = "{name}"
[network]
plugin = "lattice-conv"
channels = 4
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
[train]
steps = 4
batch = 16
[run]
device = "cpu"
cores = 1
slots = 1
{run}
"""

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", required=True, help="the program marginalia")
parser.add_argument("--lister", required=True, help="prints plugins and refusals as they are: tests/fake_host")
parser.add_argument("--worker", required=True)
parser.add_argument("--plugins", required=True, help="folder of the broken plugins")
parser.add_argument("--good-plugins", required=True)
parser.add_argument("--update", action="store_true")
arguments = parser.parse_args()

cache = tempfile.TemporaryDirectory()
environment = dict(os.environ, MARGINALIA_WORKER=arguments.worker, XDG_CACHE_HOME=cache.name,
                   MARGINALIA_PLUGIN_PATH=f"{arguments.plugins}:{arguments.good_plugins}")
wrong = 0


def compare(name, text):
    global wrong
    text = text.replace(arguments.plugins + "/", "").replace(arguments.good_plugins + "/", "")
    text = re.sub(r"this program as \[[^]]*\]", "this program as [...]", text)  # the compiler of the day
    text = re.sub(r"for the state [0-9]+", "for the state ...", text)  # whichever came first
    file = os.path.join(HERE, name + ".expected")
    if arguments.update:
        with open(file, "w") as out:
            out.write(text)
    expected = open(file).read() if os.path.exists(file) else "(no file)"
    if expected != text:
        wrong += 1
        print(f"{name}: expected\n{expected}\nbut found\n{text}")


listing = subprocess.run([arguments.lister, "plugins"], env=environment, capture_output=True, text=True)
compare("loading", "".join(sorted(line + "\n" for line in listing.stdout.splitlines() if ".so: " in line)))

with tempfile.TemporaryDirectory() as folder:
    for name, run in BREAK_IN_TRIALS.items():
        file, store = os.path.join(folder, name + ".toml"), os.path.join(folder, "store.db")
        with open(file, "w") as out:
            out.write(EXPERIMENT.format(name=name, run=run))
        host = subprocess.run([arguments.host, "run", file, "--store", store], env=environment, capture_output=True, text=True)
        if host.returncode != 1:
            wrong += 1
            print(f"{name}: exit code {host.returncode} instead of 1\n{host.stderr}")
            continue
        rows = sqlite3.connect(store).execute("SELECT status, error FROM trials WHERE experiment = ?", (name,)).fetchall()
        compare(name, "".join(f"{status}: {error}\n" for status, error in rows))

print("broken plugins:", "all as expected" if wrong == 0 else f"{wrong} not as expected")
sys.exit(1 if wrong else 0)
