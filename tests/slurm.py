"""A SLURM cluster of one node, this machine, for as long as a test module runs.

Everything it has is in a folder of its own and its ports are free ones, so that several may run at once.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DAEMONS = ("munged", "slurmctld", "slurmd")
# The node claims more than the machine may have, so that the profile's requests fit. Job records outlive their jobs,
# as they do by default: `squeue` is asked how a job ended.
CONFIGURATION = """
ClusterName=vidgauge
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthInfo=socket={folder}/munge/socket
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=64 RealMemory=1000000 Gres=gpu:2
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE
"""
# The executor's job step forgets every SLURM_ variable, where the cluster's configuration is too; calls are counted.
COMMAND = """#!/bin/sh
echo "CUDA_VISIBLE_DEVICES=${{CUDA_VISIBLE_DEVICES-}} $*" >> {folder}/{name}.calls
SLURM_CONF={folder}/slurm.conf exec {path} "$@"
"""


def missing() -> str:
    """Why no cluster can be started here; empty if one can."""
    if os.geteuid() != 0:
        return "SLURM's daemons are started by root only"
    absent = [name for name in (*DAEMONS, "sbatch", "srun") if shutil.which(name) is None]
    return f"no {', '.join(absent)}: apt-get install slurm-wlm munge" if absent else ""


class Cluster:
    """A running cluster. `environment` is what a user's shell on its submit node has more than another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.environment = {"SLURM_CONF": f"{folder}/slurm.conf", "PATH": f"{folder}/bin:{os.environ['PATH']}"}

    def ask(self, *command: str) -> str:
        """What one of SLURM's commands prints."""
        return subprocess.run(
            command, env=os.environ | self.environment, text=True, capture_output=True, check=True, timeout=60
        ).stdout

    def calls(self, command: str) -> list[str]:
        """Every call of `sbatch` or `srun` so far: the GPUs that its surroundings have, and its arguments."""
        file = self.folder / f"{command}.calls"
        return file.read_text().splitlines() if file.exists() else []

    def __enter__(self) -> Cluster:
        for name in ("munge", "state", "spool", "bin"):
            (self.folder / name).mkdir(parents=True)
        host = socket.gethostname().partition(".")[0]
        self.write("slurm.conf", CONFIGURATION.format(folder=self.folder, host=host, ports=free_ports(2)))
        self.write("gres.conf", "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
        self.write("munge/key", os.urandom(64).hex())
        for name in ("sbatch", "srun"):
            self.write(f"bin/{name}", COMMAND.format(folder=self.folder, name=name, path=shutil.which(name)), 0o700)
        options = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        paths = [f"--{option}={self.folder}/munge/{name}" for option, name in options.items()]
        try:
            self.start("munged", "--foreground", "--force", *paths)  # a test's folders are not open to all
            wait_for(lambda: (self.folder / "munge/socket").exists(), self.logs)
            self.start("slurmctld", "-D")
            self.start("slurmd", "-D")
            wait_for(self.idle, self.logs)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the jobs, then the daemons, those that serve the others last."""
        if self.idle(("alloc", "mix", "comp")):
            self.ask("scancel", "--full", "--signal=KILL", "--user=root")
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def start(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.out").open("w") as out:
            self.daemons.append(
                subprocess.Popen(command, env=os.environ | self.environment, stdout=out, stderr=subprocess.STDOUT)
            )

    def idle(self, states: tuple[str, ...] = ("idle",)) -> bool:
        """Whether the node is in one of these states."""
        asked = ["sinfo", "--noheader", "--format=%t"]
        found = subprocess.run(asked, env=os.environ | self.environment, text=True, capture_output=True, check=False)
        return found.stdout.strip() in states

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in [*self.folder.glob("*.out"), *self.folder.glob("*.log")])

    def write(self, name: str, text: str, mode: int = 0o600) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(mode)


def wait_for(condition: Callable[[], bool], why_not: Callable[[], str], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"SLURM did not start in {seconds} s:\n{why_not()}")
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    numbers = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return numbers


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of one node; skips the test where there cannot be one."""
    if reason := missing():
        pytest.skip(reason)
    with Cluster(tmp_path_factory.mktemp("slurm")) as started:
        yield started
