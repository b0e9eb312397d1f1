"""A store of somebody else's never chooses the code that runs: plugin folders, scripted files, git folders.

stranger_store_test.py BIN_DIR PLUGIN_DIR
"""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

programs, plugins = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
failures = []

EXPERIMENT = """name = "t"
[energy]
plugin = "ising"
rows = 3
columns = 3
[network]
plugin = "mlp"
hidden = 8
layers = 1
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
[train]
steps = 3
batch = 8
[evaluation]
samples = 0
nll_samples = 0
marginal_states = 0
[run]
device = "cpu"
plugin_path = "more"
"""


def expect(right, sentence):
    if not right:
        failures.append(sentence)
        print("FAILED:", sentence)


def run(*words, code=0, me="mine"):
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / me), "MARGINALIA_STORE": ""}
    done = subprocess.run(
        [str(programs / "marginalia"), *map(str, words)], cwd=folder, capture_output=True, text=True, env=environment
    )
    expect(
        done.returncode == code,
        f"{' '.join(map(str, words))}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}",
    )
    return done.stdout + done.stderr


def edited(name, *statements):
    """A copy of the store, changed by SQL; a callable changes the provenance's JSON."""
    shutil.copy(folder / "own.db", folder / name)
    with sqlite3.connect(folder / name) as store:
        for statement in statements:
            if callable(statement):
                for number, text in store.execute("SELECT id, json FROM provenance").fetchall():
                    store.execute(
                        "UPDATE provenance SET json = ? WHERE id = ?", (json.dumps(statement(json.loads(text))), number)
                    )
            else:
                store.execute(statement)
    return name


def check_folders():
    for verb in (
        ("sample", "1"),
        ("score", "1", "--states", "x.txt"),
        ("marginals", "1", "--states", "x.txt"),
        ("complete", "1", "--given", "_" * 9),
        ("checkpoint", "export", "1"),
        ("resume", "t"),
    ):
        run("--store", "own.db", *verb)
        told = run("--store", "own.db", *verb, code=2, me="other")
        expect(
            f"the store names the plugin folder {folder / 'more'}, and it was not made by you" in told,
            f"{verb}: {told}",
        )
        expect(f"--plugin-path {folder / 'more'} (or --trust" in told, f"{verb}: no remedy in {told}")
    run("--store", "own.db", "--trust", "sample", "1", me="other")
    run("--store", "own.db", "--plugin-path", "more", "sample", "1", me="other")
    told = run("--store", "own.db", "reproduce", "1", me="other")
    expect("not looked into: " in told and 'plugin = "ising"' in told, told)
    expect("not looked into" not in run("--store", "own.db", "reproduce", "1"), "one's own folder was not looked into")
    # resume --trust makes the choice one's own.
    shutil.copy(folder / "own.db", folder / "taken.db")
    run("--store", "taken.db", "--trust", "resume", me="taker")


def check_forgeries():
    def another_path(record):
        record["code"]["paths"] = [str(folder / "evil")]
        return record

    def no_texts(record):
        record["code"] = {"paths": [1, {}], "seal": 3}
        return record

    to_evil = "UPDATE sweep SET toml = replace(toml, '\"more\"', '\"evil\"')"
    for name, change in {
        "unsealed": [to_evil],
        "forged": [to_evil, another_path],
        "nonsense": [to_evil, no_texts],
        "moved": ["UPDATE sweep SET file = '/elsewhere/t.toml'"],
    }.items():
        told = run("--store", edited(name + ".db", *change), "sample", "1", code=2)
        expect("the store names the plugin folder" in told, f"{name}: {told}")
    expect(not (folder / "ran").exists(), "a library of the store's maker was loaded")
    # A link that leads elsewhere than when the store was made.
    (folder / "more").rename(folder / "was")
    (folder / "more").symlink_to(folder / "evil")
    expect(
        "the store names the plugin folder" in run("--store", "own.db", "sample", "1", code=2), "a link was followed"
    )
    expect(not (folder / "ran").exists(), "a library behind a link was loaded")
    (folder / "more").unlink()
    (folder / "was").rename(folder / "more")


def check_scripts():
    change = 'UPDATE config SET json = json_set(json, \'$.network\', json(\'{"plugin": "torchscript", "file": "/tmp/evil.pt"}\'))'
    told = run("--store", edited("script.db", change), "sample", "1", code=2)
    expect("the store has network 'torchscript' run the code in /tmp/evil.pt" in told and "give --trust" in told, told)


def check_git():
    """git runs what a repository's configuration names, so that reproduce must not ask it about a stranger's folder."""
    if not shutil.which("git"):
        print("skipped: git is not here, and with it the attack by a repository's configuration")
        return
    hostile = folder / "hostile"
    hostile.mkdir()
    git = ["git", "-C", hostile, "-c", "user.name=n", "-c", "user.email=e"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "m"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    script = hostile / "monitor"
    script.write_text(f"#!/bin/sh\necho > {folder / 'ran'}\n")
    script.chmod(0o755)
    (hostile / "file").write_text("x")
    subprocess.run([*git, "add", "file"], check=True)
    subprocess.run([*git, "config", "core.fsmonitor", str(script)], check=True)
    subprocess.run(["git", "-C", hostile, "diff", "HEAD"], capture_output=True)
    expect((folder / "ran").exists(), "git did not run the attack, so that it shows nothing")
    (folder / "ran").unlink(missing_ok=True)
    run("--store", edited("git.db", f"UPDATE sweep SET file = '{hostile}/t.toml'"), "reproduce", "1")
    expect(not (folder / "ran").exists(), "reproduce ran what a stranger's repository names")


with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place).resolve()
    (folder / "more").mkdir()
    shutil.copy(plugins / "ising.so", folder / "more")
    (folder / "evil").mkdir()
    (folder / "evil.c").write_text(
        '#include <stdio.h>\n__attribute__((constructor)) static void run(void) { fclose(fopen("ran", "w")); }\n'
    )
    if shutil.which("cc"):
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "evil/evil.so", folder / "evil.c"], check=True)
    else:
        print("skipped: no cc here, so that the stranger's library is empty")
    (folder / "t.toml").write_text(EXPERIMENT)
    (folder / "x.txt").write_text("_" * 9 + "\n")
    run("--store", "own.db", "run", "-q", "t.toml")
    expect((folder / "mine/marginalia/key").stat().st_mode & 0o777 == 0o600, "others can read the key")
    check_folders()
    check_forgeries()
    check_scripts()
    check_git()
    # Without a place for the key everything works, but for what asks later.
    (folder / "no-home").write_text("")
    told = run("--store", "homeless.db", "run", "t.toml", me="no-home")
    expect("sample and resume will ask for --plugin-path or --trust" in told, told)
    run("--store", "homeless.db", "sample", "1", code=2, me="no-home")
    run("--store", "homeless.db", "--plugin-path", "more", "sample", "1", me="no-home")
print("stranger_store:", "all as expected" if not failures else f"{len(failures)} failed")
sys.exit(1 if failures else 0)
