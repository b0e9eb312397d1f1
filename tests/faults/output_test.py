"""What verbs put out, attacked: standard output that is full, closed or has lost its reader, for every verb that --help
lists; --out on devices, FIFOs, links, folders and full disks, and signals in the midst; and a store of hostile text.

    output_test.py BIN_DIR PLUGIN_DIR
"""

import html.parser
import json
import os
import pathlib
import pty
import re
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time

programs, plugins = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
failures = []

EXPERIMENT = """
name = "tiny"
[energy]
plugin = "ising"
rows = 2
columns = 2
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
slots = 1
"""

# Every verb, as it prints something. A verb that --help lists and this does not is a failure.
VERBS = {
    "run": ["run", "again.toml", "--again"],
    "plan": ["plan", "tiny.toml"],
    "resume": ["resume", "tiny", "--again"],
    "evaluate": ["evaluate", "1"],
    "top": ["top"],
    "serve": ["serve", "--port", "0"],
    "submit": ["submit", "tiny.toml", "--dry-run"],
    "status": ["status"],
    "merge": ["merge", "merged.db", "store.db"],
    "ask": ["ask", "tiny.toml"],
    "tell": ["tell", "tiny.toml"],
    "logs": ["logs", "--help"],  # of a trial that has printed nothing there is nothing to write
    "cancel": ["cancel", "1"],
    "pause": ["pause", "1"],
    "retry": ["retry", "1"],
    "list": ["list"],
    "show": ["show", "1"],
    "compare": ["compare", "1", "1"],
    "diff": ["diff", "1", "2"],
    "best": ["best", "loss"],
    "table": ["table", "tiny", "-m", "loss"],
    "plot": ["plot", "loss"],
    "query": ["query", "SELECT * FROM metrics"],
    "export": ["export", "metrics"],
    "tag": ["tag", "1", "good"],
    "note": ["note", "1", "a thought"],
    "rm": ["rm", "-e", "again"],  # which clean() takes back
    "restore": ["restore"],
    "gc": ["gc"],
    "recover": ["recover", "store.db", "--out", "recovered.db"],
    "checkpoint export": ["checkpoint", "export", "1", "-o", "-"],
    "report": ["report", "tiny", "-o", "-"],
    "reproduce": ["reproduce", "1"],
    "sample": ["sample", "1"],
    "complete": ["complete", "1", "--given", "--++"],
    "marginals": ["marginals", "1", "--states", "states.txt"],
    "score": ["score", "1", "--states", "states.txt"],
    "data get": ["data", "get", "text8", "--from", "nothing"],
    "data list": ["data", "list"],
    "data normalise": ["data", "normalise", "states.txt.txt"],
    "plugins": ["plugins"],
    "check-plugin": ["check-plugin", "ising", "rows=2", "columns=2"],
    "new-plugin": ["new-plugin", "energy", "my-new"],
    "doctor": ["doctor"],
    "schema": ["schema"],
    "completion": ["completion", "bash"],
    "version": ["version"],
}
# Have nothing to say on standard output: without a network, a job or lines, or as they draw upon terminals only.
SILENT = {"data get", "status", "tell", "top"}
# Their way out is that of `sample` or `run`, and each costs a start of LibTorch: a full device alone is tried.
SAME_WAY_OUT = {"complete", "marginals", "score", "checkpoint export", "resume", "evaluate", "plan", "plugins"}


def failed(what):
    failures.append(what)
    print("FAILED", what, flush=True)


def expect(right, what):
    if not right:
        failed(what)


