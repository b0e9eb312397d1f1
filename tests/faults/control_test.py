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
        self.assertRegex(self.out, r"^trial 2 of sweep: queued again, to go on from step \d+\n$")
        self.assertEqual(self.words, f"to run what is queued: marginalia resume sweep --store {self.store}\n")
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

    # --- what is printed

    def test_what_a_trial_prints_is_kept_with_it(self):
        file = self.write(seeds="[0]", energy='behaviour = "print"', rest="")
        self.assertEqual(self.act("run", file), 0)
        self.assertEqual(self.act("logs", "1"), 0)
        self.assertEqual(sorted(self.out.splitlines()), ["\\x1b[31mnot well", "and no more", "half way"])
        self.assertEqual(self.act("logs", "1", "-n", "1"), 0)
        self.assertEqual(self.out.count("\n"), 1)
        self.assertEqual(self.act("run", self.write(name="quiet")), 0)
        self.assertEqual(self.act("logs", "2", "-f"), 0)
        self.assertEqual((self.out, self.words), ("", "trial 2 has printed nothing\n"))

    def test_logs_follow_until_the_trial_ends(self):
        file = self.write(energy=SLOW + '\nbehaviour = "print"')
        host = self.start("run", file, "train.steps=60")
        self.wait_for("SELECT 1 FROM trials")
        began = time.time()
        self.assertEqual(self.act("logs", "1", "-f"), 0)
        self.assertGreater(time.time() - began, 0.5)  # 60 steps of 20 ms, from about the first
        self.assertIn("half way\n", self.out)
        self.assertIn("and no more\n", self.out)
        self.assertEqual(self.rows("SELECT status FROM trials"), [("done",)])
        self.ends(host, 0)

    def test_a_crash_keeps_the_last_lines_and_another_attempt_comes_behind_them(self):
        file = self.write(energy='behaviour = "crash"')
        self.assertEqual(self.act("run", file), 1)
        self.assertEqual(self.act("show", "1"), 0)
        self.assertRegex(self.out, r"last output \(marginalia logs 1\)\n  about to touch what is not ours\n")
        self.assertEqual(self.act("run", file, "--retry-failed"), 1)
        self.assertEqual(self.act("logs", "1"), 0)
        lines = self.out.splitlines()
        self.assertEqual([lines[0], lines.count("about to touch what is not ours")], ["about to touch what is not ours", 2])
        self.assertIn("about to touch what is not ours", lines[lines.index("[attempt 2]"):])

    def test_a_plugin_that_prints_100_megabytes_costs_the_bound(self):
        temporary = os.path.join(self.folder.name, "tmp")
        os.mkdir(temporary)
        self.environment["TMPDIR"] = temporary
        file = self.write(energy='behaviour = "flood"')
        host = self.start("run", file)
        largest = peak = 0
        while host.poll() is None:
            with open(f"/proc/{host.pid}/statm") as memory:
                peak = max(peak, int((memory.read().split() or [0, 0])[1]) * 4096)
            largest = max([largest, *(os.path.getsize(os.path.join(temporary, name)) for name in os.listdir(temporary))])
            time.sleep(0.01)
        self.ends(host, 0)
        self.assertEqual(largest, 0)
        self.assertLess(peak, 100e6)
        kept, = self.rows("SELECT sum(length(data)), min(number), max(number + length(data)) FROM log")
        self.assertLessEqual(kept[0], 256 << 10)
        self.assertGreater(kept[0], 200 << 10)
        self.assertEqual(kept[1:], (0, 100_000_000 + len("the beginning\nthe end\n")))
        self.assertLess(os.path.getsize(self.store), 4e6)
        self.assertEqual(self.act("logs", "1"), 0)
        lines = self.out.splitlines()
        self.assertEqual([lines[0], lines[-1]], ["the beginning", "the end"])
        left_out, = [line for line in lines if "were left out" in line]
        self.assertEqual(left_out, "[%d bytes were left out]" % (kept[2] - kept[0]))
        self.assertGreater(self.out.index(left_out), 60 << 10)

    def test_a_host_that_is_killed_in_a_flood_leaves_a_log_that_goes_on(self):
        file = self.write(energy='behaviour = "flood"')
        host = self.start("run", file)
        self.wait_for("SELECT 1 FROM log")
        host.kill()
        host.communicate()
        self.assertEqual(self.act("run", file), 0)
        self.assertEqual(self.act("logs", "1"), 0)
        self.assertTrue(self.out.startswith("the beginning\n") and self.out.endswith("the end\n"))
        self.assertEqual(self.rows("SELECT max(number + length(data)) > 100000000 FROM log"), [(1,)])
        self.assertLessEqual(self.rows("SELECT sum(length(data)) FROM log"), [(256 << 10,)])
        self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)])

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

    def test_a_run_that_joined_is_killed_and_the_first_takes_over(self):
        host = self.run_of("[0, 1]", steps=60)
        second = self.start("run", self.write(seeds="[0, 1, 2]", energy=SLOW), "train.steps=60")
        self.wait_for(self.RUNNING % 2)
        second.kill()
        second.communicate()
        out, words = self.ends(host, 0)
        self.assertIn("trial 2 (seed 1) was left by the process that ran it, so it goes on here", words)
        self.assertEqual(self.statuses(), ["done", "done", "queued"])

    def test_ctrl_c_ends_a_run_that_waits_for_another(self):
        host = self.run_of("[0]")
        second = self.start("run", self.write(energy=SLOW), "train.steps=100000")
        self.assertIn("1 running in another process", second.stderr.readline() + second.stderr.readline())
        time.sleep(0.5)
        second.send_signal(signal.SIGINT)
        out, words = self.ends(second, 130)
        self.assertEqual(self.statuses(), ["running"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest])
