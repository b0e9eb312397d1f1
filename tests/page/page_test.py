"""The page of `marginalia serve` and of `marginalia report`: tables, conditions, samples, failures, keys and reports, and a sweep
that runs meanwhile (page_case.py).

    page_test.py --host MARGINALIA --sample MAKE_SAMPLE_STORE --worker FAKE_WORKER --plugins FOLDER
"""

import os
import re
import sqlite3
import subprocess
import sys
import unittest

from hostile_store import ATTACK
from page_case import PageCase, arguments, rest

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


class PageTest(PageCase):
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
