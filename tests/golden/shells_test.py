"""Completion in real shells, the manual page as man sets it, and `plan --origin`. Shells that are not installed are left out, aloud.

    shells_test.py SOURCE_DIR BIN_DIR MAKE_SAMPLE_STORE
"""

import json
import os
import pathlib
import pty
import re
import resource
import select
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

source, programs, sample = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
failures = []
counted = 0


def expect(right, what):
    global counted
    counted += 1
    if not right:
        failures.append(what)


class Place:
    """A folder with a store, an experiment file and a hostile neighbour."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.env = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(self.path), "TERM": "dumb", "LC_ALL": "C.UTF-8",
                    "XDG_CACHE_HOME": str(self.path / "cache")}  # other tests write to the user's
        self.run(programs / "marginalia", "plugins")  # which remembers them there
        shutil.copy(source / "experiments/ising-quick.toml", self.path / "ising-quick.toml")
        (self.path / "folder").mkdir()
        (self.path / "$(touch hit).toml").touch()
        subprocess.run([sample, self.path / "marginalia.db"], check=True)
        with sqlite3.connect(self.path / "marginalia.db") as store:
            store.execute("UPDATE trial SET experiment = '$(touch hit)' WHERE id = 1")

    def run(self, *words, code=0):
        done = subprocess.run(words, cwd=self.path, env=self.env, capture_output=True, text=True, timeout=60)
        expect(done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def asked(self, *words):
        """What the program says could follow, without what it says about it."""
        done = subprocess.run([programs / "marginalia", "__complete", *words], cwd=self.path, env=self.env, capture_output=True, text=True)
        expect(done.returncode == 0 and done.stderr == "", f"{words} complains: {done.stderr}")
        return [line.split("\t")[0] for line in done.stdout.splitlines()]


# A line that is being typed, and what becomes of it: the words that may follow, or the one that must.
LINES = [
    ("marginalia resu", {"resume"}),
    ("marginalia checkpoint e", {"export"}),
    ("marginalia list --exp", {"--experiment", "--experiments"}),
    ("marginalia list --status do", {"done"}),
    ("marginalia list --status done,fai", {"done,failed"}),
    ("marginalia list lat", {"lattice"}),
    ("marginalia show 1", {"1"} | {str(trial) for trial in range(10, 17)}),
    ("marginalia show best:k", {"best:kl", "best:kl_stderr"}),
    ("marginalia run ising", {"ising-quick.toml"}),
    ("marginalia run fo", {"folder/"}),
    ("marginalia run ising-quick.toml train.sc", {"train.schedule="}),
    ("marginalia run ising-quick.toml train.schedule=c", {"train.schedule=constant", "train.schedule=cosine"}),
    ("marginalia run ising-quick.toml network.plugin=lat", {"network.plugin=lattice-conv"}),
    ("marginalia run ising-quick.toml energy.boundary=o", {"energy.boundary=open"}),
    ("marginalia plan ising-quick.toml ~train.war", {"~train.warmup"}),
    ("marginalia plugins parallel", {"parallel-tempering"}),
    ("marginalia plugins sampler/par", {"sampler/parallel-tempering"}),
    ("marginalia table --format=la", {"--format=latex"}),
    ("marginalia --store marginalia.db best loss --ma", {"--max"}),
    ("marginalia completion f", {"fish"}),
    ("marginalia xyz ", set()),
]


def program(place):
    for line, follow in LINES:
        found = {word for word in place.asked(*re.split(" +", line)[1:])}
        if "show 1" in line or "best:" in line:
            expect(found and found <= {*follow, *place.asked("show", "")} | {w for w in found if w.startswith("best:kl")}, f"{line}: {found}")
        else:
            expect(found == follow, f"{line}: {found}, not {follow}")
    everything = place.asked("list", "") + place.asked("run", "") + place.asked("show", "")
    expect(everything and not any("touch" in word for word in everything), f"a shell would run one of {everything}")
    for words in (["show", ""], ["best", ""], ["run", ""]):  # no store, no store at all, one that is none
        for store in ("nowhere.db", "ising-quick.toml"):
            found = place.asked("--store", store, *words)
            expect(found == [] or words == ["run", ""], f"{words} without a store: {found}")
    (place.path / "broken.toml").write_text("name = [\n")
    expect("train.steps=" in place.asked("run", "broken.toml", "train.st"), "a file that is being written ends completion")
    (place.path / "broken.toml").unlink()
    wall, processor = (min(times) for times in zip(*(timed(place, "run", "ising-quick.toml", "train.") for _ in range(20))))
    print(f"an answer took {1000 * wall:.1f} ms, {1000 * processor:.1f} ms of the processor")
    expect(processor < 0.05, f"an answer took {processor} s of the processor")


def timed(place, *words):
    """Seconds, and those of the processor: others may be at work on this machine."""
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    place.asked(*words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def typed(place, shell, setup, line, seconds):
    """What a shell has made of the line so many seconds after TAB, in a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(place.path)
        os.execve(shutil.which(shell[0]), shell, {**place.env, "TERM": "xterm", "COLUMNS": "200"})
    seen = ""

    def until(mark, seconds=20):
        nonlocal seen
        end = time.monotonic() + seconds
        while mark not in seen and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    seen += os.read(terminal, 65536).decode(errors="replace")
                except OSError:
                    return
        expect(mark in seen, f"{shell[0]} never said {mark!r}: {seen!r}")
        seen = ""

    def send(text):
        os.write(terminal, text.encode())

    send(f"{setup}; PS1='>'; echo READ''Y\n")
    until("READY")
    # What has become of the line is printed by a program that the keys put in front of it.
    send(line + "\t")
    time.sleep(seconds)
    send("\x01printf '<%s>\\n' \x05 END\n")
    end = time.monotonic() + 20
    while "<END>" not in seen and time.monotonic() < end and select.select([terminal], [], [], 1)[0]:
        seen += os.read(terminal, 65536).decode(errors="replace")
    send("exit\n")
    os.close(terminal)
    os.waitpid(pid, 0)
    return re.findall(r"<([^<>\r\n]*)>\r?$", seen, re.M)[:-1]


