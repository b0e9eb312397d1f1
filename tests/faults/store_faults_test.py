"""Random damage to a small store, and every reading verb on it: each answers, or refuses with one sentence and a
documented code; none is ended by a signal, and none lets a raw exception be seen. What a verb refuses `doctor` finds. Then
`recover`: what it makes passes integrity_check, `doctor` finds nothing in it, and the verbs answer.

FAULT_ROUNDS stores, from FAULT_SEED on.
"""

import argparse
import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", required=True)
parser.add_argument("--sample", required=True, help="program that writes the sample store")
parser.add_argument("--worker", required=True, help="for `plan`")
parser.add_argument("--plugins", required=True, help="for `plan`")
arguments = parser.parse_args()

ROUNDS = int(os.environ.get("FAULT_ROUNDS") or 6)
SEED = int(os.environ.get("FAULT_SEED") or 1)
DOCUMENTED = {0, 2, 4, 5}
RAW = re.compile(
    r"json\.exception|map::at|basic_string|vector::|bad_alloc|bad_optional|std::|stoi|_M_|terminate called", re.I
)
TABLES = [
    "provenance",
    "sweep",
    "config",
    "trial",
    "sweep_trial",
    "metric_name",
    "metric",
    "summary",
    "final_metric",
    "evaluation",
    "figure",
    "checkpoint",
    "checkpoint_piece",
    "sample",
    "tag",
    "note",
    "removed",
]
PLAN = """name = "lattice"
seeds = [0, 1]
[energy]
plugin = "fake"
[network]
plugin = "fake"
[objective]
plugin = "fake"
"""
VERBS = [
    ["list"],
    ["list", "--experiments"],
    ["list", "--format", "json"],
    ["show", "1"],
    ["show", "last", "--format", "json"],
    ["show", "2", "--toml"],
    ["show", "10"],
    ["logs", "10"],
    ["best", "kl"],
    ["table"],
    ["table", "lattice", "-r", "channels", "-m", "kl"],
    ["compare", "1", "4", "13"],
    ["diff", "1", "13"],
    ["report", "lattice", "--out", "r.html"],
    ["plot", "loss", "kl", "-e", "lattice", "--format", "blocks"],
    ["plot", "kl", "1", "--against", "seconds", "--out", "p.svg"],
    ["plot", "kl", "--histogram"],
    ["query", "SELECT * FROM trials"],
    ["query", "SELECT count(*), sum(value) FROM metrics"],
    ["query", "SELECT * FROM sweeps", "--format", "json"],
    ["export"],
    ["export", "final"],
    ["export", "trials"],
    ["export", "--format", "tensorboard", "--out", "runs"],
    ["list", "--where", "kl < 1 and channels = 16 or tag = good"],
    ["compare", "1", "4", "--seeds"],
    ["checkpoint", "export", "1", "--out", "c.pt"],
    ["plan", "plan.toml"],
    ["note", "1"],
    ["gc", "--dry-run", "--checkpoints"],
    ["export", "store", "--out", "archive.db"],
    ["ask", "plan.toml"],
]
environment = {
    **os.environ,
    "NO_COLOR": "1",
    "MARGINALIA_WORKER": arguments.worker,
    "MARGINALIA_PLUGIN_PATH": arguments.plugins,
}


