"""A run and its store's file: the disk is full, the file is moved, deleted, replaced, linked or locked, and checkpoints
are larger than what memory should hold. With a fake worker, whose checkpoints are as large as one asks."""

import argparse
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", required=True)
parser.add_argument("--worker", required=True)
parser.add_argument("--plugins", required=True)
arguments, rest = parser.parse_known_args()

FILE = """
name = "sweep"
seeds = {seeds}
[energy]
plugin = "fake"
{energy}
[network]
plugin = "fake"
[objective]
plugin = "fake"
[train]
steps = {steps}
[run]
device = "fake:0"
{run}
{rest}
"""

# Runs on a disk of a certain size, then on one with room, and keeps what was there in between.
SMALL_DISK = """
mount -t tmpfs -o size=$SIZE none "$DISK" || exit 77
"$HOST" run "$FILE" --store "$DISK/x.db" 2>"$OUT/first.err" >"$OUT/first.out"; echo $? >"$OUT/first.rc"
ls -A "$DISK" >"$OUT/first.ls"
mkdir "$OUT/between"; cp "$DISK"/* "$OUT/between/" 2>/dev/null
mount -o remount,size=64m "$DISK"
"$HOST" run "$FILE" --store "$DISK/x.db" 2>"$OUT/second.err" >"$OUT/second.out"; echo $? >"$OUT/second.rc"
mkdir "$OUT/after"; cp "$DISK"/* "$OUT/after/"
"""


def may_mount():
    with tempfile.TemporaryDirectory() as folder:
        return (
            subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", folder], capture_output=True).returncode
            == 0
        )


