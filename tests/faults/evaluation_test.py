"""Evaluation is a job of its own: changed keys evaluate anew and train nothing, what a killed one had done is not repeated, and
stores of before are taken over. Through the real programs.

    evaluation_test.py BIN_DIR PLUGIN_DIR OLD_STORE_DIR
"""

import gzip
import json
import pathlib
import signal
import sqlite3
import sys
import tempfile
import time

from real_programs import SMALL_MODEL, check, end, rows, run, start

old = pathlib.Path(sys.argv[3]).resolve()

EXPERIMENT = f"""
name = "evaluated"
seeds = [0]
{SMALL_MODEL}
[train]
steps = 40
batch = 16
[evaluation]
samples = 300
nll_samples = 100
marginal_states = 20
ais_chains = 64
ais_temperatures = {{temperatures}}
[run]
device = "cpu"
cores = 1
checkpoint_seconds = {{seconds}}
"""
TIMES = "'step_seconds', 'train_seconds', 'marginal_seconds', 'conditional_seconds', 'conditional5_seconds'"


def figures(folder, which="shown"):
    return rows(
        folder,
        "SELECT f.name, f.value FROM evaluation_metrics f JOIN evaluations e USING (evaluation_id) "
        f"WHERE e.{which} AND f.name NOT IN ({TIMES}) ORDER BY 1",
    )


def place(folder, temperatures=20, seconds=60):
    folder.mkdir()
    (folder / "e.toml").write_text(EXPERIMENT.format(temperatures=temperatures, seconds=seconds))
    return folder


def nothing_to_evaluate_takes_no_worker(folder):
    off = "evaluation.samples=0 evaluation.nll_samples=0 evaluation.marginal_states=0".split()
    run(folder, "run", "e.toml", *off)
    check("the trial is done", rows(folder, "SELECT status, trained, attempts FROM trials") == [("done", 1, 1)])
    check("so is its evaluation", rows(folder, "SELECT status, shown FROM evaluations") == [("done", 1)])
    check("it has no figures", not figures(folder), figures(folder))
    said = run(folder, "run", "e.toml", *off)
    check("nothing is left to run", "nothing to run" in said, said)
    run(folder, "run", "e.toml")
    check("an evaluation asked for later is done", dict(figures(folder)).keys() >= {"kl", "nll_bits"}, figures(folder))


def changed_key_trains_nothing(folder):
    run(folder, "run", "e.toml")
    first = figures(folder)
    trained = rows(folder, "SELECT attempts, (SELECT max(time) FROM metrics WHERE name = 'loss') FROM trials")
    check("a run has figures", dict(first).keys() >= {"kl", "log_z_ais", "nll_bits", "marginal_rmse"}, first)
    said = run(folder, "plan", "e.toml", "evaluation.samples=400")
    check("plan says that it would evaluate", "evaluate" in said, said)
    run(folder, "run", "e.toml", "evaluation.samples=400")
    check(
        "no step is trained",
        rows(folder, "SELECT attempts, (SELECT max(time) FROM metrics WHERE name = 'loss') FROM trials") == trained,
    )
    check("the new figures are shown", dict(figures(folder))["kl"] != dict(first)["kl"])
    check("the old ones are kept", figures(folder, "shown = 0 AND evaluation_id") == first)
    shown = json.loads(run(folder, "show", "1", "--format", "json"))
    check("show lists both", [one["shown"] for one in shown["evaluations"]] == [True, False], shown["evaluations"])
    check("show says in what the other differs", "evaluation.samples 300" in run(folder, "show", "1"))
    said = run(folder, "run", "e.toml")
    check("going back does nothing", "nothing to run" in said, said)
    check("and shows the first again", figures(folder) == first)
    run(folder, "evaluate", "last", "evaluation.samples=500", "evaluation.ais_chains=0")
    check("evaluate does it from the store", rows(folder, "SELECT count(*) FROM evaluations")[0][0] == 3)
    check("without what was not asked for", "log_z_ais" not in dict(figures(folder)))
    newest = figures(folder)
    said = run(folder, "evaluate", "1", "evaluation.samples=500", "evaluation.ais_chains=0")
    check("what has been done is not done again", "nothing to evaluate" in said, said)
    store = sqlite3.connect(folder / "store.db")
    with store:  # as if these figures came later
        shown_one = "(SELECT evaluation FROM trial)"
        store.execute(f"DELETE FROM figure WHERE evaluation = {shown_one} AND metric % 2 = 0")
    store.close()
    check("some of the figures are gone", 0 < len(figures(folder)) < len(newest))
    run(folder, "evaluate", "--again", "1", "evaluation.samples=500", "evaluation.ais_chains=0")
    check("--again finds the same ones", figures(folder) == newest, (figures(folder), newest))
    check("and keeps the other evaluations", rows(folder, "SELECT count(*) FROM evaluations")[0][0] == 3)
    process = start(folder, "evaluate", "1", "train.steps=4")
    err = process.communicate(timeout=60)[1]
    check("evaluate refuses to train", process.returncode == 2 and "evaluate trains nothing" in err, err)


