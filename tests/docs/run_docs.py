"""Runs every ```sh and complete ```toml block of README.md and docs/, and every experiment file, as a reader would, but
short.

    run_docs.py SOURCE_DIR BUILD_DIR

A block runs line by line in a copy-free folder of its own from which the source tree's files are seen; `build/release` stands for
BUILD_DIR. Trainings are cut to a few steps by overrides; `make`, `git clone` and `cd` are for a fresh machine and left out,
aloud. A block marked ```sh not-run is shown but not run. A ```toml block is complete if it has a name and an [objective];
it runs with one seed, in a store of its own.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

source, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
SHORT = ("train.steps=2 train.batch=8 evaluation.every=0 evaluation.samples=8 evaluation.nll_samples=8 "
         "evaluation.marginal_states=8 evaluation.pictures=2 evaluation.marginal_time=false")
LEFT_OUT = ("make", "git clone", "cd ", "sudo ", "xdg-open", "scripts/")


def blocks(page, language):
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.S | re.M):
        yield text[: match.start()].count("\n") + 1, match.group(1)


def shortened(line):
    line = re.sub(r"\bbuild/release\b", str(build), line)
    return f"{line} {SHORT}" if re.search(r"marginalia (--\S+ \S+ )*run ", line) else line


def run(line, folder, what):
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "NO_COLOR": "1", "HOME": str(folder), "PATH": f"{build}/bin:{os.environ['PATH']}"})
    if done.returncode != 0:
        print(f"FAILED {what}: {line}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
        return False
    return True


def page_runs(page, folder):
    good = True
    for number, block in blocks(page, "sh"):
        for line in filter(None, (l.strip() for l in block.replace("\\\n", " ").splitlines())):
            line = re.sub(r"\s+#.*$", "", line)
            if line.startswith("#") or not line:
                continue
            if line.startswith(LEFT_OUT):
                print(f"left out: {page.name}:{number}: {line}")
                continue
            good &= run(shortened(line), folder, f"{page.relative_to(source)}:{number}")
    return good


def experiments_run(page):
    good = True
    for number, block in blocks(page, "toml"):
        if not re.search(r"^name *=", block, re.M) or "[objective]" not in block:
            print(f"left out: {page.name}:{number}: not a complete experiment")
            continue
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "experiment.toml").write_text(block, encoding="utf-8")
            line = shortened("build/release/bin/marginalia run experiment.toml --store store.db")
            good &= run(f"{line} seeds=0", folder, f"{page.relative_to(source)}:{number}")
    return good


def main():
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name in ("experiments", "docs", "sdk"):
            os.symlink(source / name, os.path.join(folder, name))
        for experiment in sorted(source.glob("experiments/*.toml")):
            text = experiment.read_text(encoding="utf-8")
            if "start_from" in text:  # after the experiment it starts from
                continue
            good &= run(shortened(f"build/release/bin/marginalia run {experiment}"), folder, experiment.name)
        for experiment in sorted(source.glob("experiments/*.toml")):
            if "start_from" in experiment.read_text(encoding="utf-8"):
                # A training of no steps stays one: these only evaluate.
                line = f"{build}/bin/marginalia run {experiment} {SHORT.replace('train.steps=2 ', '')}"
                good &= run(line, folder, experiment.name)
        for page in [source / "README.md", *sorted(source.glob("docs/*.md"))]:
            # The guide's reader has typed in the example, which a test of its own compares with the page.
            guide = page.stem == "writing-an-energy"
            place = shutil.copytree(source / "sdk/example/ring", os.path.join(folder, "ring")) if guide else folder
            good &= page_runs(page, place)
            good &= experiments_run(page)
    return 0 if good else 1


sys.exit(main())
