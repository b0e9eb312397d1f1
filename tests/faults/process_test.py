"""What plugins do to the processes that they run in, and signals to the host: the trial at fault ends with the true reason, and
the others as if nothing had been."""

import os
import resource
import signal
import sys
import time
import unittest

from guilty_plugins import GuiltyTest
from scheduling import rest

SLOW = "step_milliseconds = 100.0\ncheckpoint_every = 0"


def ignoring(number):
    return lambda: signal.signal(number, signal.SIG_IGN)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Processes(GuiltyTest):
    def kl(self):
        return self.rows("SELECT value FROM final_metrics WHERE name = 'kl' ORDER BY trial_id")

    def child(self):
        with open(self.mark) as file:
            return int(file.read())

    # --- what a trial leaves behind

    def test_what_a_trial_changes_in_its_process_the_next_does_not_find(self):
        arithmetic = "the rounding mode or another setting of arithmetic"
        changes = {  # and what is said of them
            "round": arithmetic,
            "flush": arithmetic,
            "close-output": "file descriptor 1",
            "replace-output": "file descriptor 2",
            "close-commands": "file descriptor 3",
            "files": "resource limits",
            "file-size": "resource limits",
            "umask": "the umask",
            "folder": "the working directory",
            "environment": "environment variables",
            "handler": "signal handlers",
            "mask": "blocked signals",
            "alarm": "timers",
            "locale": "the locale",
            "nice": "processors or priority",
            "thread": "a thread that goes on",
            "fork": "a child process",
        }
        if os.uname().machine != "x86_64":
            del changes["flush"]
        hows = list(changes)
        file = self.pairs([how for guilty in hows for how in (guilty, None)])
        self.assertEqual(self.act("run", file), 0, self.words)
        self.assertEqual({status for status, _ in self.trials()}, {"done"}, self.words)
        for said in set(changes.values()):  # once a kind
            self.assertEqual(
                self.words.count(
                    f"left its worker changed: {said}; the next trial gets a fresh one (plugins: energy 'guilty'"
                ),
                1,
            )
        self.assertEqual(
            self.rows("SELECT count(DISTINCT value), count(*) FROM final_metrics WHERE name = 'worker_pid'"),
            [(len(hows),) * 2],
        )
        self.assertFalse(is_alive(self.child()))
        found = self.kl()
        os.remove(self.store)
        self.assertEqual(self.act("run", self.pairs([how for _ in hows for how in ("nothing", None)])), 0, self.words)
        self.assertNotIn("left its worker changed", self.words)
        self.assertEqual(self.rows("SELECT count(DISTINCT value) FROM final_metrics WHERE name = 'worker_pid'"), [(1,)])
        self.assertEqual(found, self.kl())

    def test_a_first_failure_after_other_plugins_is_tried_in_a_fresh_worker(self):
        file = self.pairs(["nothing", None])
        self.assertEqual(
            self.act("run", file, "energy.fake.behaviour=throw-once", f"energy.fake.mark={self.mark}.once"),
            0,
            self.words,
        )
        self.assertIn(
            "once and never again; its worker had run other plugins before, so once more in a fresh one", self.words
        )
        self.assertEqual(
            self.act("run", file, "name=again", "run.reuse=false", "energy.fake.behaviour=throw"), 1, self.words
        )
        self.assertEqual(self.words.count("the energy is not in the mood"), 2, self.words)
        self.assertEqual(
            self.rows("SELECT status, error FROM trials WHERE experiment = 'again' ORDER BY trial_id"),
            [("done", None), ("failed", "the energy is not in the mood")],
        )

    # --- how a trial ends

    def fails(self, how, status, pattern, *words, **more):
        began = time.time()
        file = self.pairs(["nothing", None, how, None])
        self.assertEqual(self.act("run", file, "--patience", "30000:500:500", *words, **more), 1, self.words)
        self.assertLess(time.time() - began, 40)
        trials = self.trials()
        self.assertEqual([trial[0] for trial in trials], ["done", "done", status, "done"], trials)
        self.assertRegex(trials[2][1], pattern)

    def test_a_child_that_keeps_every_descriptor_does_not_hold_up_the_end_of_its_trial(self):
        for how, reason in (
            ("fork-and-exit", "^the worker ended by exit code 7$"),
            ("fork-and-crash", r"^the worker ended by signal 11 \(segmentation fault\)"),
        ):
            with self.subTest(how):
                self.fails(how, "failed", reason, f"name={how}")
                self.assertFalse(is_alive(self.child()))
                os.remove(self.store)

    def test_a_child_does_not_outlive_a_time_limit(self):
        self.fails("fork-and-sleep", "timeout", "^ran longer than run.time_limit = 0.5 seconds$", "run.time_limit=0.5")
        self.assertFalse(is_alive(self.child()))

    def test_a_killed_host_leaves_no_child_running(self):
        host = self.start("run", self.pairs(["fork-and-sleep"]))
        self.wait_until("a child", lambda: os.path.exists(self.mark) and os.path.getsize(self.mark) > 1)
        child, (worker,) = self.child(), self.workers_of(host)
        self.assertTrue(is_alive(child))
        host.kill()
        host.communicate()
        self.wait_until("the worker's end", lambda: not is_alive(worker))
        self.wait_until("the child's end", lambda: not is_alive(child))

    def test_a_worker_whose_pipe_a_plugin_closed_is_ended_by_the_host(self):
        self.fails("close-records", "failed", "^the worker closed the pipe of its records and went on$")

    def test_how_a_worker_ended_is_known_where_the_host_was_started_ignoring_its_children(self):
        self.fails("exit", "failed", "^the worker ended by exit code 7$", preexec_fn=ignoring(signal.SIGCHLD))

    def test_no_memory_is_told_from_failure(self):
        self.fails("no-memory-wrapped", "oom", "bad_alloc")
        os.remove(self.store)
        self.fails("no-memory-elsewhere", "oom", r"^the worker ended by signal 6 \(aborted\).*bad_alloc")

    def test_a_record_that_is_begun_and_not_ended(self):
        file = self.write(
            seeds="[0]",
            rest='[sweep]\n"energy.behaviour" = ["babble-and-sleep", "normal"]',
            energy='bytes = "6400000004"',
        )
        self.assertEqual(self.act("run", file, "--patience", "30000:500:500"), 1, self.words)
        first, second = self.trials()
        self.assertRegex(
            first[1],
            "^the worker sent a record that was begun and not ended within 0.5 seconds during training, at 10 of 20; a plugin",
        )
        self.assertEqual((first[0], second[0]), ("failed", "done"))

    def test_too_few_descriptors_are_told(self):
        file = self.write()
        for most in (8, 10, 12):
            self.assertNotEqual(
                self.act("run", file, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))), 0
            )
            self.assertIn("Too many open files; raise the limit of open files (ulimit -n)", self.words)

    # --- signals to the host

    def slow_host(self, **more):
        host = self.start("run", self.write(energy=SLOW), **more)
        self.wait_for("SELECT 1 FROM metrics")
        return host

    def test_signals_that_would_end_the_host_stop_it_in_order(self):
        numbers = [
            signal.SIGQUIT,
            signal.SIGHUP,
            signal.SIGUSR2,
            signal.SIGALRM,
            signal.SIGXCPU,
            signal.SIGPROF,
            signal.SIGRTMIN + 3,
        ]
        for number in numbers:
            with self.subTest(number):
                host = self.slow_host()
                host.send_signal(number)
                _, words = host.communicate(timeout=60)
                self.assertEqual(host.returncode, 128 + number, words)
                self.assertIn("stopping: running trials write a checkpoint and end (", words)
                self.assertEqual(self.trials()[0][0], "preempted")
                os.remove(self.store)

    def test_signals_that_say_what_a_failed_write_says_too(self):
        host = self.slow_host(preexec_fn=ignoring(signal.SIGHUP))  # as nohup does
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGCHLD, signal.SIGWINCH):
            host.send_signal(number)
        _, words = host.communicate(timeout=60)
        self.assertEqual(host.returncode, 0, words)

    def test_ctrl_z_stops_the_workers_too_and_no_clock_runs_meanwhile(self):
        host = self.start(
            "run",
            self.write(energy="step_milliseconds = 50.0\ncheckpoint_every = 0", run="time_limit = 5.0"),
            preexec_fn=os.setpgrp,
        )
        self.wait_for("SELECT 1 FROM metrics")
        (worker,) = self.workers_of(host)

        def state(pid):
            with open(f"/proc/{pid}/stat") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0]

        host.send_signal(signal.SIGTSTP)
        self.wait_until("a pause", lambda: state(host.pid) == state(worker) == "T")
        time.sleep(5)
        host.send_signal(signal.SIGCONT)
        _, words = host.communicate(timeout=60)
        self.assertEqual(host.returncode, 0, words)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