def by_tab(place, shell, setup, lines):
    for line, words in lines:
        for seconds in (0.5, 2, 8):  # nothing says that a shell is done
            found = typed(place, shell, setup, line, seconds)
            if found == words:
                break
        expect(found == words, f"{shell[0]}: {line} TAB: {found}, not {words}")


# Words that a shell must make whole by TAB: an argument, one behind '=', one behind ':', a folder.
TYPED = [
    ("marginalia resu", ["marginalia", "resume"]),
    ("marginalia run isi", ["marginalia", "run", "ising-quick.toml"]),
    ("marginalia run ising-quick.toml train.sched", ["marginalia", "run", "ising-quick.toml", "train.schedule="]),
    ("marginalia run ising-quick.toml train.schedule=co\tsi", ["marginalia", "run", "ising-quick.toml", "train.schedule=cosine"]),
    ("marginalia plugins sampler/par", ["marginalia", "plugins", "sampler/parallel-tempering"]),
    ("marginalia list lat", ["marginalia", "list", "lattice"]),
]


def bash(place):
    setup = "source <(marginalia completion bash)"
    for line, follow in LINES:
        script = f"""{setup}; COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}; _marginalia; printf '%s\\n' "${{COMPREPLY[@]}}" """
        found = set(place.run("bash", "--norc", "-c", script).split())
        whole = set(place.asked(*re.split(" +", line)[1:]))
        cut = re.match(r".*[=:]|", line.split(" ")[-1]).group()  # readline puts it back
        expect(found == {word.removeprefix(cut) for word in whole}, f"bash: {line}: {found}, not {whole}")
    by_tab(place, ["bash", "--norc", "--noprofile", "-i"], setup, TYPED)


