"""A real SLURM on this machine, for tests: a controller and two nodes on loopback.

Everything lives in one temporary folder, with a munge socket, ports and configuration of its own,
so that nothing of the machine's is touched and two clusters can stand side by side. Only processes
that were started here are stopped, by their ids. Needs root and Debian's slurm-wlm and munge.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

NODES = ("n1", "n2")
GPUS = 2
CPUS = 4
"""Cores that each node claims to have: more than there are, so that packs can run side by side."""

_START_SECONDS = 40.0

_CONFIG = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmctldDebug=info
SlurmdDebug=info
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType={accounting}
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldTimeout=10
SlurmdTimeout=10
InactiveLimit=0
KillWait=8
MinJobAge=60
MaxArraySize={max_array}
MaxJobCount={max_jobs}
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,bf_interval=1,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode={preempt}
JobRequeue=1
{more}
NodeName=n1 NodeAddr=127.0.0.1 NodeHostname={host} Port={n1_port} CPUs={cpus} RealMemory=8000 \
Gres=gpu:{gpus}
NodeName=n2 NodeAddr=127.0.0.1 NodeHostname={host} Port={n2_port} CPUs={cpus} RealMemory=8000 \
Gres=gpu:{gpus}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=15
PartitionName=urgent Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=9 PreemptMode=OFF
"""