def killed_goes_on(folder, unbroken):
    """Killed once the first stage is done, which is before the annealing."""
    process = start(folder, "run", "e.toml")
    deadline = time.monotonic() + 200
    state = "SELECT count(*) FROM evaluation WHERE archive IS NOT NULL"
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if rows(folder, state)[0][0] == 1:
                break
        except sqlite3.OperationalError:
            pass
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    check("it was killed in the middle of its evaluation", process.returncode == -signal.SIGKILL)
    before = dict(figures(folder))
    check("what was known is there", "log_z_exact" in before and "pearson" not in before, before)
    said = run(folder, "run", "e.toml")
    check("it goes on without training", "trained" not in said, said)
    check("with the figures of an unbroken one", figures(folder) == unbroken, (figures(folder), unbroken))
    check("and nothing is left over", rows(folder, state)[0][0] == 0)


def old_store(folder):
    folder.mkdir()
    (folder / "store.db").write_bytes(gzip.decompress((old / "store.db.gz").read_bytes()))
    for name in ("old.toml", "stopped.toml"):
        (folder / name).write_text((old / name).read_text())
    kl = "SELECT trial_id, value FROM final_metrics WHERE name = 'kl' ORDER BY 1"
    store = sqlite3.connect(folder / "store.db")
    before = store.execute(kl).fetchall()
    store.close()
    said = run(folder, "list", "old")
    check("list brings it up to date", "brought up to date" in said and said.count("done") >= 4, said)
    check("figures are kept", rows(folder, kl) == before)
    for trial, _ in before:
        run(folder, "sample", str(trial), "-n", "2")
        (folder / "states.txt").write_text("+-+-+-+-+\n-+-+-+-+-\n")
        scores = run(folder, "score", str(trial), "--states", "states.txt").splitlines()
        check("it is scored", "log_density" in scores[0] and len(scores) == 3, scores)
    said = run(folder, "run", "old.toml")
    check("nothing is trained or evaluated", "nothing to run" in said, said)
    check("each trial's figures are still there", len(rows(folder, kl)) == len(before))
    said = run(folder, "plan", "stopped.toml")
    check("the stopped one would go on from its step", "go on from step 2054" in said, said)
    run(folder, "resume", "stopped")
    check(
        "and has",
        rows(folder, "SELECT status FROM trials WHERE experiment = 'stopped'") == [("done",)]
        and rows(
            folder,
            "SELECT min(step) FROM metrics m JOIN trials t USING (trial_id) "
            "WHERE experiment = 'stopped' AND m.name = 'loss'",
        )[0][0]
        <= 10,
    )


with tempfile.TemporaryDirectory() as temporary:
    top = pathlib.Path(temporary)
    nothing_to_evaluate_takes_no_worker(place(top / "off"))
    changed_key_trains_nothing(place(top / "changed"))
    unbroken = place(top / "unbroken", 20000)
    run(unbroken, "run", "e.toml")
    killed_goes_on(place(top / "killed", 20000, 0), figures(unbroken))
    old_store(top / "old")
end("evaluation")
