"""Trials by what shapes their weights: under another name they are taken over, more steps go on where fewer ended, and parameters that
their plugin gains or loses leave them what they are. Through the real programs.

    reuse_test.py BIN_DIR PLUGIN_DIR GROWING_DIR

GROWING_DIR: a folder for each version (1, 2, 3) of tests/faults/plugins/growing_energy.cpp.
"""

import gzip
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from real_programs import SMALL_MODEL, check, end, expect, failed, plugins, rows, run, start

growing = pathlib.Path(sys.argv[3]).resolve()

EXPERIMENT = f"""
name = "short"
seeds = [0, 1]
{SMALL_MODEL}
[train]
steps = 30
batch = 16
learning_rate = 4e-3
schedule = "constant"
warmup = 40
ema = 0.9
clip = 5
[evaluation]
every = 10
samples = 100
nll_samples = 50
marginal_states = 10
marginal_time = false
[run]
device = "cpu"
cores = 1
"""

GROWING = """
name = "growing"
[energy]
plugin = "growing"
[network]
plugin = "mlp"
hidden = 8
layers = 1
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
[train]
steps = 600
batch = 8
[evaluation]
samples = 8
nll_samples = 0
marginal_states = 0
marginal_time = false
[run]
device = "cpu"
checkpoint_seconds = 0
time_limit = 0
plugin_path = "more"
"""


def equal(what, one, other):
    check(f"{what}: {one} and {other}", one == other and one)


UNTIMED = "name NOT LIKE '%seconds%'"


def figures(folder, experiment, store="store.db"):
    return rows(
        folder,
        "SELECT t.seed, f.name, f.value FROM final_metrics f JOIN trials t USING (trial_id) "
        f"WHERE t.experiment = '{experiment}' AND {UNTIMED} ORDER BY 1, 2",
        store,
    )


def curves(folder, experiment, store="store.db"):
    return rows(
        folder,
        "SELECT t.seed, m.name, m.step, m.value FROM metrics m JOIN trials t USING (trial_id) "
        f"WHERE t.experiment = '{experiment}' AND {UNTIMED} ORDER BY 1, 2, 3",
        store,
    )


def checkpoints(folder, experiment, store="store.db"):
    return rows(
        folder,
        "SELECT t.seed, k.step, p.number, p.data FROM trial t JOIN checkpoint k ON k.trial = t.id JOIN "
        f"checkpoint_piece p ON p.trial = t.id AND p.archive = k.archive WHERE t.experiment = '{experiment}' "
        "ORDER BY 1, 2, 3",
        store,
    )


def other_names(folder):
    expect(run(folder, "run", "e.toml"), "2 to run")
    expect(run(folder, "plan", "e.toml", "name=renamed"), "take over trial 1 of 'short'", "0 trials of 2 to run")
    expect(
        run(folder, "run", "e.toml", "name=renamed"),
        "renamed: 2 trials taken over from experiment 'short', which has trained them already; run.reuse=false trains them again",
        "renamed: 2 trials, 2 already done, nothing to run",
    )
    equal("figures of what was taken over", figures(folder, "short"), figures(folder, "renamed"))
    equal("curves of what was taken over", curves(folder, "short"), curves(folder, "renamed"))
    equal("weights of what was taken over", checkpoints(folder, "short"), checkpoints(folder, "renamed"))
    expect(run(folder, "list", "renamed"), "3", "4", "done")
    expect(run(folder, "show", "3"), "renamed", "trial 1 of experiment 'short'")
    for verb in (["best", "kl", "--experiment", "renamed"], ["table", "renamed"], ["report", "renamed", "--out", "-"]):
        expect(run(folder, *verb), "kl")
    expect(run(folder, "sample", "3", "-n", "2"))
    expect(run(folder, "run", "e.toml", "name=renamed"), "2 already done, nothing to run", without=["taken over"])
    expect(run(folder, "run", "e.toml", "name=anew", "run.reuse=false", "seeds=0"), "1 to run", without=["taken over"])
    equal("figures of what was trained anew", figures(folder, "short")[:5], figures(folder, "anew")[:5])
    # A seed more, a recording more: the one is trained, the other changes no trial.
    expect(
        run(folder, "run", "e.toml", "name=more", "seeds=[0, 7]", "train.log_every=3"),
        "1 trial taken over",
        "1 already done, 1 to run",
    )


def more_steps(folder):
    run(folder, "run", "e.toml", store="unkept.db")
    expect(
        run(folder, "run", "e.toml", "train.steps=60", "seeds=0", store="unkept.db"),
        "1 trial trained from the start, not from step 30 of trial 1: it has not kept the state to go on from, which "
        "train.keep_state = true keeps",
        "1 to run",
    )
    expect(
        run(folder, "run", "e.toml", "train.steps=70", "train.schedule=cosine", "seeds=0", store="unkept.db"),
        "1 to run",
        without=["from the start"],
    )  # another schedule is another training
    expect(
        run(folder, "run", "e.toml", "train.steps=80", "train.schedule=cosine", "seeds=0", store="unkept.db"),
        'the learning rates of train.schedule = "cosine" depend on the number of steps',
    )

    run(folder, "run", "e.toml", "train.keep_state=true", store="kept.db")
    equal(
        "figures with a state kept", figures(folder, "short"), figures(folder, "short", "kept.db")
    )  # the same identity
    expect(
        run(folder, "plan", "e.toml", "name=long", "train.steps=60", store="kept.db"),
        "go on from step 30 of trial 1",
        "2 trials of 2 to run",
    )
    expect(
        run(folder, "run", "e.toml", "name=long", "train.steps=60", store="kept.db"),
        "long: 2 trials go on where a shorter training ended, the first of them step 30 of trial 1",
        "2 to run",
    )
    run(folder, "run", "e.toml", "name=long", "train.steps=60", store="whole.db")
    equal("figures of 30 steps and 30 more", figures(folder, "long", "whole.db"), figures(folder, "long", "kept.db"))
    equal("curves of 30 steps and 30 more", curves(folder, "long", "whole.db"), curves(folder, "long", "kept.db"))
    equal(
        "checkpoints of 30 steps and 30 more",
        checkpoints(folder, "long", "whole.db"),
        checkpoints(folder, "long", "kept.db"),
    )


