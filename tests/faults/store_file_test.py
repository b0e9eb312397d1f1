"""A run and its store's file: the disk is full, the file is moved, deleted, replaced or linked."""

import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from store_runs import Runs, arguments, rest

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


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
