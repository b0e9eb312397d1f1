"""Runs every ```sh and complete ```toml block of README.md and docs/, and every experiment file, as a reader would, but
short.

    run_docs.py SOURCE_DIR BUILD_DIR experiments|pages|guide

experiments: the experiment files; pages: README.md and docs/; guide: docs/plugins.md of these alone.

A block runs line by line in a folder from which the source tree's files are seen, each page's in a copy of the one
that README.md left; `build/release` stands for BUILD_DIR. Trainings are cut to a few steps by overrides; `make`, `git
clone` and `cd` are for a fresh machine and left out, aloud. A block marked ```sh not-run is shown but not run. A block
marked with a file, ```toml lattice.toml, is saved there for the lines that follow. A ```toml block without one is
complete if it has a name and an [objective]; it runs with one seed, in a store of its own.

docs/plugins.md is followed from its first line to its last in one shell, with nothing but what it installs on PATH. A
block marked with a file, ```cpp maxcut/maxcut.cpp, is saved there, and must equal sdk/example/maxcut/maxcut.cpp. The
links of the documents that it has installed must lead to files.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

source, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
SHORT = ("train.steps=2 train.batch=8 evaluation.every=0 evaluation.samples=8 evaluation.nll_samples=8 "
         "evaluation.marginal_states=8 evaluation.pictures=2 evaluation.marginal_time=false "
         "run.slots=1")  # a second worker's start would take longer than it saves
SHORT_STAGE1 = "stage1.train.steps=2 stage1.train.batch=8 evaluation.ensemble_rows=2 evaluation.ensemble_orders=2 evaluation.ranking_groups=0"
DATA = {"mnist": "mnist-static", "moses": "moses", "text8": "text8-74m"}  # by dataset plugin; fetched from ../shared/data
LEFT_OUT = ("make", "git clone", "cd ", "sudo ", "xdg-open", "scripts/")


def all_blocks(page):
    """Line, and language, mark and text of each block."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*) *([^\n]*)\n(.*?)^```$", text, re.S | re.M):
        yield text[: match.start()].count("\n") + 1, match.groups()


def blocks(page, language):
    return ((number, text) for number, (words, mark, text) in all_blocks(page) if words == language and not mark)


def shortened(line):
    line = re.sub(r"\bbuild/release\b", lambda _: shlex.quote(str(build)), line)
    return f"{line} {SHORT}" if re.search(r"marginalia (--\S+ \S+ )*run ", line) else line


def lines_of(block):
    for line in (l.strip() for l in block.replace("\\\n", " ").splitlines()):
        line = re.sub(r"\s+#.*$", "", line)
        if line and not line.startswith("#"):
            yield line


def surroundings(folder):
    return {**os.environ, "NO_COLOR": "1", "HOME": str(folder)}


