"""Whole trials on the device: twelve that share it, and the demo's KL."""

import datetime
import math
import time

from correctness import QUICK, SIGMAS, SPREAD
from machine import Watch
from product import Failed, ask, last_line, trials, unfinished

EXPECTED_KL, EXPECTED_ERROR = 0.048, 0.007  # nats: ising-quick on the CPU (experiments/ising-quick.md)
PUBLISHED_KL = 0.92


def _moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def at_once(found):
    """The most trials that ran at the same time."""
    events = sorted([(_moment(t["started"]), 1) for t in found] + [(_moment(t["finished"]), -1) for t in found])
    running, most = 0, 0
    for _, change in events:
        running += change
        most = max(most, running)
    return most


def sweep(check, seconds):
    """Twelve trials with four slots on one device, and three with one."""
    tiny = [] if check.cuda else "train.steps=4 train.batch=8 evaluation.samples=8 evaluation.nll_samples=8".split()
    figures, most = {}, 4 if check.cuda else min(4, check.cores)
    for name, slots, seeds in (("shared", most, "[0, 1, 2, 3]"), ("alone", 1, "[0]")):
        store = check.store(f"sweep-{name}")
        began = time.time()
        with Watch(check.nvml) as watch:
            words = [f"run.device={check.device}", f"run.slots={slots}", f"seeds={seeds}", *tiny]
            check.programs.run("bench/gpu/sweep.toml", words, store, seconds)
        found = trials(store)
        if wrong := unfinished(found):
            raise Failed(wrong)
        figures[name] = {
            "trials": len(found),
            "seconds": time.time() - began,
            "at_once": at_once(found),
            "busy_percent": watch.busy_percent(began, time.time()),
            "peak_bytes": watch.peak_bytes(),
        }
    shared, alone = figures["shared"], figures["alone"]
    if shared["at_once"] < most:
        raise Failed(f"with {most} slots no more than {shared['at_once']} trials ran at once")
    gain = (alone["seconds"] / alone["trials"]) / (shared["seconds"] / shared["trials"])
    return {
        **figures,
        "gain": gain,
        "text": f"12 trials done in {shared['seconds']:.1f} s, {shared['at_once']} at once; "
        f"a trial takes {gain:.2f} times as long with one slot",
    }


def ising(check, seconds):
    """The true KL of ising-quick, and seconds to the published one by cold-start."""
    store = check.store("ising")
    tiny = "train.steps=30 train.batch=64 network.channels=8 network.layers=2 evaluation.samples=200".split()
    words = [f"run.device={check.device}", "run.slots=1", *QUICK, "evaluation.marginal_states=0"]
    began = time.time()
    check.programs.run("experiments/ising-quick.toml", words + ([] if check.cuda else tiny), store, seconds)
    (trial,) = trials(store)
    if wrong := unfinished([trial]):
        raise Failed(wrong)
    kl, error = trial["final"]["kl"], trial["final"]["kl_stderr"]
    most = SIGMAS * math.sqrt(error**2 + EXPECTED_ERROR**2 + 2 * SPREAD**2)
    found = {
        "kl": kl,
        "kl_stderr": error,
        "train_seconds": trial["final"]["train_seconds"],
        "text": f"true KL {kl:.4f} ± {error:.4f} nats after {trial['final']['train_seconds']:.1f} s of training",
    }
    if check.cuda and not abs(kl - EXPECTED_KL) <= most:
        raise Failed(f"{found['text']}, and {EXPECTED_KL} ± {EXPECTED_ERROR} on the CPU")
    left = seconds - (time.time() - began)
    if check.cuda and left < 20:
        return {**found, "text": found["text"] + "; seconds to 0.92 nats not reached"}
    found["seconds_to_published"] = _seconds_to_published(check, left)
    shown = ", ".join(f"{name} {_span(values)}" for name, values in found["seconds_to_published"].items())
    return {**found, "text": f"{found['text']}; seconds to {PUBLISHED_KL} nats: {shown}"}


def _span(values):
    reached = [value for value in values if value is not None]
    return "not reached" if not reached else f"{sum(reached) / len(reached):.2f} (of {len(reached)} seeds)"


def _seconds_to_published(check, seconds):
    """By network, of each seed the seconds of training at the first KL that is below it by two standard errors."""
    store = check.store("cold-start")
    words = [f"run.device={check.device}", f"run.time_limit={seconds / 3}"]
    if not check.cuda:
        words += "seeds=[0] train.steps=10 evaluation.every=5 evaluation.samples=0".split()
        words += ["network.mlp.hidden=32", "network.lattice-conv.channels=8"]
    file = check.programs.root / "experiments/cold-start.toml"
    done = check.programs.call(["--store", store, "run", "--quiet", file, *words], seconds)
    if not store.is_file():
        raise Failed(f"cold-start: {last_line(done.stderr)}")
    query = """SELECT min(s.value) FROM metrics k JOIN metrics s USING (trial_id, step)
               JOIN metrics e USING (trial_id, step)
               WHERE trial_id = ? AND k.name = 'kl' AND e.name = 'kl_stderr' AND s.name = 'train_seconds'
               AND k.value + 2 * e.value < ?"""
    found = {}
    for trial in trials(store):
        (first,) = ask(store, query, (trial["trial_id"], PUBLISHED_KL))[0]
        found.setdefault(trial["config"]["network"]["plugin"], []).append(first)
    return found