class SlurmCluster:
    """A controller and the nodes n1 and n2. Use it as a context manager.

    Args:
        max_array: `MaxArraySize`.
        max_jobs: `MaxJobCount`.
        preempt: What becomes of a job that a job of the partition `urgent` displaces.
        accounting: Address of a slurmdbd ("host:port"), or None for no accounting.
        more: Further lines of slurm.conf.
    """

    def __init__(
        self,
        *,
        max_array: int = 1001,
        max_jobs: int = 10_000,
        preempt: str = "CANCEL",
        accounting: str | None = None,
        more: str = "",
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = _free_ports(3)
        self._settings = {
            "name": f"t{os.getpid()}",
            "host": socket.gethostname().partition(".")[0],
            "folder": self.folder,
            "controller_port": self._ports[0],
            "n1_port": self._ports[1],
            "n2_port": self._ports[2],
            "cpus": CPUS,
            "gpus": GPUS,
            "max_array": max_array,
            "max_jobs": max_jobs,
            "preempt": preempt,
            "accounting": "accounting_storage/none" if accounting is None
            else "accounting_storage/slurmdbd",
            "more": more,
        }  # fmt: skip
        if accounting is not None:
            host, _, port = accounting.partition(":")
            self._settings["more"] = (
                f"AccountingStorageHost={host}\nAccountingStoragePort={port}\n{more}"
            )

    def __enter__(self) -> "SlurmCluster":
        try:
            self._write()
            self._start_munge()
            self.start_controller()
            for node in NODES:
                self.start_node(node)
            self.wait_until(self._all_idle, _START_SECONDS, "both nodes to be idle")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel_all()
        for node in NODES:
            self.stop_node(node)
        for name in list(self._processes):
            self._stop(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """The environment in which SLURM's commands reach this cluster."""
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def run(self, *command: str, check: bool = True, cwd: Path | None = None) -> str:
        """The output of a command; with `check` its failure is an error that quotes it."""
        done = subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=60, cwd=cwd,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def squeue(self) -> dict[str, str]:
        """Element id (`12_3`, or `12`) to state, of all jobs that the controller remembers."""
        lines = self.run("squeue", "-r", "-h", "-t", "all", "-o", "%i %T").splitlines()
        return dict(line.split() for line in lines)

    def cancel_all(self) -> None:
        """Cancel every job, where the controller still answers."""
        if "slurmctld" in self._processes:
            self.run("scancel", "--user=root", check=False)

    def start_controller(self) -> None:
        """Start slurmctld; what it remembers is in its state folder."""
        self._start("slurmctld", ["slurmctld", "-D", "-i"])
        self.wait_until(lambda: "UP" in self.run("scontrol", "ping", check=False), 20, "slurmctld")

    def stop_controller(self) -> None:
        """Stop slurmctld; jobs go on."""
        self._stop("slurmctld")

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self._start(node, ["slurmd", "-D", "-N", node])

    def stop_node(self, node: str) -> None:
        """Kill a node: its slurmd, its job steps and all they started, at once."""
        self._stop(node, signal.SIGKILL)
        for pid in self._members(node):
            _kill(pid)

    def set_node(self, node: str, state: str) -> None:
        """Set the state of a node: "down" or "resume"."""
        self.run("scontrol", "update", f"nodename={node}", f"state={state}", "reason=test")

    def restore(self) -> None:
        """Bring back what a test stopped, and wait until nothing runs any more."""
        if "slurmctld" not in self._processes:
            self.start_controller()
        for node in NODES:
            if node not in self._processes:
                self.start_node(node)
            if "down" in self.node_state(node):
                self.set_node(node, "resume")
        self.wait_until(self._all_idle, _START_SECONDS, "both nodes to be idle again")

    def node_state(self, node: str) -> str:
        """What sinfo says of a node."""
        return self.run("sinfo", "-h", "-n", node, "-p", "main", "-o", "%T")

    def wait_until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until something holds; an error that quotes the logs when it takes too long."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self) -> str:
        """The ends of all logs, for the message of a test that fails."""
        ends = []
        for path in sorted(self.folder.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-15:]
            ends.append("\n".join([f"== {path.name}", *lines]))
        return "\n".join(ends)

    def _write(self) -> None:
        for name in ("state", "munge", "spool-n1", "spool-n2"):
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)
        (self.folder / "slurm.conf").write_text(_CONFIG.format(**self._settings))
        gpus = [self.folder / f"gpu{number}" for number in range(GPUS)]
        for device in gpus:
            os.mknod(device, 0o20666, os.makedev(1, 3))  # like /dev/null: SLURM only wants a device
        listed = "\n".join(f"NodeName=n1,n2 Name=gpu File={device}" for device in gpus)
        (self.folder / "gres.conf").write_text(f"AutoDetect=off\n{listed}\n")
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")

    def _start_munge(self) -> None:
        folder = self.folder / "munge"
        key = folder / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        files = [f"--{name}-file={folder / name}" for name in ("key", "pid", "log", "seed")]
        self._start("munged", ["munged", "-F", "--force", f"--socket={folder / 'socket'}", *files])
        self.wait_until((folder / "socket").exists, 10, "munged")

    def _all_idle(self) -> bool:
        return all(self.node_state(node) == "idle" for node in NODES)

    def _start(self, name: str, command: list[str]) -> None:
        log = (self.folder / f"{name}.out.log").open("ab")
        self._processes[name] = subprocess.Popen(
            command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        log.close()

    def _stop(self, name: str, number: int = signal.SIGTERM) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _members(self, node: str) -> list[int]:
        """The processes that run for a node's jobs: its step daemons and all below them."""
        parents = _parents()
        daemons = {
            pid for pid in parents
            if "slurmstepd" in _command(pid) and self._belongs(pid, node)
        }  # fmt: skip
        members = set(daemons)
        grown = True
        while grown:
            below = {pid for pid, parent in parents.items() if parent in members}
            grown = not below <= members
            members |= below
        return sorted(members)

    def _belongs(self, pid: int, node: str) -> bool:
        try:
            opened = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
            opened.append(os.readlink(f"/proc/{pid}/cwd"))
        except OSError:
            return False
        places = (str(self.folder / f"spool-{node}"), str(self.folder / f"slurmd-{node}.log"))
        return any(link.startswith(places) for link in opened)


def missing() -> str | None:
    """Why no cluster can be started here, or None."""
    if os.geteuid() != 0:
        return "a SLURM of the tests' own needs root"
    absent = [name for name in ("slurmctld", "slurmd", "munged") if shutil.which(name) is None]
    return f"no SLURM here: {', '.join(absent)} not found" if absent else None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _parents() -> Mapping[int, int]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                status = (folder / "stat").read_text()
            except OSError:
                continue
            found[int(folder.name)] = int(status.rpartition(")")[2].split()[1])
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
