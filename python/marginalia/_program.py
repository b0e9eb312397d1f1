"""The program `marginalia`: where it is, and asking it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from ._errors import Error

_HOW = "set MARGINALIA to its path, as in export MARGINALIA=/path/to/marginalia/build/release/bin/marginalia"
_BUILT = Path("build/release/bin/marginalia")


def find_program(program: str | os.PathLike[str] | None = None) -> str:
    """The path of the program: what is given here, else MARGINALIA, else PATH, else the build tree of the clone that
    this package was installed from."""
    for named, where in ((program, "program"), (os.environ.get("MARGINALIA"), "MARGINALIA")):
        if named:
            found = shutil.which(os.fspath(named))
            if found is None:
                raise Error(f"{where} is '{os.fspath(named)}', which is no program here; {_HOW}", 3)
            return os.path.abspath(found)
    found = shutil.which("marginalia")
    if found is not None:
        return os.path.abspath(found)
    for clone in _clones():
        if os.access(clone / _BUILT, os.X_OK):
            return str(clone / _BUILT)
    raise Error(f"the program `marginalia` is not on PATH; build it by `make` in a clone of marginalia and {_HOW}", 3)


def _clones() -> list[Path]:
    """Where the sources of this package lie or lay: beside it, or where pip was told to install it from."""
    clones = [Path(__file__).resolve().parents[2]]
    try:
        text = importlib.metadata.distribution("marginalia").read_text("direct_url.json")
        url = urllib.parse.urlsplit(json.loads(text or "{}").get("url", ""))
    except (importlib.metadata.PackageNotFoundError, ValueError, AttributeError):
        return clones
    if url.scheme == "file":
        clones.append(Path(urllib.parse.unquote(url.path)).parent)
    return clones


def environment() -> dict[str, str]:
    """The program's: this process's, and where it is not an activated one, the environment of this Python, as a kernel
    of a notebook has it. An installed program finds LibTorch there (docs/install.md)."""
    variables = dict(os.environ)
    if sys.prefix != sys.base_prefix and not variables.get("VIRTUAL_ENV") and not variables.get("CONDA_PREFIX"):
        variables["VIRTUAL_ENV"] = sys.prefix
    return variables


def sentences_of(stderr: str) -> str:
    """What the program said when it gave up, without its name."""
    said = [line for line in stderr.replace("\r", "\n").splitlines() if line.strip()]
    starts = [i for i, line in enumerate(said) if line.startswith("marginalia: ")]
    if starts:
        said = said[starts[-1] :]
        said[0] = said[0].removeprefix("marginalia: ")
    return "\n".join(said if starts else said[-1:]) or "the program marginalia said nothing"


def ask(program: str, words: Sequence[str]) -> str:
    """Runs the program to its end; what it wrote to standard output. Raises Error with its sentence and exit code."""
    try:
        done = subprocess.run(
            [program, *words], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", env=environment()
        )
    except OSError as error:
        raise Error(f"{program} cannot be started ({error.strerror}); {_HOW}", 3) from None
    if done.returncode < 0:
        raise Error(f"{program} was ended by signal {-done.returncode}", 128 - done.returncode)
    if done.returncode != 0:
        raise Error(sentences_of(done.stderr), done.returncode)
    return done.stdout
