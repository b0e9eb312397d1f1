"""The notebooks run from their first cell to their last, and what is committed of them is small."""

from __future__ import annotations

import json
import linecache

import pytest

from conftest import SOURCE, need_torch

NOTEBOOKS = sorted((SOURCE / "python/notebooks").glob("*.ipynb"))


def code_of(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [(cell, "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(notebook, program, tmp_path, monkeypatch):
    """Every cell in turn, in one namespace and an empty folder; without Jupyter, as what it adds is how things look."""
    need_torch()
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="no matplotlib here")
    pytest.importorskip("pandas", reason="no pandas here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MARGINALIA_STORE", raising=False)
    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf()))
    names = {"__name__": "__main__"}
    for number, (_, source) in enumerate(code_of(notebook)):
        # TorchScript reads the source of what it scripts.
        place = f"<{notebook.stem}, cell {number}>"
        linecache.cache[place] = (len(source), None, source.splitlines(True), place)
        exec(compile(source, place, "exec"), names)
    assert len(shown) == 1 and shown[0].get_axes()
    pyplot.close("all")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_of_it(notebook):
    """Outputs as they were, one picture among them, none of an error; 100 kB at most."""
    pictures = 0
    for cell, source in code_of(notebook):
        assert cell["execution_count"], f"not run: {source}"
        for output in cell["outputs"]:
            assert output["output_type"] != "error", source
            pictures += "image/png" in output.get("data", {})
    assert pictures == 1 and notebook.stat().st_size <= 100_000


def test_there_are_three():
    assert [notebook.stem for notebook in NOTEBOOKS] == ["first-steps", "own-energy", "querying-a-sweep"]