class Runs(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        self.store = os.path.join(self.folder, "store.db")
        self.environment = dict(
            os.environ, MARGINALIA_WORKER=arguments.worker, MARGINALIA_PLUGIN_PATH=arguments.plugins
        )

    def tearDown(self):
        self.temporary.cleanup()

    def write(self, seeds="[0]", energy="", steps=20, run="", rest=""):
        file = os.path.join(self.folder, "sweep.toml")
        with open(file, "w") as out:
            out.write(FILE.format(seeds=seeds, energy=energy, steps=steps, run=run, rest=rest))
        return file

    def start(self, verb, *words, store=None):
        host = subprocess.Popen(
            [arguments.host, verb, *words, "--store", store or self.store],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        host.said = []
        host.listener = threading.Thread(target=lambda: host.said.extend(iter(host.stderr.readline, "")))
        host.listener.start()
        return host

    def end(self, host, limit=60):
        try:
            self.assertIsNotNone(host.wait(limit))
        finally:
            if host.poll() is None:
                host.kill()
            host.listener.join()
            self.out = host.stdout.read()
            host.stdout.close()
            host.stderr.close()
        self.words = "".join(host.said)
        return host.returncode

    def act(self, verb, *words, store=None):
        return self.end(self.start(verb, *words, store=store))

    def rows(self, sql, store=None):
        database = sqlite3.connect(f"file:{store or self.store}?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def wait_for(self, what, sight, limit=60):
        deadline = time.time() + limit
        while time.time() < deadline:
            try:
                if sight():
                    return
            except sqlite3.Error:
                pass
            time.sleep(0.02)
        self.fail("never saw " + what)

    def wait_for_rows(self, sql):
        self.wait_for(sql, lambda: self.rows(sql))

    def wait_for_words(self, host, words):
        self.wait_for(words, lambda: any(words in line for line in list(host.said)))


class StoreFile(Runs):
    # --- the disk is full

    def on_small_disk(self, size, file):
        out = os.path.join(self.folder, f"out-{size}")
        disk = os.path.join(self.folder, "disk")
        os.makedirs(out)
        os.makedirs(disk, exist_ok=True)
        environment = dict(self.environment, SIZE=str(size), DISK=disk, HOST=arguments.host, FILE=file, OUT=out)
        subprocess.run(["unshare", "-m", "sh", "-c", SMALL_DISK], env=environment, check=True, timeout=120)
        read = lambda name: pathlib.Path(out, name).read_text()
        return {name: read(name) for name in ("first.err", "first.ls", "second.err")} | {
            "first": int(read("first.rc")),
            "second": int(read("second.rc")),
            "out": out,
        }

    def test_a_full_disk_is_told_and_nothing_is_said_done_that_is_not_in_the_store(self):
        if not may_mount():
            self.skipTest("a small disk cannot be mounted here without privileges")
        file = self.write(seeds="[0, 1, 2]", energy="checkpoint_megabytes = 0.05")
        full = 0
        for size in range(60, 660, 75):
            with self.subTest(f"{size} kB"):
                seen = self.on_small_disk(f"{size}k", file)
                words = seen["first.err"]
                self.assertIn(seen["first"], (0, 4), words)
                self.assertNotIn("damaged", words)
                self.assertFalse(any(name.startswith(".") for name in seen["first.ls"].splitlines()), seen["first.ls"])
                if seen["first"] == 4:
                    full += 1
                    self.assertEqual(words.count("no room on the disk of store"), 1, words)
                between = os.path.join(seen["out"], "between", "x.db")
                done = set()
                if os.path.exists(between):
                    done = {
                        str(trial)
                        for (trial,) in self.rows("SELECT trial_id FROM trials WHERE status = 'done'", between)
                    }
                self.assertLessEqual(set(re.findall(r"^trial (\d+) \(.*\) done", words, re.M)), done, words)
                self.assertEqual(seen["second"], 0, seen["second.err"])
                after = os.path.join(seen["out"], "after", "x.db")
                self.assertEqual(self.rows("SELECT status, count(*) FROM trials GROUP BY 1", after), [("done", 3)])
                self.assertEqual(
                    self.rows("SELECT count(*), max(step) FROM metrics WHERE name = 'loss'", after), [(60, 20)]
                )
        self.assertGreater(full, 3)

    def test_a_checkpoint_that_the_disk_cannot_hold_fails_its_trial_alone(self):
        if not may_mount():
            self.skipTest("a small disk cannot be mounted here without privileges")
        file = self.write(rest='[sweep]\n"energy.checkpoint_megabytes" = [0.0, 40.0, 0.01, 0.02]')
        seen = self.on_small_disk("16m", file)
        between = os.path.join(seen["out"], "between", "x.db")
        self.assertEqual(seen["first"], 1, seen["first.err"])
        self.assertEqual(
            self.rows("SELECT status FROM trials ORDER BY trial_id", between),
            [("done",), ("failed",), ("done",), ("done",)],
        )
        error = self.rows("SELECT error FROM trials WHERE status = 'failed'", between)[0][0]
        self.assertRegex(error, "^there is no room on the disk of store .* for its checkpoint; make some")
        self.assertIn(error, seen["first.err"])
        self.assertEqual(self.rows("SELECT count(*) FROM checkpoint_piece WHERE trial = 2", between), [(0,)])

    # --- the file goes away

    def stopped_without_its_file(self, take_away):
        """The run stops long before its training would end, and what it had is in a file beside."""
        file = self.write(seeds="[0, 1]", energy="step_milliseconds = 50.0", steps=2000)
        host = self.start("run", file)
        self.wait_for_rows("SELECT 1 FROM checkpoints")
        before = self.rows("SELECT count(*) FROM metrics")[0][0]
        take_away()
        self.assertEqual(self.end(host, 40), 4, "".join(host.said))
        rescued = self.store + ".rescued-1"
        self.assertEqual(
            self.words.count(
                f"store {self.store} was moved, deleted or replaced while it was written to; all that "
                f"it held, and all that is recorded from now on, is in {rescued}"
            ),
            1,
            self.words,
        )
        self.assertIn(f"marginalia resume sweep --store {rescued}", self.words)
        self.assertEqual(self.rows("PRAGMA integrity_check", rescued), [("ok",)])
        self.assertEqual(
            self.rows("SELECT status FROM trials ORDER BY trial_id", rescued), [("preempted",), ("queued",)]
        )
        self.assertGreaterEqual(self.rows("SELECT count(*) FROM metrics", rescued)[0][0], before)
        step = self.rows("SELECT max(step) FROM metrics", rescued)
        self.assertEqual(self.rows("SELECT max(step) FROM checkpoints", rescued), step)  # it stopped in good order
        plan = self.start("plan", file, store=rescued)
        self.assertEqual(self.end(plan), 0)
        self.assertIn(f"go on from step {step[0][0]}", self.out)

    def test_a_store_that_is_moved(self):
        elsewhere = os.path.join(self.folder, "elsewhere.db")
        self.stopped_without_its_file(lambda: os.rename(self.store, elsewhere))
        self.assertEqual(self.rows("PRAGMA integrity_check", elsewhere), [("ok",)])  # its log was written back
        self.assertGreater(self.rows("SELECT count(*) FROM metrics", elsewhere)[0][0], 0)

    def test_a_store_that_is_deleted(self):
        def delete():
            for name in os.listdir(self.folder):
                if name.startswith("store.db"):
                    os.remove(os.path.join(self.folder, name))

        self.stopped_without_its_file(delete)

    def test_a_store_that_is_replaced_by_another(self):
        other = os.path.join(self.folder, "other.db")
        self.assertEqual(self.act("run", self.write(seeds="[7, 8, 9]"), store=other), 0)
        with open(other, "rb") as before:
            bytes_before = before.read()
        self.stopped_without_its_file(lambda: os.replace(other, self.store))
        with open(self.store, "rb") as after:
            self.assertEqual(after.read(), bytes_before)
        self.assertFalse(os.path.exists(self.store + "-wal") and os.path.getsize(self.store + "-wal"))
        self.assertEqual(self.rows("SELECT seed, status FROM trials"), [(7, "done"), (8, "done"), (9, "done")])
        self.assertEqual(self.act("run", self.write(seeds="[7, 8, 9]")), 0)
        self.assertIn("3 already done, nothing to run", self.words)

    def test_a_store_with_two_names_is_not_written(self):
        self.assertEqual(self.act("run", self.write()), 0)
        second = os.path.join(self.folder, "second.db")
        os.link(self.store, second)
        for store in (self.store, second):
            for verb in ("run", "resume"):
                self.assertEqual(self.act(verb, *([self.write(seeds="[1]")] if verb == "run" else []), store=store), 4)
                self.assertIn(f"store {store} has 2 names (hard links)", self.words)
        self.assertEqual(self.rows("SELECT count(*) FROM trials"), [(1,)])
        os.remove(second)
        self.assertEqual(self.act("run", self.write(seeds="[1]")), 0)

    def test_a_log_without_its_store_is_not_given_to_a_new_one(self):
        host = self.start("run", self.write(energy="step_milliseconds = 50.0", steps=2000))
        self.wait_for_rows("SELECT 1 FROM checkpoints")
        host.kill()
        self.end(host)
        kept = os.path.join(self.folder, "kept.db")
        os.rename(self.store, kept)
        self.assertEqual(self.act("run", self.write()), 4)
        self.assertIn(f"there is {self.store}-wal and no {self.store}", self.words)
        self.assertFalse(os.path.exists(self.store))
        os.rename(kept, self.store)
        self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)])

    def test_a_store_of_the_layout_before_is_brought_up_to_date_and_gone_on_with(self):
        file = self.write(energy="step_milliseconds = 20.0\ncheckpoint_megabytes = 9.0", steps=60)
        unbroken = os.path.join(self.folder, "unbroken.db")
        self.assertEqual(self.act("run", file, store=unbroken), 0)
        host = self.start("run", file)
        self.wait_for_rows("SELECT 1 FROM checkpoints")
        host.send_signal(signal.SIGINT)
        self.assertEqual(self.end(host), 130)
        database = sqlite3.connect(self.store)  # back to what version 1 wrote
        pieces = database.execute("SELECT data FROM checkpoint_piece ORDER BY number").fetchall()
        self.assertEqual(len(pieces), 3)
        database.execute("UPDATE checkpoint SET data = ?", (b"".join(data for (data,) in pieces),))
        whole = "SELECT json_patch(c.json, e.json) FROM trial t JOIN evaluation e ON e.id = t.evaluation WHERE t.config = c.id"
        database.execute(f"UPDATE config AS c SET json = ({whole})")
        for view in ("trials", "evaluations", "evaluation_metrics", "tags", "notes", "logs", "rungs"):
            database.execute(f"DROP VIEW {view}")
        database.execute("DROP INDEX trial_trained")
        for column in ("device_name", "device_id", "device_memory", "driver", "heartbeat"):
            database.execute(f"ALTER TABLE trial DROP COLUMN {column}")
        for table in ("progress", "request", "log", "rung", "setback", "tag", "note", "removed", "saved_query", "curve_part"):
            database.execute(f"DROP TABLE {table}")
        database.executescript(
            "DROP TABLE evaluation; DROP TABLE figure; ALTER TABLE trial DROP COLUMN evaluation; "
            "ALTER TABLE trial DROP COLUMN trained; ALTER TABLE trial DROP COLUMN training_started; "
            "DROP TABLE checkpoint_piece; "
            "ALTER TABLE checkpoint DROP COLUMN archive; CREATE VIEW trials AS SELECT id AS trial_id FROM trial; "
            "PRAGMA user_version = 1"
        )
        database.close()
        self.assertEqual(self.act("plan", file), 4)
        self.assertIn("has the older layout version 1", self.words)
        self.assertEqual(self.act("resume", "sweep"), 0, self.words)
        loss = "SELECT step, value FROM metrics WHERE name = 'loss' ORDER BY step"
        self.assertEqual(self.rows(loss), self.rows(loss, unbroken))


