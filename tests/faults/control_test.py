"""Cancel, pause and retry while a sweep runs, runs that share a sweep, and kill -9 in the middle of each."""
import os
import signal
import sys
import time
import unittest

from scheduling import HostTest, rest

SLOW = "step_milliseconds = 20.0\ncheckpoint_every = 5"


class Control(HostTest):
    RUNNING = "SELECT 1 WHERE (SELECT count(*) FROM trials WHERE status = 'running') = %d"

    def run_of(self, seeds, *words, steps=100000, **more):
        """A run that has begun, of trials that take long."""
        file = self.write(seeds=seeds, energy=SLOW, rest="", **more)
        host = self.start("run", file, "train.steps=%d" % steps, *words)
        self.addCleanup(host.communicate)
        self.addCleanup(host.kill)
        self.wait_for("SELECT 1 FROM metrics")
        return host

    def statuses(self):
        return [status for status, _ in self.trials()]

    def ends(self, host, code):
        out, words = host.communicate(timeout=60)
        self.assertEqual(host.returncode, code, words)
        return out, words

    # --- cancel, pause, retry

    def test_a_queued_trial_is_cancelled_at_once(self):
        host = self.run_of("[0, 1]")
        self.assertEqual(self.act("cancel", "2"), 0)
        self.assertEqual(self.out, "trial 2 of sweep: cancelled\n")
        self.assertEqual(self.statuses(), ["running", "cancelled"])
        self.assertEqual(self.act("cancel", "1"), 0)
        self.assertRegex(self.out, r"^trial 1 of sweep: cancelled; its checkpoint of step \d+ is kept\n$")
        out, words = self.ends(host, 0)
        self.assertRegex(words, r"trial 1 \(seed 0\) cancelled after ")
        self.assertIn("trial 2 (seed 1) is cancelled", words)
        self.assertEqual(self.rows("SELECT count(*) FROM request"), [(0,)])

    def test_a_cancelled_and_a_paused_trial_are_left_alone_until_retried(self):
        host = self.run_of("[0, 1]", "run.slots=2")
        self.wait_for(self.RUNNING % 2)
        self.assertEqual(self.act("cancel", "1"), 0)
        self.assertEqual(self.act("pause", "2"), 0)
        self.ends(host, 0)
        self.assertEqual(self.statuses(), ["cancelled", "paused"])
        file = self.write(seeds="[0, 1]", energy=SLOW)
        for again in ("run", "resume"):
            self.assertEqual(self.act(again, *([file, "train.steps=100000"] if again == "run" else [])), 0)
            self.assertIn("2 trials, 1 cancelled, 1 paused (marginalia retry TRIAL, or --experiment sweep, goes on), "
                          "nothing to run", self.words)
        self.assertEqual(self.act("retry", "2"), 0)
        self.assertRegex(self.out, r"^trial 2 of sweep: queued again, to go on from step \d+; it runs with: "
                         "marginalia resume sweep --store ")
        self.assertEqual(self.statuses(), ["cancelled", "queued"])
        self.assertEqual(self.act("pause", "2"), 0)
        self.assertEqual(self.act("pause", "2"), 0)
        self.assertIn("trial 2 of sweep: paused already; its checkpoint", self.out)
        self.assertEqual(self.act("retry", "--experiment", "sweep"), 0)
        self.assertEqual(self.statuses(), ["queued", "queued"])

    def test_a_paused_trial_goes_on_bit_for_bit_in_the_run_that_paused_it(self):
        host = self.run_of("[0, 1]", steps=60)
        self.assertEqual(self.act("pause", "1"), 0)
        self.assertEqual(self.act("retry", "1"), 0)
        self.assertIn("trial 1 of sweep: queued again", self.out)
        out, words = self.ends(host, 0)
        self.assertIn("trial 1 (seed 0) was queued again, so it goes on here", words)
        self.assertEqual(self.statuses(), ["done", "done"])
        self.assertEqual(self.rows("SELECT count(*), max(step) FROM metrics WHERE trial_id = 1 AND name = 'loss'"), [(60, 60)])
        interrupted = self.rows("SELECT name, value FROM final_metrics WHERE trial_id = 1 AND name = 'kl'")
        os.remove(self.store)
        self.assertEqual(self.act("run", self.write(energy=SLOW), "train.steps=60"), 0)
        self.assertEqual(self.rows("SELECT name, value FROM final_metrics WHERE name = 'kl'"), interrupted)

    def test_a_failed_trial_is_retried_by_the_run_that_goes_on(self):
        mark = os.path.join(self.folder.name, "mark")
        file = self.write(energy=SLOW + '\nmark = "%s"' % mark,
                          rest='[sweep]\n"energy.behaviour" = ["throw-once", "normal"]')
        host = self.start("run", file, "train.steps=150")
        self.wait_for("SELECT 1 FROM trials WHERE status = 'failed'")
        self.assertEqual(self.act("retry", "1"), 0)
        self.assertIn("queued again", self.out)
        self.ends(host, 0)
        self.assertEqual(self.statuses(), ["done", "done"])

    def test_what_cannot_be_done_is_said(self):
        self.assertEqual(self.act("run", self.write()), 0)
        for verb in ("cancel", "pause", "retry"):
            self.assertEqual(self.act(verb, "1"), 5)
            self.assertEqual(self.out, "trial 1 of sweep: done, so there is nothing to %s\n" % verb)
            self.assertEqual(self.act(verb, "--experiment", "sweep"), 5)
            self.assertEqual(self.words, "marginalia: sweep has no trial to %s\n" % verb)
            self.assertEqual(self.act(verb), 2)
            self.assertIn("name trials, or an experiment by --experiment", self.words)
            self.assertEqual(self.act(verb, "7"), 5)

    # --- kill -9

    def test_a_request_that_its_verb_left_is_done_all_the_same(self):
        host = self.run_of("[0]")
        verb = self.start("cancel", "1")
        self.wait_for("SELECT 1 FROM request UNION SELECT 1 FROM trials WHERE status = 'cancelled'")
        verb.kill()
        verb.communicate()
        self.ends(host, 0)
        self.assertEqual(self.statuses(), ["cancelled"])

    def test_where_the_host_is_dead_the_verb_does_it(self):
        host = self.run_of("[0, 1, 2]", "run.slots=3")
        self.wait_for(self.RUNNING % 3)
        host.kill()
        host.communicate()
        self.assertEqual(self.act("cancel", "1"), 0)
        self.assertEqual(self.act("pause", "2"), 0)
        self.assertEqual(self.act("retry", "3"), 0)
        self.assertEqual(self.statuses(), ["cancelled", "paused", "queued"])

    def test_a_host_that_is_killed_with_a_request_leaves_it_to_the_next(self):
        host = self.run_of("[0, 1]", "run.slots=2")
        self.wait_for(self.RUNNING % 2)
        host.send_signal(signal.SIGSTOP)  # it sees nothing more
        self.assertEqual(self.act("cancel", "1", "--wait", "0"), 0)
        self.assertIn("asked to cancel; its host has not done it yet", self.out)
        self.assertEqual(self.act("pause", "2", "--wait", "1"), 1)
        host.kill()
        host.communicate()
        self.assertEqual(self.act("run", self.write(seeds="[0, 1]", energy=SLOW), "train.steps=100000"), 0)
        self.assertEqual(self.statuses(), ["cancelled", "paused"])
        self.assertEqual(self.rows("SELECT count(*) FROM request"), [(0,)])

    def test_a_request_is_withdrawn(self):
        host = self.run_of("[0]", steps=200)
        host.send_signal(signal.SIGSTOP)
        self.assertEqual(self.act("cancel", "1", "--wait", "0"), 0)
        self.assertEqual(self.act("retry", "1"), 0)
        self.assertIn("trial 1 of sweep: goes on: what was asked of it is withdrawn", self.out)
        host.send_signal(signal.SIGCONT)
        self.ends(host, 0)
        self.assertEqual(self.statuses(), ["done"])

    # --- several runs

    def test_a_second_run_with_more_seeds_joins(self):
        host = self.run_of("[0, 1, 2]", steps=40)
        second = self.start("run", self.write(seeds="[0, 1, 2, 3, 4]", energy=SLOW), "train.steps=40")
        out, words = self.ends(host, 0)
        other_out, other_words = self.ends(second, 0)
        self.assertEqual(self.statuses(), ["done"] * 5)
        self.assertEqual(self.rows("SELECT count(*) FROM trials WHERE attempts <> 1"), [(0,)])
        self.assertIn("1 running in another process, which this run waits for", other_words)
        self.assertIn("of these ended in another process", other_words)
        self.assertIn("5 trials", other_out)

    def test_a_second_run_waits_for_what_the_first_one_runs_and_counts_its_failure(self):
        rest = '[sweep]\n"energy.behaviour" = ["throw"]'
        file = self.write(energy=SLOW, rest=rest)
        host = self.start("run", file, "train.steps=100")
        self.wait_for("SELECT 1 FROM metrics")
        self.assertEqual(self.act("run", file, "train.steps=100"), 1)
        self.assertIn("waiting for 1 trial that another process runs", self.words)
        self.assertIn("1 trial of these ended in another process", self.words)
        self.ends(host, 1)

    def test_a_second_run_takes_over_from_one_that_is_killed(self):
        host = self.run_of("[0, 1]", steps=60)
        second = self.start("run", self.write(seeds="[0, 1]", energy=SLOW), "train.steps=60")
        self.wait_for(self.RUNNING % 2)
        host.kill()
        host.communicate()
        out, words = self.ends(second, 0)
        self.assertIn("trial 1 (seed 0) was left by the process that ran it, so it goes on here", words)
        self.assertEqual(self.statuses(), ["done", "done"])
        self.assertEqual(self.rows("SELECT trial_id, count(*), max(step) FROM metrics WHERE name = 'loss' GROUP BY 1"),
                         [(1, 60, 60), (2, 60, 60)])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest])
