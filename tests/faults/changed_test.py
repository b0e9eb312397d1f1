"""A trial whose input file or plugin has changed since it ran: told by run and plan, run anew by --again; a failed one is tried
again. And what `score` refuses. Through the real programs.

    changed_test.py BIN_DIR PLUGIN_DIR
"""
import pathlib
import shutil
import tempfile

from real_programs import check, end, expect, plugins, run

EXPERIMENT = """
name = "changed"
[energy]
plugin = "uai"
file = "graph.uai"
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
plugin_path = "more"
"""


def graph(weight):
    return f"MARKOV\n2\n2 2\n1\n2 0 1\n4\n1 {weight} 1 1\n"


with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    (folder / "e.toml").write_text(EXPERIMENT)
    (folder / "more").mkdir()
    shutil.copy(plugins / "mlp.so", folder / "more/mlp.so")

    (folder / "graph.uai").write_text(graph(-1))
    expect(run(folder, "run", "e.toml", code=1), "trial 1 (seed 0) failed", "graph.uai:7:3")
    expect(run(folder, "run", "e.toml", code=1), "1 left failed")
    (folder / "graph.uai").write_text(graph(2))  # mended, so it is tried again without being asked for
    expect(run(folder, "run", "e.toml"), "1 to run", "trial 1 (seed 0) done")
    expect(run(folder, "run", "e.toml"), "1 already done, nothing to run")

    before = run(folder, "query", "SELECT value FROM final_metrics WHERE name = 'log_z_exact'", "--format", "csv")
    (folder / "graph.uai").write_text(graph(3))
    changed = f"file {folder.resolve()}/graph.uai"
    expect(run(folder, "plan", "e.toml"), f"skip ({changed} changed, see --again)")
    expect(run(folder, "plan", "e.toml", "--again"), "start again")
    expect(run(folder, "run", "e.toml"), f"1 already done (before {changed} changed; --again repeats it), nothing to run")
    expect(run(folder, "run", "e.toml", "--again"), "1 to run", "done after")
    after = run(folder, "query", "SELECT value FROM final_metrics WHERE name = 'log_z_exact'", "--format", "csv")
    check("--again makes new figures", before != after, after)

    with open(folder / "more/mlp.so", "ab") as library:  # another build: the loader does not mind what comes after the end
        library.write(b"\0")
    expect(run(folder, "run", "e.toml"), "1 already done (before network 'mlp' changed; --again repeats it)")

    # From elsewhere: the experiment's folder of plugins is still known.
    (folder / "states.txt").write_text("0_\n")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    expect(run(folder, "score", "last", "--states", "../states.txt", cwd=elsewhere), "row,log_marginal,log_density\n0,")
    expect(run(folder, "resume", "changed", cwd=elsewhere), "already done")

    expect(run(folder, "score", "last", "--states", ".", code=2), "the states . cannot be read")
    expect(run(folder, "score", "last", "--states", "states.txt", "--device", "tpu", code=2), "--device: there is no 'tpu' here")
    expect(run(folder, "score", "e.toml", "--states", "states.txt", "--step", "1", code=2), "--step names a checkpoint of a trial")
    expect(run(folder, "score", "e.toml", "--states", "states.txt", code=2), "row 0 has unknown sites")
    expect(run(folder, "run", "e.toml", "network.plugin=cnn", code=3), "unknown network plugin 'cnn'")
    (folder / "empty.toml").write_text("")
    expect(run(folder, "run", "empty.toml", code=2), "the experiment has no name")
end("changed")