class StoreLock(Runs):
    # --- another program holds it locked

    def locked(self):
        database = sqlite3.connect(self.store, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        return database

    def test_a_lock_of_any_length_is_waited_for_and_told_once(self):
        file = self.write(energy="step_milliseconds = 10.0", steps=200)
        host = self.start("run", file)
        self.wait_for_rows("SELECT 1 FROM metrics")
        lock = self.locked()
        time.sleep(11)  # longer than the 10 s that others wait
        self.assertIsNone(host.poll(), "".join(host.said))
        lock.close()
        self.assertEqual(self.end(host), 0, "".join(host.said))
        self.assertEqual(self.words.count("has been locked by another program for 2"), 1, self.words)
        self.assertRegex(self.words, r"is free again after 1\d")
        self.assertEqual(self.rows("SELECT count(*), max(step) FROM metrics WHERE name = 'loss'"), [(200, 200)])

    def test_a_run_begins_when_the_lock_has_gone(self):
        self.act("run", self.write())
        lock = self.locked()
        host = self.start("run", self.write(seeds="[0, 1]"))
        self.wait_for_words(host, "is locked by another program; the run begins when it is free")
        lock.close()
        self.assertEqual(self.end(host), 0, "".join(host.said))
        self.assertEqual(self.rows("SELECT count(*) FROM trials WHERE status = 'done'"), [(2,)])

    def test_ctrl_c_ends_the_wait_before_anything_was_queued(self):
        self.act("run", self.write())
        lock = self.locked()
        host = self.start("run", self.write(seeds="[0, 1]"))
        self.wait_for_words(host, "the run begins when it is free")
        host.send_signal(signal.SIGINT)
        self.assertEqual(self.end(host, 10), 130, "".join(host.said))
        lock.close()
        self.assertEqual(self.rows("SELECT count(*) FROM trials"), [(1,)])

    def test_ctrl_c_twice_gives_up_on_a_lock(self):
        file = self.write(energy="step_milliseconds = 10.0", steps=2000)
        host = self.start("run", file)
        self.wait_for_rows("SELECT 1 FROM checkpoints")
        lock = self.locked()
        self.wait_for_words(host, "has been locked by another program")
        host.send_signal(signal.SIGINT)
        time.sleep(1)
        self.assertIsNone(host.poll())  # a checkpoint waits to be written
        host.send_signal(signal.SIGINT)
        self.assertEqual(self.end(host, 10), 130, "".join(host.said))
        self.assertIn("the store was still locked, and what it had not taken is lost", self.words)
        lock.close()
        self.assertEqual(self.act("run", file, "train.steps=20"), 0)

    # --- memory

    def peaks(self, host):
        """Most memory in MB of host and workers so far."""

        def peak(pid):
            with open(f"/proc/{pid}/status") as lines:
                return max([int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")], default=0)

        with open(f"/proc/{host.pid}/task/{host.pid}/children") as children:
            return peak(host.pid), max([peak(pid) for pid in children.read().split()], default=0)

    def test_what_waits_for_a_locked_store_is_bounded_in_bytes(self):
        host = self.start(
            "run",
            self.write(energy="checkpoint_megabytes = 37.0\ncheckpoint_every = 1\nstep_milliseconds = 5.0", steps=14),
        )
        self.wait_for_rows("SELECT 1 FROM checkpoints")
        lock = self.locked()
        self.wait_for_words(host, "has been locked by another program")
        time.sleep(1)
        peaks = self.peaks(host)
        lock.close()
        self.assertEqual(self.end(host), 0, "".join(host.said))
        self.assertLess(peaks[0], 200, "host")
        self.assertLess(peaks[1], 300, "worker, of which 130 are its libraries")
        self.assertEqual(self.rows("SELECT count(*), max(step) FROM metrics WHERE name = 'loss'"), [(14, 14)])

    def test_a_large_checkpoint_passes_through_in_little_memory_and_back(self):
        mark = os.path.join(self.folder, "mark")
        most = [0, 0]
        file = self.write(
            energy=f'checkpoint_megabytes = 120.0\ncheckpoint_every = 10\nbehaviour = "throw-once"\nmark = "{mark}"',
            run="retries = 1",
        )
        host = self.start("run", file)
        while host.poll() is None:
            try:
                most = [max(pair) for pair in zip(most, self.peaks(host))]
            except OSError:
                pass
            time.sleep(0.02)
        self.assertEqual(self.end(host), 0, "".join(host.said))
        print(f"checkpoints of 120 MB: host {most[0]:.0f} MB, worker {most[1]:.0f} MB at most", file=sys.stderr)
        self.assertIn(
            "trying again (1 of 1)", self.words
        )  # it went on from one of them, and found it as it had written it
        self.assertEqual(self.rows("SELECT step, bytes FROM checkpoints"), [(20, 120_000_016)])
        self.assertEqual(self.rows("SELECT count(*), max(step) FROM metrics WHERE name = 'loss'"), [(20, 20)])
        self.assertEqual(self.rows("SELECT count(*) FROM checkpoint_piece"), [(29,)])
        self.assertLess(most[0], 200, "host")
        self.assertLess(most[1], 130 + 120 + 120, "worker")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
