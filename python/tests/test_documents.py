"""The Python of README and docs/ runs, on a store such as the demo makes."""

from __future__ import annotations

import re
import subprocess

import pytest

import marginalia
from conftest import SOURCE, need_torch

SHORT = {
    "train.steps": 20,
    "train.batch": 16,
    "evaluation.every": 10,
    "evaluation.samples": 50,
    "evaluation.nll_samples": 50,
    "evaluation.marginal_states": 99,
    "evaluation.marginal_time": False,
}


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", (SOURCE / page).read_text(encoding="utf-8"), re.S | re.M)


@pytest.fixture(scope="module")
def demo(program, tmp_path_factory):
    """A folder with what `make demo` leaves, of a shorter training."""
    folder = tmp_path_factory.mktemp("demo")
    store = folder / "marginalia.db"
    marginalia.run(SOURCE / "experiments/ising-quick.toml", SHORT, store, quiet=True)
    # One of README's commands, whose file its second block opens.
    export = [program, "--store", store, "checkpoint", "export", "last", "--out", folder / "model.pt"]
    subprocess.run(export, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("page", ["README.md", "docs/python.md", "docs/store.md", "python/README.md"])
def test_blocks_run(page, demo, monkeypatch, capsys):
    need_torch()
    for module in ("matplotlib.pyplot", "pandas"):
        pytest.importorskip(module)
    monkeypatch.chdir(demo)
    monkeypatch.delenv("MARGINALIA_STORE", raising=False)
    names = {}
    found = blocks(page)
    assert found
    for block in found:
        exec(compile(block, page, "exec"), names)
    assert "Traceback" not in capsys.readouterr().err
    if page == "README.md":
        assert all((demo / name).stat().st_size > 5000 for name in ("kl.png", "samples.png"))


def test_readme_has_ten_lines_of_it():
    for block in blocks("README.md"):
        assert len([line for line in block.splitlines() if line and not line.startswith("import")]) <= 10
