"""What a stop leaves open, what it says of each trial, and that `resume` goes on with all of it."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

from scheduling import HostTest, arguments, rest

SLOW = "step_milliseconds = 50.0\ncheckpoint_every = 0"
FOUR_LINES = [json.dumps({"id": i, "parameters": {"energy.variant": i}}) + "\n" for i in range(4)]


class OpenTrials(HostTest):
    def statuses(self):
        return [status for status, _ in self.trials()]

    def stopped(self, host, ready):
        self.wait_for(ready)
        host.send_signal(signal.SIGINT)
        _, words = host.communicate(timeout=60)
        self.assertEqual(host.returncode, 130, words)
        return words

    def test_resume_goes_on_with_earlier_runs_of_the_experiment(self):
        file = self.write(energy=SLOW, rest='[sweep]\n"energy.variant" = [1, 2]')
        self.stopped(self.start("run", file), "SELECT 1 FROM metrics")
        self.assertEqual(self.statuses(), ["preempted", "queued"])
        self.write(energy=SLOW, rest='[sweep]\n"energy.variant" = [3]')
        self.stopped(self.start("run", file), "SELECT 1 FROM metrics WHERE trial_id = 3")
        self.assertEqual(self.statuses(), ["preempted", "queued", "preempted"])
        self.assertEqual(self.act("resume", "sweep"), 0, self.words)
        self.assertIn("sweep: 3 trials, 3 to run", self.words)
        self.assertEqual(self.statuses(), ["done"] * 3)
        # Each by its own config, and the stopped ones from their checkpoints.
        self.assertEqual(self.rows("SELECT count(*) FROM metrics WHERE name = 'loss'"), [(60,)])
        self.assertEqual(self.rows("SELECT count(DISTINCT config_hash) FROM trials"), [(3,)])
        self.assertEqual(self.act("resume", "sweep"), 0)
        self.assertIn("nothing to run", self.words)

    def test_resume_counts_what_earlier_runs_left_failed(self):
        file = self.write(energy='behaviour = "throw"')
        self.assertEqual(self.act("run", file), 1)
        self.write(energy="variant = 5")
        self.assertEqual(self.act("run", file), 0)
        self.assertEqual(self.act("resume", "sweep"), 1)
        self.assertIn("2 trials, 1 already done, 1 left failed (--retry-failed tries them again)", self.words)

    def test_resume_goes_on_with_every_line_of_tell(self):
        file = self.write(energy=SLOW, rest='[sweep]\n"energy.variant" = [0, 1, 2, 3]')
        host = self.start("tell", file, stdin=subprocess.PIPE)
        self.addCleanup(host.kill)
        host.stdin.writelines(FOUR_LINES)
        host.stdin.flush()
        self.wait_for("SELECT 1 WHERE (SELECT count(*) FROM trials) = 4")
        self.stopped(host, "SELECT 1 FROM metrics")
        self.assertEqual(self.statuses(), ["preempted", "queued", "queued", "queued"])
        self.assertEqual(self.act("resume", "sweep"), 0, self.words)
        self.assertEqual(self.statuses(), ["done"] * 4, self.words)

    def on_terminal(self, file, *signals):
        """What a run with two slots prints on a terminal when both trials are running and these signals come."""
        ours, theirs = pty.openpty()
        host = subprocess.Popen(
            [arguments.host, "run", file, "run.device=fake:0,fake:1", "--store", self.store],
            env={**self.environment, "TERM": "xterm"}, stdout=theirs, stderr=theirs)
        self.addCleanup(host.kill)
        os.close(theirs)
        said = []

        def read():
            try:
                while piece := os.read(ours, 4096):
                    said.append(piece)
            except OSError:
                pass

        reader = threading.Thread(target=read)
        reader.start()
        self.wait_for("SELECT 1 WHERE (SELECT count(DISTINCT trial_id) FROM metrics) = 2")
        for number in signals:
            time.sleep(0.7)
            host.send_signal(number)
        self.assertEqual(host.wait(60), 130)
        reader.join()
        os.close(ours)
        return b"".join(said).decode()

    def test_ctrl_c_with_two_trials_running_tells_of_both(self):
        text = self.on_terminal(self.write(seeds="[0, 1]", energy=SLOW.replace("50", "200")), signal.SIGINT)
        self.assertIn("stopping: running trials write a checkpoint and end; press Ctrl-C again to kill them", text)
        steps = dict(re.findall(r"trial (\d) \(seed \d\) stopped with its checkpoint of step (\d+) after", text))
        self.assertEqual(sorted(steps), ["1", "2"], text)
        kept = self.rows("SELECT trial_id, max(step) FROM checkpoints GROUP BY trial_id")
        self.assertEqual(kept, [(int(trial), int(steps[trial])) for trial in sorted(steps)])

    def test_a_second_ctrl_c_kills_both(self):
        text = self.on_terminal(self.write(seeds="[0, 1]", energy='behaviour = "sleep"'), signal.SIGINT, signal.SIGINT)
        self.assertIn("killing what still runs", text)
        self.assertEqual(len(re.findall(r"trial \d \(seed \d\) killed (before its first|with its) checkpoint", text)), 2, text)
        self.assertEqual(self.statuses(), ["preempted"] * 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest])
