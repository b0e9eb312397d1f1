"""Takes the pictures of the page for README.md and docs/page.md, of trainings that take a few minutes on two cores.

.venv/bin/python3 tests/page/page_pictures.py build/release/bin docs/images
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from page_browser import Served, browser

GRID = """extends = "{source}/experiments/ising-quick.toml"
name = "ising-grid"
description = "Learning rates, widths and depths on the 6x6 Ising model"
seeds = [0, 1, 2]
[energy]
rows = 6
columns = 6
[train]
steps = 200
[evaluation]
every = 20
samples = 500
nll_samples = 500
marginal_states = 99
[sweep]
"train.learning_rate" = [1e-3, 4e-3, 1.6e-2]
"network.channels" = [8, 16]
"network.layers" = [2, 3]
"""


def picture(chromium, address, file, scheme, height):
    page = chromium.new_page(viewport={"width": 1280, "height": height}, color_scheme=scheme)
    page.goto(address)
    page.wait_for_selector("canvas[aria-label]")
    page.wait_for_timeout(1500)  # for the last chart
    page.screenshot(path=file)
    page.close()


if __name__ == "__main__":
    programs, pictures = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    source = pathlib.Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        store, grid, report = (pathlib.Path(folder, name) for name in ("marginalia.db", "grid.toml", "report.html"))
        grid.write_text(GRID.format(source=source))
        host, environment = programs / "marginalia", {**os.environ, "MARGINALIA_STORE": str(store)}
        for words in (
            ["run", grid],
            ["run", source / "experiments/ising-quick.toml"],
            ["report", "ising-quick", "--out", report],
        ):
            subprocess.run([host, *words], env=environment, cwd=folder, check=True)
        picture(chromium, report.as_uri(), pictures / "report-ising-quick.png", "light", 900)
        with Served(host, store) as served:
            view = f"{served.address}#/experiment/ising-grid"
            picture(chromium, view, pictures / "page-experiment.png", "light", 1080)
            picture(chromium, f"{view}?tab=parallel&ranges=kl:0:0.2", pictures / "page-parallel.png", "dark", 800)
