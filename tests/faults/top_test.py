"""`marginalia top` in a terminal, driven by tmux: what its screens say at two sizes, of 2 and of 200 trials and of a sweep
that runs, and what its keys do to that.
"""

import collections
import contextlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

from scheduling import HostTest, arguments, rest

SLOW = "step_milliseconds = 20.0\ncheckpoint_every = 5"
SIZES = ((80, 24), (200, 50))


class Screen:
    """A window of tmux in which one command runs."""

    def __init__(self, test, width, height, words, **environment):
        self.socket = "marginalia-top-%d-%d" % (os.getpid(), random.getrandbits(32))
        own = {"LC_ALL": "C.UTF-8", "COLUMNS": "", "NO_COLOR": "", **environment}
        settings = [f"{name}={value}" for name, value in {**test.environment, **own}.items() if name.startswith("MARG") or name in own]
        # What it says at its end stays in the window.
        command = ["env", *settings, "sh", "-c", '"$@"; echo "exit code $?"; exec sleep 1000', "sh", *words]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), *command)
        test.addCleanup(subprocess.run, ["tmux", "-L", self.socket, "kill-server"], capture_output=True)
        self.test = test

    def tmux(self, *words):
        return subprocess.run(["tmux", "-L", self.socket, *words], check=True, capture_output=True, text=True).stdout

    def press(self, *keys):
        for key in keys:
            self.tmux("send-keys", key) if len(key) > 1 and key[0].isupper() else self.tmux("send-keys", "-l", key)

    def resize(self, width, height):
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def text(self, *how):
        return self.tmux("capture-pane", "-p", *how)

    def shows(self, pattern, seconds=20):
        """The screen, when the pattern is on it and it is drawn to its end."""
        deadline = time.time() + seconds
        before = None
        while True:
            text = self.text()
            if re.search(pattern, text, re.M) and text == before:
                return text
            before = text
            if time.time() > deadline:
                self.test.fail(f"never saw {pattern} on\n{text}")
            time.sleep(0.05)


def fill(store, trials):
    """Half of the trials are done, every tenth failed, some are paused and queued, one belongs to a host elsewhere."""
    chance = random.Random(1)
    database = sqlite3.connect(store)
    now = int(time.time() * 1000)
    for table in ("trial", "config", "metric", "summary", "final_metric", "checkpoint", "sample", "figure", "evaluation"):
        database.execute(f"DELETE FROM {table}")
    (metric,) = database.execute("SELECT id FROM metric_name WHERE name = 'kl'").fetchone()
    for i in range(1, trials + 1):
        status = "running" if i == 1 else "failed" if i % 10 == 5 else "paused" if i % 50 == 7 else "done" if i <= trials / 2 else "queued"
        config = '{"network":{"channels":%d,"plugin":"lattice-conv"},"train":{"learning_rate":%s,"steps":2000}}' % (16 << i % 3, 0.001 / (i % 7 + 1))
        database.execute("INSERT INTO config VALUES (?,?,?)", (i, "%064x" % i, config))
        database.execute(
            "INSERT INTO trial(id, experiment, config, seed, sweep, status, error, device, host, boot_id, created, started, attempt_started,"
            " finished, ran, heartbeat) VALUES (?,'lattice',?,?,1,?,?,'cpu','elsewhere','elsewhere',?,?,?,?,60000,?)",
            (i, i, i % 3, status, "energy 'ising': \x1b[31mno\nmore" if status == "failed" else "", now, now, now, now - i, now + 10**7))
        if status == "queued":
            continue
        curve = [(step, 0.02 + 40 * 2 ** (-step / 100) * (1 + chance.random())) for step in range(0, 1001, 10)]
        database.executemany("INSERT INTO metric VALUES (?,?,?,?,0)", [(i, metric, *point) for point in curve])
        values = [value for _, value in curve]
        database.execute("INSERT INTO summary VALUES (?,?,?,0,?,1000,?,1000,?,0)", (i, metric, len(curve), values[-1], min(values), max(values)))
        if status == "done":
            database.execute("INSERT INTO final_metric VALUES (?,?,?)", (i, metric, i / 1000))
    printed = "".join("line %d of the log\n" % line for line in range(1, 301)) + "0%\r100%\r\n\x1b[2Jlast line\n"
    database.executemany("INSERT INTO log VALUES (1, ?, ?, ?)", [(at, now, printed[at:at + 1000].encode()) for at in range(0, len(printed), 1000)])
    database.execute("INSERT INTO progress VALUES (1, 'training', 1100, 2000, 20.0)")
    database.commit()
    database.close()