def flip_bytes(file, chance):
    data = bytearray(open(file, "rb").read())
    for _ in range(chance.choice([1, 1, 1, 4, 16])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    open(file, "wb").write(data)


def cut_off(file, chance):
    with open(file, "r+b") as stream:
        stream.truncate(chance.randrange(os.path.getsize(file)))
        if chance.random() < 0.5:  # such a file is found to be short by its header, unless that says less
            stream.seek(28)
            stream.write((os.path.getsize(file) // 4096).to_bytes(4, "big"))


def wipe_sector(file, chance):
    with open(file, "r+b") as stream:
        stream.seek(chance.randrange(os.path.getsize(file) // 512) * 512)
        stream.write(chance.choice([bytes(512), chance.randbytes(512)]))


def sql(file, statements):
    database = sqlite3.connect(file)
    database.execute("PRAGMA writable_schema = 1")
    for statement in statements:
        try:
            database.execute(statement)
        except sqlite3.DatabaseError:
            pass
    database.commit()
    database.close()


def change_rows(file, chance):
    """What SQLite takes and no marginalia writes: rows away, values of other types, tables away."""
    statements = []
    for _ in range(chance.choice([1, 1, 2, 5])):
        table = chance.choice(TABLES)
        with contextlib.closing(sqlite3.connect(file)) as database:
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        if not columns:
            continue
        column = chance.choice(columns)
        value = chance.choice(
            [
                "NULL",
                "x'00ff41'",
                "'words'",
                "''",
                "-1",
                "9223372036854775807",
                "-9223372036854775808",
                "1e308",
                "9e999",
                "'{'",
                "'[]'",
                "'{\"energy\": 3}'",
                '\'{"train": {"start_from": 7}}\'',
                "'[1, 2'",
                "'null'",
                "CAST(x'c3285c22' AS TEXT)",
                "hex(zeroblob(200000))",
                "'\x1b[2J'",
            ]
        )
        where = chance.choice(["", f" WHERE rowid % 3 = {chance.randrange(3)}", " WHERE 1"])
        statements.append(
            chance.choice(
                [
                    f"DELETE FROM {table}{where}",
                    f"DELETE FROM {table}",
                    f"UPDATE OR IGNORE {table} SET {column} = {value}{where}",
                    f"UPDATE OR IGNORE {table} SET {column} = {value}",
                    f"UPDATE OR IGNORE {table} SET {column} = {value}",
                    f"DROP TABLE {table}",
                    f"PRAGMA user_version = {chance.choice([-1, 0, 2, 99, -2147483648, 2147483647])}",
                ]
            )
        )
    sql(file, statements)
    return statements


def drop_view(file, chance):
    view = chance.choice(["trials", "metrics", "final_metrics", "summaries", "sweeps", "checkpoints", "samples", "evaluations"])
    statements = [
        f"DROP VIEW {view}",
        chance.choice([f"CREATE VIEW {view} AS SELECT 1 AS trial_id, 'x' AS name", "SELECT 1"]),
    ]
    sql(file, statements)
    return statements


def run(folder, words):
    own = {name: value for name, value in environment.items() if not name.startswith("MARGINALIA_")}
    around = own if "checkpoint" in words else environment  # the real worker exports, and no fake one
    with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(folder, "archive.db"))  # of another answer
    done = subprocess.run([arguments.host, *words], cwd=folder, env=around, capture_output=True, timeout=60)
    return done.returncode, done.stderr.decode(errors="replace")


def doctor(folder, store):
    """Its words are a list, on standard output."""
    done = subprocess.run([arguments.host, "doctor", "--store", store], cwd=folder, env=environment, capture_output=True, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def fault_of(code, words):
    """What is wrong with an answer; None where all is well."""
    if code not in DOCUMENTED:
        return f"exit code {code}"
    if RAW.search(words):
        return "shows a raw exception"
    sentences = [line for line in words.splitlines() if line.startswith("marginalia: ")]
    if code in (2, 4) and len(sentences) != 1:
        return f"{len(sentences)} sentences for exit code {code}"
    if code == 4 and not (re.search(r"recover .* --out|another|newer|resume|copy|check its disk", sentences[0])):
        return "says not what to do"
    return None


def attack(folder, number, chance):
    """Damages a copy and asks all verbs; the faults found."""
    store, made = os.path.join(folder, "s.db"), os.path.join(folder, "new.db")
    for name in os.listdir(folder):
        if name not in ("whole.db", "plan.toml"):
            path = os.path.join(folder, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    shutil.copy(os.path.join(folder, "whole.db"), store)
    how = chance.choice(
        [flip_bytes, flip_bytes, flip_bytes, wipe_sector, cut_off, change_rows, change_rows, change_rows, drop_view]
    )
    did = how(store, chance)
    before = open(store, "rb").read()
    what = f"round {number} of seed {SEED}: {how.__name__} {did or ''}"
    found = []
    sound, said = doctor(folder, "s.db")
    if sound not in (0, 4) or RAW.search(said):
        found.append(f"{what}: doctor: exit code {sound}: {said[-500:]}")
    for words in VERBS:
        code, said = run(folder, ["--store", "s.db", *words])
        fault = fault_of(code, said)
        if code == 4 and sound == 0:
            fault = "doctor finds nothing"
        answers["answered" if code == 0 else "refused"] += 1
        if fault:
            found.append(f"{what}: {' '.join(words)}: {fault}: {said[-500:]}")
    if open(store, "rb").read() != before:
        found.append(f"{what}: a reading verb wrote to the store")
    code, said = run(folder, ["recover", "s.db", "--out", "new.db"])
    if code not in (0, 4) or RAW.search(said):
        found.append(f"{what}: recover: exit code {code}: {said[-500:]}")
    elif code == 0:
        if sqlite3.connect(made).execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            found.append(f"{what}: what recover made is not whole")
        sound, said = doctor(folder, "new.db")
        if sound != 0:
            found.append(f"{what}: recovered: doctor: exit code {sound}: {said[-500:]}")
        for words in VERBS:
            code, said = run(folder, ["--store", "new.db", *words])
            if code == 4 or fault_of(code, said):
                found.append(f"{what}: recovered: {' '.join(words)}: exit code {code}: {said[-500:]}")
    return found


answers = {"answered": 0, "refused": 0}
faults = []
with tempfile.TemporaryDirectory() as place:
    subprocess.run([arguments.sample, os.path.join(place, "whole.db")], check=True)
    open(os.path.join(place, "plan.toml"), "w").write(PLAN)
    for number in range(ROUNDS):
        found = attack(place, number, random.Random(SEED * 1_000_003 + number))
        print(*found, sep="\n", end="\n" if found else "", flush=True)
        faults += found
print(
    f"store_faults: {sum(answers.values())} inputs, {answers['answered']} answered, {answers['refused']} refused, "
    f"{len(faults)} faults"
)
sys.exit(1 if faults else 0)
