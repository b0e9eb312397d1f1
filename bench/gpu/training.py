"""How fast steps are on the device, beside the passes that they need and the device's limits, and how busy it is."""

import dataclasses
import json
import subprocess
import sys

from correctness import QUICK
from machine import Watch
from product import Failed, ask, last_line, steady, step_points, trials

START = 120  # seconds in which programs have started and small things are done, on a busy machine too
NO_EVALUATION = QUICK + "evaluation.samples=0 evaluation.nll_samples=0 evaluation.marginal_states=0".split()


@dataclasses.dataclass
class Case:
    """A training to time: a file, what is changed of it, and what makes it small enough to be tried without a GPU."""

    name: str
    file: str
    overrides: tuple = ()
    tiny: tuple = ()
    data: str = ""  # the folder of data that it needs
    dataset: str = ""  # the parameter that is told where the data is

    def words(self, check):
        words = list(self.overrides) + ([] if check.cuda else [*self.tiny, "train.log_every=1", "train.steps=30"])
        return words + ([f"{self.dataset}={check.data(self.data)}"] if self.data else [])


ISING, SMALL_MLP = "experiments/ising-10x10-paper.toml", ("network.hidden=64", "train.batch=32")
LATTICE, SMALL_LATTICE = "experiments/ising-quick.toml", ("network.channels=8", "network.layers=2", "train.batch=16")
LONG = "train.steps=100000"
SMALL_TRANSFORMER = ("network.layers=2", "network.width=32", "network.heads=2", "train.batch=4")
NETWORKS = (
    Case("mlp 4 x 2048, Ising 10x10", ISING, ("train.precision=bfloat16",), SMALL_MLP),
    Case("mlp 4 x 2048, Ising 10x10", ISING, ("train.precision=float32",), SMALL_MLP),
    Case("lattice-conv 5 x 32, Ising 10x10", LATTICE, ("train.precision=bfloat16", LONG), SMALL_LATTICE),
    Case("lattice-conv 5 x 32, Ising 10x10", LATTICE, ("train.precision=float32", LONG), SMALL_LATTICE),
)
TABLES = {
    "table 1": Case(
        "unet 256, MNIST 28x28",
        "bench/gpu/table1.toml",
        (),
        ("network.channels=8", "network.blocks=1", "network.attention=0", "network.group_channels=4", "train.batch=2"),
        "mnist",
        "dataset.folder",
    ),
    "table 2": Case(
        "transformer 12 x 768, MOSES 57", "bench/gpu/table2.toml", (), SMALL_TRANSFORMER, "moses", "dataset.folder"
    ),
    "table 3": Case(
        "transformer 12 x 768, text8 250", "bench/gpu/table3.toml", (), SMALL_TRANSFORMER, "text8/text8", "dataset.file"
    ),
}


def sites_of(config):
    if "energy" in config:
        return config["energy"]["rows"] * config["energy"]["columns"]
    return {"mnist": 784, "moses": 57, "text8": 250}[config["dataset"]["plugin"]]


def precision_of(store, trial):
    """What a trial was trained in: what it was asked for or, of "auto", what it says it chose."""
    asked = trial["config"]["train"]["precision"]
    said = ask(store, "SELECT data FROM samples WHERE trial_id = ? AND name = 'precision'", (trial["trial_id"],))
    if asked != "auto" or not said:
        return asked
    text = said[0][0] if isinstance(said[0][0], str) else said[0][0].decode()
    return "bfloat16" if text.startswith("bfloat16") else "float32"


def extrapolated(seconds_a_step, steps):
    """Hours that so many steps take."""
    return seconds_a_step * steps / 3600


def _timed_training(check, case, store, words, seconds):
    """Trains for so long; the trials, each with its seconds a step, share of busy time and peak of memory."""
    # A trial at its limit is killed: its network is that of a checkpoint in the middle.
    overrides = [
        f"run.device={check.device}",
        "run.slots=1",
        f"run.time_limit={seconds if check.cuda else 0}",
        f"run.checkpoint_seconds={0.3 * seconds}",
        "evaluation.every=0",
        *words,
    ]
    with Watch(check.nvml) as watch:
        check.programs.run(case.file, [*NO_EVALUATION, *overrides], store, 2 * seconds + START)
    found = trials(store)
    for trial in found:
        if trial["status"] not in ("done", "timeout"):
            raise Failed(f"{case.file}: {trial['status']}: {trial['error']}")
        points = step_points(store, trial["trial_id"])
        trial["step"], since, until = steady(points)
        trial["last_step"] = points[-1][0]
        trial["busy_percent"] = watch.busy_percent(since, until)
        trial["peak_bytes"] = watch.peak_bytes(since, until)
    return found


