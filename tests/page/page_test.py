"""The page of `marginalia serve` and of `marginalia report` in headless Chromium: a store of two experiments whose names, errors and
samples would run scripts if they could, and a sweep that runs meanwhile. A dialog, a message on the console, a request to anywhere
else than the program: each fails the test.

    page_test.py --host MARGINALIA --sample MAKE_SAMPLE_STORE --worker FAKE_WORKER --plugins FOLDER
"""

import argparse
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from hostile_store import ATTACK, attack
from page_browser import Served, browser

parser = argparse.ArgumentParser(description=__doc__)
for option in ("--host", "--sample", "--worker", "--plugins"):
    parser.add_argument(option, required=True)
arguments, rest = parser.parse_known_args()

SWEEP = """name = "sweep"
seeds = [0]
[energy]
plugin = "fake"
step_milliseconds = 20.0
[network]
plugin = "fake"
[objective]
plugin = "fake"
[train]
steps = {steps}
[run]
device = "fake:0"
slots = 1
[sweep]
"energy.variant" = [1, 2]
"energy.behaviour" = ["normal", "throw"]
"""
VIEWS = ["#/", "#/running", "#/trial/1", "#/trial/10"] + [
    f"#/experiment/lattice?tab={tab}"
    for tab in (
        "",
        "curves&chosen=1-6",
        "table",
        "table&group=none",
        "parallel&ranges=network.channels:16:20",
        "scatter",
        "samples",
        "config&chosen=1-6",
        "failures",
    )
]


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.chromium = cls.enterClassContext(browser())
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.store = cls.folder / "store.db"
        subprocess.run([arguments.sample, cls.store], check=True)
        attack(cls.store)
        cls.served = cls.enterClassContext(Served(pathlib.Path(arguments.host), cls.store))

    def setUp(self):
        self.said, self.asked = [], []
        self.context = self.chromium.new_context(viewport={"width": 1400, "height": 900})
        self.context.set_default_timeout(15000)
        self.page = self.new_page()

    def tearDown(self):
        self.context.close()
        self.assertEqual(self.said, [])
        elsewhere = [
            address
            for address in self.asked
            if not address.startswith((self.served.address, "file:", "data:", "blob:"))
        ]
        self.assertEqual(elsewhere, [])

    def new_page(self):
        page = self.context.new_page()
        page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))
        return page

    def open(self, view, page=None):
        page = page or self.page
        page.goto("about:blank")
        page.goto(self.served.address + view)
        return self.settled(page)

    def settled(self, page=None):
        """When nothing is asked for any more and all charts are drawn."""
        page = page or self.page
        page.wait_for_selector("main:not([aria-busy]) h1")
        self.until("shown.hash === location.hash", page=page)  # of page.js: what was drawn last
        self.until(
            "[...document.querySelectorAll('.chart canvas')].every((one) => one.hasAttribute('aria-label') || one.closest('[hidden]'))",
            page=page,
        )
        return page

    def until(self, expression, argument=None, page=None):
        """Until it is true; Playwright's own way to wait is an eval, which the page forbids."""
        deadline = time.monotonic() + 20
        while not (page or self.page).evaluate(expression, argument):
            self.assertLess(time.monotonic(), deadline, expression)
            time.sleep(0.03)

    def run_sweep(self, steps):
        file = self.folder / "sweep.toml"
        file.write_text(SWEEP.format(steps=steps))
        environment = {
            **os.environ,
            "MARGINALIA_WORKER": os.path.abspath(arguments.worker),
            "MARGINALIA_PLUGIN_PATH": os.path.abspath(arguments.plugins),
            "MARGINALIA_STORE": str(self.store),
        }
        return subprocess.Popen(
            [os.path.abspath(arguments.host), "run", file],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def curve(self, metric):
        return self.page.locator(f".chart[data-metric='{metric}'] canvas")

    def scale(self, metric, axis):
        """Of a chart, an axis as Chart.js has it: kind, least and greatest."""
        return self.page.evaluate(
            "([metric, axis]) => { const s = Chart.getChart(document.querySelector(`.chart[data-metric='${metric}'] canvas`)).scales[axis];"
            " return [s.type, s.min, s.max]; }",
            [metric, axis],
        )

    def test_a_sweep_is_watched(self):
        page = self.open("#/running")
        page.wait_for_selector("text=Nothing runs now")
        process = self.run_sweep(300)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        page.wait_for_selector("progress")
        page.get_by_role("button", name=re.compile("^log of trial")).first.click()
        page.wait_for_selector("h2:has-text('Log of trial')")
        page.locator("main td a", has_text="sweep").first.click()
        page.locator("#condition").fill("not yet sent")
        page.wait_for_selector(".chart[data-metric=loss] canvas[aria-label]")
        before = self.curve("loss").get_attribute("aria-label")
        self.until(
            "(before) => document.querySelector('.chart[data-metric=loss] canvas').getAttribute('aria-label') !== before",
            before,
        )
        self.assertEqual(page.input_value("#condition"), "not yet sent")
        self.assertEqual(page.evaluate("document.activeElement.id"), "condition")
        self.assertEqual(process.wait(60), 1)  # half of the trials fail, as they were asked to
        page.get_by_role("link", name="failures (2)").click()
        self.settled()
        self.assertIn("the energy is not in the mood", page.inner_text(".failure"))
        self.assertIn("2 trials", page.inner_text(".failure"))
        self.assertIn("All of them have behaviour = throw.", page.inner_text(".failure"))

    def test_a_condition_chooses_rows(self):
        page = self.open("#/experiment/lattice?tab=table&group=none")
        self.assertEqual(page.locator("table.results tbody tr").count(), 12)
        page.fill("#condition", "channels = 16 and status = done")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=trials meet the condition")
        expected = (
            sqlite3.connect(self.store)
            .execute(
                "SELECT count(*) FROM trials WHERE experiment = 'lattice' AND status = 'done' AND "
                "config ->> '$.network.channels' = 16"
            )
            .fetchone()[0]
        )
        self.assertEqual(page.locator("table.results tbody tr").count(), expected)
        page.fill("#condition", "chanels > 1")
        page.get_by_role("button", name="filter").click()
        page.wait_for_selector(".said-of-condition.bad")
        self.assertRegex(page.inner_text(".said-of-condition"), "chanels.*channels")
        self.assertEqual(page.get_attribute("#condition", "aria-invalid"), "true")
        page.fill("#condition", "kl < 0 and kl > 1")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=No trial meets the condition")
        self.said = [one for one in self.said if "status of 400" not in one]  # what Chromium says of a refusal

    def test_the_table_sorts_and_chooses_columns(self):
        page = self.open("#/experiment/lattice?tab=table")
        values = lambda name: [
            float(text.split("±")[0])
            for text in page.locator(f"table.results td:nth-child({self.column(name)})").all_inner_texts()
            if text.strip()
        ]
        page.get_by_role("button", name="nll_bits").click()
        self.assertEqual(values("nll_bits"), sorted(values("nll_bits")))
        page.get_by_role("button", name="nll_bits").click()
        self.assertEqual(values("nll_bits"), sorted(values("nll_bits"), reverse=True))
        self.assertEqual(page.locator("th[aria-sort=descending]").inner_text().split()[0], "nll_bits")
        page.click("[data-key=columns-summary]")
        page.uncheck("[data-key='columns-nll_bits']")
        self.assertEqual(page.locator("th", has_text="nll_bits").count(), 0)
        self.assertIn("columns=", page.url)
        self.assertEqual(
            page.locator("td.best").count(),
            page.locator("th", has_text=re.compile("kl|free|rmse|spearman|seconds")).count(),
        )

    def column(self, name):
        heads = self.page.locator("table.results thead th").all_inner_texts()
        return 1 + next(i for i, head in enumerate(heads) if head.split("\n")[0].split(" ")[0] == name)

    def test_curves_are_overlaid_and_a_link_shows_the_same(self):
        page = self.open("#/experiment/lattice?tab=table&group=none")
        for trial in (1, 4):
            page.get_by_label(f"draw trial {trial}:").check()
        page.get_by_role("link", name="curves", exact=True).click()
        self.settled()
        self.assertIn("2 curves: trial 1:", self.curve("kl").get_attribute("aria-label"))
        self.assertEqual(page.locator(".legend .entry").count(), 2)
        page.select_option("[data-key=x]", "seconds")
        self.until(
            "document.querySelector('.chart[data-metric=kl] canvas').getAttribute('aria-label').includes('seconds of training')"
        )
        self.assertAlmostEqual(self.scale("kl", "x")[2], 20, places=6)  # 2,000 steps of 10 ms
        page.select_option("[data-key=x]", "loss")
        self.until(
            "document.querySelector('.chart[data-metric=kl] canvas').getAttribute('aria-label').includes('against loss')"
        )
        page.select_option("[data-key=x]", "step")
        page.click("[data-key=xlog-1]")
        page.click("[data-key=ylog-0]")
        self.until("document.querySelector('[data-key=ylog-0]').ariaPressed === 'true'")
        self.assertEqual([self.scale("kl", axis)[0] for axis in "xy"], ["logarithmic", "linear"])
        page.click("[data-key=xlog-0]")
        page.get_by_role("button", name="zoom in: kl").click()
        kind, least, greatest = self.scale("kl", "x")
        self.assertAlmostEqual(greatest - least, 1000, delta=20)
        box = self.curve("nll_bits").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 105, steps=3)
        page.mouse.up()
        kind, least, greatest = self.scale("nll_bits", "x")
        self.assertTrue(700 < least < 1100 and 1250 < greatest < 1500, (least, greatest))
        other = self.new_page()
        other.goto(page.url)
        self.settled(other)
        text = lambda one: [
            one.locator(".chart").nth(i).locator("canvas").get_attribute("aria-label")
            for i in range(one.locator(".chart").count())
        ]
        self.assertEqual(text(other), text(page))
        mine, self.page = self.page, other
        self.assertAlmostEqual(self.scale("nll_bits", "x")[1], least, delta=1)
        self.page = mine
        page.get_by_role("button", name="reset the zoom: nll_bits").click()
        self.assertEqual(self.scale("nll_bits", "x")[1:], [0, 2000])

    def test_bands_and_axes_of_other_kinds(self):
        page = self.open("#/experiment/lattice?tab=curves&curves=marginal_rmse_by_size,kl")
        self.assertIn("sites in the subset", self.curve("marginal_rmse_by_size").get_attribute("aria-label"))
        sets = "Chart.getChart(document.querySelector(\".chart[data-metric='kl'] canvas\")).data.datasets.length"
        self.assertEqual(page.evaluate(sets), 4 * 3 - 2)  # of four curves three have several seeds and so a band
        page.click("[data-key=band-none]")
        self.until(f"{sets} === 4")
        page.click(".legend button >> nth=0")
        self.until(f"{sets} === 3")
        page.locator(".chart[data-metric='kl'] summary").click()
        self.until("document.querySelectorAll(\".chart[data-metric='kl'] .numbers tbody tr\").length === 3")

    def test_parallel_coordinates_and_importance(self):
        page = self.open("#/experiment/lattice?tab=parallel")
        self.assertIn("3 configurations. Draw along an axis", page.inner_text("main"))  # the fourth has no kl
        box = page.locator(".stage").bounding_box()
        axes = page.locator(".axes .axis-title").all_text_contents()
        x = box["x"] + box["width"] * (axes.index("channels") + 0.5) / len(axes)
        page.mouse.move(x, box["y"] + 345)
        page.mouse.down()
        page.mouse.move(x, box["y"] + 200, steps=3)
        page.mouse.up()
        page.wait_for_selector("text=2 of 3 configurations lie within the ranges")
        self.assertIn("ranges=", page.url)
        page.get_by_role("button", name="remove all ranges").click()
        page.get_by_role("link", name="importance").click()
        self.settled()
        rows = page.locator("main table").first.locator("tbody tr").all_inner_texts()
        for row, key in zip(
            rows, ("channels", "learning_rate"), strict=True
        ):  # two of the three have the better value: sqrt(3) / 2
            self.assertEqual(
                row.split("\t")[:6:5] + row.split("\t")[1:2],
                [key, {"channels": "32", "learning_rate": "0.001"}[key], "0.87"],
            )
            self.assertIn("|Spearman|", row)
        page.get_by_role("button", name="plot kl against learning_rate").click()
        page.wait_for_selector(".tall canvas[aria-label^='kl against train.learning_rate']")

    def test_samples_and_a_trial(self):
        page = self.open("#/experiment/lattice?tab=samples&chosen=1,4&group=none")
        self.assertEqual(page.locator("table.gallery thead a").all_inner_texts(), ["trial 1", "trial 4"])
        self.assertGreater(page.locator("table.gallery canvas").count(), 2)
        page.get_by_role("link", name="trial 1").click()
        page.wait_for_selector("h1:has-text('Trial 1')")
        self.settled()
        words = page.inner_text("main")
        for part in ("Final figures", "Curves", "Notes", "Log", "Configuration", "learning_rate", ATTACK):
            self.assertIn(part, words)
        page.go_back()
        page.wait_for_selector("table.gallery")

    def test_what_differs(self):
        page = self.open("#/experiment/lattice?tab=config&chosen=1,4&group=none")
        rows = page.locator("main table").first.locator("tbody tr").all_inner_texts()
        self.assertTrue(
            any(row.split()[0] == "network.channels" and row.split()[1:] == ["16", "32"] for row in rows), rows
        )

    def test_what_attacks_stays_text(self):
        page = self.open("#/")
        page.get_by_role("link", name="onerror").click()
        self.settled()
        self.assertEqual(page.inner_text("h1"), f"{ATTACK}%/?#")
        for tab in ("curves", "table", "samples", "configuration"):
            page.get_by_role("link", name=tab, exact=True).click()
            self.settled()
        self.open("#/trial/1")
        self.assertEqual(page.locator("main script, main img[onerror]").count(), 0)
        self.assertTrue(page.locator("main img").first.get_attribute("src").startswith("data:image/svg+xml"))

    def test_a_report_needs_nobody(self):
        file = self.folder / "report.html"
        subprocess.run(
            [arguments.host, "--store", self.store, "report", "lattice", "-o", file],
            check=True,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        page = self.page
        page.goto(file.as_uri())
        self.settled()
        self.assertEqual(page.inner_text("h1"), "lattice")
        page.fill("#condition", "channels = 32")
        page.keyboard.press("Enter")
        self.until("document.querySelectorAll('table.results tbody tr').length === 2")
        page.get_by_role("button", name="clear").click()
        for tab in ("curves", "table", "parallel", "importance", "samples", "configuration", "failures"):
            page.get_by_role("link", name=re.compile(f"^{tab}")).click()
            self.settled()
        page.get_by_role("link", name="10", exact=True).click()
        page.wait_for_selector("h1:has-text('Trial 10')")
        self.assertEqual([address for address in self.asked if not address.startswith(("file:", "data:"))], [])

    def test_keys_alone_are_enough(self):
        page = self.open("#/experiment/lattice?tab=table")
        page.keyboard.press("Tab")
        self.assertEqual(page.evaluate("document.activeElement.className"), "skip")
        page.keyboard.press("Enter")
        self.assertEqual(page.evaluate("document.activeElement.id"), "view")
        for theme in ("light", "dark"):
            page.focus("#theme")
            page.keyboard.press("Enter")
            self.assertEqual(page.evaluate("getComputedStyle(document.documentElement).colorScheme"), theme)
        page.reload()
        self.settled()
        self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "dark")
        page.click("[data-key=columns-summary]")
        page.keyboard.press("Escape")
        self.assertEqual(page.locator("details.choose[open]").count(), 0)
        page.focus("[data-key='sort-kl']")
        page.keyboard.press("Enter")
        page.wait_for_selector("th[aria-sort]")
        self.assertEqual(page.evaluate("document.activeElement.dataset.key"), "sort-kl")
        page.keyboard.press("Shift+Tab")
        self.assertTrue(page.evaluate("document.activeElement.matches(':focus-visible')"))

    def test_all_views_are_accessible_and_narrow(self):
        try:
            from axe_playwright_python.sync_playwright import Axe
        except ImportError:
            self.skipTest("no axe; .venv/bin/python3 -m pip install axe-playwright-python")
        axe = Axe()
        for view in VIEWS:
            page = self.open(view)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                options = None if scheme == "light" else {"runOnly": ["color-contrast"]}
                broken = axe.run(page, options=options).response["violations"]
                self.assertEqual(
                    [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in broken], [], f"{view}, {scheme}"
                )
            page.set_viewport_size({"width": 390, "height": 800})
            self.until("document.documentElement.scrollWidth <= 390")
            page.set_viewport_size({"width": 1400, "height": 900})


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
