"""Plugins that harm their process while they are loaded, and what is remembered of plugins between two starts."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

from guilty_plugins import GuiltyTest
from scheduling import arguments, rest


def abi_of(library):
    with open(library, "rb") as file:
        return re.search(rb"marginalia_plugin_v([0-9]+)", file.read()).group(1).decode()


class PluginLoading(GuiltyTest):
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


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
