"""Small texts that the program reads (given states, lists of atoms, numbers of options, TRIAL, key=value, lists of names, the
environment): each is read as it was meant or refused in one sentence; none is read as something else.

    small_texts_test.py BIN_DIR
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

programs = pathlib.Path(sys.argv[1]).resolve()
failures = []
tried = {"answered": 0, "refused": 0}

COMMON = """
[train]
steps = 2
batch = 8
[evaluation]
samples = 0
nll_samples = 0
marginal_states = 0
marginal_time = false
pictures = 0
[run]
device = "cpu"
cores = 1
"""
MODEL = """
[network]
plugin = "mlp"
hidden = 8
layers = 1
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
"""
ISING = 'name = "ising"\n[energy]\nplugin = "ising"\nrows = 2\ncolumns = 3\n' + MODEL + COMMON
POTTS = 'name = "potts"\n[energy]\nplugin = "potts"\nrows = 2\ncolumns = 3\nstates = 12\n' + MODEL + COMMON
MOLECULES = 'name = "molecules"\n[energy]\nplugin = "lipophilicity"\nlength = 24\n' + MODEL + COMMON


def marginalia(folder, *words, **environment):
    return subprocess.run(
        [programs / "marginalia", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        env={**os.environ, "MARGINALIA_STORE": str(folder / "store.db"), "LC_ALL": "C.UTF-8", **environment},
    )


def expect(what, condition):
    if not condition:
        failures.append(what)


def answer(folder, *words, **environment):
    tried["answered"] += 1
    done = marginalia(folder, *words, **environment)
    expect(f"{words}: exit code {done.returncode}\n{done.stderr}", done.returncode == 0)
    return done.stdout


def refuses(folder, sentence, *words, codes=(2,), **environment):
    tried["refused"] += 1
    done = marginalia(folder, *words, **environment)
    said = done.stdout + done.stderr
    expect(f"{words}: exit code {done.returncode}, not {codes}\n{said}", done.returncode in codes)
    expect(f"{words}: '{sentence}' is not in\n{said}", sentence in said)
    expect(f"{words}: more than one sentence:\n{said}", said.count("\n") == 1)


def given_states(folder):
    def complete(trial, given):
        return [
            json.loads(line)["given"]
            for line in answer(folder, "complete", trial, "--given", given, "-n", "1", "--format", "json").splitlines()
        ]

    for given in (
        "+__/___",
        "+__ / ___",
        "+_____",
        "+,_,_,_,_,_",
        "+, _, _, _, _, _ ",
        "+ _\t_ _ _ _",
        "+□□/□□□",
        "+…",
        "+ ... ",
    ):
        expect(f"'{given}' is read otherwise", complete("1", given) == ["+□□/□□□"])
    for given, sentence in (
        ("+_/__/__", "has 2 symbols and not 3"),
        ("+___/__", "has 4 symbols and not 3"),
        ("+__//___", "more '/'"),
        ("+__/___//", "more '/' than divide its rows"),
        ("+,,_,_,_,_", "no symbol stands"),
        ("+,_,_,_,_,_,", "nothing follows the last comma"),
        ("+____\u00a0_", "U+00A0 (a no-break space)"),
        ("\u2212_____", "(U+2212, a minus sign)"),
        ("+____", "it has 5 symbols"),
        ("", "it has 0 symbols"),
        ("+_____;", "symbol 7 is ';'"),
        ("1_____", "symbol 1 is '1'"),
    ):
        refuses(folder, sentence, "complete", "1", "--given", given)
    for given in ("11,0,_,_,_,_", "11 0 _ _ _ _", "11, 0\t_ ,_,_,_", "11,0,_/_,_,_", "011,0,..."):
        expect(f"'{given}' is read otherwise", complete("2", given) == ["11,0,□,□,□,□"])
    for given, sentence in (
        ("1/1,0,_,_,_,_", "has 1 symbols and not 3"),
        ("12,0,_,_,_,_", "symbol 1 is '12'"),
        ("-1,0,_,_,_,_", "symbol 1 is '-'"),
        ("1.0,0,_,_,_,_", "symbol 2 is '.'"),
        ("99999999999999999999,0,_,_,_,_", "symbol 1 is '9999"),
    ):
        refuses(folder, sentence, "complete", "2", "--given", given)
    for name, sentence in (
        ("commas", "commas.txt:2: before the comma that follows symbol 1"),
        ("rows", "rows.txt:2: a row, which ends"),
    ):
        (folder / f"{name}.txt").write_text("+-+/-+-\n" + {"commas": "+,,-,-,-,-,-\n", "rows": "+-/+-/+-\n"}[name])
        for words in (
            ("marginals", "1", "--states"),
            ("score", "1", "--states"),
            ("score", "ising.toml", "--states"),
            ("complete", "1", "--given"),
        ):
            refuses(folder, sentence, *words, f"{name}.txt")


def options(folder):
    for words in (
        ("sample", "1", "-n"),
        ("sample", "1", "--seed"),
        ("sample", "1", "--batch"),
        ("list", "-n"),
        ("best", "loss", "--min-seeds"),
    ):
        for number in (
            "010",
            "00",
            "0x10",
            "1e3",
            "1.0",
            "+5",
            " 5",
            "5 ",
            "",
            "-1",
            "99999999999999999999",
            "\uff15",
            "1_000",
            "5\u00a0",
        ):
            refuses(folder, "", *words, number)
    refuses(folder, "'010' begins with a zero; write 10", "sample", "1", "-n", "010")
    expect("ten states", len(answer(folder, "sample", "1", "-n", "10").splitlines()) == 10)
    for trial in (
        "1 ",
        " 1",
        "+1",
        "-1",
        "1.0",
        "0x1",
        "\uff11",
        "",
        "last ",
        "LAST",
        "best:",
        "best:loss:",
        "best:loss:maximum",
        "best: loss",
        "1,2",
        "99999999999999999999",
        "abc",
    ):
        refuses(folder, "", "show", trial, codes=(2, 5))
    for device in ("cuda:0x", "CPU", "cpu,", "cpu ", "", "cuda:01", "cuda:-1"):
        refuses(folder, "--device" if device else "", "sample", "1", "--device", device)
    for verb in (("list",), ("table", "ising")):
        for option in ("--metric",) + (("--status",) if verb == ("list",) else ("--rows", "--columns")):
            for names in ("loss,,kl", ",loss", "loss,", "loss, ", "", " ", ","):
                refuses(folder, f"'{names}' is not a list of names" if names else "", *verb, option, names)
    for names in ("lsos", "loss;kl", "loss\u00a0", "loss kl"):
        refuses(folder, "no trial has a metric", "list", "--metric", names, codes=(5,))
        refuses(folder, "no trial has a metric", "table", "ising", "--metric", names, codes=(5,))
    for names in ("Done", "done failed"):
        refuses(folder, "is not a status", "list", "--status", names)
    for option in ("--rows", "--columns"):
        refuses(folder, "no trial has a config key 'sed'", "table", "ising", option, "sed")
    expect("blanks around names", answer(folder, "table", "ising", "--rows", " seed , train.steps ").startswith("seed"))
    expect(
        "blanks around statuses",
        "ising" in answer(folder, "list", "--status", "done, failed", "--metric", "loss, step_seconds"),
    )
    for epoch in ("now", "1e9", "-1", "", "99999999999999999999", "0x10"):
        refuses(folder, "SOURCE_DATE_EPOCH", "list", SOURCE_DATE_EPOCH=epoch)
    for columns in ("80x", "x", "-5", "99999999999999999999"):
        answer(folder, "list", COLUMNS=columns)


def overrides(folder):
    for word in (
        "train.steps=1e3",
        "train.steps=10 # ten",
        "train.steps=1,,2",
        "train.steps=1,",
        "train.steps=010",
        "train.steps=\uff11",
        "train.steps=5\u00a0",
        "train.steps=",
        "train.steps",
        "train.steps=1 2",
        "seeds=0-4",
        "seeds=0,,1",
        "seeds=1.5",
        "seeds=",
        "run.device=cuda:0x",
        "run.device=cpu,",
        "run.device=",
        "run.cores=1e0",
        "network.hidden=8;9",
        "energy.plugin=",
        "energy.plugin=ising,",
        "energy.rows=-2",
        "energy.rows=\u22122",
        "train.steps={lin=[1,3]}",
        "train.steps={lin=[1,3],n=2.5}",
        "train.steps={lin=1,n=2}",
        "train.steps={linear=[1,3],n=2}",
        "train.steps=[1,,2]",
        "energy.field=nan",
        "energy.field=1,5,",
    ):
        tried["refused"] += 1
        done = marginalia(folder, "run", "ising.toml", "name=other", word)
        expect(
            f"{word}: exit code {done.returncode}\n{done.stdout}{done.stderr}",
            done.returncode == (3 if "plugin" in word else 2),
        )
        expect(f"{word} is not named in\n{done.stderr}", word.partition("=")[0] in done.stderr)
    expect("nothing was begun", "other" not in answer(folder, "list", "--experiments"))


def molecules(folder):
    """200 completions of some fragments, as they come out of the program; bonds are looked at in test_molecule_energies."""

    def rows(given, count):
        tried["answered"] += 1
        done = marginalia(folder, "complete", "3", "--given", given, "-n", str(count), "--format", "json")
        expect(f"{given}: {done.stderr}", done.returncode == 0)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    three = rows("CC(=O)NC 1-3", 1)[0][0]
    for given in ("CC(=O)NC 1-3 ", "CC(=O)NC\t1-3", "CC(=O)NC 1 2 3", "CC(=O)NC 1, 2, 3", "CC(=O)NC 1\t2\t3"):
        expect(f"'{given}' is read otherwise", rows(given, 1)[0][0] == three)
    found, said = rows("c1ccccc1C(=O)O 1-6", 200)
    expect("200 completions", len(found) == 200)
    expect(
        f"the benzene ring is not in every completion: {said}",
        all(row["identity"].count("c") >= 6 for row in found),  # six aromatic carbons, alone or fused
    )
    expect(f"refusals are not told: {said}", "did not keep what was given and were drawn again" in said)
    expect("the same seed draws the same", rows("c1ccccc1C(=O)O 1-6", 200)[0] == found)
    (folder / "given.txt").write_text("c1ccccc1C(=O)O 1-6\nC1CC1CO 1-3\n[C][=C]...\n")
    answer(folder, "complete", "3", "--given", "given.txt", "-n", "40", "-o", "all.csv", "--batch", "16")
    expect("three times forty", len((folder / "all.csv").read_text().splitlines()) == 120)
    # Of half a cube without the other half hardly a completion is one.
    refuses(
        folder,
        "completions in turn kept what 'C12C3C4C1C5C2C3C45 3-8' gives",
        "complete",
        "3",
        "--given",
        "C12C3C4C1C5C2C3C45 3-8",
        "-n",
        "1",
    )
    for given, sentence in (
        ("CCO 4", "there is no atom 4"),
        ("CCO 1,,2", "a number should stand where ',' does"),
        ("CCO\u00a01", "U+00A0"),
        ("CCO ethanol", "a number should stand where 'e' does"),
        ("[C][O] 1", "a list of atoms stands behind a SMILES alone"),
        ("C*C 1", "the wildcard * (any atom) is not supported"),
        ("C$C 1", "the fourfold bond $ is not supported"),
    ):
        refuses(folder, sentence, "complete", "3", "--given", given)


with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    experiments = {"ising": ISING, "potts": POTTS}
    has_molecules = (programs.parent / "lib" / "marginalia" / "plugins" / "lipophilicity.so").exists()
    if has_molecules:
        experiments["molecules"] = MOLECULES
    else:
        print("left out: the molecules, as there is no RDKit")
    for name, text in experiments.items():
        (folder / f"{name}.toml").write_text(text)
        answer(folder, "run", "-q", f"{name}.toml")
    if not failures:
        given_states(folder)
    options(folder)
    overrides(folder)
    if has_molecules and not failures:
        molecules(folder)

for failure in failures:
    print(failure)
print(
    f"small_texts: {sum(tried.values())} inputs, {tried['answered']} answered, {tried['refused']} refused, {len(failures)} faults"
)
sys.exit(1 if failures else 0)
