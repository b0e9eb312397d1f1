"""Everything of the product that a GPU is needed for, in one go: whether it is right there, and how fast."""

import argparse
import concurrent.futures
import dataclasses
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import typing

import correctness
import machine
import report
import training
import whole_trials
from product import Failed, Programs

WHOLE = 470  # seconds for all, for which the parts' shares are meant; with more each has more
LAST_WORDS = 15  # seconds kept for ending what runs and for writing


@dataclasses.dataclass
class Part:
    name: str
    run: typing.Callable
    seconds: float  # that it may plan with on a GPU
    tiny: float  # and without
    together: bool = False  # with its neighbours, since it times nothing


PARTS = (
    Part("doctor", correctness.doctor, 60, 60),
    Part("limits", training.limits, 60, 60),
    Part("conformance", correctness.conformance, 120, 60, together=True),
    Part("every plugin", correctness.every_plugin, 120, 120, together=True),
    Part("equality", correctness.equality, 120, 60, together=True),
    Part("resume", correctness.resume, 120, 60, together=True),
    Part("mlp", training.network(0), 24, 4),
    Part("table 1", training.table("table 1"), 45, 6),
    Part("ising", whole_trials.ising, 60, 120),
    Part("table 3", training.table("table 3"), 45, 6),
    Part("sweep", whole_trials.sweep, 60, 60),
    Part("lattice-conv", training.network(2), 24, 4),
    Part("table 2", training.table("table 2"), 45, 6),
    Part("mlp float32", training.network(1), 24, 4),
    Part("lattice-conv float32", training.network(3), 24, 4),
)


class Check:
    """What the parts share."""

    def __init__(self, root, asked, folder, deadline):
        self.folder, self.deadline, self.scale = folder, deadline, max(1.0, asked.seconds / WHOLE)
        self.nvml = None if asked.cpu else machine.open_nvml()
        found = machine.torch_of()
        self.torch, self.no_torch = (None, found) if isinstance(found, str) else (found, "")
        self.cuda = not asked.cpu and bool(self.torch) and self.torch[2]
        self.device = "cuda:0" if self.cuda else "cpu"
        self.cores = len(os.sched_getaffinity(0))
        binaries = asked.bin or (root / "bin" if (root / "bin").is_dir() else root / "build/release/bin")
        self.plugins = binaries.parent / "lib/marginalia/plugins"
        if not (binaries / "marginalia").is_file():
            sys.exit(f"gpu-check: there is no {binaries}/marginalia; build it with `make`, or name the folder by --bin")
        self.data_folder = asked.data or root / "data"
        self.programs = Programs(root, binaries, folder, self.torch[1] if self.torch else None, deadline)

    def left(self):
        return self.deadline - time.time()

    def store(self, name):
        return self.folder / f"{name}.db"

    def data(self, name):
        return self.data_folder / name

    def has_data(self, name):
        path = self.data(name)
        return path.is_dir() or path.is_file() or path.with_name(path.name + ".gz").is_file()

    def facts(self, asked):
        device = "no GPU, the CPU in its place" + (" as asked" if asked.cpu else "")
        if self.cuda:
            device = self.nvml.name() if self.nvml else "a GPU without NVML"
        return {
            "device": device,
            "driver": self.nvml.driver() if self.nvml else "none",
            "processor": machine.processor(),
            "cores": self.cores,
            "system": machine.system(),
            "torch": self.torch[0] if self.torch else "none",
            "program": self.programs.call(["version"], 60).stdout.strip(),
        }


def run_part(check, part):
    """The part's figures with its verdict: ok, failed, left out or not reached."""
    seconds = part.seconds * check.scale if check.cuda else part.tiny
    began = time.time()
    if check.left() < min(seconds, 20 if check.cuda else 5):
        return {"verdict": "not reached", "text": f"{max(0, check.left()):.0f} s were left"}
    print(f"gpu-check: {part.name}", file=sys.stderr, flush=True)
    try:
        found = part.run(check, min(seconds, check.left()))
        verdict = "left out" if found.get("left_out") else "ok"
    except Failed as error:
        found, verdict = {"text": str(error)}, "failed"
    except subprocess.TimeoutExpired:
        found, verdict = {"text": "it did not end in time"}, "failed"
    except Exception as error:  # a part that breaks must not take the others with it
        traceback.print_exc()
        found, verdict = {"text": f"{type(error).__name__}: {error}"}, "failed"
    if verdict == "failed" and check.left() < 1:
        verdict = "not reached"
    return {**found, "verdict": verdict, "seconds": time.time() - began}


def groups(parts):
    """Parts that run together as one group each, the others by themselves."""
    found = []
    for part in parts:
        if part.together and found and found[-1][-1].together:
            found[-1].append(part)
        else:
            found.append([part])
    return found


def write(results, file):
    part = file.with_name(file.name + ".part")
    part.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    part.replace(file)


def chosen_parts(names):
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        sys.exit(
            f"gpu-check: there is no part {', '.join(sorted(unknown))}; there are: {', '.join(p.name for p in PARTS)}"
        )
    return [part for part in PARTS if part.name in names] if names else PARTS


def arguments(words):
    parser = argparse.ArgumentParser(prog="gpu-check", description=__doc__)
    parser.add_argument("--cpu", action="store_true", help="leave the GPU out: tiny sizes, to try the check itself")
    parser.add_argument(
        "--seconds", type=float, default=WHOLE, help="for all; what is not reached says so (%(default)s)"
    )
    parser.add_argument("--parts", default="", help="only these, such as 'resume,table 1'")
    parser.add_argument("--out", type=pathlib.Path, help="file for the figures as JSON; $OUT/gpu-check.json, else here")
    parser.add_argument(
        "--bin", type=pathlib.Path, help="folder of the programs; those beside this, else build/release/bin"
    )
    parser.add_argument("--data", type=pathlib.Path, help="folder of mnist/, moses/ and text8/; that beside this")
    return parser.parse_args(words)


def main(root, words):
    asked, began = arguments(words), time.time()
    parts = chosen_parts([name.strip() for name in asked.parts.split(",") if name.strip()])
    out = asked.out or pathlib.Path(os.environ.get("OUT", ".")) / "gpu-check.json"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gpu-check-"))
    try:
        check = Check(root, asked, folder, began + asked.seconds - LAST_WORDS)
        if not check.cuda and not asked.cpu:
            print("gpu-check: no GPU is seen here: everything runs on the CPU, in tiny sizes", file=sys.stderr)
        results = {
            "when": datetime.datetime.now().isoformat(timespec="seconds"),
            "cuda": check.cuda,
            "machine": check.facts(asked),
            "parts": {},
        }
        for group in groups(parts):
            with concurrent.futures.ThreadPoolExecutor(len(group)) as pool:
                done = list(pool.map(lambda part: run_part(check, part), group))
            results["parts"].update({part.name: found for part, found in zip(group, done)})
            results["seconds"] = time.time() - began
            write(results, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.markdown(results))
    return 1 if any(part["verdict"] == "failed" for part in results["parts"].values()) else 0