def zsh(place):
    start = "autoload -U compinit; compinit -u -D; bindkey -e; unsetopt zle_bracketed_paste"
    by_tab(place, ["zsh", "-f", "-i"], f"{start}; source <(marginalia completion zsh)", TYPED)
    installed = place.path / "functions"  # as packages have it
    installed.mkdir()
    (installed / "_marginalia").write_text(place.run(programs / "marginalia", "completion", "zsh"))
    by_tab(place, ["zsh", "-f", "-i"], f"fpath=({installed} $fpath); {start}", TYPED[:1])


def fish(place):
    for line, _ in LINES:
        script = f"marginalia completion fish | source; complete -C {line!r}"
        found = [word.split("\t")[0] for word in place.run("fish", "--no-config", "-c", script).splitlines()]
        whole = place.asked(*re.split(" +", line)[1:])
        expect(sorted(found) == sorted(whole), f"fish: {line}: {found}, not {whole}")


def manual(place):
    page = place.run(programs / "marginalia", "__manual")
    (place.path / "marginalia.1").write_text(page, encoding="utf-8")
    if shutil.which("groff"):
        set_by = ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-rLL=100n", "marginalia.1"]
    elif shutil.which("mandoc"):
        set_by = ["mandoc", "-Tutf8", "-Wwarning", "marginalia.1"]
    else:
        return print("skipped: neither groff nor mandoc is here to set the manual page")
    done = subprocess.run(set_by, cwd=place.path, env=place.env, capture_output=True, text=True)
    expect(done.returncode == 0 and done.stderr == "", f"{set_by[0]} complains: {done.stderr}")
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout).split())
    for verb in re.findall(r"^  ([a-z][a-z-]+) {2,}\S", place.run(programs / "marginalia", "--help"), re.M):
        expect(f"marginalia {verb}" in text, f"the manual page lacks {verb}")
    for words in ("EXIT STATUS", "MARGINALIA_STORE", "--retry-failed", "Train", "checkpoint export TRIAL", "-q, --quiet"):
        expect(words in text, f"the manual page lacks {words!r}")


def origins(place):
    place.env["MARGINALIA_STORE"] = "other.db"
    line = (programs / "marginalia", "plan", "ising-quick.toml", "train.steps=7", "train.batch=8,16", "--origin", "--format", "json")
    rows = {row["key"]: (row["value"], row["from"], row["where"]) for row in json.loads(place.run(*line))}
    source_line = next(i for i, text in enumerate((place.path / "ising-quick.toml").read_text().splitlines(), 1) if text.startswith("rows"))
    for key, expected in {
        "energy.rows": ("10", "file", f"ising-quick.toml:{source_line}"),
        "train.steps": ("7", "command line", "train.steps=7"),
        "train.batch": ("[8, 16]", "command line", "train.batch=8,16"),
        "train.warmup": ("0", "default", ""),
        "store": ("other.db", "environment", "MARGINALIA_STORE"),
    }.items():
        expect(rows[key] == expected, f"{key}: {rows[key]}, not {expected}")
    del place.env["MARGINALIA_STORE"]
    rows = json.loads(place.run(*line[:2], "--store", "mine.db", *line[2:]))
    expect(rows[-1] == {"key": "store", "value": "mine.db", "from": "command line", "where": "--store"}, f"{rows[-1]}")
    expect(not list(place.path.glob("*other*")) and not list(place.path.glob("mine*")), "plan --origin has written something")
    place.run(programs / "marginalia", "plan", "ising-quick.toml", "--format", "json", code=2)


def main():
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        place.run(programs / "marginalia", "plugins")  # so that the cache knows them
        program(place)
        for part in (bash, zsh, fish):
            if shutil.which(part.__name__):
                part(place)
            else:
                print(f"skipped: there is no {part.__name__} here; get it by apt-get install {part.__name__}")
        manual(place)
        origins(place)
        expect(not (place.path / "hit").exists(), "a name was run as a command")
        place.run(programs / "marginalia", "completion", "tcsh", code=2)
    print(f"shells: {counted} things looked at, {len(failures)} wrong", *failures, sep="\n")
    return 1 if failures else 0


sys.exit(main())
