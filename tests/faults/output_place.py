"""What the tests of verbs' output share: a folder with the store of a tiny experiment, in which verbs are started.

A test that takes this has the arguments BIN_DIR PLUGIN_DIR.
"""

import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import time

programs, plugins = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
failures = []

EXPERIMENT = """
name = "tiny"
[energy]
plugin = "ising"
rows = 2
columns = 2
[network]
plugin = "mlp"
hidden = 8
layers = 1
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
[train]
steps = 2
batch = 8
[evaluation]
samples = 8
nll_samples = 0
marginal_states = 0
marginal_time = false
[run]
slots = 1
"""


def failed(what):
    failures.append(what)
    print("FAILED", what, flush=True)


def expect(right, what):
    if not right:
        failed(what)


class Place:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.env = {
            **os.environ,
            "MARGINALIA_STORE": str(self.path / "store.db"),
            "MARGINALIA_PLUGIN_PATH": str(plugins),
            "MARGINALIA_DATA": str(self.path / "data"),
        }
        self.env.pop("COLUMNS", None)

    def start(self, *words, program="marginalia", **how):
        return subprocess.Popen(
            [programs / program, *words], cwd=self.path, env=self.env, stderr=subprocess.PIPE, **how
        )

    def run(self, *words, code=0, program="marginalia", **how):
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **how}
        process = self.start(*words, program=program, **how)
        out, err = process.communicate(timeout=120)
        if code is not None and process.returncode != code:
            failed(f"{words}: exit code {process.returncode}, not {code}\n{err.decode(errors='replace')[-2000:]}")
        return process.returncode, out, err.decode(errors="replace")

    def leftovers(self):
        return [str(f) for f in self.path.rglob("*") if ".part" in f.name or ".new-plugin-" in f.name]

    def clean(self):
        subprocess.run(["rm", "-rf", self.path / "my-new", self.path / "recovered.db"], check=True)
        if (self.path / "store.trash.db").exists():
            self.run("restore", "-e", "again", code=None)

    def on_terminal(self, *words):
        ours, theirs = pty.openpty()
        process = self.start(*words, stdout=theirs, stdin=subprocess.DEVNULL)
        os.close(theirs)
        text = b""
        try:
            while got := os.read(ours, 65536):
                text += got
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        err = process.communicate(timeout=120)[1].decode(errors="replace")
        return text.decode(errors="replace"), err


def try_parts(parts):
    """Runs the parts by name in such a folder, and ends the program."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        (place.path / "tiny.toml").write_text(EXPERIMENT.replace('"tiny"', '"tiny"\nseeds = [0, 1]'))
        (place.path / "again.toml").write_text(EXPERIMENT.replace('"tiny"', '"again"'))
        (place.path / "states.txt").write_text("-++-\n-+__\n")
        (place.path / "full.txt").write_text("-++-\n----\n")
        (place.path / "states.txt.txt").write_text("Hello, World 12\n" * 10)
        (place.path / "molecules.smi").write_text("CC\n")
        place.run("run", "tiny.toml")
        for name, part in parts.items():
            begun = time.time()
            part(place)
            print(f"{name}: {time.time() - begun:.1f} s", flush=True)
    print(f"{len(failures)} failures")
    sys.exit(1 if failures else 0)