class Top(HostTest):
    def sample(self, trials):
        subprocess.run([arguments.sample, self.store], check=True)
        fill(self.store, trials)

    def top(self, width, height, *words, **environment):
        return Screen(self, width, height, [arguments.host, "--store", self.store, "top", *words], **environment)

    def check_shape(self, text, width, height):
        lines = text.split("\n")
        self.assertLessEqual(len(lines), height + 1)
        for line in lines:
            self.assertLessEqual(len(line), width)
            self.assertNotRegex(line, r"[\x00-\x1f\x7f]")
        return lines

    # --- screens

    def test_two_and_two_hundred_trials_fit_both_sizes(self):
        for trials in (2, 200):
            self.sample(trials)
            for width, height in SIZES:
                with self.subTest(trials=trials, width=width):
                    lines = self.check_shape(self.top(width, height).shows("q quit$"), width, height)
                    self.assertRegex(lines[0], "^store.db · by activity .*" + ("2 trials" if trials == 2 else "1-%d of 200" % (height - 6)))
                    self.assertRegex(lines[1], r"^1 running, \d+ queued, about \d+ \w+ left; |^1 running, 1 queued$")
                    for heading in ("trial", "status", "progress", "rate", "left", "best kl", "curve"):
                        self.assertIn(heading, lines[2])
                    self.assertRegex(lines[3], r"^>     1 .*running .*█+░+  55% .* 20/s +45 s .* 0\.\d+ .*█[▁-█]+")
                    self.assertEqual(len([line for line in lines[3:height - 3] if line.strip()]), min(trials, height - 6))
                    self.assertEqual("settings" in lines[2], width == 200)
                    self.assertRegex(lines[height - 3], r"^trial 1 of lattice: .*seed=1")
                    self.assertRegex(lines[height - 2], r"^running on cpu for .*: training 1100 of 2000, 20 steps/s, 45 s left")
            os.remove(self.store)

    def test_keys_sort_filter_and_page(self):
        self.sample(200)
        screen = self.top(80, 24)
        screen.shows("^>     1 ")
        screen.press("s", "s")
        best = screen.shows("best kl ↑")
        self.assertRegex(best.split("\n")[3], r"^>     2 +2 +done +█+ 100% +60 s +0.002 ")
        screen.press("S")
        screen.shows("best kl ↓")
        screen.press("PageDown", "j")
        screen.shows("3-20 of 200")
        screen.press("/", "f", "ailed channels=32")
        screen.shows("^filter: failed channels=32")
        text = screen.shows(r"only failed channels=32 +\d+ trials")
        self.assertEqual(set(re.findall(r"^. +\d+ .*?(\w+ed) ", text, re.M)), {"failed"})
        self.assertIn("energy 'ising': \\x1b[31mno\\nmore", text)
        screen.press("Enter", "Escape")
        screen.shows("1-18 of 200")
        screen.press("End")
        screen.shows("183-200 of 200")
        screen.press("q")
        screen.shows("^exit code 0$")

    def test_a_trial_s_curve_has_axes_and_its_best_value(self):
        self.sample(2)
        for width, height in SIZES:
            screen = self.top(width, height)
            screen.shows("^>     1 ")
            screen.press("Enter")
            text = screen.shows(r"^kl \[nats\]: lowest 0\.\d+ at step 1000, last .*; logarithmic")
            self.check_shape(text, width, height)
            self.assertRegex(text, r"(?m)^ *10 ┤.*[⠁-⣿]")
            self.assertRegex(text, r"(?m)^ +└┬─+.*\n +0 .*1000")
            screen.press("y")
            self.assertNotIn("logarithmic", screen.shows(r"^ *\d0 ┤"))
            screen.press("Escape")
            screen.shows("^>     1 ")

    def test_a_trial_s_log_ends_on_the_screen_and_is_scrolled_back(self):
        self.sample(2)
        for width, height in SIZES:
            screen = self.top(width, height)
            screen.shows("^>     1 ")
            screen.press("Enter")
            self.assertRegex(screen.shows(r"^\\x1b\[2Jlast line"), r"(?m)^log\n(line \d+ of the log\n)+100%$")
            screen.press("l")
            lines = self.check_shape(screen.shows("^log, its end"), width, height)
            self.assertEqual(lines[5], "line %d of the log" % (303 - height + 6))
            screen.press("Home")
            screen.shows(r"^log, \d+ lines before its end\nline 1 of the log$")
            screen.press("End")
            screen.shows("last line")
            screen.press("j", "Escape", "Escape", "j", "l")
            screen.shows("^nothing was printed")

    def test_it_follows_a_new_size_down_to_what_is_too_small(self):
        self.sample(200)
        screen = self.top(80, 24)
        screen.shows("1-18 of 200")
        screen.resize(200, 50)
        self.check_shape(screen.shows("1-44 of 200"), 200, 50)
        screen.resize(60, 12)
        self.check_shape(screen.shows("1-6 of 200"), 60, 12)
        screen.resize(30, 6)
        screen.shows("^44 x 10 at least")
        screen.resize(80, 24)
        screen.press("?")
        screen.shows("keys and columns")

    def test_colours_say_nothing_that_words_do_not_and_are_left_out_on_request(self):
        self.sample(200)
        coloured = r"\x1b\[[0-9;]*(3[0-7]|38)[;m]"
        self.assertRegex(self.colours_of(self.top(80, 24)), coloured)
        self.assertNotRegex(self.colours_of(self.top(80, 24, NO_COLOR="1")), coloured)
        plain = self.top(80, 24, LC_ALL="C").shows("^>     1 ")
        self.assertTrue(plain.isascii())
        self.assertRegex(plain, r"running +##+\.+  55%")

    def colours_of(self, screen):
        screen.shows("^>     1 ")
        return screen.text("-e")

    def test_without_a_terminal_it_says_so(self):
        self.sample(2)
        self.assertEqual(self.act("top"), 2)
        refused = "`top` needs a terminal, and this is not one; `marginalia list` prints the trials"
        self.assertEqual(self.words, f"marginalia: {refused}\n")
        screen = self.top(80, 24, TERM="dumb")
        screen.shows("cannot draw on a terminal of the type 'dumb'")
        screen.shows("^exit code 2$")

    def test_a_signal_leaves_the_terminal_as_it_was(self):
        self.sample(2)
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            screen = self.top(80, 24)
            screen.shows("^>     1 ")
            (shell,) = screen.tmux("display-message", "-p", "#{pane_pid}").split()
            with open(f"/proc/{shell}/task/{shell}/children") as children:
                os.kill(int(children.read()), number)
            self.assertNotIn("best kl", screen.shows(f"^exit code {code}$"))

    def test_a_store_that_is_locked_is_watched_and_one_that_goes_away_ends_it(self):
        self.sample(2)
        screen = self.top(80, 24, "--metric", "kl", "lattice")
        screen.shows("store.db · lattice · by activity")
        other = sqlite3.connect(self.store, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        screen.press("p")
        screen.shows("locked")
        other.execute("ROLLBACK")
        other.close()
        screen.press("j", "p")
        screen.shows("^trial 2 is paused")
        os.rename(self.store, self.store + ".away")
        screen.shows("was moved or removed")
        screen.shows("^exit code 2$")

    def test_rows_that_no_host_writes_are_shown_or_refused_in_a_sentence(self):
        values = ("NULL", "x'00ff41'", "'words'", "-1", "9223372036854775807", "9e999", "'{'", "'\x1b[2J'")
        columns = ("trial.ran", "trial.heartbeat", "trial.status", "progress.rate", "progress.done", "progress.phase", "summary.min",
                   "summary.n", "metric.value", "metric.step", "final_metric.value", "config.json", "log.data", "checkpoint.step")
        chance = random.Random(7)
        ends = collections.Counter()
        for _ in range(12):
            self.sample(2)
            table, column = chance.choice(columns).split(".")
            statement = f"UPDATE OR IGNORE {table} SET {column} = {chance.choice(values)}"
            database = sqlite3.connect(self.store)
            with contextlib.suppress(sqlite3.IntegrityError), database:
                database.execute(statement)
            database.close()
            with self.subTest(statement):
                screen = self.top(80, 24)
                screen.press("Enter", "l")
                text = screen.shows("q quit$|^exit code")
                ends["q quit" in text] += 1
                if "q quit" not in text:
                    self.assertRegex(text.replace("\n", ""), r"marginalia: ?store .*damaged.*exit code 4")
                screen.tmux("kill-server")
            os.remove(self.store)
        self.assertGreater(ends[True], 0)

    # --- a sweep that runs

    def run_of(self, seeds, *words):
        file = self.write(seeds=seeds, energy=SLOW)
        host = self.start("run", file, "train.steps=100000", *words)
        self.addCleanup(host.communicate)
        self.addCleanup(host.kill)
        self.wait_for("SELECT 1 FROM metrics")
        return host

    def test_trials_of_a_sweep_are_paused_retried_and_cancelled_from_it(self):
        host = self.run_of("[0, 1, 2]")
        screen = self.top(80, 24)
        screen.shows("^>     1  .*running")
        screen.shows("^1 running, 2 queued")
        screen.press("p")
        screen.shows("^trial 1: its run is asked to pause it, and writes a checkpoint first")
        screen.shows("^. +1  .*paused")
        screen.shows("^. +2  .*running")
        self.assertEqual(self.rows("SELECT status FROM trials WHERE trial_id = 1"), [("paused",)])
        screen.press("s", "Home", "r")
        screen.shows("trial 1 is queued again, for the run under way")
        screen.shows("^> +1  .*queued")
        screen.press("j", "c")
        screen.shows("^cancel trial 2\\? y: yes, any other key: no")
        screen.press("n")
        screen.shows("^nothing was cancelled")
        screen.press("c", "y")
        screen.shows("^> +2  .*cancelled")
        screen.press("r")
        screen.shows("trial 2 is queued again")
        for key, trial in (("Home", 1), ("j", 2), ("j", 3)):
            screen.press(key, "c", "y")
            screen.shows(f"^> +{trial}  .*cancelled")
        self.assertEqual(host.wait(60), 0)
        screen.press("p")
        screen.shows("trial 3 is cancelled, so there is nothing to pause")


if __name__ == "__main__":
    if shutil.which("tmux") is None:
        print("skipped: tmux is not installed, so nothing drives the live view; apt-get install tmux")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *(word for word in rest if word.startswith("Top"))])