class Place:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.env = {
            **os.environ,
            "MARGINALIA_STORE": str(self.path / "store.db"),
            "MARGINALIA_PLUGIN_PATH": str(plugins),
            "MARGINALIA_DATA": str(self.path / "data"),
        }
        self.env.pop("COLUMNS", None)

    def start(self, *words, program="marginalia", **how):
        return subprocess.Popen(
            [programs / program, *words], cwd=self.path, env=self.env, stderr=subprocess.PIPE, **how
        )

    def run(self, *words, code=0, program="marginalia", **how):
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **how}
        process = self.start(*words, program=program, **how)
        out, err = process.communicate(timeout=120)
        if code is not None and process.returncode != code:
            failed(f"{words}: exit code {process.returncode}, not {code}\n{err.decode(errors='replace')[-2000:]}")
        return process.returncode, out, err.decode(errors="replace")

    def leftovers(self):
        return [str(f) for f in self.path.rglob("*") if ".part" in f.name or ".new-plugin-" in f.name]

    def clean(self):
        subprocess.run(["rm", "-rf", self.path / "my-new", self.path / "recovered.db"], check=True)
        if (self.path / "store.trash.db").exists():
            self.run("restore", "-e", "again", code=None)


def listed_verbs(place):
    def of(*words):
        text = place.run(*words, "--help")[1].decode()
        sections = re.findall(r"^([A-Z].*):\n((?:  .*\n)+)", text, flags=re.M)  # verbs stand under their groups' titles
        verbs = [lines for title, lines in sections if title not in ("Options", "Positionals")]
        return re.findall(r"^  ([a-z][a-z-]*) {2,}[A-Z]", "".join(verbs), flags=re.M)

    verbs = []
    for verb in of():
        verbs += [f"{verb} {sub}" for sub in of(verb)] or [verb]
    return verbs


def full_closed_or_unread(place, name, words, program="marginalia", stdin=None):
    with open("/dev/full", "wb") as full:
        _, _, err = place.run(*words, program=program, code=6, stdout=full, stdin=stdin or subprocess.DEVNULL)
    reason = f"{program}: standard output cannot be written: No space left on device"
    expect(err.count(reason) == 1, f"{name} on a full device says\n{err}")
    place.clean()
    if name in SAME_WAY_OUT:
        return
    _, _, err = place.run(
        *words, program=program, code=6, stdin=stdin or subprocess.DEVNULL, stdout=None, preexec_fn=lambda: os.close(1)
    )
    expect("standard output cannot be written: Bad file descriptor" in err, f"{name} with a closed output says\n{err}")
    place.clean()
    for ignored in (False, True) if name == "list" else (True,):  # many services start programs that ignore SIGPIPE
        reader, writer = os.pipe()
        os.close(reader)
        process = place.start(
            *words, program=program, stdout=writer, stdin=stdin or subprocess.DEVNULL, restore_signals=not ignored
        )
        os.close(writer)
        err = process.communicate(timeout=120)[1].decode(errors="replace")
        expect(process.returncode == -signal.SIGPIPE, f"{name} without a reader: {process.returncode}\n{err}")
        expect("written" not in err, f"{name} without a reader says\n{err}")
        place.clean()


def standard_output(place):
    verbs = listed_verbs(place)
    expect(len(verbs) >= 25, f"only these verbs are listed: {verbs}")
    for verb in verbs:
        if verb not in VERBS:
            failed(f"{verb} is a verb that this test knows no line for; add one to VERBS")
        elif verb not in SILENT:
            full_closed_or_unread(place, verb, VERBS[verb])
    for words in (
        ["--help"],
        ["--version"],
        ["list", "--help"],
        ["sample", "1", "--format", "npy"],
        ["sample", "1", "-n", "20000", "--format", "json"],
        ["plugins", "ising"],
    ):
        full_closed_or_unread(place, " ".join(words), words)
    for words in (["--help"], ["encode"]):
        with open(place.path / "molecules.smi", "rb") as smiles:
            with open("/dev/full", "wb") as full:
                place.run(*words, program="marginalia-selfies", code=6, stdin=smiles, stdout=full)
    # A part of a large answer is lost: a file that may not grow. The first head of it is there, the code says that it is not all.
    with open(place.path / "part.csv", "wb") as part:
        place.run(
            "sample", "1", "-n", "20000", "--format", "csv", code=6, stdout=part, preexec_fn=lambda: limit_files(50_000)
        )
    expect((place.path / "part.csv").stat().st_size == 50000, "the part that fits is not written")


