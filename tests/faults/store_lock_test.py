"""A run whose store another program holds locked, and checkpoints that are larger than what memory should hold. With a fake
worker, whose checkpoints are as large as one asks."""

import os
import signal
import sqlite3
import sys
import time
import unittest

from store_runs import Runs, rest


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
