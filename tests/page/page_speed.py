"""How fast the page is with much in the store, in headless Chromium: the first paint with 10,000 trials of 10,000
configurations, and a curve of a million points from the click to the picture. Prints the figures; no test.

    page_speed.py BIN_DIR MAKE_SAMPLE_STORE [POINTS]

The store is the sample store with rows copied in by SQL. POINTS: how many points all curves have together, for instance 100000000; without it
those of the sample store and one curve of a million.
"""

import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

from page_browser import Served, browser

TRIALS, LONG = 10_000, 1_000_000
CONFIGS = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {trials})
INSERT INTO config(id, hash, json) SELECT 1000 + i, printf('%064d', 1000 + i),
    json_set(c.json, '$.train.learning_rate', i * 1e-6, '$.network.channels', 8 * (1 + i % 7), '$.network.plugin',
             CASE i % 3 WHEN 0 THEN 'lattice-conv' WHEN 1 THEN 'mlp' ELSE 'mps' END) FROM n, config c WHERE c.id = 1"""
SWEEP = """INSERT INTO sweep SELECT 1000, 'many', 'ten thousand trials', file, toml, provenance, created FROM sweep WHERE id = 1"""
TRIAL = """INSERT INTO trial(id, experiment, config, seed, sweep, status, device, threads, host, created, started,
    attempt_started, finished, ran, attempts, trained)
SELECT c.id, 'many', c.id, 0, 1000, 'done', 'cpu', 1, 'node1', t.created, t.started, t.started, t.finished, t.ran, 1, 1
FROM config c, trial t WHERE c.id > 1000 AND t.id = 1"""
COPIED = {
    "sweep_trial": "SELECT sweep, id FROM trial WHERE id > 1000",
    "final_metric": "SELECT t.id, f.metric, f.value * (1 + (t.id * 7919 % 1000) / 100.0) FROM trial t, final_metric f "
    "WHERE t.id > 1000 AND f.trial = 1",
    "metric": "SELECT t.id, m.metric, m.step, m.value, m.time FROM trial t, metric m WHERE t.id > 1000 AND m.trial = 1",
    "summary": "SELECT t.id, s.metric, s.n, s.nonfinite, s.last, s.last_step, s.min, s.min_step, s.max, s.max_step "
    "FROM trial t, summary s WHERE t.id > 1000 AND s.trial = 1",
}
LONG_CURVE = """WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {points} - 1)
INSERT OR REPLACE INTO metric SELECT {trial}, m.id, i, 5 + 4 * sin(i / 50000.0) + (i * 7919 % 1000) / 1000.0, i
FROM n, metric_name m WHERE m.name = 'loss'"""


def fill(store, points):
    database = sqlite3.connect(store)
    database.execute(CONFIGS.format(trials=TRIALS))
    database.execute(SWEEP)
    database.execute(TRIAL)
    for table, rows in COPIED.items():
        database.execute(f"INSERT OR IGNORE INTO {table} {rows}")
    trials = [1, *range(1001, 1001 + max(0, points - LONG) // LONG)]
    for trial in trials:
        database.execute(LONG_CURVE.format(points=LONG, trial=trial))
        database.execute(
            "UPDATE summary SET n = ?, last_step = ? WHERE trial = ? AND metric = (SELECT id FROM metric_name WHERE name = 'loss')",
            (LONG, LONG - 1, trial),
        )
    database.commit()
    return database.execute("SELECT count(*) FROM metric").fetchone()[0]


DRAWN = """(words) => new Promise((done) => {
  const before = performance.now(), wanted = document.querySelector(words[0]);
  const look = () => { if (document.querySelector(words[1])) done(performance.now() - before); else requestAnimationFrame(look); };
  wanted.click();
  look();
})"""


class Meter:
    """What has been spent since it was last asked: seconds by the clock are for an idle machine, CPU time for any."""

    def __init__(self, page, served):
        self.session, self.served = page.context.new_cdp_session(page), served
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.spent()

    def now(self):
        metrics = {one["name"]: one["value"] for one in self.session.send("Performance.getMetrics")["metrics"]}
        ticks = pathlib.Path(f"/proc/{self.served.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return metrics["TaskDuration"], sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def spent(self):
        before, self.last = getattr(self, "last", (0, 0)), self.now()
        page, program = (after - first for after, first in zip(self.last, before, strict=True))
        return f"CPU of the page {1000 * page:.0f} ms, of the program {1000 * program:.0f} ms"


def measure(page, served):
    meter, address = Meter(page, served), served.address
    page.goto(f"{address}#/experiment/many")
    page.wait_for_selector("table.results tbody tr")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    rows = page.evaluate("performance.now()")
    page.wait_for_selector(".chart canvas[aria-label]")
    print(
        f"many: first paint {paint:.0f} ms, its figures and table by {rows:.0f} ms, curves by {page.evaluate('performance.now()'):.0f} ms; {meter.spent()}"
    )
    for tab in ("table", "parallel", "scatter"):
        shown = {
            "table": "table.results tr:nth-child(100)",
            "parallel": ".stage canvas[aria-label]",
            "scatter": ".tall canvas[aria-label]",
        }
        print(
            f"many, tab {tab}: {page.evaluate(DRAWN, [f'[data-key=tab-{tab}]', shown[tab]]):.0f} ms from the click; {meter.spent()}"
        )
    page.goto(f"{address}#/experiment/lattice?tab=curves&curves=kl&chosen=1&group=none")
    page.wait_for_selector(".chart[data-metric=kl] canvas[aria-label]")
    page.click("[data-key=curves-summary]")
    meter.spent()
    took = page.evaluate(DRAWN, ["[data-key=curves-loss]", ".chart[data-metric=loss] canvas[aria-label]"])
    print(f"a curve of {LONG:,} points: {took:.0f} ms from the click to the picture; {meter.spent()}")
    took = page.evaluate(
        DRAWN,
        [
            ".chart[data-metric=loss] [title='zoom in']",
            ".chart[data-metric=loss] [title='reset the zoom']:not(:disabled)",
        ],
    )
    print(f"zoomed in: {took:.0f} ms; {meter.spent()}")


if __name__ == "__main__":
    programs, sample = pathlib.Path(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder, "big.db")
        subprocess.run([sample, store], check=True)
        began = time.monotonic()
        print(
            f"{fill(store, int(sys.argv[3]) if len(sys.argv) > 3 else LONG):,} points, {store.stat().st_size / 1e6:.0f} MB, made in {time.monotonic() - began:.0f} s"
        )
        with Served(programs / "marginalia", store) as served, browser() as chromium:
            measure(chromium.new_page(viewport={"width": 1400, "height": 900}), served)