WRITERS = {
    "export": ["export", "metrics"],
    "checkpoint export": ["checkpoint", "export", "1"],
    "report": ["report", "tiny"],
    "plot": ["plot", "loss", "--format", "png"],
    "reproduce": ["reproduce", "1"],
    "data normalise": ["data", "normalise", "states.txt.txt"],
    **{f"sample {form}": ["sample", "1", "-n", "20000", "--format", form] for form in ("json", "npy", "png")},
    "complete": ["complete", "1", "--given", "____", "-n", "20000", "--format", "csv"],
    "marginals": ["marginals", "1", "--states", "states.txt", "--format", "csv"],
}


def files(place):
    target = place.path / "targets"
    target.mkdir()
    most, disks = 40_000, 0
    os.mkfifo(target / "fifo")
    (target / "folder").mkdir()
    (target / "full").symlink_to("/dev/full")
    for name, words in WRITERS.items():
        shared = name not in ("complete", "marginals", "sample npy", "sample png")  # what `sample json` tries too
        for kind, at in (
            (("FIFO", "fifo"), ("folder", "folder"), ("device", "full")) if shared else (("device", "full"),)
        ):
            _, _, err = place.run(*words, "--out", str(target / at), code=2)
            expect(f"is a {kind} and is not replaced" in err, f"{name} on a {kind} says\n{err}")
        expect(stat.S_ISFIFO((target / "fifo").lstat().st_mode), f"{name} replaced the FIFO")
        expect(os.readlink(target / "full") == "/dev/full", f"{name} replaced the link")
        if shared:
            _, _, err = place.run(*words, "--out", str(target / "no" / "x"), code=2)
            expect("does not exist; make it" in err, f"{name} without a folder says\n{err}")
            _, _, err = place.run(*words, "--out", str(target / ("n" * 300)), code=2)
            expect("File name too long" in err, f"{name} with a long name says\n{err}")
        # Through a link, onto a file with a mode of its own, and the same bytes to standard output.
        (target / "plain").write_text("before")
        (target / "plain").chmod(0o604)
        (target / "link").unlink(missing_ok=True)
        (target / "link").symlink_to("plain")
        _, _, err = place.run(*words, "--out", str(target / "link"), code=None)
        expect((target / "link").is_symlink(), f"{name} replaced the link to a plain file")
        expect((target / "plain").stat().st_mode & 0o777 == 0o604, f"{name} changed the mode")
        written = (target / "plain").read_bytes()
        expect(written != b"before", f"{name} wrote nothing through a link\n{err}")
        _, out, _ = place.run(*words, "--out", "-", code=None)
        if name != "report":  # it has the time
            expect(out == written, f"{name}: --out - is not what --out FILE is: {len(out)} and {len(written)} bytes")
        # A disk that is full.
        if len(written) < 2 * most:  # the store's own files need some room
            continue
        _, _, err = place.run(*words, "--out", str(target / "plain"), code=None, preexec_fn=lambda: limit_files(most))
        disks += 1
        expect("cannot be written: File too large" in err, f"{name} on a full disk says\n{err}")
        expect((target / "plain").read_bytes() == written, f"{name} on a full disk changed the file")
    for words in (
        WRITERS["sample npy"] + ["--out", "-"],
        WRITERS["sample png"],
        WRITERS["checkpoint export"] + ["-o", "-"],
    ):
        err = on_terminal(place, *words)[1]
        expect("is no text for a terminal" in err, f"{words} on a terminal says\n{err}")
    expect(disks >= 3, f"only {disks} verbs met a full disk")
    expect(not place.leftovers(), f"left: {place.leftovers()}")


def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def on_terminal(place, *words):
    ours, theirs = pty.openpty()
    process = place.start(*words, stdout=theirs, stdin=subprocess.DEVNULL)
    os.close(theirs)
    text = b""
    try:
        while got := os.read(ours, 65536):
            text += got
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    err = process.communicate(timeout=120)[1].decode(errors="replace")
    return text.decode(errors="replace"), err


