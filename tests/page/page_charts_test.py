"""Charts of the page of `marginalia serve`: curves, bands, scatter plots, parallel coordinates (page_case.py).

    page_charts_test.py --host MARGINALIA --sample MAKE_SAMPLE_STORE --worker FAKE_WORKER --plugins FOLDER
"""

import sys
import unittest

from page_case import PageCase, rest


class PageChartsTest(PageCase):
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


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
