"""kill -9 at random moments: of the host, of a worker, or of both. Afterwards every trial is done or pruned, nothing is
lost and the results, and what a stopping rule decided, equal those of an unbroken run, bit for bit.

The host and worker programs and the experiment are parameters: the fake ones take seconds, the real ones minutes.
"""
import argparse
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", required=True, help="program that understands: run FILE --store FILE")
parser.add_argument("--worker", help="worker program (MARGINALIA_WORKER); default: the host's own")
parser.add_argument("--plugins", help="plugin folder (MARGINALIA_PLUGIN_PATH)")
parser.add_argument("--experiment", required=True)
parser.add_argument("--kills", type=int, default=20)
parser.add_argument("--longest", type=float, default=0.5, help="seconds between a start and its kill, at most")
parser.add_argument("--seed", type=int, default=0)
arguments = parser.parse_args()

environment = dict(os.environ)
if arguments.worker:
    environment["MARGINALIA_WORKER"] = arguments.worker
if arguments.plugins:
    environment["MARGINALIA_PLUGIN_PATH"] = arguments.plugins

# What rightly differs from run to run: how long things took, in which process, and which cores were free for it.
RUN_OWN = ["%seconds%", "%_pid", "%per_second%", "processor", "processors"]
DIFFERS = " AND ".join(f"name NOT LIKE '{pattern}'" for pattern in RUN_OWN)


def start(store):
    return subprocess.Popen([arguments.host, "run", arguments.experiment, "--store", store], env=environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def children_of(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        return [int(child) for task in tasks for child in open(f"/proc/{pid}/task/{task}/children").read().split()]
    except OSError:
        return []


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def results(store):
    database = sqlite3.connect(store)
    statuses = dict(database.execute("SELECT status, count(*) FROM trials GROUP BY status"))
    metrics = database.execute(f"""SELECT config_hash, seed, name, step, value FROM metrics JOIN trials USING (trial_id)
                                   WHERE {DIFFERS} ORDER BY 1, 2, 3, 4""").fetchall()
    finals = database.execute(f"""SELECT config_hash, seed, name, value FROM final_metrics JOIN trials USING (trial_id)
                                  WHERE {DIFFERS} ORDER BY 1, 2, 3""").fetchall()
    rungs = database.execute("""SELECT config_hash, seed, rung, step, value, decision, error FROM rungs
                                JOIN trials USING (trial_id) ORDER BY 1, 2, 3""").fetchall()
    # The archives themselves, from the table behind the view: the final parameters, byte for byte. Those of a training
    # that is not over hold how long it took so far.
    archives = database.execute("""SELECT config_hash, seed, step, trial_id, archive FROM checkpoint
                                   JOIN trials ON trial = trial_id WHERE status = 'done' ORDER BY 1, 2, 3""").fetchall()
    pieces = "SELECT data FROM checkpoint_piece WHERE trial = ? AND archive = ? ORDER BY number"
    checkpoints = [(*row, hashlib.sha256(b"".join(data for data, in database.execute(pieces, place))).hexdigest())
                   for *row, trial, archive in archives for place in [(trial, archive)]]
    left = database.execute("""SELECT count(*) FROM checkpoint_piece p WHERE NOT EXISTS (SELECT 1 FROM checkpoint c
                               WHERE c.trial = p.trial AND c.archive = p.archive)""").fetchone()
    if left != (0,):
        sys.exit(f"{left[0]} pieces are left of checkpoints that were not ended")
    return statuses, metrics, finals, checkpoints, rungs


def run_to_the_end(store):
    host = start(store)
    words = host.communicate()[1]
    if host.returncode != 0:
        sys.exit(f"the last run ended with {host.returncode}:\n{words}")


def broken_run(store, chance, kills):
    """Kills until there were enough, or the sweep is done."""
    while sum(kills.values()) < arguments.kills:
        host = start(store)
        workers = []
        while host.poll() is None and sum(kills.values()) < arguments.kills:
            time.sleep(chance.uniform(0.02, arguments.longest))
            alive = children_of(host.pid)
            workers = alive or workers
            victim = chance.choice(["host", "worker", "both"])
            if host.poll() is not None or (victim != "host" and not alive):
                continue
            if victim != "host":
                kill(chance.choice(alive))
            if victim != "worker":
                kill(host.pid)
            kills[victim] += 1
            if victim != "worker":
                break
        if host.poll() is None and sum(kills.values()) == arguments.kills:
            kill(host.pid)  # the last kill was a worker's: the next run is to find what it left
        words = host.communicate()[1]
        wait_until_gone(workers)
        if host.returncode == 0:
            return
        if host.returncode > 0 and "was lost" not in words:
            sys.exit(f"a run ended with {host.returncode}:\n{words}")


def wait_until_gone(workers):
    deadline = time.time() + 60
    for worker in workers:
        while os.path.exists(f"/proc/{worker}"):
            if time.time() > deadline:
                sys.exit(f"worker {worker} outlives its host")
            time.sleep(0.01)


def compare(expected, found, kills):
    for what, a, b in zip(("statuses", "metrics", "final metrics", "checkpoints", "rungs"), expected, found):
        if a != b:
            differing = sorted(set(map(str, a)) ^ set(map(str, b)))[:6]
            sys.exit(f"{what} differ after {kills}: {len(a)} and {len(b)} entries, for example\n"
                     + "\n".join(differing))


with tempfile.TemporaryDirectory() as folder:
    began = time.time()
    unbroken = os.path.join(folder, "unbroken.db")
    run_to_the_end(unbroken)
    whole = time.time() - began
    expected = results(unbroken)
    chance, kills, rounds = random.Random(arguments.seed), {"host": 0, "worker": 0, "both": 0}, 0
    while sum(kills.values()) < arguments.kills:
        rounds += 1
        broken = os.path.join(folder, f"broken{rounds}.db")
        broken_run(broken, chance, kills)
        run_to_the_end(broken)
        compare(expected, results(broken), kills)
    print(f"unbroken run {whole:.1f} s; {kills} kills in {rounds} sweeps; {expected[0]}: "
          f"{len(expected[1])} metric points, {len(expected[2])} final metrics, {len(expected[3])} checkpoints, "
          f"{len(expected[4])} rungs, all equal")
