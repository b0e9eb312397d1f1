"""A Slurm of four nodes on this machine, for tests: slurmctld, four slurmd and munged, all ended with the `with` block.

Needs root and Debian's packages slurmctld, slurmd, slurm-client and munge; `missing()` says what is not there.
"""

import os
import shutil
import signal
import socket
import subprocess
import time

NODES = 4

CONF = """
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
SlurmdTimeout=5
InactiveLimit=0
KillWait=2
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,sched_min_interval=100000,batch_sched_delay=0
EpilogMsgTime=1
MaxArraySize=1001
NodeName=n[1-{nodes}] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=1 RealMemory=1000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    if os.geteuid() != 0:
        return "it needs root"
    programs = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name)]
    return f"{', '.join(programs)} not installed" if programs else ""


def free_ports(count):
    """Numbers that follow each other, none of them in use a moment ago."""
    for first in range(20000 + os.getpid() % 10000, 60000, count):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for number, one in enumerate(sockets, first):
                one.bind(("127.0.0.1", number))
            return first
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise RuntimeError("no free ports")


class Slurm:
    """Its folder must be the test's own; `environment` is that of programs that speak to it."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.conf = os.path.join(self.folder, "slurm.conf")
        self.environment = dict(os.environ, SLURM_CONF=self.conf)
        self.daemons = {}

    def __enter__(self):
        os.makedirs(os.path.join(self.folder, "state"))
        first = free_ports(NODES + 1)
        text = CONF.format(folder=self.folder, port=first, first=first + 1, last=first + NODES, nodes=NODES)
        with open(self.conf, "w") as out:
            out.write(text)
        key = os.path.join(self.folder, "munge.key")
        with open(key, "wb") as out:
            out.write(os.urandom(1024))
        os.chmod(key, 0o400)
        os.chmod(self.folder, 0o755)
        files = [f"--{what}={self.folder}/munge.{what}" for what in ("socket", "log-file", "pid-file", "seed-file")]
        self.start("munge", "munged", "--foreground", "--force", f"--key-file={key}", *files)
        self.wait_for(lambda: os.path.exists(f"{self.folder}/munge.socket"), "munged")
        self.start("control", "slurmctld", "-D", "-f", self.conf)
        for number in range(1, NODES + 1):
            self.start(f"n{number}", "slurmd", "-D", "-N", f"n{number}", "-f", self.conf)
        self.wait_for(lambda: self.idle() == NODES, "its nodes to be idle")
        return self

    def __exit__(self, *_):
        self.say("scancel", "--full", "--user=root")
        for daemon in reversed(self.daemons.values()):
            daemon.send_signal(signal.SIGTERM)
        for daemon in self.daemons.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def start(self, name, *command):
        with open(os.path.join(self.folder, name + ".said"), "w") as log:
            self.daemons[name] = subprocess.Popen(command, env=self.environment, stdout=log, stderr=subprocess.STDOUT)

    def say(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def idle(self):
        return self.say("sinfo", "--noheader", "--Node", "--states=idle", "--format=%N").count("\n")

    def wait_for(self, happened, what, seconds=60):
        deadline = time.time() + seconds
        while not happened():
            if time.time() > deadline:
                raise RuntimeError(f"{what} did not come within {seconds} s; see {self.folder}")
            time.sleep(0.1)

    def lose(self, node):
        """The node is gone, with all that runs there, as by a power cut."""
        daemon = self.daemons.pop(node)
        steps = self.processes_of(node)
        # Those first that would report the end of the others.
        reporters = {parent for parent in map(parent_of, steps) if name_of(parent) == "slurmstepd"}
        for pid in [daemon.pid, *reporters, *descendants(daemon.pid), *steps]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        daemon.wait()
        self.say("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def processes_of(self, node):
        """What Slurm has started there: its steps are children of no daemon, but have its name in their environment."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as variables:
                    text = variables.read()
            except OSError:
                continue
            if f"SLURMD_NODENAME={node}\0".encode() in text and f"SLURM_CONF={self.conf}\0".encode() in text:
                found.append(int(entry))
        return found


def field_of(pid, name):
    try:
        with open(f"/proc/{pid}/status") as lines:
            return next((line.split()[1] for line in lines if line.startswith(name + ":")), "")
    except OSError:
        return ""


def parent_of(pid):
    return int(field_of(pid, "PPid") or 0)


def name_of(pid):
    return field_of(pid, "Name")


def descendants(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as listed:
            children = [int(child) for child in listed.read().split()]
    except OSError:
        return []
    return children + [below for child in children for below in descendants(child)]
