"""What verbs put out, attacked: standard output that is full, closed or has lost its reader, for every verb that --help
lists; --out on devices, FIFOs, links, folders and full disks, and signals in the midst.

    output_test.py BIN_DIR PLUGIN_DIR
"""

import os
import re
import resource
import signal
import stat
import subprocess
import time

from output_place import expect, failed, try_parts

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
    "score": ["score", "1", "--states", "states.txt", "--format", "csv"],
}


def files(place):
    target = place.path / "targets"
    target.mkdir()
    most, disks = 40_000, 0
    os.mkfifo(target / "fifo")
    (target / "folder").mkdir()
    (target / "full").symlink_to("/dev/full")
    for name, words in WRITERS.items():
        shared = name not in ("complete", "marginals", "score", "sample npy", "sample png")  # as `sample json` does
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
        err = place.on_terminal(*words)[1]
        expect("is not text for a terminal" in err, f"{words} on a terminal says\n{err}")
    expect(disks >= 3, f"only {disks} verbs met a full disk")
    expect(not place.leftovers(), f"left: {place.leftovers()}")


def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


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


try_parts({"standard output": standard_output, "files": files, "signals": signals})
