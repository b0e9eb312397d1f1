"""The time of `marginalia sample last -n 1` beside one start of LibTorch with the same module, and of `plan` and `plugins`, which
start none; exit code 1 where sample takes more than 1.3 such starts.

    start_bench.py BIN_DIR LOAD_MODULE EXPERIMENT
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

programs, load_module, experiment = (os.path.abspath(word) for word in sys.argv[1:4])
MARGINALIA = pathlib.Path(programs) / "marginalia"
MOST = 1.3  # starts of LibTorch
ROUNDS = 9

with tempfile.TemporaryDirectory() as folder:
    environment = {**os.environ, "XDG_CACHE_HOME": folder, "MARGINALIA_STORE": f"{folder}/store.db"}

    def run(*words):
        began = time.monotonic()
        done = subprocess.run(
            [str(word) for word in words], env=environment, cwd=folder, capture_output=True, text=True
        )
        if done.returncode != 0:
            sys.exit(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return time.monotonic() - began

    short = (
        "train.steps=5 evaluation.every=0 evaluation.samples=50 evaluation.nll_samples=0 evaluation.marginal_states=0"
    )
    run(MARGINALIA, "run", experiment, *short.split())
    run(MARGINALIA, "checkpoint", "export", "last", "--out", "module.pt")
    commands = {
        "torch::jit::load of the exported model": (load_module, "module.pt"),
        "marginalia sample last -n 1": (MARGINALIA, "sample", "last", "-n", "1"),
        "marginalia plan": (MARGINALIA, "plan", experiment),
        "marginalia plugins": (MARGINALIA, "plugins"),
    }
    best = {what: min(run(*words) for _ in range(ROUNDS)) for what, words in commands.items()}

for what, seconds in best.items():
    print(f"{what:<58} {1000 * seconds:10.1f} ms")
ratio = best["marginalia sample last -n 1"] / best["torch::jit::load of the exported model"]
print(f"{'sample, in starts of LibTorch with its module':<58} {ratio:10.2f}      <= {MOST}")
sys.exit(0 if ratio <= MOST else 1)
