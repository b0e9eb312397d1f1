"""Files that users have, through the real programs: what a data set holds is said by plan, run and show; states with a mark, in other
line ends, packed; endings in capitals; names of stores, experiments and pictures.

    readers_test.py BIN_DIR
"""

import gzip
import os
import pathlib
import sqlite3
import struct
import subprocess
import sys
import tempfile

programs = pathlib.Path(sys.argv[1]).resolve()
failures = []

TABLE = """
name = "rows"
[dataset]
plugin = "table"
file = "rows.csv"
[network]
plugin = "mlp"
hidden = 4
layers = 1
[objective]
plugin = "ao-arm"
[train]
steps = 2
batch = 4
[evaluation]
samples = 4
nll_samples = 0
marginal_states = 0
marginal_time = false
pictures = 0
[run]
device = "cpu"
cores = 1
"""
ROWS = [[1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 1, 0], [1, 0, 0]] * 8
FACTS = "40 rows of 3 sites and 2 categories: 32 for training, 4 for validation, 4 for the test"
UAI = "BAYES\n2\n2 3\n2\n1 0\n2 0 1\n2\n0.25 0.75\n6\n0.33 0.33 0.33 0.2 0.3 0.5\n"


def run(folder, *words, code=0, given=None, **more):
    variables = {
        **os.environ,
        "MARGINALIA_STORE": str(folder / "store.db"),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "",
        **more,
    }
    done = subprocess.run(
        [programs / "marginalia", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        input=given,
        env=variables,
        timeout=120,
    )
    if done.returncode != code:
        failures.append(f"{words}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def expect(text, part):
    if part not in text:
        failures.append(f"{part!r} is not in:\n{text}")


def csv(rows=ROWS):
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def says_what_was_read(folder):
    (folder / "rows.toml").write_text(TABLE)
    (folder / "rows.csv").write_text("0,1,2\n" + csv())
    note = FACTS + "; the first line, '0,1,2', was taken for a header"
    expect(run(folder, "plan", "rows.toml"), f"dataset 'table': {note}\n")
    expect(run(folder, "run", "rows.toml"), f"dataset: {note}\n")
    expect(run(folder, "show", "1"), note)
    if "dataset:" in run(folder, "run", "rows.toml", "--quiet", "seeds=1"):
        failures.append("--quiet says what was read")
    (folder / "rows.csv").write_text("0,1,2\n0,1,1\n3,2,1\n")
    expect(
        run(folder, "plan", "rows.toml", "seeds=2"),
        "dataset 'table': cannot be read: " + str(folder / "rows.csv") + ":1: the first line, ",
    )
    expect(run(folder, "run", "rows.toml", "seeds=2", code=1), 'set header = "yes" or header = "no"')
    (folder / "rows.csv").write_text(csv())


def states_are_read(folder):
    states = csv(ROWS[:2])
    right = run(folder, "score", "1", "--states", "-", given=states)
    for name, content in {
        "mark.txt": b"\xef\xbb\xbf" + states.encode(),
        "windows.txt": states.replace("\n", "\r\n").encode(),
        "old.txt": states.replace("\n", "\r").encode(),
        "packed.txt.gz": gzip.compress(states.encode()),
        "ARRAY.NPY": array(ROWS[:2]),
        "array.npy.gz": gzip.compress(array(ROWS[:2])),
    }.items():
        (folder / name).write_bytes(content)
        if run(folder, "score", "1", "--states", name) != right:
            failures.append(f"{name} is not scored as the same states from a pipe")
    for marked in ["\ufeff" + states, states.replace("\n", "\r")]:
        if run(folder, "score", "1", "--states", "-", given=marked) != right:
            failures.append("marked states from a pipe are not scored as unmarked ones")
    (folder / "wide.txt").write_bytes(states.encode("utf-16"))
    expect(
        run(folder, "score", "1", "--states", "wide.txt", code=2), "wide.txt: this is text in UTF-16; save it as UTF-8"
    )
    (folder / "odd.txt").write_text("1,\u200b1,0\n")
    expect(
        run(folder, "score", "1", "--states", "odd.txt", code=2),
        "odd.txt:1: symbol 2 is U+200B (an invisible character)",
    )
    os.mkfifo(folder / "fifo")
    expect(
        run(folder, "score", "1", "--states", "fifo", code=2),
        "the states fifo cannot be read: it is a pipe; give a text file",
    )


def array(rows):
    head = "{'descr': '>i2', 'fortran_order': True, 'shape': (%d, %d), }\n" % (len(rows), len(rows[0]))
    columns = [row[site] for site in range(len(rows[0])) for row in rows]
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(head))
        + head.encode()
        + struct.pack(">%dh" % len(columns), *columns)
    )