def run(line, folder, what):
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=300,
                          env={**surroundings(folder), "PATH": f"{build}/bin:{os.environ['PATH']}"})
    if done.returncode != 0:
        print(f"FAILED {what}: {line}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
        return False
    return True


def page_runs(page, folder):
    good = True
    for number, (language, name, block) in all_blocks(page):
        if "." in name:
            pathlib.Path(folder, name).write_text(block, encoding="utf-8")
        for line in lines_of(block) if language == "sh" and not name else []:
            if line.startswith(LEFT_OUT):
                print(f"left out: {page.name}:{number}: {line}")
                continue
            good &= run(shortened(line), folder, f"{page.relative_to(source)}:{number}")
    return good


def saved_as(name, text, start, what):
    """The shell line that saves a shown file, whose copy in sdk/example must be the same."""
    original = source / "sdk/example" / name
    if not original.is_file() or original.read_text(encoding="utf-8") != text:
        print(f"FAILED {what}: shows another {name} than {original}")
        return None
    return f"cp {shlex.quote(str(original))} {shlex.quote(str(start / name))}"


def refusals_are_as_printed(page):
    """The messages of the page's table of refusals against those that the tests of broken plugins expect."""
    printed = (source / "tests/negative/plugins/loading.expected").read_text(encoding="utf-8")
    table = page.read_text(encoding="utf-8").partition("Refusals are listed")[2]
    messages = re.findall(r"^\| `(.*?)` \|", table, re.M)
    good = len(messages) > 0
    for message in messages:
        pattern = re.sub(r"\d+", r"\\d+", re.escape(message)).replace(r"\.\.\.", ".*")
        pattern = pattern.replace("'x'", "'.*'").replace("FILE", r"\S+")
        if not re.search(f"^\\S+: {pattern}$", printed, re.M):
            print(f"FAILED {page.name}: nothing prints the refusal: {message}")
            good = False
    return good


def links_lead_on(folder):
    pages, good = sorted(folder.rglob("*.md")), True
    for page in pages:
        for link in re.findall(r"\]\(([^)#:\s]+)\)", re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)):
            if not (page.parent / link).exists():
                print(f"FAILED {page}: the link to {link} leads nowhere")
                good = False
    return good and len(pages) > 0


def guide_runs(page, folder):
    """One shell, block after block, as its reader would type them."""
    start, script = pathlib.Path(folder, "work"), ["set -e"]
    python = f"{source}/.venv/bin"  # whose PyTorch is the LibTorch of this build, if it has its CUDA libraries
    has_torch = subprocess.run([f"{python}/python3", "-c", "import torch"], capture_output=True).returncode == 0
    for number, (language, name, block) in all_blocks(page):
        what = f"{page.relative_to(source)}:{number}"
        lines = []
        if "/" in name:
            lines = [saved_as(name, block, start, what)]
        elif language == "sh" and not name:
            lines = [re.sub(r"^make install PREFIX=", "cmake --install build/release --prefix ", line)
                     for line in lines_of(block)]
            scripted = next((i for i, line in enumerate(lines) if line.startswith("python3 ")), len(lines))
            if scripted < len(lines) and not has_torch:
                print(f"left out: {what}: {lines[scripted]} and what follows: no PyTorch in .venv can be imported; make setup MARGINALIA_CUDA=1 gets it")
                lines = lines[:scripted]
        if None in lines:
            return False
        for line in lines:
            script += [f"echo {shlex.quote(f'@@ {what}: {line}')}", shortened(line)]
    done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, timeout=540, text=True,
                          env={**surroundings(folder), "PATH": f"{python}:{os.environ['PATH']}"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        print(f"FAILED, exit code {done.returncode}:{done.stdout.rpartition('@@')[2]}")
    installed = links_lead_on(pathlib.Path(folder, "marginalia/share/doc/marginalia"))
    return done.returncode == 0 and installed


def experiments_run(page):
    good = True
    for number, block in blocks(page, "toml"):
        if not re.search(r"^name *=", block, re.M) or "[objective]" not in block:
            print(f"left out: {page.name}:{number}: not a complete experiment")
            continue
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "experiment.toml").write_text(block, encoding="utf-8")
            line = shortened("build/release/bin/marginalia run experiment.toml --store store.db")
            if "[stop]" in block:  # a rung below the two steps that are run here
                line += " stop.least_steps=1"
            if 'plugin = "mlp"' in block and "hidden" not in block:  # which is wide by itself
                line += " network.mlp.hidden=64"
            good &= run(f"{line} seeds=0", folder, f"{page.relative_to(source)}:{number}")
    return good


def has_quick_variant(experiment):
    """Whether a quick variant, which runs all of its methods, stands beside it: it is then only planned itself."""
    return experiment.with_name(f"{experiment.stem.removesuffix('-cpu')}-quick.toml").exists()


def with_bases(experiment):
    """The text of an experiment file and of those that it extends."""
    text = experiment.read_text(encoding="utf-8")
    base = re.search(r'^extends *= *"(.*)"', text, re.M)
    return text + (with_bases(experiment.parent / base.group(1)) if base else "")


