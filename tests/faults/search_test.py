"""A Sobol sweep through the real programs: more samples keep what is trained, in both stages; what is left out is said.

    search_test.py BIN_DIR PLUGIN_DIR
"""

import json
import pathlib
import tempfile

from real_programs import SMALL_MODEL, check, end, expect, rows, run

SWEEP = """
[train]
steps = 2
batch = 4
[evaluation]
samples = 4
nll_samples = 0
marginal_states = 0
marginal_time = false
[run]
device = "cpu"
cores = 1
[sweep]
samples = 8
draws = "sobol"
"train.learning_rate" = { random_log = [1e-3, 1e-1] }
"network.hidden" = { random = [4, 8000] }
"""

EXCLUDES = """
[[sweep.exclude]]
"network.hidden" = { above = 4000 }
[[sweep.exclude]]
"network.hidden" = 9000
"""


def trials(folder, experiment):
    return rows(folder, f"SELECT trial_id, config_hash FROM trials WHERE experiment = '{experiment}' ORDER BY trial_id")


def more_samples(folder):
    (folder / "e.toml").write_text('name = "more"\n' + SMALL_MODEL + SWEEP)
    expect(run(folder, "run", "e.toml"), "more: 8 of 8 trials done")
    before = trials(folder, "more")
    expect(run(folder, "plan", "e.toml", "sweep.samples=16"), "8 trials of 16 to run", without=["left out"])
    expect(run(folder, "run", "e.toml", "sweep.samples=16"), "16 trials, 8 already done, 8 to run")
    check("the first trials stay", trials(folder, "more")[:8] == before, before)
    expect(run(folder, "plan", "e.toml"), "0 trials of 8 to run")


def left_out(folder):
    (folder / "x.toml").write_text('name = "less"\n' + SMALL_MODEL + SWEEP + EXCLUDES)
    fault = "x.toml:38:1: this [[sweep.exclude]] leaves nothing out"
    # Of 8 Sobol draws each half of the range has four.
    expect(run(folder, "plan", "x.toml", store="less.db"), "4 combinations of the sweep left out", "4 trials of 4 to run", fault)
    expect(run(folder, "run", "x.toml", store="less.db"), fault, "less: 4 of 4 trials done")


def two_stages(folder):
    stage1 = SMALL_MODEL.replace("[objective]", '[stage1.objective]\nplugin = "mam-energy"\n[stage1.sampler]\nplugin = '
                                 '"block-gibbs"\n[stage1.train]\nsteps = 1\nbatch = 4\n[objective]')
    (folder / "s.toml").write_text('name = "staged"\n' + stage1 + SWEEP)
    expect(run(folder, "run", "s.toml", "sweep.samples=2"), "staged: 2 of 2 trials done")
    first = dict(trials(folder, "staged.stage1"))
    starts = [json.loads(config)["train"]["start_from"] for (config,) in rows(folder, "SELECT config FROM trials WHERE experiment = 'staged'")]
    check("each trial has its first stage", {start.split("@")[1] for start in starts} == set(first.values()), starts)


with tempfile.TemporaryDirectory() as place:
    for part in (more_samples, left_out, two_stages):
        part(pathlib.Path(place))
end("search")
