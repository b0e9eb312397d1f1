"""Energies and networks scripted in Python, through the real programs.

    torchscript_test.py SOURCE_DIR BIN_DIR PLUGIN_DIR

Runs sdk/example/python as its reader would; compares `score` with the module itself; and reads the refusal of each wrong file.
"""
import csv
import io
import itertools
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

try:
    import torch
except (ImportError, OSError, ValueError) as error:  # a CUDA build without its CUDA libraries
    print(f"skipped: PyTorch cannot be imported here ({error}); make setup MARGINALIA_CUDA=1 gets what is missing")
    sys.exit(77)

warnings.filterwarnings("ignore")
source, programs, plugins = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
failures = []


def expect(right, sentence):
    if not right:
        failures.append(sentence)
        print("FAILED:", sentence)


def run(*words, folder, code=0, **variables):
    done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True, env={**os.environ, **variables})
    expect(done.returncode == code, f"{' '.join(map(str, words))}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Uniform(torch.nn.Module):
    """Every state alike; with one fault where asked for."""

    def __init__(self, fault: str = ""):
        super().__init__()
        self.fault = fault

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def log_density(self, x: torch.Tensor) -> torch.Tensor:
        if self.fault == "shape":
            return torch.zeros([x.size(0), 2])
        if self.fault == "index":
            return torch.index_select(x, 1, torch.tensor([99])).double().sum(1)
        return torch.zeros([x.size(0)])


def saved(folder, name, module, metadata):
    path = folder / name
    extra = {} if metadata is None else {"marginalia.json": metadata if isinstance(metadata, str) else json.dumps(metadata)}
    torch.jit.save(torch.jit.script(module), str(path), _extra_files=extra)
    return path


def check_examples(folder):
    for script, file in (("energy.py", "clock.pt"), ("network.py", "network.pt")):
        run(sys.executable, script, file, folder=folder)
    host = programs / "marginalia"
    run(host, "check-plugin", plugins / "torchscript-energy.so", "file=clock.pt", folder=folder)
    run(host, "check-plugin", plugins / "torchscript-network.so", "file=network.pt", "domain.shape=3x3",
        "domain.categories=3", "domain.periodic=true", folder=folder)
    text = run(host, "run", "experiment.toml", "seeds=[0,1]", "train.steps=20", "evaluation.samples=64", folder=folder)
    expect("2 of 2 trials done" in text, "the example's two seeds did not run:\n" + text)
    # Weights come from the trial's seed, by the module's own `initialize`.
    weights = []
    for trial in (1, 2):
        run(host, "checkpoint", "export", trial, "--out", f"{trial}.pt", folder=folder)
        weights.append(torch.jit.load(str(folder / f"{trial}.pt")).body.weight)
    expect(not torch.equal(*weights), "two seeds have the same weights")


def check_score(folder):
    energy = torch.jit.load(str(folder / "clock.pt"))
    rows = torch.tensor(list(itertools.islice(itertools.product(range(3), repeat=9), 0, 3**9, 97)))
    (folder / "states.txt").write_text("".join("".join("→↖↙"[k] for k in row) + "\n" for row in rows.tolist()))
    scores = list(csv.DictReader(io.StringIO(run(programs / "marginalia", "score", "experiment.toml", "--states", "states.txt", folder=folder))))
    expected, observed = energy.log_density(rows), energy.observe(rows)[:, 0]
    expect(len(scores) == len(rows), f"{len(scores)} scores of {len(rows)} states")
    for score, log_f, magnetisation in zip(scores, expected.tolist(), observed.tolist()):
        if not math.isclose(float(score["log_f"]), log_f, rel_tol=1e-12) or abs(float(score["magnetisation"]) - magnetisation) > 1e-12:
            expect(False, f"row {score['row']}: {score} instead of {log_f}, {magnetisation}")
            break
    # The trained model: one row of every kind.
    (folder / "some.txt").write_text("□□□□□□□□□\n_________\n→________\n→↖↙→↖↙→↖↙\n")
    scores = list(csv.DictReader(io.StringIO(run(programs / "marginalia", "score", "2", "--states", "some.txt", folder=folder))))
    # Two products of different numbers of rows, which some processors round differently.
    expect(all(abs(float(score["log_marginal"])) < 1e-6 for score in scores[:2]), f"log_marginal of nothing known: {scores[:2]}")
    expect([float(score["log_density"]) for score in scores[:2]] == [0, 0], f"log_density of nothing known: {scores[:2]}")
    shown = json.loads(run(programs / "marginalia", "show", "last", "--format", "json", folder=folder))
    expect(shown["trial"] == 2, f"the trial whose training started last is not 2: {shown}")
    network = torch.jit.load(str(folder / "2.pt"))
    x = torch.tensor([[0] + 8 * [3], 3 * [0, 1, 2]])
    for score, value in zip(scores[2:], network.log_marginal(x).tolist()):
        expect(abs(float(score["log_marginal"]) - value) < 1e-5, f"log_marginal {score['log_marginal']} instead of {value}")
    first = network.conditional_logits(torch.full([1, 9], 3)).log_softmax(2)[0, 0, 0].item()
    expect(abs(float(scores[2]["log_density"]) - first) < 1e-5, f"log_density {scores[2]['log_density']} instead of {first}")


def check_refusals(folder):
    good = {"sites": 4, "categories": 2}
    (folder / "text.pt").write_text("no archive")
    cases = {
        "no such file": ("nowhere.pt", "there is no file"),
        "not TorchScript": ("text.pt", "is not a TorchScript file; save it in Python by"),
        "no metadata": (saved(folder, "bare.pt", Uniform(), None), "the file has no marginalia.json"),
        "broken metadata": (saved(folder, "broken.pt", Uniform(), "{"), "its metadata (marginalia.json)"),
        "no categories": (saved(folder, "few.pt", Uniform(), {"sites": 4}), "'categories' is missing"),
        "no sites": (saved(folder, "sites.pt", Uniform(), {"categories": 2}), "has no 'sites'; an energy needs them"),
        "wrong categories": (saved(folder, "many.pt", Uniform(), {"sites": 4, "categories": 1000}),
                             "'categories' is 1000; it must be a whole number from 2 to 255"),
        "wrong shape": (saved(folder, "shape.pt", Uniform(), {**good, "shape": [3, 3]}), "'shape' multiplies to 9, but 'sites' is 4"),
        "wrong symbols": (saved(folder, "symbols.pt", Uniform(), {**good, "symbols": ["a"]}), "'symbols' has 1 words for 2 categories"),
        "unknown key": (saved(folder, "key.pt", Uniform(), {**good, "colour": 1}), "unknown key 'colour'"),
        "observables without observe": (saved(folder, "observe.pt", Uniform(), {**good, "observables": ["a"]}),
                                        "the module has no method 'observe(self, x)'"),
        "no method": (saved(folder, "method.pt", torch.nn.Linear(2, 2), good), "the module has no method 'log_density(self, x)'"),
        "wrong result": (saved(folder, "result.pt", Uniform("shape"), good),
                         "log_density(x) returns a tensor of shape [1, 2] for states of [1, 4]; it must be of shape [1]"),
        "script fails": (saved(folder, "fails.pt", Uniform("index"), good), "log_density(x): torchscript_test.py:"),
    }
    for name, (file, sentence) in cases.items():
        text = run(programs / "marginalia", "check-plugin", plugins / "torchscript-energy.so", f"file={file}", folder=folder, code=1)
        expect(sentence in text, f"{name}: '{sentence}' is not in\n{text}")
    # A network for other variables than the experiment's.
    text = run(programs / "marginalia", "run", "experiment.toml", "network.file=" + json.dumps(str(saved(folder, "net.pt", Net(), good))),
               "name=other", folder=folder, code=1)
    expect("the module is for 2 categories, but the experiment has 3; script it again for these" in text, text)


class Picky(torch.nn.Module):
    """States that begin with symbol 1 are impossible."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def log_density(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(1).double().masked_fill(x[:, 0] == 1, -float("inf"))

    @torch.jit.export
    def partial_log_density(self, x: torch.Tensor) -> torch.Tensor:
        return x.masked_fill(x == 2, 0).sum(1).double().masked_fill(x[:, 0] == 1, -float("inf"))


EXPERIMENT = """
name = "picky"
[energy]
plugin = "torchscript"
file = "picky.pt"
[network]
plugin = "mlp"
hidden = 8
layers = 1
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
[train]
steps = 10
batch = 64
[evaluation]
samples = 64
"""


def check_on_device(folder):
    """The script where the states are: the CPU stands for a GPU."""
    saved(folder, "picky.pt", Picky(), {"sites": 4, "categories": 2})
    (folder / "picky.toml").write_text(EXPERIMENT)
    host = programs / "marginalia"
    for file in "clock.pt", "picky.pt":
        text = run(host, "check-plugin", plugins / "torchscript-energy.so", f"file={file}", folder=folder)
        line = next(line for line in text.splitlines() if "on a device as on the host" in line)
        expect(line.startswith("ok") and "waits: none" in line, line)
    on_device = {"MARGINALIA_ENERGY_ON_DEVICE": "1"}
    for words in [], ["objective.plugin=mam-heat-bath", "sampler.plugin=single-site-gibbs"]:
        text = run(host, "run", "picky.toml", *words, folder=folder, **on_device)
        expect("1 of 1 trials done" in text or "1 trial done" in text, text)
    # The host asks no state for its log f: what is impossible is seen when the step is looked at.
    text = run(host, "run", "picky.toml", "objective.plugin=arm", "sampler.plugin=ancestral", folder=folder, code=1, **on_device)
    expect("step 1: log f is -infinity for" in text, text)


class Talkative(Uniform):
    @torch.jit.export
    def log_density(self, x: torch.Tensor) -> torch.Tensor:
        print("asked about", x.size(0), "states")
        return torch.zeros([x.size(0)])


def check_print(folder):
    """What an energy prints is kept with its trial."""
    saved(folder, "talkative.pt", Talkative(), {"sites": 4, "categories": 2})
    (folder / "talkative.toml").write_text("""name = "talkative"
[energy]
plugin = "torchscript"
file = "talkative.pt"
[network]
plugin = "mlp"
[sampler]
plugin = "ancestral"
[objective]
plugin = "mam-energy"
[train]
steps = 3
batch = 8
[evaluation]
samples = 8
""")
    store = ["--store", "talkative.db"]
    run(programs / "marginalia", "run", "talkative.toml", *store, folder=folder)
    text = run(programs / "marginalia", "logs", "1", *store, folder=folder)
    expect("asked about 8 states\n" in text, f"logs has not what the energy printed:\n{text}")


class Net(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def log_marginal(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros([x.size(0)])

    @torch.jit.export
    def conditional_logits(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros([x.size(0), x.size(1), 2])


with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place, "python")
    shutil.copytree(source / "sdk/example/python", folder)
    check_examples(folder)
    check_score(folder)
    check_refusals(folder)
    check_on_device(folder)
    check_print(folder)
print("torchscript:", "all as expected" if not failures else f"{len(failures)} failed")
sys.exit(1 if failures else 0)
