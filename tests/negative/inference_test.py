"""sample, complete and marginals through the real programs: what they print to a pipe, a terminal and files, what they
refuse, and that neither a refusal nor an interrupt leaves a file.

    inference_test.py BIN_DIR
"""
import csv
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time

programs = pathlib.Path(sys.argv[1]).resolve()
failures = []

COMMON = """
[train]
steps = 40
batch = 32
learning_rate = 5e-3
[evaluation]
samples = 8
nll_samples = 0
marginal_states = 0
marginal_time = false
pictures = 0
[run]
device = "cpu"
cores = 1
"""
LATTICE = """
name = "lattice"
[energy]
plugin = "ising"
rows = 4
columns = 6
[network]
plugin = "mlp"
hidden = 16
layers = 2
[sampler]
plugin = "block-gibbs"
[objective]
plugin = "mam-energy"
"""
PAIRS = """
name = "pairs"
[dataset]
plugin = "table"
file = "pairs.csv"
[network]
plugin = "mlp"
hidden = 16
layers = 2
[objective]
plugin = "ao-arm"
"""
GIVEN = "--++--/______/______/______"


def environment(folder):
    return {**os.environ, "MARGINALIA_STORE": str(folder / "store.db"), "LC_ALL": "C.UTF-8", "TERM": "xterm",
            "COLUMNS": "40", "NO_COLOR": ""}


