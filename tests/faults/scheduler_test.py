"""The scheduler with a fake worker: what becomes of trials that end well, throw, crash, hang, vanish or are stopped."""
import json
import os
import re
import signal
import struct
import sys
import time
import unittest

from scheduling import HostTest, rest


class Scheduling(HostTest):
    # --- trials that end well

    def test_a_sweep_runs_and_running_it_again_does_nothing(self):
        file = self.write(seeds="[0, 1, 2]")
        self.assertEqual(self.act("run", file), 0)
        self.assertEqual([status for status, _ in self.trials()], ["done"] * 3)
        self.assertEqual(self.rows("SELECT count(*) FROM metrics WHERE name = 'loss'"), [(60,)])
        self.assertEqual(self.rows("SELECT count(DISTINCT value) FROM final_metrics WHERE name = 'kl'"), [(3,)])
        self.assertIn("kl", self.out)
        self.assertEqual(self.act("run", file), 0)
        self.assertIn("3 already done, nothing to run", self.words)
        self.assertEqual(self.act("run", file, "seeds=[0, 1, 2, 3]"), 0)
        self.assertIn("4 trials, 3 already done, 1 to run in 1 slot (fake:0, 1 thread each)", self.words)

    def test_one_warm_worker_runs_many_trials(self):
        self.act("run", self.write(seeds="[0, 1, 2, 3, 4]"))
        self.assertEqual(self.rows("SELECT count(DISTINCT value) FROM final_metrics WHERE name = 'worker_pid'"), [(1,)])

    def test_two_slots_run_side_by_side(self):
        self.act("run", self.write(seeds="[0, 1, 2, 3]", energy="step_milliseconds = 10.0"), "run.device=fake:0,fake:1")
        self.assertEqual(self.rows("SELECT device, count(*) > 0 FROM trials GROUP BY device"), [("fake:0", 1), ("fake:1", 1)])
        self.assertEqual(self.rows("SELECT count(DISTINCT value) FROM final_metrics WHERE name = 'worker_pid'"), [(2,)])

    def test_a_trial_starts_from_the_network_of_another_experiment(self):
        self.act("run", self.write(name="first", seeds="[3]"))
        second = self.write(name="second", seeds="[3]", train='start_from = "first"')
        self.assertEqual(self.act("run", second), 0)
        kl = self.rows("SELECT count(DISTINCT value) FROM final_metrics WHERE name = 'kl'")
        self.assertEqual(kl, [(2,)])
        third = self.write(name="third", train='start_from = "nowhere"')
        for verb in ("plan", "run"):
            self.assertEqual(self.act(verb, third), 2)
            self.assertIn('train.start_from = "nowhere": the store holds no finished trial of an experiment of that name, '
                          "so run it first. experiments with finished trials: first, second", self.words)
        self.assertEqual(self.rows("SELECT count(*) FROM trials WHERE experiment = 'third'"), [(0,)])

    def test_a_best_metric_that_nobody_recorded_is_told(self):
        self.assertEqual(self.act("run", self.write(run='keep_best = "losss"')), 0)
        self.assertIn('run.keep_best = "losss": no trial recorded that metric, so only the newest checkpoints were kept; '
                      "did you mean 'loss'?", self.words)

    def test_resuming_an_unknown_experiment_names_those_there_are(self):
        self.act("run", self.write())
        self.assertNotEqual(self.act("resume", "sweeep"), 0)
        self.assertIn("no experiment 'sweeep' in this store; did you mean 'sweep'? experiments: sweep", self.words)

    # --- trials that fail

    def failed(self, behaviour, status, pattern, **more):
        file = self.write(rest='[sweep]\n"energy.behaviour" = ["%s", "normal"]' % behaviour, **more)
        self.assertEqual(self.act("run", file), 1)
        first, second = self.trials()
        self.assertEqual(first[0], status)
        self.assertRegex(first[1], pattern)
        self.assertEqual(second[0], "done")
        self.assertIn((" timed out: " if status == "timeout" else " failed: ") + first[1], self.words)
        self.assertNotIn(first[1], self.out)  # said once
        return file

    def test_a_trial_that_throws_is_a_row_and_the_rest_go_on(self):
        self.failed("throw", "failed", "^the energy is not in the mood$")

    def test_a_crash_names_the_signal_the_place_and_the_last_output(self):
        self.failed("crash", "failed", r"^the worker ended by signal 11 \(segmentation fault\)( during training, at \d+ of 20)?"
                    "; last output: about to touch what is not ours$")

    def test_a_plugin_that_exits(self):
        self.failed("exit", "failed", "^the worker ended by exit code 7")

    def test_a_hung_trial_ends_at_its_time_limit(self):
        began = time.time()
        self.failed("sleep", "timeout", "^ran longer than run.time_limit = 0.5 seconds during training, at 10 of 20$",
                    run="time_limit = 0.5")
        self.assertLess(time.time() - began, 10)

    def test_no_memory_is_a_status_of_its_own(self):
        self.failed("out-of-memory", "oom", "^out of memory$")

    def test_a_worker_is_replaced_after_a_failure(self):
        self.act("run", self.write(rest='[[sweep.zip]]\n"energy.behaviour" = ["normal", "throw", "normal"]\n"energy.variant" = [0, 1, 2]'))
        self.assertEqual([status for status, _ in self.trials()], ["done", "failed", "done"], self.words)
        self.assertEqual(self.rows("SELECT count(DISTINCT value) FROM final_metrics WHERE name = 'worker_pid'"), [(2,)])

    def test_failed_trials_are_left_until_asked_for(self):
        mark = os.path.join(self.folder.name, "mark")
        file = self.write(energy='behaviour = "throw-once"\nmark = "%s"' % mark)
        self.assertEqual(self.act("run", file), 1)
        self.assertEqual(self.act("run", file), 1)
        self.assertIn("1 left failed (--retry-failed tries them again), nothing to run", self.words)
        self.assertEqual(self.act("run", file, "--retry-failed"), 0)
        self.assertEqual(self.trials()[0][0], "done")
        self.assertFalse(self.trials()[0][1])

    def test_retries_go_on_from_the_checkpoint(self):
        mark = os.path.join(self.folder.name, "mark")
        file = self.write(energy='behaviour = "throw-once"\nmark = "%s"' % mark, run="retries = 1")
        self.assertEqual(self.act("run", file), 0)
        self.assertIn("once and never again; trying again (1 of 1)", self.words)
        self.assertEqual(self.rows("SELECT count(*), max(step) FROM metrics WHERE name = 'loss'"), [(20, 20)])

    def test_stop_on_failure_leaves_the_rest_queued(self):
        file = self.write(run="stop_on_failure = true", rest='[sweep]\n"energy.behaviour" = ["throw", "normal"]')
        self.assertEqual(self.act("run", file), 1)
        self.assertEqual([status for status, _ in self.trials()], ["failed", "queued"])

    def test_bytes_in_a_workers_pipe_end_its_trial_alone(self):
        def frame(kind, payload, size=None):
            return struct.pack("<IB", len(payload) if size is None else size, kind) + payload

        sample_head = b'{"name":"s","step":1,"kind":"text"}'
        faults = {  # bytes, and what is said of them
            "metrics cut short": (frame(4, b"abcdefg"), "a message with 7 bytes where 32 more are due"),
            "no such metric": (frame(4, struct.pack("<IIqdd", 77, 0, 5, 1.0, 1e9)), "a point of metric 77, which has no name"),
            "a final figure cut short": (frame(5, b"abc"), "a message with 3 bytes where 8 more are due"),
            "a sample's head cut off": (frame(6, struct.pack("<I", 999) + b"{}"), "a sample whose head is cut off"),
            "a sample's head that is no JSON": (frame(6, struct.pack("<I", 2) + b"{x"), "text that is not the JSON it should be"),
            "a sample without a name": (frame(6, struct.pack("<I", 2) + b"{}"), "text that is not the JSON it should be"),
            "a checkpoint cut short": (frame(7, b"ab"), "a message with 2 bytes where 8 more are due"),
            "a checkpoint of step -5": (frame(7, struct.pack("<q", -5) + b"abc"), "a checkpoint of step -5"),
            "a checkpoint without pieces": (frame(7, struct.pack("<qQ", 5, 0)), "a checkpoint of 0 bytes of which 0 came"),
            "a checkpoint of which a part came": (frame(12, struct.pack("<I", 0) + b"abc") + frame(7, struct.pack("<qQ", 5, 9)),
                                                  "a checkpoint of 9 bytes of which 3 came"),
            "a piece too many": (frame(12, struct.pack("<I", 0) + b"abc") + frame(12, struct.pack("<I", 2) + b"abc"),
                                 "piece 2 of a checkpoint where piece 1 is due"),
            "a piece too large": (frame(12, b"x", 1 << 30), "a record of type 12 with 1073741824 bytes, where at most 4194308 may be"),
            "progress cut short": (frame(8, b"x"), "a message with 1 bytes where 8 more are due"),
            "done without a ticket": (frame(9, b""), "a message with 0 bytes where 8 more are due"),
            "done with another ticket": (frame(9, bytes(8)), "the end of another trial"),
            "stopped with another ticket": (frame(10, bytes(8)), "the end of another trial"),
            "failed without JSON": (frame(11, b"no!"), "text that is not the JSON it should be"),
            "failed with a number": (frame(11, b'{"ticket":5,"message":5,"out_of_memory":false,"not_finite":false}'), "text that is not the JSON it should be"),
            "failed with another ticket": (frame(11, b'{"ticket":5,"message":"x","out_of_memory":false,"not_finite":false}'), "the end of another trial"),
            "a name cut short": (frame(3, b"x"), "a message with 1 bytes where 4 more are due"),
            "an empty name": (frame(3, struct.pack("<I", 9)), "a metric's name of 0 bytes"),
            "a list of plugins that it was not asked for": (frame(2, b"xyz"), "a list of plugins that it was not asked for"),
            "a type that is none": (frame(200, b"ab"), "a record of type 200 with 2 bytes, where at most 0 may be"),
            "a type that is none, without bytes": (frame(0, b""), "a record of type 0, which is none"),
            "a length of 4 GB": (frame(4, b"x" * 100, 0xFFFFFFFF), "a record of type 4 with 4294967295 bytes, where at most 1048576 may be"),
            "text": (b"hello, world: printed to descriptor 4\n", "a record of type 111 with 1819043176 bytes, where at most 0 may be"),
            "noise": (bytes((i * 151 + 7) % 256 for i in range(4096)), "a record of type"),
        }
        rows = {"energy.behaviour": [], "energy.bytes": [], "energy.variant": []}
        for i, (data, _) in enumerate(faults.values()):
            for behaviour, sent in (("babble", data.hex()), ("normal", "")):  # an innocent trial after each
                rows["energy.behaviour"].append(behaviour)
                rows["energy.bytes"].append(sent)
                rows["energy.variant"].append(i)
        file = self.write(rest="[[sweep.zip]]\n" + "\n".join(f'"{key}" = {json.dumps(values)}' for key, values in rows.items()))
        self.assertEqual(self.act("run", file), 1, self.words)
        for (name, (_, said)), (status, error), innocent in zip(faults.items(), self.trials()[::2], self.trials()[1::2]):
            with self.subTest(name):
                self.assertEqual((status, innocent[0]), ("failed", "done"), error)
                self.assertRegex(error, f"^the worker sent {re.escape(said)}.*during training, at 10 of 20; a plugin writes to a file descriptor or "
                                 "memory that is not its own: energy 'fake', network 'fake', objective 'fake'$")

    # --- trials that are stopped, and that vanish

    def test_a_killed_worker_costs_nothing_but_time(self):
        file = self.write(energy="step_milliseconds = 30.0")
        host = self.start("run", file)
        self.wait_for("SELECT 1 FROM checkpoints")
        for worker in self.workers_of(host):
            os.kill(int(worker), signal.SIGKILL)
        _, words = host.communicate(timeout=60)
        self.assertEqual(host.returncode, 0, words)
        self.assertIn("its worker was killed by signal 9 (killed)", words)
        self.assertEqual(self.rows("SELECT count(*), max(step) FROM metrics WHERE name = 'loss'"), [(20, 20)])

    def test_a_trial_whose_worker_is_always_killed_is_given_up_as_lost(self):
        self.assertEqual(self.act("run", self.write(energy='behaviour = "kill-itself"')), 1)
        self.assertEqual(self.trials()[0][0], "lost")

    def stopped_by(self, number, code):
        file = self.write(seeds="[0, 1]", energy="step_milliseconds = 100.0\ncheckpoint_every = 0")
        host = self.start("run", file)
        self.wait_for("SELECT 1 FROM metrics")  # a trial that is running for the store may still wait for its worker
        host.send_signal(number)
        out, words = host.communicate(timeout=60)
        self.assertEqual(host.returncode, code, words)
        self.assertIn("stopping: running trials write a checkpoint and end", words)
        self.assertIn("give the same command again, or: marginalia resume sweep --store " + self.store, words)
        self.assertNotIn("seeds done", out)
        self.assertEqual([status for status, _ in self.trials()], ["preempted", "queued"])
        self.assertEqual(self.rows("SELECT count(*) FROM checkpoints"), [(1,)])
        self.assertEqual(self.act("plan", file), 0)
        self.assertRegex(self.out, "go on from step [0-9]+")
        self.assertEqual(self.act("resume", "sweep"), 0)
        self.assertEqual([status for status, _ in self.trials()], ["done", "done"])
        self.assertEqual(self.rows("SELECT count(*), max(step) FROM metrics GROUP BY trial_id"), [(20, 20)] * 2)

    def test_ctrl_c_checkpoints_and_stops(self):
        self.stopped_by(signal.SIGINT, 130)

    def test_sigterm_checkpoints_and_stops(self):
        self.stopped_by(signal.SIGTERM, 143)

    def test_sigusr1_asks_to_be_requeued(self):
        self.stopped_by(signal.SIGUSR1, 75)

    def test_a_second_ctrl_c_kills_at_once(self):
        host = self.start("run", self.write(energy='behaviour = "sleep"'))
        self.wait_for("SELECT 1 FROM metrics")
        time.sleep(0.2)
        host.send_signal(signal.SIGINT)
        host.send_signal(signal.SIGINT)  # the same keypress, by way of a wrapper
        time.sleep(0.8)
        self.assertIsNone(host.poll())  # a hung trial does not hear the first
        host.send_signal(signal.SIGINT)
        host.communicate(timeout=10)
        self.assertEqual(host.returncode, 130)
        self.assertEqual(self.trials()[0][0], "preempted")

    def test_a_killed_host_leaves_nothing_running(self):
        file = self.write(energy="step_milliseconds = 30.0")
        host = self.start("run", file)
        self.wait_for("SELECT 1 FROM checkpoints")
        workers = self.workers_of(host)
        host.kill()
        host.communicate()
        deadline = time.time() + 30
        while any(os.path.exists(f"/proc/{worker}") for worker in workers) and time.time() < deadline:
            time.sleep(0.02)
        self.assertFalse([worker for worker in workers if os.path.exists(f"/proc/{worker}")])
        self.assertEqual(self.act("run", file), 0)
        self.assertIn("1 trial had lost its process", self.words)
        self.assertEqual(self.rows("SELECT count(*), max(step) FROM metrics WHERE name = 'loss'"), [(20, 20)])

    # --- plan, provenance

    def test_plan_writes_nothing(self):
        file = self.write(seeds="[0, 1]", rest='[sweep]\n"energy.variant" = [7, 8]')
        self.assertEqual(self.act("plan", file), 0)
        self.assertFalse(os.path.exists(self.store))
        self.assertIn("4 trials of 4 to run; nothing was written", self.out)
        self.assertIn("variant", self.out)

    def test_a_missing_worker_program_is_one_sentence(self):
        self.environment["MARGINALIA_WORKER"] = os.path.join(self.folder.name, "nowhere")
        self.assertEqual(self.act("run", self.write()), 2)
        self.assertIn("nowhere: the worker program cannot be started: No such file or directory; "
                      "install it beside marginalia or name it in MARGINALIA_WORKER", self.words)



if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
