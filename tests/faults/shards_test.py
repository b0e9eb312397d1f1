"""A sweep in parts, for machines without a cluster's engine: GNU parallel carries the parts there and back, here and by ssh
to this machine; parts that were interrupted go on from their checkpoints; `merge` under kill -9, and given files that are
no shards.

    shards_test.py --host MARGINALIA --worker FAKE_WORKER --plugins FOLDER

FAULT_ROUNDS kills of `merge`, from FAULT_SEED on.
"""

import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import unittest

import scheduling

ROUNDS = int(os.environ.get("FAULT_ROUNDS") or 20)
chance = random.Random(int(os.environ.get("FAULT_SEED") or 1))
HOST = scheduling.arguments.host
RESULTS = """SELECT config_hash, seed, name, value FROM final_metrics JOIN trials USING (trial_id)
             WHERE name = 'kl' ORDER BY 1, 2"""
CURVES = """SELECT config_hash, seed, name, step, value FROM metrics JOIN trials USING (trial_id)
            WHERE name = 'loss' ORDER BY 1, 2, 3, 4"""


class ShardsTest(scheduling.HostTest):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("home"))
        self.store = self.path("home/store.db")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def submit(self, file, parts, *words):
        self.assertEqual(self.act("submit", file, "--parts", str(parts), *words, cwd=self.path("home")), 0, self.words)
        return [self.path(f"home/sweep-{part}.db") for part in range(1, parts + 1)]

    def merge(self, *shards, code=0):
        done = subprocess.run([HOST, "merge", self.store, *shards], env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def resume(self, part, **more):
        return subprocess.Popen([HOST, "resume", "--no-new", "-q", "--store", part], env=self.environment,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **more)

    def of(self, file, sql):
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def check_equals_a_local_run(self, file):
        local = self.path("local.db")
        run = [HOST, "run", file, "--store", local, "-q"]
        subprocess.run(run, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        for query in (RESULTS, CURVES):
            self.assertEqual(self.rows(query), self.of(local, query))
        doctor = subprocess.run([HOST, "doctor", "--store", self.store], env=self.environment, capture_output=True, text=True)
        self.assertEqual(doctor.returncode, 0, doctor.stdout + doctor.stderr)

    def parallel(self, words, parts):
        """As docs/clusters.md has it, in the folder of the parts."""
        command = ["parallel", "--jobs", "1", *words, "env", *(f"{name}={self.environment[name]}" for name in
                   ("MARGINALIA_WORKER", "MARGINALIA_PLUGIN_PATH", "XDG_CACHE_HOME")),
                   HOST, "resume", "--no-new", "-q", "--store", "{}", ":::", *map(os.path.basename, parts)]
        done = subprocess.run(command, env=dict(self.environment, HOME=self.folder.name), cwd=self.path("home"),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    # --- parts

    def test_parts_run_by_parallel_come_home_as_a_local_run(self):
        if not shutil.which("parallel"):
            self.skipTest("GNU parallel is not installed")
        file = self.write(seeds="[0, 1, 2, 3, 4]", train="", rest='[sweep]\n"energy.variant" = [1, 2, 3, 4]')
        parts = self.submit(file, 3)
        self.assertIn("sweep: 20 trials in 3 stores\n", self.out)
        self.assertIn("--trc {} marginalia resume --no-new --store {} ::: sweep-{1..3}.db", self.out)
        self.assertEqual([len(self.of(part, "SELECT 1 FROM trials")) for part in parts], [7, 7, 6])
        self.assertEqual(self.rows("SELECT status, count(*) FROM trials GROUP BY 1"), [("queued", 20)])
        # Names that are taken are left as they are.
        self.assertEqual(self.act("submit", file, "--parts", "3", cwd=self.path("home")), 2)
        self.assertIn("sweep-1.db is there already", self.words)

        self.parallel(["--sshlogin", ":"], parts)
        self.assertIn("0 trials added, 20 updated, 0 as they were", self.merge(*parts)[0])
        self.assertIn("0 trials added, 0 updated, 20 as they were", self.merge(*parts)[0])
        self.check_equals_a_local_run(file)

    def test_parts_travel_by_ssh(self):
        with Sshd(self.path("ssh")) as sshd:
            if sshd.missing:
                self.skipTest(sshd.missing)
            file = self.write(seeds="[0, 1, 2, 3]", rest='[sweep]\n"energy.variant" = [1, 2]')
            parts = self.submit(file, 4)
            log = self.path("joblog")
            self.parallel(["--ssh", f"ssh -F {sshd.config}", "--sshlogin", "alice,bob", "--workdir", "...", "--trc", "{}",
                           "--joblog", log], parts)
            self.assertIn("0 trials added, 8 updated", self.merge(*parts)[0])
            hosts = [line.split("\t")[1] for line in pathlib.Path(log).read_text().splitlines()[1:]]
            self.assertEqual((len(hosts), set(hosts)), (4, {"alice", "bob"}))
            self.check_equals_a_local_run(file)

    def test_what_a_lost_machine_left_goes_on_here_from_its_checkpoint(self):
        file = self.write(seeds="[0, 1]", energy="step_milliseconds = 50.0\ncheckpoint_every = 5",
                          run="checkpoint_seconds = 0.0")
        [part] = self.submit(file, 1)
        there = self.resume(part, start_new_session=True)
        deadline = time.time() + 60
        while time.time() < deadline and not self.of(part, "SELECT 1 FROM checkpoints WHERE trial_id = 1 AND step >= 5"):
            time.sleep(0.02)
        os.killpg(there.pid, signal.SIGKILL)
        there.communicate()
        self.merge(part)
        [(status, step)] = self.rows("SELECT status, (SELECT max(step) FROM checkpoints c WHERE c.trial_id = t.trial_id) "
                                     "FROM trials t WHERE trial_id = 1")
        self.assertEqual(status, "lost")
        before = self.rows("SELECT step, time FROM metrics WHERE trial_id = 1 AND name = 'loss' ORDER BY 1")
        self.assertEqual(self.act("resume", "sweep"), 0, self.words)
        after = self.rows("SELECT step, time FROM metrics WHERE trial_id = 1 AND name = 'loss' ORDER BY 1")
        # Up to the checkpoint the points are those that were made there, by their times.
        self.assertGreaterEqual(step, 5)
        self.assertEqual([row for row in after if row[0] <= step], [row for row in before if row[0] <= step])
        self.assertEqual(self.rows("SELECT attempts, status FROM trials WHERE trial_id = 1"), [(2, "done")])
        self.check_equals_a_local_run(file)

    # --- merge

    def trained_parts(self, parts, megabytes):
        file = self.write(seeds=str(list(range(parts * 3))), energy=f"checkpoint_megabytes = {megabytes}")
        files = self.submit(file, parts)
        for part in files:
            there = self.resume(part)
            self.assertEqual(there.communicate(timeout=60)[1], "")
            self.assertEqual(there.returncode, 0)
        return file, files

    def test_merge_is_resumed_after_kill_9_at_any_moment(self):
        file, parts = self.trained_parts(6, 3.0)
        began = time.time()
        whole = self.path("whole.db")
        shutil.copy(self.store, whole)
        subprocess.run([HOST, "merge", whole, *parts], check=True, stdout=subprocess.DEVNULL)
        takes = time.time() - began
        killed = partly = 0
        for number in range(ROUNDS):
            store = self.path(f"killed{number % 2}.db")
            for old in pathlib.Path(self.folder.name).glob(f"killed{number % 2}*"):
                old.unlink()
            shutil.copy(self.store, store)
            merge = subprocess.Popen([HOST, "merge", store, *parts], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * takes)
            merge.kill()
            killed += merge.wait() == -signal.SIGKILL
            database = sqlite3.connect(store)
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            done = database.execute("SELECT count(*) FROM trials WHERE status = 'done'").fetchone()[0]
            self.assertEqual(done % 3, 0, "a shard came home in part")
            partly += 0 < done < 18
            database.close()
            subprocess.run([HOST, "merge", store, *parts], check=True, stdout=subprocess.DEVNULL)
            for query in (RESULTS, CURVES, "SELECT trial_id, step, bytes FROM checkpoints ORDER BY 1, 2"):
                self.assertEqual(self.of(store, query), self.of(whole, query))
        shutil.copy(store, self.store)
        self.check_equals_a_local_run(file)
        print(f"merge: {ROUNDS} inputs, {killed} answered, {ROUNDS - killed} refused, 0 faults ({partly} when some shards were "
              "home)", flush=True)

    def test_files_that_are_no_shards_are_named_and_the_others_come_home(self):
        file, parts = self.trained_parts(3, 0.0)
        words, newer, cut, other, link = (self.path(name) for name in ("w.db", "n.db", "c.db", "o.db", "l.db"))
        pathlib.Path(words).write_text("no store\n")
        shutil.copy(parts[0], newer)
        database = sqlite3.connect(newer)
        database.execute("PRAGMA user_version = 99")
        database.close()
        shutil.copy(parts[0], cut)
        os.truncate(cut, 20_000)
        second = self.write(name="other")
        subprocess.run([HOST, "run", second, "--store", other, "-q"], env=self.environment, check=True, stdout=subprocess.DEVNULL)
        os.symlink(parts[1], link)
        out, said = self.merge(words, newer, parts[0], self.path("none.db"), cut, self.store, link, other, code=4)
        self.assertIn("1 trial added, 6 updated, 0 as they were", out)
        lines = said.splitlines()
        self.assertEqual(len(lines), 5, said)
        for line, what in zip(lines, ("w.db is not a marginalia store", "n.db has layout version 99", "no store", "its end is missing",
                                      "store.db is the store itself")):
            self.assertTrue(line.startswith("left out: "), line)
            self.assertIn(what, line)
        self.assertNotIn("none.db-wal", os.listdir(self.folder.name))
        self.merge(*parts)
        self.assertEqual(self.rows("SELECT status, count(*) FROM trials GROUP BY 1"), [("done", 10)])

    def test_a_copy_of_a_job_that_is_cut_off_is_named_and_the_others_count(self):
        file, parts = self.trained_parts(2, 0.0)
        job = pathlib.Path(self.store + ".slurm", "sweep-1")
        for folder in ("tasks", "out"):
            os.makedirs(job / folder)
        (job / "job.json").write_text('{"experiment": "sweep", "jobs": [1], "tasks": 2, "tasks_per_job": 2, "hand_over": 60}')
        for task, part in enumerate(parts):
            shutil.copy(part, job / "tasks" / f"{task}.db")
        shutil.copy(parts[0], job / "out" / "0-0.db")
        os.truncate(job / "out" / "0-0.db", 20_000)
        self.environment["PATH"] = "/nowhere"  # no squeue
        self.assertEqual(self.act("status"), 0, self.words)
        self.assertRegex(self.out, "sweep-1 .* 3 done")
        self.assertRegex(self.words, r"0-0\.db is damaged \(its end is missing\)")
        out, said = self.merge(str(job), code=4)
        self.assertIn("0 trials added, 3 updated, 0 as they were", out)
        self.assertRegex(said, r"^left out: store \S+0-0\.db is damaged")

    def test_a_shard_that_is_written_meanwhile_comes_home_whole_or_later(self):
        file = self.write(seeds="[0, 1, 2, 3]", energy="step_milliseconds = 20.0\ncheckpoint_every = 2",
                          run="checkpoint_seconds = 0.0")
        [part] = self.submit(file, 1)
        there = self.resume(part)
        merges = 0
        while there.poll() is None:
            self.merge(part)
            self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)])
            merges += 1
        self.assertEqual(there.returncode, 0, there.stderr.read())
        there.stderr.close()
        self.merge(part)
        self.assertGreater(merges, 3)
        self.check_equals_a_local_run(file)

    def test_what_runs_here_is_left_alone(self):
        file, parts = self.trained_parts(2, 0.0)
        for part in parts:  # trained there: here they begin anew
            self.assertEqual(self.of(part, "SELECT DISTINCT status FROM trials"), [("done",)])
        running = self.start("run", file, "energy.step_milliseconds=0.0")
        while running.poll() is None:
            self.merge(*parts)
        running.communicate()
        self.assertEqual(self.rows("SELECT status, count(*) FROM trials GROUP BY 1"), [("done", 6)])
        self.merge(*parts)
        self.check_equals_a_local_run(file)


