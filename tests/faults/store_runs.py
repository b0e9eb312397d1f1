"""What the tests of a run and its store's file share: a host with a fake worker, whose words are listened to."""

import argparse
import os
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

parser = argparse.ArgumentParser()
parser.add_argument("--host", required=True)
parser.add_argument("--worker", required=True)
parser.add_argument("--plugins", required=True)
arguments, rest = parser.parse_known_args()

FILE = """
name = "sweep"
seeds = {seeds}
[energy]
plugin = "fake"
{energy}
[network]
plugin = "fake"
[objective]
plugin = "fake"
[train]
steps = {steps}
[run]
device = "fake:0"
{run}
{rest}
"""


class Runs(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        self.store = os.path.join(self.folder, "store.db")
        self.environment = dict(
            os.environ, MARGINALIA_WORKER=arguments.worker, MARGINALIA_PLUGIN_PATH=arguments.plugins
        )

    def tearDown(self):
        self.temporary.cleanup()

    def write(self, seeds="[0]", energy="", steps=20, run="", rest=""):
        file = os.path.join(self.folder, "sweep.toml")
        with open(file, "w") as out:
            out.write(FILE.format(seeds=seeds, energy=energy, steps=steps, run=run, rest=rest))
        return file

    def start(self, verb, *words, store=None):
        host = subprocess.Popen(
            [arguments.host, verb, *words, "--store", store or self.store],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        host.said = []
        host.listener = threading.Thread(target=lambda: host.said.extend(iter(host.stderr.readline, "")))
        host.listener.start()
        return host

    def end(self, host, limit=60):
        try:
            self.assertIsNotNone(host.wait(limit))
        finally:
            if host.poll() is None:
                host.kill()
            host.listener.join()
            self.out = host.stdout.read()
            host.stdout.close()
            host.stderr.close()
        self.words = "".join(host.said)
        return host.returncode

    def act(self, verb, *words, store=None):
        return self.end(self.start(verb, *words, store=store))

    def rows(self, sql, store=None):
        database = sqlite3.connect(f"file:{store or self.store}?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def wait_for(self, what, sight, limit=60):
        deadline = time.time() + limit
        while time.time() < deadline:
            try:
                if sight():
                    return
            except sqlite3.Error:
                pass
            time.sleep(0.02)
        self.fail("never saw " + what)

    def wait_for_rows(self, sql):
        self.wait_for(sql, lambda: self.rows(sql))

    def wait_for_words(self, host, words):
        self.wait_for(words, lambda: any(words in line for line in list(host.said)))