def begins_from(experiment):
    """The experiment whose weights it starts from, "" where it has none."""
    found = re.search(r'^start_from *= *"(.*)"', experiment.read_text(encoding="utf-8"), re.M)
    return found.group(1) if found else ""


def data_there(experiment, folder):
    """Fetches what an experiment learns from; False, aloud, where that is not to be had."""
    shared = source.parent / "shared/data"
    text = with_bases(experiment)
    wanted = [name for plugin, name in DATA.items() if f'plugin = "{plugin}"' in text]
    if wanted and not shared.is_dir():
        print(f"left out: {experiment.name} is only planned, as {shared} is missing")
        return False
    return all(run(shortened(f"build/release/bin/marginalia data get {name} --from {shlex.quote(str(shared))}"), folder, experiment.name) for name in wanted)


def every_experiment_runs(folder, rdkit):
    good = True
    for experiment in sorted(source.glob("experiments/*.toml")):
        text = experiment.read_text(encoding="utf-8")
        if begins_from(experiment):  # after the experiment it starts from
            continue
        if re.match("table5|lipophilicity", experiment.stem) and not rdkit:
            print(f"left out: {experiment.name}, as this build has no RDKit")
            continue
        many = "[stop]" in text  # trials, which are stopped later than after the two steps that are run here
        verb = "plan" if many or has_quick_variant(experiment) or not data_there(experiment, folder) else "run"
        line = shortened(f"build/release/bin/marginalia --store experiments.db {verb} {shlex.quote(str(experiment))}")
        staged = verb == "run" and "[stage1]" in with_bases(experiment)
        good &= run(f"{line} {SHORT_STAGE1}" if staged else line, folder, experiment.name)
    for experiment in sorted(source.glob("experiments/*.toml")):
        start = begins_from(experiment)
        if not start:
            continue
        program = f"{shlex.quote(str(build))}/bin/marginalia --store experiments.db"
        if has_quick_variant(experiment):
            line = f"{program} plan {shlex.quote(str(experiment))} train.start_from={start}-quick"
        else:
            # A training of no steps stays one: these only evaluate.
            line = f"{program} run {shlex.quote(str(experiment))} {SHORT.replace('train.steps=2 ', '')}"
        good &= run(line, folder, experiment.name)
    return good


def every_page_runs(folder, rdkit):
    """README first, and then each page as one who comes from there would read it, with what README left behind."""
    good = page_runs(source / "README.md", folder) & experiments_run(source / "README.md")
    for page in [*sorted(source.glob("docs/*.md")), *sorted(source.glob("docs/understand/*.md"))]:
        if page.stem == "molecules" and not rdkit:
            print(f"left out: {page.name}, as this build has no RDKit")
        elif page.stem == "plugins":
            good &= refusals_are_as_printed(page)
            with tempfile.TemporaryDirectory() as home:
                good &= guide_runs(page, home)
        else:
            with tempfile.TemporaryDirectory() as home:
                shutil.copytree(folder, home, symlinks=True, dirs_exist_ok=True)
                if page.stem == "store":  # the page recovers a store of this name
                    shutil.copy(pathlib.Path(home, "marginalia.db"), pathlib.Path(home, "damaged.db"))
                good &= page_runs(page, home)
        good &= experiments_run(page)
    return good


def main():
    part = sys.argv[3]
    rdkit = (build / "lib/marginalia/plugins/lipophilicity.so").exists()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("experiments", "docs", "sdk"):
            os.symlink(source / name, os.path.join(folder, name))
        if part == "guide":
            page = source / "docs/plugins.md"
            good = refusals_are_as_printed(page) and guide_runs(page, folder)
        else:
            good = {"experiments": every_experiment_runs, "pages": every_page_runs}[part](folder, rdkit)
    return 0 if good else 1


sys.exit(main())
