"""`ask` and `tell`: what they answer, refuse and go on with.

    tell_test.py BIN_DIR PLUGIN_DIR
"""

import json
import os
import pathlib
import random
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

programs, plugins = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
failures = []
counted = 0

EXPERIMENT = """
name = "told"
seeds = [0, 1]
[energy]
plugin = "ising"
rows = 2
columns = 2
[network]
plugin = "mlp"
layers = 1
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
[train]
steps = 20
batch = 8
[evaluation]
samples = 50
nll_samples = 0
marginal_states = 0
marginal_time = false
pictures = 0
[run]
device = "cpu"
slots = 2
[sweep]
"train.learning_rate" = { log = [1e-4, 1e-2], n = 3 }
"network.mlp.hidden" = [4, 8]
"train.schedule" = ["constant", "cosine"]
"train.final_fraction" = [0.1, 0.2]
[sweep.when]
"train.final_fraction" = { "train.schedule" = "cosine" }
"""

GOOD = {"train.learning_rate": 0.01, "network.mlp.hidden": 8, "train.schedule": "constant"}


def expect(right, what):
    global counted
    counted += 1
    if not right:
        failures.append(what)


class Place:
    def __init__(self, path, experiment=EXPERIMENT):
        self.path = pathlib.Path(path)
        (self.path / "told.toml").write_text(experiment)
        self.env = {**os.environ, "MARGINALIA_PLUGIN_PATH": str(plugins)}
        self.env.pop("MARGINALIA_STORE", None)

    def start(self, *words):
        return subprocess.Popen([programs / "marginalia", "tell", "told.toml", "-q", *words], cwd=self.path, env=self.env,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def tell(self, lines, *words, code=0):
        process = self.start(*words)
        out, err = process.communicate("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines), timeout=120)
        expect(process.returncode == code, f"tell ended with {process.returncode}, not {code}: {err}")
        return [json.loads(line) for line in out.splitlines()]

    def ask(self, *words):
        done = subprocess.run([programs / "marginalia", "ask", "told.toml", *words], cwd=self.path, env=self.env,
                              capture_output=True, text=True, timeout=60)
        expect(done.returncode == 0, f"ask: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def sql(self, statement):
        with sqlite3.connect(self.path / "marginalia.db") as store:
            return store.execute(statement).fetchall()


def space(place):
    line, = place.ask()
    keys = {p["key"]: p for p in line["parameters"]}
    expect(list(keys) == ["train.learning_rate", "network.mlp.hidden", "train.schedule", "train.final_fraction"], f"{line}")
    expect(keys["train.learning_rate"]["choices"] == [0.0001, 0.001, 0.01], f"{keys}")
    expect(keys["train.final_fraction"]["condition"] == {"train.schedule": ["cosine"]}, f"{keys}")
    expect((line["metric"], line["goal"]) == ("kl", "minimize"), f"{line}")
    line, = place.ask("--metric", "spearman", "train.schedule=constant")
    expect((line["metric"], line["goal"]) == ("spearman", "maximize"), f"{line}")
    expect(not (place.path / "marginalia.db").exists(), "ask has made a store")


def refusals(place):
    """Each is answered, and the lines around it are as if it were not there."""
    bad = [
        ("no JSON\n", "a line must be a JSON object"),
        ("[1, 2]\n", "a line must be a JSON object"),
        ({"id": 1}, '"parameters" must be an object'),
        ({"id": 1, "parameter": GOOD}, 'not "parameter"'),
        ({"id": 1, "parameters": {**GOOD, "train.step": 3}}, "unknown key 'step' in [train]; did you mean 'steps'?"),
        ({"id": 1, "parameters": {**GOOD, "train.steps": "many"}}, "'train.steps' must be an integer"),
        ({"id": 1, "parameters": {**GOOD, "train.steps": 1e300}}, "'train.steps' must be an integer"),
        ({"id": 1, "parameters": {**GOOD, "network.mlp.hidden": 0}}, "must be from 1"),
        ({"id": 1, "parameters": {**GOOD, "train.steps": None}}, "must be true, false, a number or a text, not null"),
        ({"id": 1, "parameters": {**GOOD, "train.steps": {"log": [1, 2]}}}, "must be true, false, a number or a text"),
        ({"id": 1, "parameters": {**GOOD, "train.steps": [1, 2]}}, "is one value in a trial, not a list"),
        ({"id": 1, "parameters": {**GOOD, "run.slots": 4}}, "'run.slots' cannot be told"),
        ({"id": 1, "parameters": {**GOOD, "name": "other"}}, "'name' is not a parameter of a trial"),
        ({"id": 1, "parameters": {**GOOD, "sweep.samples": 4}}, "'sweep.samples' is not a parameter of a trial"),
        ({"id": 1, "parameters": {"train.schedule": "constant"}}, "is missing among the parameters"),
        ({"id": 1, "parameters": {**GOOD, "train.schedule": "cosine"}}, "'train.final_fraction' is missing"),
        ({"id": 1, "parameters": {**GOOD, "energy.plugin": "izing"}}, "did you mean 'ising'"),
        ("x" * 1_200_000 + "\n", "more than 1048576 bytes"),
        ('{"id": 1, "parameters": {"train.steps\\u0000": "\\u001b[31m"}}\n', "error"),
        ("[" * 100_000 + "\n", "a line must be a JSON object"),
        (b'{"id": 1, "parameters": {"train.schedule": "\xc3\x28"}}\n'.decode("latin-1"), "error"),
    ]
    answers = place.tell([line for line, _ in bad] + ["\n", {"id": {"any": [None]}, "parameters": GOOD}])
    expect(len(answers) == len(bad) + 1, f"{len(answers)} answers to {len(bad) + 1} lines")
    for answer, (line, words) in zip(answers, bad):
        expect(words in json.dumps(answer, ensure_ascii=False).replace('\\"', '"'), f"{str(line)[:80]}: {answer}, not {words}")
        expect("\n" not in answer.get("error", ""), f"{answer} is not one sentence")
    good = answers[-1]
    expect(good["id"] == {"any": [None]} and good["status"] == "done" and len(good["trials"]) == 2, f"{good}")
    values = [value for value, in place.sql("SELECT value FROM final_metrics WHERE name = 'kl' ORDER BY trial_id")]
    expect(abs(good["metrics"]["kl"] - sum(values) / 2) < 1e-12, f"{good} is not the mean of {values}")
    expect(abs(good["standard_errors"]["kl"] - abs(values[0] - values[1]) / 2) < 1e-12, f"{good}, of {values}")


def again(place):
    """What the store has is answered without a trial; equal lines at once are one trial."""
    before = place.sql("SELECT count(*), max(finished) FROM trials")
    first, = place.tell([{"id": "x", "parameters": GOOD}])
    expect(first["status"] == "done" and place.sql("SELECT count(*), max(finished) FROM trials") == before, f"{first}")
    cosine = {**GOOD, "train.schedule": "cosine", "train.final_fraction": 0.2}
    lines = [{"id": i, "parameters": cosine} for i in range(5)]
    lines.append({"id": 5, "parameters": {**cosine, "evaluation.samples": 60}})
    answers = place.tell(lines)
    expect(sorted(a["id"] for a in answers) == list(range(6)), f"{answers}")
    expect(len({tuple(a["trials"]) for a in answers}) == 1 and all(a["status"] == "done" for a in answers), f"{answers}")
    expect(place.sql("SELECT count(*) FROM trials") == [(4,)], "equal parameters were more than one trial a seed")
    one, = place.tell([{"id": 0, "parameters": {**GOOD, "seeds": [7]}}])
    expect(len(one["trials"]) == 1 and "standard_errors" not in one, f"{one}")
    known = place.ask()[1:]
    expect({tuple(sorted(line["parameters"].items())) for line in known} == {tuple(sorted(p.items())) for p in (GOOD, cosine)}, f"{known}")


def failing(place):
    """A trial that fails is answered, told again it is left failed, and --retry-failed tries it again."""
    lines = [{"id": 1, "parameters": {**GOOD, "train.start_from": "nothing", "train.steps": 3}}, {"id": 2, "parameters": {**GOOD, "train.steps": 4}}]
    answers = {a["id"]: a for a in place.tell(lines, code=1)}
    expect(answers[1]["status"] == "failed" and "start_from" in answers[1]["error"] and answers[1]["metrics"] == {}, f"{answers}")
    expect(answers[2]["status"] == "done", f"{answers}")
    begin = time.monotonic()
    left, = place.tell(lines[:1])
    expect(left["status"] == "failed" and left["error"] == answers[1]["error"], f"{left}")
    tried, = place.tell(lines[:1], "--retry-failed", code=1)
    expect(tried["status"] == "failed", f"{tried}")
    expect(place.sql(f"SELECT attempts FROM trial WHERE id = {tried['trials'][0]}") == [(2,)], "it was not tried again once")


def unread(place):
    """Answers that cannot be written end it; a reader that reads nothing does not keep it from stopping."""
    line = json.dumps({"id": 1, "parameters": GOOD}) + "\n"
    with open("/dev/full", "wb") as full:
        done = subprocess.run([programs / "marginalia", "tell", "told.toml"], cwd=place.path, env=place.env, input=line.encode(),
                              stdout=full, stderr=subprocess.PIPE, timeout=60)
    err = done.stderr.decode()
    expect(done.returncode == 6 and err.count("standard output cannot be written: No space left on device") == 1, f"{done.returncode} {err}")
    process = place.start()
    try:
        process.stdin.write(line.replace("1,", f'"{"x" * 4000}",', 1) * 25)
        process.stdin.flush()
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        expect(process.wait(30) == 130, "an answer that nobody reads keeps tell from stopping")
    finally:
        process.kill()


def parallel(place):
    """Warm workers: a line costs milliseconds, and two run at a time."""
    process = place.start()
    points = [{**GOOD, "train.learning_rate": 0.001 + i * 1e-5, "seeds": [0], "train.steps": 1} for i in range(21)]
    seconds = []
    for i, point in enumerate(points):
        begin = time.monotonic()
        print(json.dumps({"id": i, "parameters": point}), file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline())
        seconds.append(time.monotonic() - begin)
        expect(answer["id"] == i and answer["status"] == "done", f"{answer}")
    process.stdin.close()
    expect(process.wait(60) == 0, "tell does not end with its input")
    seconds = sorted(seconds[1:])
    print(f"a line of a trial of one step took {1000 * seconds[10]:.0f} ms, the least {1000 * seconds[0]:.0f} ms")
    expect(seconds[0] < 0.5, f"a line took {seconds[0]} s: its worker was not warm")


def killed(place):
    """Killed at any moment, the same lines again give what an unbroken search gives, and no trial twice."""
    points = [{**GOOD, "train.learning_rate": 0.002 + i * 1e-4, "train.steps": 60} for i in range(4)]
    lines = [{"id": i, "parameters": point} for i, point in enumerate(points)]
    rng = random.Random(5)
    for end in (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        process = place.start()
        for line in lines:
            print(json.dumps(line), file=process.stdin, flush=True)
        time.sleep(rng.uniform(0.5, 2.5))
        process.send_signal(end)
        code = process.wait(60)
        expect(code == (130 if end == signal.SIGINT else -9) or code == 0, f"ended with {code}")
    answers = {a["id"]: a for a in place.tell(lines)}
    expect(len(answers) == 4 and all(a["status"] == "done" for a in answers.values()), f"{answers}")
    with tempfile.TemporaryDirectory() as other:
        whole = Place(other)
        unbroken = {a["id"]: a for a in whole.tell(lines)}
        for i in range(4):
            expect(answers[i]["metrics"]["kl"] == unbroken[i]["metrics"]["kl"], f"{i}: {answers[i]} and {unbroken[i]}")
    expect(place.sql("SELECT count(*) FROM trials WHERE status NOT IN ('done', 'failed')") == [(0,)], "a trial is left over")


def elsewhere(place):
    """Two at a time on one store share their trials."""
    points = [{**GOOD, "train.learning_rate": 0.004 + i * 1e-4, "train.steps": 200} for i in range(3)]
    text = "".join(json.dumps({"id": i, "parameters": point}) + "\n" for i, point in enumerate(points))
    both = [place.start() for _ in range(2)]
    for process in both:
        process.stdin.write(text)
        process.stdin.flush()
    for process in both:
        out, err = process.communicate(timeout=120)
        answers = [json.loads(line) for line in out.splitlines()]
        expect(sorted(a["id"] for a in answers) == [0, 1, 2] and all(a["status"] == "done" for a in answers), f"{answers} {err}")
    expect(place.sql("SELECT max(attempts) FROM trial WHERE id > (SELECT max(id) - 6 FROM trial)") == [(1,)], "a trial ran twice")


STAGES = EXPERIMENT.partition("[sweep]")[0] + """
[stage1.objective]
plugin = "ao-arm"
[stage1.sampler]
plugin = "single-site-gibbs"
[stage1.train]
steps = 5
[sweep]
"train.learning_rate" = [1e-3, 1e-2]
"""


def stages():
    """The first stage is run first, once for both lines."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder, STAGES)
        answers = place.tell([{"id": rate, "parameters": {"train.learning_rate": rate}} for rate in (1e-3, 1e-2)])
        expect(len(answers) == 2 and all(a["status"] == "done" for a in answers), f"{answers}")
        counts = place.sql("SELECT experiment, count(*) FROM trials GROUP BY experiment ORDER BY experiment")
        expect(counts == [("told", 4), ("told.stage1", 2)], f"{counts}")


with tempfile.TemporaryDirectory() as folder:
    place = Place(folder)
    for part in (space, refusals, again, failing, unread, parallel, killed, elsewhere):
        begin = time.monotonic()
        part(place)
        print(f"{part.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
stages()
print(f"tell: {counted} things looked at, {len(failures)} wrong", *failures, sep="\n")
sys.exit(1 if failures else 0)
