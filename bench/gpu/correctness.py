"""Whether the device computes what it should: every plugin, the CPU's figures, a resumed training."""

import concurrent.futures
import contextlib
import csv
import hashlib
import math
import os
import re
import signal
import subprocess
import time

from product import Failed, ask, children_of, ended, gone, last_line, trials, unfinished

SPREAD = (
    0.02  # nats of KL and of log Z: standard deviation between trainings of ising-quick, by experiments/ising-quick.md
)
SIGMAS = 4.0
CHECKED_AT_ONCE = 6
ON_DEVICE = ("samplers", "objectives")  # kinds that check-plugin tries on a device; networks it compares on both
DIFFERS = "name NOT LIKE '%seconds%'"  # what rightly differs from run to run
QUICK = "evaluation.marginal_time=false evaluation.pictures=0 evaluation.every=0".split()
TINY = "energy.rows=4 energy.columns=4 network.channels=8 network.layers=2 train.steps=60 train.batch=32".split()
TINY += "evaluation.samples=200 evaluation.nll_samples=200 evaluation.marginal_states=64".split()


def doctor(check, seconds):
    done = check.programs.call(["doctor"], seconds)
    text = done.stdout + done.stderr
    if done.returncode != 0:
        raise Failed(f"doctor ends with {done.returncode}: {last_line(text)}")
    if check.cuda and "used as cuda:0" not in text:
        raise Failed("doctor sees no GPU that is used: " + last_line(text))
    shown = [
        line.split(maxsplit=1)[1] for line in text.splitlines() if re.match(r"\w+ +(LibTorch|NVIDIA|GPU|CUDA)", line)
    ]
    return {"report": text, "text": "; ".join(" ".join(line.split()) for line in shown)}


def _checked(check, kind, name, seconds):
    """None, or the lines in which check-plugin finds fault with a plugin."""
    file = check.plugins / f"{name}.so"
    parameters = check.programs.root / "plugins" / kind / name / "conformance.toml"
    words = ["check-plugin", file] + [parameters] * parameters.is_file()
    words += ["--device", "cuda"] if check.cuda and kind in ON_DEVICE else []
    done = check.programs.call(words, seconds)
    if done.returncode == 0:
        return None
    faults = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    return "; ".join(faults) or ("takes too long" if done.returncode is None else last_line(done.stderr or done.stdout))


def _plugins(check):
    """(kind, name) of every plugin that is here and has a folder of its kind."""
    folders = (check.programs.root / "plugins").glob("*/*/")
    found = sorted((folder.parent.name, folder.name) for folder in folders)
    return [(kind, name) for kind, name in found if (check.plugins / f"{name}.so").is_file()]


def conformance(check, seconds):
    found = _plugins(check)
    with concurrent.futures.ThreadPoolExecutor(CHECKED_AT_ONCE if check.cuda else 2) as pool:
        words = list(pool.map(lambda plugin: _checked(check, *plugin, seconds), found))
    faults = {f"{kind}/{name}": said for (kind, name), said in zip(found, words) if said}
    if faults:
        raise Failed(
            f"{len(faults)} of {len(found)} plugins fail: " + "; ".join(f"{k}: {v}" for k, v in faults.items())
        )
    return {"plugins": len(found), "text": f"{len(found)} plugins keep their promises"}


def every_plugin(check, seconds):
    store = check.store("every-plugin")
    overrides = [f"run.device={check.device}", f"run.slots={4 if check.cuda else 1}"]
    overrides += [] if check.cuda else ["train.steps=3", "evaluation.samples=8", "evaluation.nll_samples=8"]
    for name in ("every-plugin", "every-plugin-rows"):
        check.programs.run(f"bench/gpu/{name}.toml", overrides, store, seconds)
    found = trials(store)
    if wrong := unfinished(found):
        raise Failed(wrong)
    return {"trials": len(found), "text": f"{len(found)} trials of all objectives, samplers and networks are done"}


def _difference(a, b, name, error, spread):
    """(difference, tolerance) of a figure of two trials."""
    variance = sum(trial["final"].get(error, 0) ** 2 for trial in (a, b)) + 2 * spread**2
    return a["final"][name] - b["final"][name], SIGMAS * math.sqrt(variance)


def _density_columns(check, store, states, device, seconds):
    words = ["--store", store, "score", "1", "--states", states, "--device", device]
    done = check.programs.call(words, seconds)
    if done.returncode != 0:
        raise Failed(f"score on {device}: {last_line(done.stderr)}")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    return {name: [float(row[name]) for row in rows] for name in ("log_marginal", "log_density")}


def _same_states(check, store, seconds):
    """Largest difference in nats of log-densities of the same states by the same weights on both devices."""
    states = store.with_suffix(".npy")
    words = ["--store", store, "sample", "1", "--count", "256", "--out", states, "--device", check.device]
    done = check.programs.call(words, seconds)
    if done.returncode != 0:
        raise Failed(f"sample on {check.device}: {last_line(done.stderr)}")
    here, there = (_density_columns(check, store, states, d, seconds) for d in ("cpu", check.device))
    return max(abs(a - b) for name in here for a, b in zip(here[name], there[name]))