def run(folder, *words, code=0, given=None):
    done = subprocess.run([programs / "marginalia", *words], cwd=folder, capture_output=True, text=True, input=given,
                          env=environment(folder))
    if done.returncode != code:
        failures.append(f"{words}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done.stdout if code == 0 else done.stdout + done.stderr


def on_terminal(folder, *words, **variables):
    """What the verb prints where standard output is a terminal."""
    host, terminal = pty.openpty()
    with subprocess.Popen([programs / "marginalia", *words], cwd=folder, stdout=terminal, stderr=subprocess.DEVNULL,
                          env={**environment(folder), **variables}) as child:
        os.close(terminal)
        text = b""
        try:
            while piece := os.read(host, 1 << 16):
                text += piece
        except OSError:  # the other end is closed
            pass
        if child.wait() != 0:
            failures.append(f"{words} on a terminal: exit code {child.returncode}")
    os.close(host)
    return text.decode().replace("\r\n", "\n")


def expect(what, condition):
    if not condition:
        failures.append(what)


def refuses(folder, sentence, *words, code=2, **more):
    before = set(folder.iterdir())
    said = run(folder, *words, code=code, **more)
    expect(f"'{sentence}' is not in\n{said}", sentence in said)
    expect(f"{words} says more than one sentence: {said}", said.count("\n") == 1)
    expect(f"{words} left {set(folder.iterdir()) - before}", set(folder.iterdir()) <= before)


def interrupted(folder, signal_sent):
    """Stopped in the middle of a long draw."""
    before = set(folder.iterdir())
    child = subprocess.Popen([programs / "marginalia", "sample", "1", "-n", "3000000", "--batch", "1000", "-o", "long.csv"],
                             cwd=folder, env=environment(folder), stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while time.monotonic() < until and not any(f.suffix == ".part" and f.stat().st_size > 0 for f in folder.iterdir()):
        time.sleep(0.02)
    expect("no file was begun", set(folder.iterdir()) > before)
    child.send_signal(signal_sent)
    child.communicate(timeout=60)
    expect(f"signal {signal_sent}: exit code {child.returncode}", child.returncode == -signal_sent)
    expect(f"signal {signal_sent} left {set(folder.iterdir()) - before}", set(folder.iterdir()) == before)


with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    (folder / "lattice.toml").write_text(LATTICE + COMMON)
    (folder / "pairs.toml").write_text(PAIRS + COMMON)
    (folder / "pairs.csv").write_text("".join(f"{i % 2},{i % 2},{i // 2 % 2},{i // 2 % 2}\n" for i in range(64)))
    run(folder, "run", "-q", "lattice.toml")
    run(folder, "run", "-q", "pairs.toml")

    # A pipe is given text, the same for the same seed.
    text = run(folder, "sample", "1", "-n", "5")
    expect(f"five states:\n{text}", re.fullmatch(r"(([-+]{6}/){3}[-+]{6}\n){5}", text))
    expect("the same again", run(folder, "sample", "1", "-n", "5", "--seed", "0") == text)
    expect("another seed", run(folder, "sample", "1", "-n", "5", "--seed", "1") != text)
    expect("64 if nothing is said", run(folder, "sample", "last").count("\n") == 64)
    for line in run(folder, "complete", "1", f"--given={GIVEN}").splitlines():
        expect(f"what is known stays: {line}", line.startswith("--++--/") and "□" not in line)
    rows = [json.loads(line) for line in run(folder, "complete", "2", "--given", "1__0", "-n", "3", "--format", "json").splitlines()]
    expect(f"three completions: {rows}", len(rows) == 3 and all(row["given"] == "1□□0" and row["states"][0] == 1 for row in rows))

    # States of the energy, and of a given magnetisation.
    done = subprocess.run([programs / "marginalia", "sample", "1", "-n", "20", "--metropolis", "--holding", "1=10", "--format",
                           "json"], cwd=folder, capture_output=True, text=True, env=environment(folder), check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    expect(f"ten ups: {rows}", len(rows) == 20 and all(sum(row["states"]) == 10 and "log_f" in row for row in rows))
    expect(f"how it went: {done.stderr}", re.match(
        r"16 chains of proposals by the model: \d+ steps of each left out, 2 kept; [01]\.\d{3} of the proposals accepted"
        r"(, 300 sweeps of exchanges after each)?\nautocorrelation time \S+ steps, \d+ effective states of 32, R-hat of log f "
        r"unknown(, of the symbols unknown)?\nguesses: ", done.stderr))
    done = subprocess.run([programs / "marginalia", "sample", "1", "-n", "20", "--holding", "1=10", "--exchange", "5"],
                          cwd=folder, capture_output=True, text=True, env=environment(folder), check=True)
    expect(f"ten ups, exchanged: {done}", all(line.count("+") == 10 for line in done.stdout.splitlines()) and re.search(
        r" of the proposals accepted, 5 sweeps of exchanges after each, [01]\.\d{3} of their results accepted\n", done.stderr))
    drawn = run(folder, "sample", "2", "-n", "4", "--holding", "1=3", "--format", "csv").splitlines()
    expect(f"three ones of four: {drawn}", len(drawn) == 4 and all(line.count("1") == 3 for line in drawn))

    # Files by their endings.
    run(folder, "sample", "2", "-n", "7", "-o", "x.csv")
    expect("x.csv", re.fullmatch(r"([01],[01],[01],[01]\n){7}", (folder / "x.csv").read_text()))
    expect("x.json", run(folder, "sample", "2", "-n", "2", "-o", "x.json") == "x.json\n"
           and all(json.loads(line)["log_p"] < 0 for line in (folder / "x.json").read_text().splitlines()))
    run(folder, "sample", "1", "-n", "9", "-o", "x.png")
    expect("x.png", (folder / "x.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n"))
    run(folder, "sample", "1", "-n", "9", "-o", "x.npy")
    expect("x.npy", b"'shape': (9, 24)" in (folder / "x.npy").read_bytes() and (folder / "x.npy").stat().st_size == 128 + 9 * 24)
    given_array = run(folder, "complete", "1", "--given", "x.npy", "-n", "1")
    run(folder, "sample", "1", "-n", "9", "-o", "x.txt")
    expect("full states are their own completions", given_array == (folder / "x.txt").read_text())

    # Marginals are what score says, of as many states as there are.
    states = "".join(f"{GIVEN}\n{line}\n" for line in (folder / "x.txt").read_text().splitlines())
    scored = [line.split(",")[1] for line in run(folder, "score", "1", "--states", "-", given=states).splitlines()]
    asked = [line.split(",")[1] for line in run(folder, "marginals", "1", "--states", "-", given=states).splitlines()]
    expect(f"score and marginals differ:\n{scored}\n{asked}", scored == asked and len(asked) == 19)
    (folder / "states.txt").write_text(states)
    run(folder, "marginals", "1", "--states", "states.txt", "-o", "m.npy")
    expect("m.npy", b"'<f8'" in (folder / "m.npy").read_bytes() and b"(18,)" in (folder / "m.npy").read_bytes())

    # Figures of regions and pairs: a table for people, the same figures in full as CSV and JSON, the same for the same seed.
    words = ("marginals", "1", "--region", "A=rows 0", "--region", "B=[2:4, 0:2]", "--between", "A", "B", "--pair", "0,1", "--exact")
    table = run(folder, *words).splitlines()
    expect(f"columns:\n{table}", table[0].split()[:4] == ["figure", "of", "sites", "value"])
    expect(f"rows:\n{table}", [line.split()[:3] for line in table[1:]] == [
        ["entropy", "A", "6"], ["entropy", "B", "4"], ["entropy", "A+B", "10"], ["mutual_information", "A:B", "10"],
        ["correlation", "0,1", "2"]])
    expect("the same again", run(folder, *words).splitlines() == table)
    rows = [json.loads(line) for line in run(folder, *words, "--format", "json").splitlines()]
    expect("x.csv of figures", run(folder, *words, "-o", "figures.csv") == "figures.csv\n")
    lines = list(csv.DictReader((folder / "figures.csv").read_text().splitlines()))
    expect(f"CSV and JSON differ:\n{lines}\n{rows}",
           [{name: None if text == "" else text for name, text in line.items()} for line in lines]
           == [{name: None if value is None else str(value) for name, value in row.items()} for row in rows])
    expect(f"a spin pair's exact correlation: {rows[-1]}", 0 < rows[-1]["exact"] < 1)
    drawn = [json.loads(line) for line in run(folder, "marginals", "1", "--region", "A=all", "--free-energy", f"--given={GIVEN}",
                                              "-n", "50", "--passes", "4", "--format", "json").splitlines()]
    expect(f"drawn: {drawn}", [(row["figure"], row["by"], row["count"]) for row in drawn]
           == [("free_energy", "drawn", 50), ("free_energy", "marginal", 1), ("entropy", "drawn", 50)])
    expect(f"known sites are left out: {drawn}", drawn[2]["sites"] == 18 and drawn[0]["sites"] == 6)

    # A terminal: 6 columns and a gap of 2, so five pictures in 40 columns; without colours by half blocks.
    shown = on_terminal(folder, "sample", "1", "-n", "6", NO_COLOR="1")
    expect(f"blocks:\n{shown}", re.fullmatch(r"(([ ▀▄█]{6}  ){4}[ ▀▄█]{6}\n){2}\n([ ▀▄█]{6}\n){2}\n", shown))
    expect("colours", "\x1b[48;5;" in on_terminal(folder, "sample", "1", "-n", "6"))
    shown = on_terminal(folder, "sample", "1", "-n", "2", LC_ALL="C")
    expect(f"no UTF-8: text:\n{shown}", re.fullmatch(r"([-+/]{27}\n){2}", shown))
    shown = on_terminal(folder, "complete", "2", "--given", "1__0", "-n", "2")
    expect(f"text:\n{shown}", re.fullmatch(r" +given  1□□0\n( +log p -\d+\.\d\d  1[01][01]0\n){2}", shown))
    shown = on_terminal(folder, "complete", "1", f"--given={GIVEN}", "-n", "2", NO_COLOR="1")
    expect(f"shades:\n{shown}", "▒▒▒▒" in shown and "given" in shown and "log p -" in shown)

    refuses(folder, "lattice.toml is an experiment file, and this needs a trained trial", "sample", "lattice.toml")
    refuses(folder, "there is no trial '9'", "sample", "9", code=5)
    refuses(folder, "has no checkpoint of step 7", "complete", "1", "--given", GIVEN, "--step", "7", code=5)
    refuses(folder, "--count: '0' is not a whole number of 1 or more", "sample", "1", "-n", "0")
    refuses(folder, "x.pdf: its ending names no format; end it in .txt, .csv, .json, .npy, .png or .svg, or give --format",
            "sample", "1", "-o", "x.pdf")
    refuses(folder, "x.png: its ending names no format; end it in .csv, .json or .npy", "marginals", "1", "--states", "states.txt",
            "-o", "x.png")
    refuses(folder, "standard input holds no states", "marginals", "1", "--states", "-", "--format", "npy")
    choice = "choose text, csv, json, npy, png, svg or blocks"
    refuses(folder, f"'xml' is not a format; {choice}", "sample", "1", "--format", "xml")
    refuses(folder, "the folder no does not exist", "sample", "1", "-o", "no/x.txt")
    refuses(folder, "a picture needs sites in rows and columns, and these are a sequence of 4", "sample", "2", "-o", "y.png")
    refuses(folder, "objective 'ao-arm' does not train log p of partial states in one pass", "marginals", "2", "--states", "states.txt", "-o", "y.csv")
    refuses(folder, "'1_' is neither a file nor a state: it has 2 symbols where a state has 4 sites", "complete", "2", "--given", "1_")
    refuses(folder, "symbol 2 is '2'; it must be 0 to 1, or □ or _ (unknown)", "complete", "2", "--given", "12__", "-o", "y.txt")
    refuses(folder, "the array does not hold rows of 4 sites; give shape (N, 4)", "complete", "2", "--given", "x.npy")
    (folder / "bad.txt").write_text("1__0\n\n1__x\n")
    refuses(folder, "bad.txt:3: symbol 4 is 'x'", "complete", "2", "--given", "bad.txt", "-o", "y.json")
    refuses(folder, "standard input:1: it has 1 symbols where a state has 24 sites", "marginals", "1", "--states", "-", "-o", "y.csv",
            given="+\n")
    refuses(folder, "'nothing.txt' is neither a file nor a state", "marginals", "1", "--states", "nothing.txt")
    refuses(folder, "--device: there is no 'tpu' here", "sample", "1", "--device", "tpu")
    refuses(folder, "--metropolis draws states of a trial's energy, and this one learnt from dataset 'table'", "sample", "2",
            "--metropolis", "-o", "y.csv")
    refuses(folder, "--holding: '' is not SYMBOL=SITES, such as 1=50", "sample", "1", "--holding", "")
    refuses(folder, "--exchange moves states on a trial's energy, and this one learnt from dataset 'table'; leave it out",
            "sample", "2", "--holding", "1=3", "--exchange", "5")
    refuses(folder, "--exchange keeps the numbers of symbols that --holding gives; add --holding, or leave it out",
            "sample", "1", "--exchange", "5")
    refuses(folder, "--holding: '1:2' is not SYMBOL=SITES, two whole numbers, such as 1=50", "sample", "1", "--holding", "1:2")
    refuses(folder, "--holding: the counts add up to more than the 24 sites of a state", "sample", "1", "--holding", "1=25",
            "-o", "y.npy")

    refuses(folder, "region 'A': there is no row 4; there are rows 0 to 3", "marginals", "1", "--region", "A=rows 4")
    refuses(folder, "region 'A': there is no site 1000000000; there are sites 0 to 23", "marginals", "1", "--region", "A=0-1000000000")
    refuses(folder, "regions 'A' and 'B' share site 5", "marginals", "1", "--region", "A=0-5", "--region", "B=5-6", "--between", "A", "B")
    refuses(folder, "states.txt holds several states, and figures are given one", "marginals", "1", "--correlations", "--given", "states.txt",
            "-o", "y.csv")
    refuses(folder, "objective 'ao-arm' does not train log p of partial states", "marginals", "2", "--correlations")

    for stop in (signal.SIGINT, signal.SIGTERM):
        interrupted(folder, stop)

for failure in failures:
    print("FAILED:", failure)
print("inference:", "all as expected" if not failures else f"{len(failures)} failed")
sys.exit(1 if failures else 0)
