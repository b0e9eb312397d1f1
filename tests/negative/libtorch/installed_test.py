"""An installed program finds LibTorch when the folder that it was built with is gone, or says in one sentence what to
set: with the file that packages have in place of a build's, in environments that have LibTorch in one place each.

    installed_test.py CMAKE BUILD_DIR TORCH_LIBRARY_DIR
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from small_trial import EXPERIMENT

cmake, build, torch = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]).resolve().parent
version = (build / "packaging/libtorch").read_text().strip()
failures = 0


def expect(name, found, code, pattern):
    global failures
    if found.returncode != code or not re.search(pattern, found.stdout, re.M):
        failures += 1
        print(f"FAILED {name}: exit code {found.returncode} (not {code}?) or no line like `{pattern}` in:\n{found.stdout}")


with tempfile.TemporaryDirectory() as temporary:
    top = pathlib.Path(temporary).resolve()
    prefix, work = top / "prefix", top / "work"
    (top / "bin").mkdir()
    work.mkdir()
    (work / "small.toml").write_text(EXPERIMENT)
    (work / "states.txt").write_text("++/--\n")
    subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
    for plugin in (prefix / "lib/marginalia/plugins").iterdir():  # fewer to open
        if plugin.stem not in ("ising", "mlp", "ancestral", "mam-energy"):
            plugin.unlink()

    for file in [*(prefix / "bin").iterdir(), *prefix.glob("lib/*.so"), *prefix.glob("lib/marginalia/plugins/*.so")]:
        paths = re.findall(r"path: \[(.*)\]", subprocess.run(["readelf", "-d", file], capture_output=True, text=True).stdout)
        if len(paths) != 1 or not all(re.match(r"\$ORIGIN(/|$)", path) for path in paths[0].split(":")):
            failures += 1
            print(f"FAILED {file}: its run path {paths} leads elsewhere than to its own tree")

    def said(*words, path=top / "bin", **variables):
        """In an environment that has what a test puts there, and a python3 that knows no torch."""
        return subprocess.run([prefix / "bin/marginalia", *words], cwd=work, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120,
                              env={"PATH": str(path), "HOME": str(top), "NO_COLOR": "1", **variables})

    def python(folder, words):
        """A python3 that answers so."""
        folder.mkdir(exist_ok=True)
        (folder / "python3").write_text(f"#!/bin/sh\n{words}\n")
        (folder / "python3").chmod(0o755)
        return folder

    found = rf"LibTorch +{version}, .*, {torch}/lib/"
    expect("as built", said("doctor"), 0, found)
    shutil.copy(build / "packaging/libtorch", prefix / "lib/marginalia/libtorch")  # as packages have it
    nothing = (rf"there is no LibTorch {version} in {prefix}/lib/torch, in an active Python environment or by python3; "
               rf"`pip install torch=={version}` in an environment that you activate, or set MARGINALIA_TORCH to the "
               rf"folder of a LibTorch {version}$")
    python(top / "bin", "exit 0")
    expect("nowhere", said("doctor"), 3, f"worker +{nothing}")
    expect("nowhere, for a run", said("run", "small.toml"), 2, f"^marginalia: {nothing}")
    expect("MARGINALIA_TORCH", said("doctor", MARGINALIA_TORCH=str(torch)), 0, found)
    # The verbs that start a worker in other ways: `run` by the scheduler, `score` and `check-plugin` become it.
    expect("run", said("run", "small.toml", MARGINALIA_TORCH=str(torch)), 0, "small: 1 of 1 trial done")
    expect("score, nowhere", said("score", "last", "--states", "states.txt"), 2, f"^marginalia: {nothing}")
    scored = said("score", "last", "--states", "states.txt", MARGINALIA_TORCH=str(torch))
    expect("score", scored, 0, "log_marginal")
    expect("check-plugin", said("check-plugin", "ising", "rows=2", MARGINALIA_TORCH=str(torch)), 0, "checks")
    expect("reading needs none", said("list"), 0, "small")
    expect("another folder", said("doctor", MARGINALIA_TORCH=str(top)), 3, rf"MARGINALIA_TORCH is {top}, which has no lib")

    packages = top / "env/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (packages / "torch").symlink_to(torch)
    expect("VIRTUAL_ENV", said("doctor", VIRTUAL_ENV=str(top / "env")), 0, found)
    answers = python(top / "python", f"printf %s '{packages}/torch'")
    expect("python3 of PATH", said("doctor", path=answers), 0, found)
    # A python3 that is one: it is asked, and takes nothing from the working directory.
    (work / "torch").mkdir()
    (work / "torch/__init__.py").write_text("raise SystemExit('imported')\n")
    real = python(top / "real", f"PYTHONPATH='{packages}' exec {sys.executable} \"$@\"")
    expect("python3 that is asked", said("doctor", path=real), 0, found)
    (prefix / "lib/torch").symlink_to(torch)
    expect("beside it", said("doctor"), 0, found)
print(failures, "failures")
sys.exit(failures > 0)