def equality(check, seconds):
    """Figures of ising-quick trained on the CPU and on the device, and log-densities by the same weights on both."""
    began, stores = time.time(), {}

    def train(where, device, seed):
        stores[where] = check.store(f"equality-{where}")
        overrides = [f"run.device={device}", f"seeds={seed}", "run.slots=1", f"run.cores={check.cores // 2}"]
        overrides += QUICK + ([] if check.cuda else TINY)
        check.programs.run("experiments/ising-quick.toml", overrides, stores[where], seconds)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(train, "cpu", "cpu", 1), pool.submit(train, "device", check.device, 0)]
        for job in jobs:
            job.result()
    (cpu,), (device,) = trials(stores["cpu"]), trials(stores["device"])
    if wrong := unfinished([cpu, device]):
        raise Failed(wrong)
    found = {"cpu": cpu["final"], "device": device["final"], "differences": {}}
    spread = SPREAD if check.cuda else 5 * SPREAD
    sites = cpu["config"]["energy"]["rows"] * cpu["config"]["energy"]["columns"]
    for name, of in (("kl", spread), ("nll_bits", spread / sites / math.log(2))):
        found["differences"][name] = _difference(device, cpu, name, name + "_stderr", of)
    found["same_weights_nats"] = _same_states(check, stores["device"], max(5.0, seconds - (time.time() - began)))
    off = [
        f"{name} differs by {d:.4f}, more than {most:.4f}"
        for name, (d, most) in found["differences"].items()
        if not abs(d) <= most
    ]
    if found["same_weights_nats"] > 0.05:
        off.append(f"log-densities by the same weights differ by {found['same_weights_nats']:.3g} nats, more than 0.05")
    if off:
        raise Failed("; ".join(off))
    shown = ", ".join(
        f"{name} {d:+.4f} (within {most:.4f}, {SIGMAS:.0f} sigma)" for name, (d, most) in found["differences"].items()
    )
    found["text"] = f"device less CPU: {shown}; same weights within {found['same_weights_nats']:.2g} nats"
    return found


def _kill_in_the_middle(check, words, store, steps, seconds):
    """Starts a run and kills it once it has logged a third of its steps; the step it had come to."""
    process = check.programs.start(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until, reached = time.time() + seconds, 0
    while process.poll() is None and reached < steps / 3 and time.time() < until:
        time.sleep(0.02)
        with contextlib.suppress(Exception):  # the store, or its first table, is not there yet
            reached = ask(store, "SELECT coalesce(max(step), 0) FROM metrics")[0][0]
    if process.poll() is not None or reached < steps / 3:
        ended(process)
        raise Failed(f"the run was at step {reached} of {steps} when it was to be killed")
    workers = children_of(process.pid)
    for pid in (*workers, process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    for pid in workers:
        gone(pid, 10)
    return reached


def _bits(check, store, seconds):
    """All that a run has computed: its curves, its final figures and its network's file."""
    curves = ask(store, f"SELECT name, step, value FROM metrics WHERE {DIFFERS} ORDER BY 1, 2")
    final = ask(store, f"SELECT name, value FROM final_metrics WHERE {DIFFERS} ORDER BY 1")
    file = store.with_suffix(".pt")
    done = check.programs.call(["--store", store, "checkpoint", "export", "1", "--out", file], seconds)
    if done.returncode != 0:
        raise Failed(f"checkpoint export: {last_line(done.stderr)}")
    return {"curves": curves, "final figures": final, "network": hashlib.sha256(file.read_bytes()).hexdigest()}


def _resumed(check, settings, seconds):
    """What differs between a training that was killed and one that was not; and the step at which it was."""
    overrides = [f"run.device={check.device}", *settings] + ([] if check.cuda else ["train.steps=60"])
    whole, broken = check.store("resume-whole"), check.store("resume-broken")
    check.programs.run("bench/gpu/resume.toml", overrides, whole, seconds)
    if wrong := unfinished(trials(whole)):
        raise Failed(wrong)
    steps = trials(whole)[0]["config"]["train"]["steps"]
    words = ["--store", broken, "run", "--quiet", check.programs.root / "bench/gpu/resume.toml", *overrides]
    step = _kill_in_the_middle(check, words, broken, steps, seconds)
    check.programs.run("bench/gpu/resume.toml", overrides, broken, seconds)
    a, b = _bits(check, whole, seconds), _bits(check, broken, seconds)
    return [what for what in a if a[what] != b[what]], step, steps


def resume(check, seconds):
    """Bit for bit under train.deterministic; where the programs have no such key, what comes without."""
    refused, settings = "", ["train.deterministic=true"]
    words = ["plan", check.programs.root / "bench/gpu/resume.toml", *settings]
    if check.programs.call(words, 60).returncode != 0:
        refused, settings = "refused: there is no train.deterministic; without it: ", []
    differs, step, steps = _resumed(check, settings, seconds / 2)
    if differs and not refused:
        raise Failed(f"killed at step {step} of {steps} and resumed, other than unbroken: {', '.join(differs)}")
    same = "equal bit for bit" if not differs else "not equal: " + ", ".join(differs)
    return {
        "killed_at": step,
        "deterministic": not refused,
        "differs": differs,
        "text": f"{refused}killed at step {step} of {steps}, resumed and unbroken are {same}",
    }
