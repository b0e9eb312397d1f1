"""The package as it is installed: size, import, types, style; and what it writes by itself."""

from __future__ import annotations

import importlib.util
import io
import pathlib
import re
import subprocess
import sys
import time
import zipfile

import pytest

import marginalia
from conftest import SOURCE
from marginalia._program import environment, find_program, sentences_of
from marginalia._toml import override_words, toml_text, toml_value

PACKAGE = SOURCE / "python"


def run(*words, **more):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=PACKAGE, **more)


def need(module):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"no {module} here; pip install {module}")


def test_size_is_at_most_103_kb_and_of_a_wheel_50_kb():
    files = [file for file in sorted((PACKAGE / "marginalia").iterdir()) if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= 103_000
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    assert len(wheel.getvalue()) <= 50_000


def test_import_takes_at_most_300_ms_and_no_torch():
    code = "import sys, marginalia; marginalia.open; assert not {'torch', 'pandas', 'numpy'} & set(sys.modules)"
    bare, with_it = [], []
    for _ in range(3):
        for taken, what in ((bare, "pass"), (with_it, code)):
            start = time.perf_counter()
            done = run("-S", "-c", what)
            taken.append(time.perf_counter() - start)
            assert done.returncode == 0, done.stderr
    assert min(with_it) - min(bare) < 0.3


def test_installed_by_pip(tmp_path):
    need("setuptools")
    words = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(tmp_path / "site")]
    copy = tmp_path / "python"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md"):
        (copy / name).write_bytes((PACKAGE / name).read_bytes())
    (copy / "marginalia").mkdir()
    for file in (PACKAGE / "marginalia").glob("*.*"):
        (copy / "marginalia" / file.name).write_bytes(file.read_bytes())
    done = run("-m", "pip", "install", *words, str(copy))
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site/marginalia"
    assert {file.name for file in site.glob("*.*")} == {file.name for file in (PACKAGE / "marginalia").glob("*.*")}
    assert (site / "py.typed").exists()


def test_every_public_name_is_there_and_documented():
    for name in marginalia.__all__:
        value = getattr(marginalia, name)
        if name != "Table":
            assert value.__doc__, name
    with pytest.raises(AttributeError, match="module 'marginalia' has no attribute 'lod'"):
        marginalia.lod  # noqa: B018


def test_version_is_the_programs():
    cmake = (SOURCE / "CMakeLists.txt").read_text()
    version = re.search(r"project\(marginalia VERSION ([\d.]+)", cmake)[1]
    assert marginalia.__version__ == version
    assert f'version = "{version}"' in (PACKAGE / "pyproject.toml").read_text()


def test_types():
    need("mypy")
    done = run("-m", "mypy", "--cache-dir=/dev/null")
    assert done.returncode == 0, done.stdout


def test_style():
    need("ruff")
    for words in (["check"], ["format", "--check"]):
        done = run("-m", "ruff", *words, "--no-cache", "marginalia", "tests", "notebooks")
        assert done.returncode == 0, done.stdout + done.stderr


def test_toml_is_what_python_reads_back():
    tomllib = pytest.importorskip("tomllib")
    numpy = pytest.importorskip("numpy")
    experiment = {
        "name": 'a "quoted" name\n\x7f\\',
        "seeds": range(3),
        "energy": {"plugin": "ising", "rows": numpy.int64(4), "coupling": 1e-7, "periodic": True},
        "train": {"learning_rate": numpy.float64(0.5), "start_from": pathlib.Path("some/file")},
        "network": {"mlp": {"hidden": 3}},
        "sweep": {
            "train.learning_rate": {"log": [1e-4, 1e-2], "n": 3},
            "zip": [{"a.b": [1, 2]}],
            "x.y": [float("inf")],
        },
    }
    read = tomllib.loads(toml_text(experiment))
    assert read == {
        **experiment,
        "seeds": [0, 1, 2],
        "energy": {**experiment["energy"], "rows": 4},
        "train": {"learning_rate": 0.5, "start_from": "some/file"},
    }
    with pytest.raises(marginalia.Error, match=r"'train.steps' is None, which an experiment cannot hold"):
        toml_text({"train": {"steps": None}})


def test_overrides_are_words_of_the_command_line():
    assert override_words(["train.steps=1"]) == ["train.steps=1"]
    assert override_words({"train.steps": 1, "energy.plugin": "potts", "seeds": [0, 1], "train.clip": None}) == [
        "train.steps=1",
        'energy.plugin="potts"',
        "seeds=[0, 1]",
        "~train.clip",
    ]
    assert toml_value({"log": [1e-4, 1e-2], "n": 3}) == "{ log = [0.0001, 0.01], n = 3 }"
    with pytest.raises(TypeError, match="overrides is a str"):
        override_words("train.steps=1")


def test_the_program_is_looked_for(tmp_path, monkeypatch):
    program = tmp_path / "marginalia"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MARGINALIA", raising=False)
    assert find_program() == str(program)
    monkeypatch.setenv("MARGINALIA", str(tmp_path / "none"))
    with pytest.raises(
        marginalia.Error, match=r"MARGINALIA is '.*none', which is no program here; set MARGINALIA to"
    ) as no:
        find_program()
    assert no.value.exit_code == 3
    assert find_program(program) == str(program)
    monkeypatch.delenv("MARGINALIA")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("marginalia._program._clones", lambda: [tmp_path])
    with pytest.raises(marginalia.Error, match="the program `marginalia` is not on PATH; build it by `make`"):
        find_program()
    built = tmp_path / "build/release/bin"
    built.mkdir(parents=True)
    program.rename(built / "marginalia")
    assert find_program() == str(built / "marginalia")


def test_the_program_gets_this_pythons_environment(monkeypatch):
    """A kernel of a notebook runs in an environment that nobody has activated."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "prefix", "/some/environment")
    assert environment()["VIRTUAL_ENV"] == "/some/environment"
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert "VIRTUAL_ENV" not in environment()
    monkeypatch.setattr(sys, "prefix", "/some/environment")
    monkeypatch.setenv("VIRTUAL_ENV", "/chosen")
    assert environment()["VIRTUAL_ENV"] == "/chosen"


def test_what_the_program_says():
    assert sentences_of("note\nmarginalia: no such thing\nline 2\n") == "no such thing\nline 2"
    assert sentences_of("started\nto go on, resume\n") == "to go on, resume"
    assert sentences_of("") == "the program marginalia said nothing"