class Sshd:
    """An OpenSSH server on this machine for two names of it, with keys of its own; ended with the `with` block."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "config"
        self.server = None
        self.missing = self.why_not()

    def why_not(self):
        for program in ("parallel", "rsync"):
            if not shutil.which(program):
                return f"{program} is not installed"
        self.program = shutil.which("sshd", path="/usr/sbin:" + os.environ.get("PATH", ""))
        if not self.program or not shutil.which("ssh-keygen"):
            return "OpenSSH's server is not installed"
        try:
            pwd.getpwnam("sshd")
        except KeyError:
            return "there is no user sshd, whom OpenSSH's server wants"
        return "" if os.geteuid() == 0 else "OpenSSH's server wants root here"

    def __enter__(self):
        if self.missing:
            return self
        self.folder.mkdir(mode=0o700)
        os.makedirs("/run/sshd", exist_ok=True)
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / key], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self.folder / "server").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nAuthorizedKeysFile {self.folder}/user.pub\n"
            "StrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\nMaxStartups 100\nPidFile none\n"
            f"SetEnv PATH={os.environ['PATH']}\n")
        for name in ("alice", "bob"):
            with open(self.config, "a") as out:
                out.write(f"Host {name}\n  HostName 127.0.0.1\n  Port {port}\n  User {pwd.getpwuid(os.geteuid()).pw_name}\n"
                          f"  IdentityFile {self.folder}/user\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
                          "  LogLevel ERROR\n")
        self.server = subprocess.Popen([self.program, "-D", "-e", "-f", self.folder / "server"], stderr=subprocess.PIPE, text=True)
        deadline = time.time() + 20
        while time.time() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return self
            time.sleep(0.05)
        self.missing = f"OpenSSH's server does not start: {self.stop()}"
        self.server = None
        return self

    def __exit__(self, *_):
        if self.server:
            self.stop()

    def stop(self):
        self.server.terminate()
        return self.server.communicate()[1]


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *scheduling.rest], verbosity=2)
