"""What the tests of the page share: a store of two experiments whose names, errors and samples would run scripts if they could,
served to headless Chromium. A dialog, a message on the console, a request to anywhere else than the program: each fails a
test.

A test that takes this has the arguments --host MARGINALIA --sample MAKE_SAMPLE_STORE --worker FAKE_WORKER --plugins FOLDER.
"""

import argparse
import pathlib
import subprocess
import tempfile
import time
import unittest

from hostile_store import attack
from page_browser import Served, browser

parser = argparse.ArgumentParser(description=__doc__)
for option in ("--host", "--sample", "--worker", "--plugins"):
    parser.add_argument(option, required=True)
arguments, rest = parser.parse_known_args()


class PageCase(unittest.TestCase):
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

    def curve(self, metric):
        return self.page.locator(f".chart[data-metric='{metric}'] canvas")

    def scale(self, metric, axis):
        """Of a chart, an axis as Chart.js has it: kind, least and greatest."""
        return self.page.evaluate(
            "([metric, axis]) => { const s = Chart.getChart(document.querySelector(`.chart[data-metric='${metric}'] canvas`)).scales[axis];"
            " return [s.type, s.min, s.max]; }",
            [metric, axis],
        )
