"""submit, status and merge on a real Slurm of four nodes: a sweep of 40 trials, of which a node is lost midway, ends with
the results of a local run; a task whose time is nearly over checkpoints, is started again and goes on.

    slurm_test.py --host MARGINALIA --worker FAKE_WORKER --plugins FOLDER
"""

import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "faults"))
import one_machine  # noqa: E402
import scheduling  # noqa: E402

RESULTS = """SELECT config_hash, seed, name, value FROM final_metrics JOIN trials USING (trial_id)
             WHERE name = 'kl' ORDER BY 1, 2"""
CURVES = """SELECT config_hash, seed, name, step, value FROM metrics JOIN trials USING (trial_id)
            WHERE name = 'loss' ORDER BY 1, 2, 3, 4"""


class SlurmTest(scheduling.HostTest):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.slurm = one_machine.Slurm(cls.place.name).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.slurm.__exit__()
        cls.place.cleanup()

    def setUp(self):
        super().setUp()
        self.environment = dict(self.slurm.environment, **self.environment, TMPDIR=self.folder.name)
        self.environment["SLURM_CONF"] = self.slurm.conf

    def jobs_over(self):
        return not self.slurm.say("squeue", "--noheader").strip()

    def done(self):
        return self.rows("SELECT count(*) FROM trials WHERE status = 'done'")[0][0]

    def local_results(self, file, *words):
        other = os.path.join(self.folder.name, "local.db")
        run = [scheduling.arguments.host, "run", file, *words, "--store", other, "-q"]
        subprocess.run(run, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        database = sqlite3.connect(other)
        return [database.execute(query).fetchall() for query in (RESULTS, CURVES)]

    def folder_of_job(self):
        above = self.store + ".slurm"
        return os.path.join(above, sorted(os.listdir(above))[-1])

    def merge(self):
        result = subprocess.run(
            [scheduling.arguments.host, "merge", self.store], env=self.environment, capture_output=True, text=True
        )
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr + self.logs())
        return result.stdout

    def logs(self):
        folder = pathlib.Path(self.folder_of_job(), "log")
        return "".join(file.read_text() for file in sorted(folder.iterdir())[:3])

    def test_forty_trials_on_four_nodes_of_which_one_is_lost(self):
        file = self.write(
            seeds=str(list(range(10))),
            energy="step_milliseconds = 20.0\ncheckpoint_every = 5",
            train="",
            run="checkpoint_seconds = 0.0",
            rest='[slurm]\ntrials_per_task = 2\nhand_over = 1.0\n[sweep]\n"energy.variant" = [1, 2, 3, 4]',
        )
        began = time.time()
        self.assertEqual(self.act("submit", file, "--slurm"), 0, self.words)
        self.assertLess(time.time() - began, 10)
        self.assertIn("40 trials in 20 tasks submitted as job", self.out)
        self.assertEqual(self.rows("SELECT count(*) FROM trials WHERE device LIKE 'slurm:%'"), [(40,)])
        # Nobody else runs them meanwhile, and they are not submitted twice.
        self.assertEqual(self.act("submit", file, "--slurm"), 0, self.words)
        self.assertIn("nothing to submit; 0 done, 0 running, 40 submitted before", self.out)

        self.slurm.wait_for(lambda: self.merge() and self.done() >= 6, "six finished trials")
        self.slurm.lose("n3")
        self.assertEqual(self.act("status"), 0, self.words)
        self.assertIn("sweep-1", self.out)
        self.slurm.wait_for(self.jobs_over, "the end of the job", 120)
        self.merge()
        self.assertEqual(self.rows("SELECT status, count(*) FROM trials GROUP BY status"), [("done", 40)], self.logs())
        self.assertEqual([self.rows(RESULTS), self.rows(CURVES)], self.local_results(file))
        self.assertIn("0 trials added, 0 updated, 40 as they were", self.merge())
        self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)])

    def test_a_task_that_is_warned_checkpoints_and_goes_on_in_a_new_one(self):
        file = self.write(
            energy="step_milliseconds = 100.0", train="", run="", rest="[slurm]\nhand_over = 1.0"
        )
        self.assertEqual(self.act("submit", file, "train.steps=60"), 0, self.words)
        out = os.path.join(self.folder_of_job(), "out")
        self.slurm.wait_for(lambda: os.listdir(out), "a first copy")
        job = self.rows("SELECT substr(device, 7) FROM trials")[0][0]
        self.slurm.say("scancel", "--batch", "--signal=USR1", f"{job}_0")
        self.slurm.wait_for(lambda: os.path.exists(os.path.join(out, "0-1.db")), "a copy of its second start", 120)
        self.slurm.wait_for(self.jobs_over, "the end of the job", 120)
        self.merge()
        self.assertEqual(self.rows("SELECT status, attempts FROM trials"), [("done", 2)], self.logs())
        self.assertEqual([self.rows(RESULTS), self.rows(CURVES)], self.local_results(file, "train.steps=60"))

    def test_what_a_cancelled_job_has_left_goes_on_here(self):
        file = self.write(seeds="[0, 1, 2, 3, 4, 5]", energy="step_milliseconds = 100.0")
        self.assertEqual(self.act("submit", file, "train.steps=40"), 0, self.words)
        job = self.rows("SELECT substr(device, 7) FROM trials")[0][0]
        self.slurm.wait_for(lambda: os.listdir(os.path.join(self.folder_of_job(), "log")), "a task that runs")
        self.slurm.say("scancel", job)
        self.slurm.wait_for(self.jobs_over, "the end of the job", 60)
        self.merge()
        self.assertEqual(self.rows("SELECT count(*) FROM trials WHERE device LIKE 'slurm:%'"), [(0,)])
        self.assertEqual(self.act("resume", "sweep"), 0, self.words)
        self.assertEqual(self.rows("SELECT status, count(*) FROM trials GROUP BY status"), [("done", 6)])
        self.assertEqual([self.rows(RESULTS), self.rows(CURVES)], self.local_results(file, "train.steps=40"))


if __name__ == "__main__":
    if one_machine.missing():
        print(f"SKIPPED: no Slurm of four nodes can be started here: {one_machine.missing()}")
        sys.exit(0)
    unittest.main(argv=[sys.argv[0], *scheduling.rest], verbosity=2)