def changed_files(folder):
    (folder / "graph.uai").write_text("MARKOV\n2\n2 2\n1\n2 0 1\n4\n1 2 1 1\n")
    words = [
        "run",
        "e.toml",
        "energy.plugin=uai",
        "energy.file=graph.uai",
        "~energy.rows",
        "~energy.columns",
        "~energy.coupling",
        "~energy.field",
        "seeds=0",
        "sampler.sites=1",
        "train.steps=2",
        "evaluation.every=0",
    ]
    run(folder, *words, "name=first", store="files.db")
    expect(run(folder, *words, "name=second", store="files.db"), "1 trial taken over")
    (folder / "graph.uai").write_text("MARKOV\n2\n2 2\n1\n2 0 1\n4\n1 3 1 1\n")
    expect(run(folder, *words, "name=third", store="files.db"), "1 to run", without=["taken over"])


def parameters_come_and_go(folder):
    def use(version):
        (folder / "more").mkdir(exist_ok=True)
        shutil.copy(growing / str(version) / "growing_energy.so", folder / "more/growing.so")

    (folder / "g.toml").write_text(GROWING)
    (folder / "states.txt").write_text("0 1 _ _\n")
    grown = dict(store="grown.db")
    use(1)
    run(folder, "run", "g.toml", "train.steps=5", "name=small", **grown)
    stopped = start(folder, "run", "g.toml", store="grown.db")
    for line in stopped.stderr:
        if "to run" in line:
            break
    while not rows(folder, "SELECT 1 FROM checkpoint WHERE trial = 2", "grown.db"):
        pass
    stopped.send_signal(2)
    stopped.communicate()
    equal(
        "status of what was stopped",
        rows(folder, "SELECT status FROM trials WHERE trial_id = 2", "grown.db"),
        [("preempted",)],
    )
    marginals = run(folder, "marginals", "1", "--states", "states.txt", **grown)

    use(2)
    equal(
        "marginals with a parameter more", run(folder, "marginals", "1", "--states", "states.txt", **grown), marginals
    )
    for verb in (
        ["sample", "1", "-n", "2"],
        ["score", "1", "--states", "states.txt"],
        ["complete", "1", "--given", "0 1 _ _"],
        ["diff", "1", "2"],
        ["show", "1"],
    ):
        run(folder, *verb, **grown)
    run(folder, "reproduce", "1", "--out", "again.toml", **grown)
    expect((folder / "again.toml").read_text(), "tilt = 0")
    expect(run(folder, "run", "again.toml", "--plugin-path", "more", **grown), "1 already done")
    expect(run(folder, "run", "g.toml", "train.steps=5", "name=small", "energy.tilt=0", **grown), "1 already done")
    expect(
        run(folder, "run", "g.toml", "train.steps=5", "name=small", **grown), "1 to run"
    )  # what the default does now is another thing
    expect(run(folder, "resume", "growing", **grown), "1 trial, 1 to run")
    equal(
        "status of what went on", rows(folder, "SELECT status FROM trials WHERE trial_id = 2", "grown.db"), [("done",)]
    )

    use(3)
    expect(
        run(folder, "sample", "1", "-n", "2", code=2, **grown),
        "energy 'growing': the config gives field = 0.5, a parameter that this version of the plugin does not have; name the folder of "
        "the version that it was made with by --plugin-path",
    )
    expect(run(folder, "sample", "1", "-n", "2", "--plugin-path", str(growing / "1"), **grown))


def hashes_of_before(folder):
    """A store made before this identity was: its configs have the hashes that a run of their file gives now."""
    before = pathlib.Path(__file__).resolve().parent.parent / "store/before_3"
    (folder / "before.db").write_bytes(gzip.decompress((before / "store.db.gz").read_bytes()))
    then = set()
    for (text,) in rows(folder, "SELECT json FROM config", "before.db"):
        training = {name: table for name, table in json.loads(text).items() if name not in ("evaluation", "reference")}
        del training["train"]["log_every"]
        whole = json.dumps(training, sort_keys=True, separators=(",", ":"))
        then.add(hashlib.sha256(whole.encode()).hexdigest()[:16])
    run(folder, "run", str(before / "old.toml"), store="now.db")
    now = {hash for (hash,) in rows(folder, "SELECT config_hash FROM trials WHERE experiment = 'old'", "now.db")}
    equal("number of trainings in two experiments of before", len(then), 2)
    if len(now) != 1 or not now < then:
        failed(f"hashes then: {then}, now: {now}")


with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    (folder / "e.toml").write_text(EXPERIMENT)
    for part in (hashes_of_before, other_names, more_steps, changed_files, parameters_come_and_go):
        part(folder)
end("reuse")
