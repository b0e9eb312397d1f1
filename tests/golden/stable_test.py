"""What users' scripts name, against stable.expected: views and their columns, metrics, verbs and their options, exit
codes. Whatever goes or is renamed breaks them; docs/stability.md says when it may. What is new is no fault before a
release, when `--complete` asks for it in the list; MARGINALIA_UPDATE_GOLDEN=1 writes that anew. The version is compared
as well: it is written in CMakeLists.txt alone.

    stable_test.py SOURCE_DIR MARGINALIA MAKE_SAMPLE_STORE [--complete]
"""
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

source, program, sample = (pathlib.Path(argument) for argument in sys.argv[1:4])
expected = source / "tests/golden/stable.expected"


def said(*words):
    return subprocess.run([program, *words], capture_output=True, text=True, check=True, timeout=60).stdout


def views():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sample, f"{folder}/store.db"], check=True)
        store = sqlite3.connect(f"{folder}/store.db")
        names = [name for name, in store.execute("SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name")]
        columns = {name: [row[1] for row in store.execute(f"PRAGMA table_info({name})")] for name in names}
        store.close()
    return [f"view {name}: {', '.join(columns[name])}" for name in names]


def metrics():
    """docs/metrics.md, which the test report_text holds against the program's own table."""
    rows = re.findall(r"^\| (`[^|]*`) \|", (source / "docs/metrics.md").read_text(encoding="utf-8"), re.M)
    return [f"metric {name}" for name in sorted({name for row in rows for name in re.findall(r"`([a-z][^`]*)`", row)})]


def verbs():
    found = []
    help_text = said("--help")
    for verb in sorted(re.findall(r"^  ([a-z][a-z-]+) {2,}\S", help_text, re.M)):
        options = sorted(set(re.findall(r"^  (?:-\w,)?(--[a-z][a-z-]*)", said(verb, "--help"), re.M)) - {"--help"})
        found.append(f"verb {verb}: {' '.join(options)}".rstrip(": "))
    codes = " ".join(help_text.partition("Exit codes: ")[2].split())
    return [*found, f"exit codes: {codes}"]


def version_faults():
    """Everywhere else it must be the one of CMakeLists.txt."""
    version, = re.findall(r"^project\(marginalia VERSION (\S+)", (source / "CMakeLists.txt").read_text(), re.M)
    newest, = re.findall(r"\A# Changelog\s+## (\S+) \(", (source / "CHANGELOG.md").read_text(encoding="utf-8"))
    places = {"`marginalia version`": said("version").split()[-1], "the first section of CHANGELOG.md": newest}
    python = source / "python/pyproject.toml"
    if python.exists():
        places[python.name], = re.findall(r'^version = "(\S+)"', python.read_text(), re.M)
    return [f"{place}: {other}, not CMakeLists.txt's {version}" for place, other in places.items() if other != version]


def parts(lines):
    """By what a line is about, the words that come after it."""
    return {line.partition(":")[0]: line.partition(":")[2].replace(",", "").split() for line in lines}


def broken(name, before, now):
    """A view's columns keep their places, and new ones come last; of all else nothing goes."""
    if name.startswith("view "):
        return now[: len(before)] != before
    return before != now if name == "exit codes" else not set(before) <= set(now)


found = [*views(), *metrics(), *verbs()]
if os.environ.get("MARGINALIA_UPDATE_GOLDEN"):
    expected.write_text("\n".join(found) + "\n", encoding="utf-8")
known, now = parts(expected.read_text(encoding="utf-8").splitlines()), parts(found)
faults = [f"gone or changed (docs/stability.md): {name}" for name, before in known.items()
          if name not in now or broken(name, before, now[name])]
if "--complete" in sys.argv:
    faults += [f"not in tests/golden/stable.expected: {name}" for name in now if known.get(name) != now[name]]
faults += version_faults()
print("\n".join(faults) if faults else f"{len(found)} names as they were")
sys.exit(bool(faults))