def _needed(check, store, trial, seconds):
    """What passes.py measures of a trial's network, and the memory it takes."""
    if not check.torch:
        return {"notes": [f"this Python has no PyTorch: {check.no_torch}"]}
    file = store.with_suffix(".pt")
    words = ["--store", store, "checkpoint", "export", str(trial["trial_id"]), "--out", file]
    done = check.programs.call(words, START + seconds)
    if done.returncode != 0:
        raise Failed(f"checkpoint export: {last_line(done.stderr)}")
    config = trial["config"]
    joint = config["objective"]["plugin"] == "mam-energy"
    asked = {
        "rows": config["train"]["batch"],
        "sites": sites_of(config),
        "precision": trial["precision"],
        "joint": joint,
        "draws": config["sampler"]["sites"] if joint else 0,
        "seconds": seconds,
    }
    with Watch(check.nvml) as watch:
        found = run_passes(check, ["network", str(file), json.dumps(asked)], START + 3 * seconds)
    return {**found, "nvml_peak_bytes": watch.peak_bytes()}


def measured(check, case, seconds, store, label):
    """A row of the table of networks, of the first trial of a case's file; and all its trials."""
    found = _timed_training(check, case, store, case.words(check), seconds)
    trial = found[0]
    trial["precision"] = precision_of(store, trial)
    needed = _needed(check, store, trial, min(8.0, seconds))
    row = {
        "name": case.name + ("" if check.cuda else ", cut to be tiny"),
        "label": label,
        "aimed": check.cuda and not case.file == LATTICE,
        "precision": trial["precision"],
        "batch": trial["config"]["train"]["batch"],
        "steps": trial["last_step"],
        "step": trial["step"],
        "busy_percent": trial["busy_percent"],
        "peak_bytes": trial["peak_bytes"],
        "needed": needed,
    }
    return row, found


def network(number):
    def part(check, seconds):
        case = NETWORKS[number]
        row, _ = measured(check, case, seconds * 0.5, check.store(f"network-{number}"), "network")
        return {"rows": [row], "text": _short(row)}

    return part


def table(name):
    def part(check, seconds):
        case = TABLES[name]
        if not check.has_data(case.data):
            return {"left_out": True, "text": f"left out: no data, {check.data(case.data)} is not there"}
        row, found = measured(check, case, seconds * 0.32, check.store(name.replace(" ", "")), name)
        stages = [
            {
                "objective": trial["config"]["objective"]["plugin"],
                "step": trial["step"],
                "steps": trial["config"]["train"]["steps"],
                "busy_percent": trial["busy_percent"],
                "hours": extrapolated(trial["step"], trial["config"]["train"]["steps"]),
            }
            for trial in found
        ]
        hours = sum(stage["hours"] for stage in stages)
        return {"rows": [row], "stages": stages, "hours": hours, "text": f"{_short(row)}; all steps: {hours:.1f} h"}

    return part


def _short(row):
    busy = "" if row["busy_percent"] is None else f", busy {row['busy_percent']:.0f} %"
    return f"{1e3 * row['step']:.3g} ms a step in {row['precision']}{busy}"


def limits(check, seconds):
    if not check.torch:
        raise Failed(f"this Python has no PyTorch: {check.no_torch}")
    found = run_passes(check, ["limits"], seconds)
    rates = ", ".join(f"{name} {found[name] / 1e12:.3g}" for name in ("bfloat16", "tf32", "float32") if name in found)
    copies = f"copies {found['bytes_per_second'] / 1e9:.0f} GB/s"
    text = f"products of {found['size']} x {found['size']}: {rates} TFLOP/s; {copies}"
    return {**found, "text": text}


def run_passes(check, words, seconds):
    file = check.programs.root / "bench/gpu/passes.py"
    done = subprocess.run(
        [sys.executable, file, words[0], check.device, *words[1:]],
        capture_output=True,
        text=True,
        timeout=max(1.0, min(seconds, check.left())),
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"passes.py: {last_line(done.stderr)}")
    return json.loads(done.stdout)