def endings_in_capitals(folder):
    expect(run(folder, "sample", "1", "--count", "3", "--out", "drawn.CSV"), "drawn.CSV")
    if len((folder / "drawn.CSV").read_text().splitlines()) != 3:
        failures.append("drawn.CSV does not hold three rows")
    run(folder, "sample", "1", "--count", "3", "--out", "drawn.Npy")
    if not (folder / "drawn.Npy").read_bytes().startswith(b"\x93NUMPY"):
        failures.append("drawn.Npy is no array")


def warns_of_rounded_rows(folder):
    (folder / "net.uai").write_text(UAI)
    (folder / "net.toml").write_text(
        TABLE.replace('name = "rows"', 'name = "net"')
        .replace(
            '[dataset]\nplugin = "table"\nfile = "rows.csv"',
            '[energy]\nplugin = "uai"\nfile = "net.uai"\n[sampler]\nplugin = "block-gibbs"',
        )
        .replace("ao-arm", "mam-energy")
    )
    said = run(folder, "run", "net.toml")
    expect(said, "energy: entries 0 to 2 of factor 1 (0.99) did not add up to 1 and were normalised\n")
    expect(run(folder, "show", "last"), "were normalised")


def names(folder):
    before = sorted(path.name for path in folder.iterdir())
    for name in [":memory:", "file:x.db", "a\nb.db", "", str(folder) + "/", "x" * 250, "file::memory:?cache=shared"]:
        # What starts workers takes seconds, so not with every name.
        more = [("run", "rows.toml"), ("plan", "rows.toml")] if name in (":memory:", "x" * 250) else []
        for verb in [("list",), ("show", "1"), *more]:
            said = run(folder, *verb, "--store", name, code=4)
            if "\n" in said.strip():
                failures.append(f"--store {name!r}: {verb[0]} says more than a sentence:\n{said}")
            for raw in ["filesystem error", "terminate", "what():"]:
                if raw in said:
                    failures.append(f"--store {name!r}: {verb[0]} says {raw}:\n{said}")
    if sorted(path.name for path in folder.iterdir()) != before:
        failures.append(
            f"a refused name of a store leaves {sorted(path.name for path in folder.iterdir())}, before {before}"
        )
    for name in ["../x", "a\nb", "x" * 201]:
        said = run(folder, "plan", "rows.toml", f"name={name}", code=2)
        expect(said, "'name' ")
    # A store that another program wrote may hold any name; the files named after it stay in this folder.
    store = sqlite3.connect(folder / "store.db")
    for table in ["sweep", "trial"]:
        store.execute(f"update {table} set experiment = ? where experiment = 'rows'", ("../../e\n\x1b" + "x" * 300,))
    store.commit()
    store.close()
    said = run(folder, "report", "../../e\n\x1b" + "x" * 300)
    made = [path.name for path in folder.iterdir() if path.suffix == ".html"]
    if made != ["..-..-e--" + "x" * 191 + ".html"]:
        failures.append(f"the report is in {made}: {said}")


with tempfile.TemporaryDirectory() as name:
    place = pathlib.Path(name).resolve()
    for part in [says_what_was_read, states_are_read, endings_in_capitals, warns_of_rounded_rows, names]:
        part(place)
print("\n".join(failures) or "all parts hold")
sys.exit(bool(failures))
