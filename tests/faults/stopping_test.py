"""Stopping rules with a fake worker: who goes on, what is kept, and what is said."""
import re
import signal
import sys
import unittest

from scheduling import HostTest, rest

ASHA = """[stop]
rule = "asha"
metric = "loss"
least_steps = 2
"""
NINE = str(list(range(1, 10)))


class Stopping(HostTest):
    def decisions(self):
        return self.rows("SELECT trial_id, rung, step, decision FROM rungs ORDER BY 1, 2")

    def best(self, step, count, among=None):
        """The trials with the lowest losses at a step, from the curves themselves."""
        found = self.rows(f"SELECT trial_id FROM metrics WHERE name = 'loss' AND step = {step} ORDER BY value")
        return {trial for trial, in found if among is None or trial in among} if count is None else {
            trial for trial, in [row for row in found if among is None or row[0] in among][:count]}

    def statuses(self):
        return dict(self.rows("SELECT status, count(*) FROM trials GROUP BY status"))

    def test_the_best_third_goes_on_at_each_rung(self):
        file = self.write(seeds=NINE, rest=ASHA)
        self.assertEqual(self.act("run", file), 0)
        self.assertIn("asha by loss (lower is better): at steps 2, 6, 18 of 20 the best 3, 1, 1 of 9 go on", self.words)
        self.assertIn("6 trials pruned at step 2", self.words)
        self.assertIn("1 of 9 trials done, 8 pruned", self.out)
        self.assertNotIn("of which", self.out)  # not a line for each
        first = self.best(2, 3)
        second = self.best(6, 1, first)
        decided = self.decisions()
        self.assertEqual({t for t, rung, _, what in decided if rung == 0 and what == "promoted"}, first)
        self.assertEqual({t for t, rung, _, what in decided if rung == 1 and what == "promoted"}, second)
        self.assertEqual([(rung, step, what) for t, rung, step, what in decided if t in second],
                         [(0, 2, "promoted"), (1, 6, "promoted"), (2, 18, "promoted")])
        self.assertEqual(self.statuses(), {"done": 1, "pruned": 8})
        reasons = [error for status, error in self.trials() if status == "pruned"]
        self.assertEqual(len(set(reasons)), 8)
        self.assertIn("4th of 9 at step 2 by loss, of which 3 go on", reasons)
        self.assertIn("2nd of 3 at step 6 by loss, of which 1 goes on", reasons)
        self.assertEqual(self.act("run", file), 0)
        self.assertIn("9 trials, 1 already done, 8 pruned, nothing to run", self.words)

    def test_trials_of_different_energies_are_not_compared(self):
        file = self.write(seeds=NINE, rest=ASHA + '[sweep]\n"energy.variant" = [1, 2]')
        words = ("asha by loss (lower is better), among the trials of each of 2 energies or data sets: at steps 2, 6, 18 of 20 the "
                 "best 3, 1, 1 of 9 go on")
        self.assertEqual(self.act("plan", file), 0)
        self.assertIn(words, self.out)
        self.assertEqual(self.act("run", file), 0)
        self.assertIn(words, self.words)
        done = self.rows("SELECT json_extract(config, '$.energy.variant') FROM trials WHERE status = 'done' ORDER BY 1")
        self.assertEqual(done, [(1,), (2,)])
        self.assertEqual(self.statuses(), {"done": 2, "pruned": 16})

    def test_the_median_is_that_of_one_energy(self):
        rule = '[stop]\nrule = "median"\nmetric = "loss"\nleast_steps = 1\nleast_trials = 3\n[sweep]\n"energy.variant" = [1, 2]'
        self.assertEqual(self.act("run", self.write(seeds="[1, 2, 3]", rest=rule)), 0)
        self.assertEqual(self.statuses(), {"done": 6})  # of each energy there never were three others

    def test_the_value_is_that_of_the_curve(self):
        self.act("run", self.write(seeds=NINE, rest=ASHA))
        self.assertEqual(self.rows("""SELECT count(*), sum(r.value = m.value) FROM rungs r JOIN metrics m
            ON m.trial_id = r.trial_id AND m.step = r.step AND m.name = 'loss'"""), [(13, 13)])

    def test_decisions_do_not_depend_on_how_many_run_at_a_time(self):
        self.act("run", self.write(seeds=NINE, rest=ASHA))
        alone = self.decisions(), self.trials()
        self.store += ".other"
        self.act("run", self.write(seeds=NINE, rest=ASHA, energy="step_milliseconds = 2.0"), "run.device=fake:0,fake:1,fake:2")
        self.assertEqual((self.decisions(), self.trials()), alone)

    def test_a_failed_trial_counts_as_worst(self):
        file = self.write(seeds=NINE, rest=ASHA + '[sweep]\n"objective.fails" = [false, true]', train="")
        self.assertEqual(self.act("run", file, "stop.least_steps=11", "stop.reduction=3"), 1)  # they fail at step 10
        self.assertEqual(self.statuses(), {"done": 6, "failed": 9, "pruned": 3})
        self.assertIn("7th of 18 at step 11 by loss, of which 6 go on", [error for _, error in self.trials()])

    def test_a_rule_without_waiting_decides_by_those_that_have_come(self):
        self.assertEqual(self.act("run", self.write(seeds=NINE, rest=ASHA.replace("least_steps = 2", "least_steps = 2\nwait = false"))), 0)
        self.assertIn("decided without waiting", self.words)
        statuses = self.statuses()
        self.assertEqual(set(statuses), {"done", "pruned"})
        self.assertIn(self.best(2, 1).pop(), {t for t, rung, _, what in self.decisions() if rung == 0 and what == "promoted"})

    def test_a_stopped_run_goes_on_with_those_that_wait(self):
        file = self.write(seeds=NINE, rest=ASHA, energy="step_milliseconds = 30.0")
        host = self.start("run", file)
        self.wait_for("SELECT 1 FROM trials WHERE status = 'paused'")
        host.send_signal(signal.SIGINT)
        words = host.communicate(timeout=60)[1]
        self.assertNotIn("that another process has", words)
        self.assertIn("paused", self.statuses())
        self.assertEqual(self.act("plan", file), 0)
        self.assertIn("decide whether it goes on from step 2", self.out)
        self.assertRegex(self.out, r"\d trials? of 9 to run")
        self.assertEqual(self.act("resume", "sweep"), 0)
        self.assertEqual(self.statuses(), {"done": 1, "pruned": 8})

    def test_without_the_rule_those_that_wait_go_on_to_the_end(self):
        file = self.write(seeds=NINE, rest=ASHA, energy="step_milliseconds = 30.0")
        host = self.start("run", file)
        self.wait_for("SELECT 1 FROM trials WHERE status = 'paused'")
        host.send_signal(signal.SIGINT)
        host.communicate(timeout=60)
        self.assertEqual(self.act("run", file, "stop.rule=none"), 0)
        self.assertEqual(self.statuses(), {"done": 9})
        self.assertEqual(self.act("run", file), 0)
        self.assertEqual(self.statuses(), {"done": 9})

    def test_a_trial_worse_than_the_median_is_pruned(self):
        rule = '[stop]\nrule = "median"\nmetric = "loss"\nleast_steps = 1\nleast_trials = 3\n'
        file = self.write(seeds=str(list(range(1, 21))), rest=rule, energy="step_milliseconds = 5.0", run="")
        self.assertEqual(self.act("run", file, "train.steps=60"), 0)
        self.assertIn("median by loss (lower is better): from step 1 on, once 3 trials are trained", self.words)
        statuses = self.statuses()
        self.assertGreater(statuses.get("pruned", 0), 2)
        self.assertEqual(statuses["done"] + statuses["pruned"], 20)
        for status, error in self.trials()[:3]:
            self.assertEqual(status, "done")
        for trial, rung, step, what in self.decisions():
            self.assertEqual((rung, what), (0, "pruned"))
            reason, value = self.rows(f"SELECT error, (SELECT value FROM rungs r WHERE r.trial_id = t.trial_id) FROM trials t "
                                      f"WHERE trial_id = {trial}")[0]
            best, median, count = re.fullmatch(rf"its best loss up to step {step} is (\S+), worse than (\S+), the median of the "
                                               r"averages of (\d+) finished trials", reason).groups()
            (lowest,), = self.rows(f"SELECT min(value) FROM metrics WHERE trial_id = {trial} AND name = 'loss' AND step <= {step}")
            self.assertAlmostEqual(float(best), lowest, places=3)
            self.assertGreater(float(best), float(median))
            averages = sorted(a for a, in self.rows(f"""SELECT avg(value) FROM metrics JOIN trials USING (trial_id) WHERE name = 'loss'
                AND step <= {step} AND trained AND trial_id < {trial} GROUP BY trial_id"""))
            self.assertEqual(len(averages), int(count))
            self.assertAlmostEqual((averages[len(averages) // 2] + averages[(len(averages) - 1) // 2]) / 2, float(median), places=3)

    # --- steps that are not finite

    def test_a_step_that_is_not_finite_fails_by_itself(self):
        self.assertEqual(self.act("run", self.write(energy='at_full_rate = "not-finite"')), 1)
        self.assertEqual(self.trials(), [("failed", "the loss is not a finite number")])

    def test_it_is_tried_once_more_from_the_last_checkpoint_with_a_smaller_rate(self):
        file = self.write(energy='at_full_rate = "not-finite"', rest='[stop]\nnan = "retry"')
        self.assertEqual(self.act("run", file), 0)
        self.assertIn("failed: the loss is not a finite number; going on from its last checkpoint with 0.1 of the learning rate",
                      self.words)
        self.assertEqual(self.trials(), [("done", None)])
        self.assertEqual(self.rows("SELECT attempts FROM trials"), [(2,)])
        self.assertEqual(self.rows("SELECT rate, reason FROM setback"), [(0.1, "the loss is not a finite number")])

    def test_what_went_on_with_a_smaller_rate_is_not_taken_over_by_others(self):
        slow = 'at_full_rate = "not-finite"'
        self.act("run", self.write(name="first", energy=slow, rest='[stop]\nnan = "retry"'))
        self.assertEqual(self.act("run", self.write(name="second", energy=slow)), 1)
        self.assertEqual([status for status, _ in self.trials()], ["done", "failed"])

    def test_and_fails_with_both_reasons(self):
        file = self.write(energy='behaviour = "not-finite"', rest='[stop]\nnan = "retry"')
        self.assertEqual(self.act("run", file), 1)
        self.assertEqual(self.trials(), [("failed", "the loss is not a finite number (with 0.1 of the learning rate; with all of it "
                                          "before: the loss is not a finite number)")])

    # --- budgets

    def test_a_run_ends_when_its_time_is_spent_and_the_same_command_goes_on(self):
        file = self.write(seeds="[0, 1, 2]", energy="step_milliseconds = 40.0", rest="[stop]\ntime_budget = 0.5")
        self.assertEqual(self.act("run", file), 0)
        self.assertIn("the time budget of 500 ms is spent: running trials write a checkpoint and end", self.words)
        self.assertIn("to go on where it stopped, give the same command again, or: marginalia resume sweep", self.words)
        statuses = self.statuses()
        self.assertEqual(statuses.get("preempted"), 1)
        self.assertNotIn("running", statuses)
        for _ in range(20):
            if self.statuses() == {"done": 3}:
                break
            self.assertEqual(self.act("run", file), 0)
        self.assertEqual(self.statuses(), {"done": 3})

    def test_no_more_trials_than_the_budget_are_run(self):
        file = self.write(seeds="[0, 1, 2, 3, 4]", rest="[stop]\ntrial_budget = 2")
        self.assertEqual(self.act("plan", file), 0)
        self.assertIn("leave (beyond stop.trial_budget)", self.out)
        self.assertIn("2 trials of 5 to run", self.out)
        for _ in range(2):
            self.assertEqual(self.act("run", file), 0)
            self.assertIn("3 left queued (beyond stop.trial_budget; more, or 0, runs them)", self.words)
            self.assertEqual(self.rows("SELECT seed FROM trials WHERE status = 'done' ORDER BY 1"), [(0,), (1,)])
        self.assertEqual(self.act("run", file, "stop.trial_budget=0"), 0)
        self.assertEqual(self.statuses(), {"done": 5})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + rest)
