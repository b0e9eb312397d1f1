"""After kill -9 of the host all verbs say of its trial that it is lost, and no time goes on. Then Ctrl-C for `query`: it
ends at once, with nothing left beside the store.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", required=True)
parser.add_argument("--worker", required=True)
parser.add_argument("--plugins", required=True)
arguments = parser.parse_args()
environment = {
    **os.environ,
    "NO_COLOR": "1",
    "MARGINALIA_WORKER": arguments.worker,
    "MARGINALIA_PLUGIN_PATH": arguments.plugins,
}
TOML = """name = "dead"
seeds = [0]
[energy]
plugin = "fake"
step_milliseconds = 20.0
checkpoint_every = 5
[network]
plugin = "fake"
[objective]
plugin = "fake"
[train]
steps = 100000
[run]
device = "fake:0"
checkpoint_seconds = 0.0
"""


def verb(*words):
    done = subprocess.run(
        [arguments.host, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def check(good, what):
    if not good:
        sys.exit(f"dead_test: {what}")


def wait_for(what, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def has_points():
    try:
        with contextlib.closing(sqlite3.connect(f"file:{folder}/marginalia.db?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM metrics").fetchone()[0] > 0
    except sqlite3.OperationalError:
        return False


def statuses():
    """What each verb says of the one trial."""
    said = {
        "list": json.loads(verb("list", "--format", "json")[1])[0]["status"],
        "show": json.loads(verb("show", "1", "--format", "json")[1])["status"],
        "query": json.loads(verb("query", "SELECT status FROM trials", "--format", "json")[1])[0]["status"],
        "export": json.loads(verb("export", "trials", "--format", "json")[1])[0]["status"],
        "plan": re.search(r"\b(running|lost|queued)\b", verb("plan", "dead.toml")[1]).group(1),
        "experiments": json.loads(verb("list", "--experiments", "--format", "json")[1])[0]["states"].split()[1],
    }
    verb("report", "dead", "--out", "r.html")
    said["report"] = re.search(r'"seed":\d+,"status":"(\w+)"', open(os.path.join(folder, "r.html")).read()).group(1)
    for status in ("running", "lost"):
        said["filter " + status] = (
            said["list"] if (verb("list", "--status", status)[0] == 0) == (status == said["list"]) else "?"
        )
    return said


def ctrl_c(sql, *options):
    asked = subprocess.Popen(
        [arguments.host, "query", sql, *options],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    # It has begun when it has used some time of the processor.
    check(
        wait_for(lambda: sum(map(int, open(f"/proc/{asked.pid}/stat").read().rsplit(")", 1)[1].split()[11:13])) > 10),
        "the query did not begin",
    )
    began = time.time()
    asked.send_signal(signal.SIGINT)
    words = asked.communicate(timeout=60)[1]
    taken = time.time() - began
    check(
        asked.returncode == 130 and words == "marginalia: the query was stopped\n",
        f"Ctrl-C: {asked.returncode} {words!r}",
    )
    check(taken < 5, f"Ctrl-C took {taken:.1f} s")
    return taken


with tempfile.TemporaryDirectory() as folder:
    open(os.path.join(folder, "dead.toml"), "w").write(TOML)
    host = subprocess.Popen([arguments.host, "run", "dead.toml", "--quiet"], cwd=folder, env=environment)
    check(wait_for(has_points), "the run did not begin")
    living = statuses()
    check(set(living.values()) == {"running"}, f"while it runs: {living}")
    host.kill()
    host.wait()
    dead = statuses()
    check(set(dead.values()) == {"lost"}, f"after kill -9: {dead}")
    times = [verb("list", "--format", "json")[1] for _ in range(2)]
    check(json.loads(times[0])[0]["time"] == json.loads(times[1])[0]["time"], "the time of a lost trial goes on")
    check("is gone" in verb("show", "1")[1], "show says not why")
    with contextlib.closing(sqlite3.connect(f"file:{folder}/marginalia.db?mode=ro", uri=True)) as database:
        check(database.execute("SELECT status FROM trials").fetchone()[0] == "running", "a reading verb wrote")
    endless = "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT "
    stops = [
        ctrl_c(endless + "count(*) FROM a"),
        ctrl_c(endless + "x FROM a", "--format", "csv"),
        ctrl_c("SELECT count(*) FROM pragma_function_list a, pragma_function_list b, pragma_function_list c"),
    ]
    print(
        f"dead_test: {len(living) + len(dead)} answers agree; Ctrl-C took at most {1000 * max(stops):.0f} ms; 0 faults"
    )
