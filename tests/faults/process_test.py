"""What plugins do to the processes that they run in, and signals to the host: the trial at fault ends with the true reason, and
the others as if nothing had been."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

from scheduling import HostTest, arguments, rest

SLOW = "step_milliseconds = 100.0\ncheckpoint_every = 0"


def ignoring(number):
    return lambda: signal.signal(number, signal.SIG_IGN)


def abi_of(library):
    with open(library, "rb") as file:
        return re.search(rb"marginalia_plugin_v([0-9]+)", file.read()).group(1).decode()


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Processes(HostTest):
    def setUp(self):
        super().setUp()
        self.mark = os.path.join(self.folder.name, "mark")
        self.environment["MARGINALIA_PLUGIN_PATH"] += ":" + arguments.guilty

    def pairs(self, trials, **more):
        """Trials of the guilty energy, as `how` says, and of the fake one (None), whose states differ."""
        rows = {
            "energy.plugin": ["guilty" if how else "fake" for how in trials],
            "energy.guilty.how": [how or "nothing" for how in trials],
            "energy.fake.variant": list(range(len(trials))),
        }
        return self.write(
            energy=f'[energy.guilty]\nmark = "{self.mark}"',
            rest="[[sweep.zip]]\n" + "\n".join(f'"{key}" = {json.dumps(values)}' for key, values in rows.items()),
            **more,
        )

    def kl(self):
        return self.rows("SELECT value FROM final_metrics WHERE name = 'kl' ORDER BY trial_id")

    def wait_until(self, what, holds, seconds=60):
        deadline = time.time() + seconds
        while not holds():
            self.assertLess(time.time(), deadline, what)
            time.sleep(0.02)

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

    # --- loading

    def test_a_plugin_that_breaks_its_worker_while_it_is_loaded_is_left_out(self):
        babbles = "writes to a file descriptor that is not its own when it is loaded"
        for how, reason in {
            "block": "does not finish loading within 3 seconds",
            "babble": babbles,
            "babble-a-head": babbles,
            "close": "closes a file descriptor that is not its own when it is loaded",
            "fork-and-crash": "crashes when it is loaded: signal 11 (segmentation fault)",
        }.items():
            with self.subTest(how):
                self.environment.update(LOADING=how, XDG_CACHE_HOME=os.path.join(self.folder.name, how))
                self.act("plugins", "--patience", "3000:500:500")
                self.assertIn("slow_to_load.so: " + reason, self.out)
                self.assertIn("energy fake", self.out)

    def test_loading_has_the_same_limit_in_a_trials_worker(self):
        self.environment.update(LOADING="block", LOADING_MARK=self.mark)  # it loads once, to be listed
        file = self.write(rest='[sweep]\n"energy.plugin" = ["slow-to-load", "fake"]')
        began = time.time()
        self.assertEqual(self.act("run", file, "--patience", "3000:500:500"), 1, self.words)
        self.assertLess(time.time() - began, 40)
        (first, reason), second = self.trials()
        self.assertEqual((first, second), ("failed", ("done", None)))
        self.assertRegex(reason, "^[^ ]*/slow_to_load.so does not finish loading within 3 seconds$")

    def test_a_plugin_that_no_trial_names_is_not_opened_for_it(self):
        self.act("plugins")
        self.assertIn("energy slow-to-load", self.out)
        for how in ("block", "babble", "close", "fork-and-crash"):  # from now on
            with self.subTest(how):
                self.environment["LOADING"] = how
                self.assertEqual(self.act("run", self.pairs(["nothing", None]), f"name={how}"), 0, self.words)
                self.assertEqual(self.trials()[-2:], [("done", None)] * 2)

    def test_a_plugin_that_has_gone_bad_fails_its_trials_with_the_reason(self):
        plugins = self.copied_plugins()
        file = self.pairs(["nothing", None])
        spoil = f"[ ! -e {self.mark} ] || echo no library > {plugins}/guilty_energy.so"  # between list and trial
        self.environment["MARGINALIA_WORKER"] = self.counted_worker(spoil)
        self.act("plugins")
        open(self.mark, "w").close()
        self.assertEqual(self.act("run", file), 1, self.words)
        (first, reason), second = self.trials()
        self.assertEqual((first, second), ("failed", ("done", None)))
        self.assertEqual(reason, f"{plugins}/guilty_energy.so: not a shared library")

    # --- what is remembered of plugins

    def copied_plugins(self):
        folder = os.path.join(self.folder.name, "plugins")
        shutil.copytree(arguments.plugins, folder)
        shutil.copytree(arguments.guilty, folder, dirs_exist_ok=True)
        self.environment["MARGINALIA_PLUGIN_PATH"] = folder
        time.sleep(0.2)  # files of this instant are not remembered
        return folder

    def counted_worker(self, before=":"):
        """A worker program that leaves a line for each of its starts; `before`: a command to begin with."""
        worker = os.path.join(self.folder.name, "counted-worker")
        with open(worker, "w") as script:
            script.write(f'#!/bin/sh\necho start >> {worker}.log\n{before}\nexec {arguments.worker} "$@"\n')
        os.chmod(worker, 0o755)
        time.sleep(0.2)
        return worker

    def starts(self, verb, *words):
        """How many workers a verb starts."""
        log = self.environment["MARGINALIA_WORKER"] + ".log"
        before = os.path.getsize(log) if os.path.exists(log) else 0
        self.act(verb, *words)
        return ((os.path.getsize(log) if os.path.exists(log) else 0) - before) // len("start\n")

    def cache(self):
        return os.path.join(self.environment["XDG_CACHE_HOME"], "marginalia", "plugins.json")

    def test_plugins_that_have_not_changed_are_not_opened_again(self):
        plugins = self.copied_plugins()
        self.environment["MARGINALIA_WORKER"] = self.counted_worker()
        with open(os.path.join(plugins, "broken.so"), "w") as file:
            file.write("no library")
        time.sleep(0.2)
        self.assertEqual(self.starts("plugins"), 1)
        listed = self.out
        self.assertIn("broken.so: not a shared library", listed)
        self.assertIn("energy guilty", listed)
        self.assertEqual(self.starts("plugins"), 0)
        self.assertEqual(self.out, listed)
        file = self.pairs(["nothing", None])
        self.assertEqual(self.starts("plan", file), 0)
        self.assertIn("2 trials of 2 to run", self.out)
        self.assertEqual(self.starts("run", file, "run.device=cpu", "run.slots=1"), 1)  # which runs the trials
        self.assertEqual(self.trials(), [("done", None)] * 2)

        os.remove(os.path.join(plugins, "broken.so"))  # then it is not listed, and the others are still known
        self.assertEqual(self.starts("plugins"), 0)
        self.assertNotIn("broken.so", self.out)
        shutil.copy(os.path.join(plugins, "guilty_energy.so"), os.path.join(plugins, "a_second.so"))
        with open(os.path.join(plugins, "fake_energy.so"), "ab") as library:
            library.write(b"\0")
        time.sleep(0.2)
        self.assertEqual(self.starts("plugins"), 1)
        self.assertIn(f"a second energy named 'guilty'; the one in {plugins}/a_second.so is used", self.out)
        self.assertEqual(self.starts("plugins"), 0)
        self.assertIn("energy fake", self.out)
        os.utime(self.environment["MARGINALIA_WORKER"])  # another worker may refuse what this one took
        time.sleep(0.2)
        self.assertEqual(self.starts("plugins"), 1)

    def test_what_the_loader_says_is_not_remembered(self):
        plugins = self.copied_plugins()
        self.environment["MARGINALIA_WORKER"] = self.counted_worker()
        missing = os.path.join(self.folder.name, "missing.so")
        source = os.path.join(self.folder.name, "empty.c")
        open(source, "w").close()
        subprocess.run(["cc", "-shared", "-o", missing, source], check=True)
        library = os.path.join(plugins, "needs.so")
        with open(source, "w") as out:
            out.write("int marginalia_plugin_v%s;" % abi_of(os.path.join(plugins, "fake_energy.so")))
        subprocess.run(["cc", "-shared", "-Wl,--no-as-needed", "-o", library, source, missing], check=True)
        os.remove(missing)
        time.sleep(0.2)
        for _ in range(2):
            self.assertEqual(self.starts("plugins"), 1)
            self.assertIn("needs.so: cannot be loaded: ", self.out)

    def test_a_cache_that_cannot_be_believed_is_made_anew(self):
        self.environment["MARGINALIA_WORKER"] = self.counted_worker()
        self.starts("plugins")
        listed, file = self.out, self.cache()
        with open(file) as cache:
            whole = cache.read()
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        forged = json.loads(whole)
        for plugin in forged["catalogue"]["plugins"]:
            plugin["name"] = "forged"
        forged = json.dumps(forged)
        broken = {
            "cut": whole[: len(whole) // 2],
            "empty": "",
            "deep": "[" * 1_000_000,
            "of another version": whole.replace('"version":1', '"version":2'),
            "without its stamps": json.dumps({"version": 1, "stamps": {}, "catalogue": json.loads(whole)["catalogue"]}),
            "of other types": '{"version": 1, "stamps": [1], "catalogue": "x"}',
        }
        for how, text in broken.items():
            with self.subTest(how):
                with open(file, "w") as cache:
                    cache.write(text)
                self.assertEqual(self.starts("plugins"), 1)
                self.assertEqual(self.out, listed)
                self.assertEqual(self.starts("plugins"), 0)
        strangers = {"that others may write": lambda: os.chmod(file, 0o666), "that is a link": self.link_cache}
        if os.geteuid() == 0:
            strangers["of another user"] = lambda: os.chown(file, 12345, 12345)
        for how, change in strangers.items():
            with self.subTest(how):
                with open(file, "w") as cache:
                    cache.write(forged)
                change()
                self.assertEqual(self.starts("plugins"), 1)
                self.assertEqual(self.out, listed)
                self.assertEqual(self.starts("plugins"), 0)
                self.assertEqual(os.lstat(file).st_uid, os.geteuid())
        os.remove(file)
        os.makedirs(os.path.join(file, "full"))  # nothing can be written there
        for _ in range(2):
            self.assertEqual(self.starts("plugins"), 1)
            self.assertEqual(self.out, listed)

    def link_cache(self):
        os.rename(self.cache(), self.cache() + ".elsewhere")
        os.symlink(self.cache() + ".elsewhere", self.cache())

    def test_many_may_write_the_cache_at_once(self):
        self.environment["MARGINALIA_WORKER"] = self.counted_worker()
        folders = [arguments.plugins, arguments.guilty]
        hosts = []
        for number in range(12):
            self.environment["MARGINALIA_PLUGIN_PATH"] = ":".join(folders if number % 3 else folders[number % 2 :][:1])
            hosts.append(self.start("plugins"))
        for host in hosts:
            out, words = host.communicate(timeout=60)
            self.assertEqual(host.returncode, 0, words)
            self.assertIn("energy ", out)
        with open(self.cache()) as cache:
            json.load(cache)
        self.assertEqual(os.listdir(os.path.dirname(self.cache())), ["plugins.json"])
        self.environment["MARGINALIA_PLUGIN_PATH"] = ":".join(folders)
        self.assertLessEqual(self.starts("plugins"), 1)
        self.assertEqual(self.starts("plugins"), 0)

    def test_a_run_can_be_stopped_while_plugins_are_loaded(self):
        self.environment["LOADING"] = "block"
        host = self.start("run", self.pairs([None]))
        self.wait_until("a worker", lambda: self.workers_of(host))
        time.sleep(0.5)
        host.send_signal(signal.SIGTERM)
        _, words = host.communicate(timeout=20)
        self.assertEqual(host.returncode, 143, words)
        self.assertIn("stopped while plugins were being loaded (SIGTERM)", words)

    def test_only_plain_files_are_opened_as_plugins(self):
        folder = os.path.join(self.folder.name, "odd")
        os.makedirs(os.path.join(folder, "folder.so"))
        os.mkfifo(os.path.join(folder, "fifo.so"))
        os.symlink("/dev/zero", os.path.join(folder, "device.so"))
        os.symlink("loop.so", os.path.join(folder, "loop.so"))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.join(folder, "socket.so"))
        os.symlink("loop", os.path.join(self.folder.name, "loop"))
        self.act("plugins", "--plugin-path", folder, "--plugin-path", os.path.join(self.folder.name, "loop"))
        for name, reason in {
            "folder.so": "not a plain file, but a folder",
            "fifo.so": "not a plain file, but a FIFO",
            "device.so": "not a plain file, but a device",
            "loop.so": "cannot be read: Too many levels of symbolic links",
            "socket.so": "not a plain file, but a socket",
        }.items():
            self.assertIn(f"odd/{name}: {reason}", self.out)
        self.assertIn("/loop: cannot be read: Too many levels of symbolic links", self.out)
        self.assertIn("energy fake", self.out)

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
