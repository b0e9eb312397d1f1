"""What the tests of the scheduler share: a host with a fake worker, and looking at its store."""

import argparse
import os
import sqlite3
import subprocess
import tempfile
import time
import unittest

parser = argparse.ArgumentParser()
parser.add_argument("--host", required=True)
parser.add_argument("--worker", required=True)
parser.add_argument("--plugins", required=True)
parser.add_argument("--guilty", help="folder of plugins that harm their process")
parser.add_argument("--sample", help="program that writes the sample store")
arguments, rest = parser.parse_known_args()

FILE = """
name = "{name}"
seeds = {seeds}
[energy]
plugin = "fake"
{energy}
[network]
plugin = "fake"
[objective]
plugin = "fake"
[train]
steps = 20
{train}
[run]
device = "fake:0"
{run}
{rest}
"""


class HostTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = os.path.join(self.folder.name, "store.db")
        self.environment = dict(
            os.environ,
            MARGINALIA_WORKER=arguments.worker,
            MARGINALIA_PLUGIN_PATH=arguments.plugins,
            XDG_CACHE_HOME=os.path.join(self.folder.name, "cache"),
        )

    def tearDown(self):
        self.folder.cleanup()

    def write(self, seeds="[0]", energy="", train="", run="", rest="", name="sweep"):
        file = os.path.join(self.folder.name, name + ".toml")
        with open(file, "w") as out:
            out.write(FILE.format(name=name, seeds=seeds, energy=energy, train=train, run=run, rest=rest))
        return file

    def start(self, verb, *words, **more):
        return subprocess.Popen(
            [arguments.host, verb, *words, "--store", self.store],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def act(self, verb, *words, **more):
        host = self.start(verb, *words, **more)
        self.out, self.words = host.communicate(timeout=60)
        return host.returncode

    def rows(self, sql):
        database = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def trials(self):
        return self.rows("SELECT status, error FROM trials ORDER BY trial_id")

    def wait_for(self, sql):
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                if self.rows(sql):
                    return
            except sqlite3.Error:
                pass
            time.sleep(0.02)
        self.fail("never saw: " + sql)

    def workers_of(self, host):
        with open(f"/proc/{host.pid}/task/{host.pid}/children") as children:
            return children.read().split()
