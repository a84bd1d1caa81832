"""A Slurm of one controller and some nodes of one core each, all on this machine, for as long as a test needs it.

It takes root, and Debian's packages slurm-wlm and munge.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil

_TOOLS = ("slurmctld", "slurmd", "sbatch", "squeue", "munged")
_SECONDS_TO_COME_UP = 30.0


def why_not() -> str:
    """Why there can be no Slurm here; empty where there can."""
    if os.geteuid() != 0:
        return "starting Slurm's daemons needs root"
    missing = [tool for tool in _TOOLS if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    return f"needs {', '.join(missing)}: make cluster-test installs them" if missing else ""


class LoopbackSlurm:
    """The cluster; `environment` is what its commands need."""

    def __init__(self, folder: Path, nodes: int = 2) -> None:
        self._folder = folder
        self._configuration = folder / "slurm.conf"
        self.environment = {**os.environ, "SLURM_CONF": str(self._configuration)}
        self.environment["PATH"] += ":/usr/sbin"
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]

    def start(self) -> None:
        """Start the daemons, and wait until the nodes are up."""
        self._configure()
        self._start_munge()
        self.run("slurmctld", "-L", str(self._folder / "slurmctld.log"))
        for node in self.nodes:
            self.start_node(node)
        patience = time.monotonic() + _SECONDS_TO_COME_UP
        while self.run("sinfo", "-h", "-N", "-p", "main", "-t", "idle", "-o", "%N").split() != self.nodes:
            assert time.monotonic() < patience, f"the nodes did not come up: see {self._folder}/*.log"
            time.sleep(0.2)

    def run(self, *command: str) -> str:
        """Run a command of the cluster, and return what it prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def start_node(self, node: str) -> None:
        """Start a node's daemon."""
        self.run("slurmd", "-N", node, "-L", str(self._folder / f"slurmd-{node}.log"))

    def kill_node(self, node: str) -> None:
        """Kill a node's daemon and all that it runs, as a power cut does."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self._folder / f"slurmd-{node}.pid").read_text()), signal.SIGKILL)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                environment = process.environ()
                here = environment.get("SLURM_CONF") == str(self._configuration)
                if here and environment.get("SLURMD_NODENAME") == node:
                    process.kill()

    def stop(self) -> None:
        """End everything."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.run("scancel", "--user=root")
        for node in self.nodes:
            self.kill_node(node)
        for pid in self._folder.glob("*.pid"):
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(pid.read_text()), signal.SIGTERM)

    def _configure(self) -> None:
        host, port = os.uname().nodename.partition(".")[0], random.randint(20_000, 40_000)
        for name in ("state", "spool"):
            (self._folder / name).mkdir()
        lines = [
            "ClusterName=loopback",
            f"SlurmctldHost={host}(127.0.0.1)",
            "SlurmUser=root",
            "AuthType=auth/munge",
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_Core",
            "PreemptType=preempt/partition_prio",
            "PreemptMode=REQUEUE",
            "JobRequeue=1",
            "SlurmdTimeout=10",
            "KillWait=10",
            "ReturnToService=2",
            "JobAcctGatherType=jobacct_gather/none",
            f"StateSaveLocation={self._folder}/state",
            f"SlurmdSpoolDir={self._folder}/spool/%n",
            f"SlurmctldPidFile={self._folder}/slurmctld.pid",
            f"SlurmdPidFile={self._folder}/slurmd-%n.pid",
            f"SlurmctldPort={port}",
            *(
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port + number} CPUs=1 State=UNKNOWN"
                for number, node in enumerate(self.nodes, 1)
            ),
            f"PartitionName=main Nodes={','.join(self.nodes)} Default=YES MaxTime=INFINITE State=UP PriorityTier=1",
            f"PartitionName=urgent Nodes={','.join(self.nodes)} MaxTime=INFINITE State=UP PriorityTier=10",
        ]
        self._configuration.write_text("\n".join([*lines, ""]))

    def _start_munge(self) -> None:
        if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
            return
        Path("/run/munge").mkdir(exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        subprocess.run(["su", "-s", "/bin/sh", "munge", "-c", "/usr/sbin/munged"], check=True)
