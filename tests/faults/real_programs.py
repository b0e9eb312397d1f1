"""What the tests share that run the real programs in a folder whose store is store.db."""

import os
import pathlib
import sqlite3
import subprocess
import sys

programs, plugins = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
failures = []

SMALL_MODEL = """
[energy]
plugin = "ising"
rows = 3
columns = 3
coupling = 0.3
field = 0.1
[network]
plugin = "mlp"
hidden = 8
layers = 1
[sampler]
plugin = "block-gibbs"
sites = 3
[objective]
plugin = "mam-energy"
"""


def failed(what):
    failures.append(what)
    print("FAILED:", what, flush=True)


def check(what, holds, about=""):
    if not holds:
        failed(f"{what}\n{about}")


def start(folder, *words, cwd=None, store="store.db", **environment):
    return subprocess.Popen(
        [programs / "marginalia", *words],
        cwd=cwd or folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MARGINALIA_STORE": str(folder / store), **environment},
    )


def run(folder, *words, code=0, **how):
    """What it prints, standard error last; another exit code than this one is a failure."""
    process = start(folder, *words, **how)
    out, err = process.communicate(timeout=300)
    check(f"{' '.join(words)}: exit code {process.returncode}, not {code}", process.returncode == code, out + err)
    return out + err


def expect(text, *sentences, without=()):
    for sentence in sentences:
        check(f"'{sentence}' is not in", sentence in text, text)
    for sentence in without:
        check(f"'{sentence}' is in", sentence not in text, text)


def rows(folder, query, store="store.db"):
    reader = sqlite3.connect(f"file:{folder / store}?mode=ro", uri=True, timeout=30)
    try:
        return reader.execute(query).fetchall()
    finally:
        reader.close()


def end(name):
    print(f"{name}:", "all as expected" if not failures else f"{len(failures)} failed")
    sys.exit(1 if failures else 0)