def signals(place):
    target = place.path / "interrupted"
    target.mkdir()
    for sent in (signal.SIGINT, signal.SIGTERM):
        process = place.start(
            "sample",
            "1",
            "-n",
            "100000000",
            "--format",
            "csv",
            "--out",
            str(target / "x.csv"),
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        until = time.time() + 60
        while time.time() < until and not any(f.stat().st_size > 0 for f in target.iterdir()):
            time.sleep(0.01)
        expect(list(target.iterdir()), "no file was begun")
        process.send_signal(sent)
        process.communicate(timeout=60)
        expect(process.returncode == -sent, f"signal {sent} ended sample with {process.returncode}")
        expect(not list(target.iterdir()), f"signal {sent} left {list(target.iterdir())}")


EVIL = (
    "\x1b]0;owned\x07\x1b[31m\x9b2J\u202egnp\u2066\r\nmarginalia: all is well\x7f\x00</script><script>alert(1)</script>"
    "<img src=x onerror=alert(1)>'\"--><svg onload=alert(1)>"
)
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def hostile_store(place):
    """The tiny store with every text of it replaced, and an error of 20 MB."""
    file = place.path / "hostile.db"
    source, store = sqlite3.connect(place.path / "store.db"), sqlite3.connect(file)
    source.backup(store)
    source.close()
    evil = EVIL.replace("\x00", "")  # SQLite's tools end a text there
    config = json.loads(store.execute("SELECT json FROM config").fetchone()[0])
    config["energy"][evil] = evil
    config["network"]["plugin"] = evil
    record = {
        "host": evil,
        "versions": {evil: evil},
        "git": {"commit": evil, "diff": ""},
        "command_line": [evil, evil],
        "plugins": [{"kind": evil, "name": evil, "path": evil, "sha256": evil}],
    }
    store.execute("UPDATE config SET json = ?", [json.dumps(config)])
    store.execute("UPDATE provenance SET json = ?", [json.dumps(record)])
    store.execute("DELETE FROM trial WHERE id > 2")
    store.execute("DELETE FROM sweep WHERE experiment = 'again'")
    store.execute("UPDATE sweep SET experiment = ?, description = ?, file = ?, toml = ?", [evil] * 4)
    store.execute(
        "UPDATE trial SET experiment = ?, host = ?, device = ?, error = ?", [evil, evil, evil, evil + "E" * 20_000_000]
    )
    store.execute("UPDATE trial SET status = 'failed' WHERE id = 2")
    store.execute("UPDATE metric_name SET name = ? || id", [evil])
    store.execute("UPDATE sample SET name = ?, data = ? WHERE rowid = (SELECT min(rowid) FROM sample)", [evil, evil])
    for kind, data in (
        ("text", evil),
        ("text", "a\n" + evil),
        ("svg", f"<svg><script>{evil}</script></svg>"),
        ("states", json.dumps({"shape": [2, 2], "categories": 2, "states": [[0, 1, 1, 0]], "texts": [evil]})),
        (evil, evil),
    ):
        store.execute(
            "INSERT OR REPLACE INTO sample VALUES (1, ?, 3, ?, ?)", [evil + kind + str(len(data)), kind, data]
        )
    store.commit()
    store.close()
    return file


class Page(html.parser.HTMLParser):
    """Which scripts, handlers and addresses a page has."""

    def __init__(self):
        super().__init__()
        self.scripts, self.bad = 0, []

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        if (tag, attributes) == ("link", [("rel", "icon"), ("href", "data:,")]):
            return
        if tag in ("iframe", "object", "embed", "base", "link", "svg"):
            self.bad.append(tag)
        for name, value in attributes:
            if name.startswith("on") or (
                name in ("src", "href") and not value.startswith(("#", "data:image/svg+xml;base64,"))
            ):
                self.bad.append(f"{tag} {name}={value[:80]}")


def hostile_text(place):
    file = hostile_store(place)
    evil_name = EVIL.replace("\x00", "")
    tried = (
        ["list"],
        ["list", "--experiments"],
        ["show", "1"],
        ["show", "2"],
        ["compare", "1", "2"],
        ["diff", "1", "2"],
        ["table", evil_name],
        ["best", "nothing"],
        ["list", "nothing"],
        ["table", evil_name, "-r", "nothing"],
        ["query", "SELECT * FROM trials"],
        ["query", "SELECT * FROM trials", "--format", "markdown"],
        ["query", "SELECT * FROM trials", "--format", "latex"],
        ["query", "SELECT data FROM samples"],
        ["sample", "1"],
        ["reproduce", "1"],
        ["show", "best:nothing"],
        ["doctor"],
        ["checkpoint", "export", "1", "--step", "77"],
    )
    for words in tried:
        code, out, err = place.run("--store", str(file), *words, code=None)
        text = out.decode(errors="replace") + err
        expect(code in (0, 2, 3, 4, 5), f"{words}: {code}\n{err[-500:]}")
        found = HARMFUL.search(text)
        expect(
            not found,
            f"{words} prints {found and found.group()!r}: {text[max(0, (found.start() if found else 0) - 80) :][:200]!r}",
        )
        expect("\nmarginalia: all is well" not in text, f"{words} lets a store speak for the program")
        expect(len(text) < 100_000, f"{words} prints {len(text)} bytes")
        shown, _ = on_terminal(place, "--store", str(file), *words)
        found = HARMFUL.search(re.sub("\x1b\\[(3[123]|2|0)m|\r\n", "", shown))  # our own colours
        expect(not found, f"{words} on a terminal prints {found and found.group()!r}")
    # Programs get the text as it is.
    _, out, _ = place.run("--store", str(file), "query", "SELECT DISTINCT experiment FROM trials", "--format", "json")
    expect(json.loads(out)[0]["experiment"] == evil_name, "JSON changes the text")
    _, out, _ = place.run("--store", str(file), "query", "SELECT DISTINCT experiment FROM trials", "--format", "csv")
    expect(out.decode() == 'experiment\n"' + evil_name.replace('"', '""') + '"\n', "CSV changes the text")
    report(place, file)
    # Its pictures go into the folder, under names of one part.
    place.run("--store", str(file), "show", "1", "--pictures", "pictures", code=None)
    expect(all(f.parent.name == "pictures" for f in (place.path / "pictures").rglob("*")), "a picture lies elsewhere")


def report(place, file):
    place.run("--store", str(file), "report", "-o", "plain.html")
    place.run("--store", str(place.path / "store.db"), "report", "-o", "honest.html")
    hostile, honest = Page(), Page()
    text = (place.path / "plain.html").read_text(errors="replace")
    hostile.feed(text)
    honest.feed((place.path / "honest.html").read_text(errors="replace"))
    expect(
        hostile.scripts == honest.scripts,
        f"the hostile report has {hostile.scripts} scripts, an honest one {honest.scripts}",
    )
    expect(not hostile.bad and not honest.bad, f"the report has {hostile.bad + honest.bad}")
    expect(len(text) < 10_000_000, f"the report has {len(text)} bytes")


with tempfile.TemporaryDirectory() as folder:
    place = Place(folder)
    (place.path / "tiny.toml").write_text(EXPERIMENT.replace('"tiny"', '"tiny"\nseeds = [0, 1]'))
    (place.path / "again.toml").write_text(EXPERIMENT.replace('"tiny"', '"again"'))
    (place.path / "states.txt").write_text("-++-\n-+__\n")
    (place.path / "full.txt").write_text("-++-\n----\n")
    (place.path / "states.txt.txt").write_text("Hello, World 12\n" * 10)
    (place.path / "molecules.smi").write_text("CC\n")
    place.run("run", "tiny.toml")
    parts = {"standard output": standard_output, "files": files, "signals": signals, "hostile text": hostile_text}
    for name, part in parts.items():
        begun = time.time()
        part(place)
        print(f"{name}: {time.time() - begun:.1f} s", flush=True)


print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
