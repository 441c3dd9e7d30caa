"""A real SLURM on this machine, for tests: a controller and two nodes on loopback.

Everything lives in one temporary folder, with a munge socket, ports and configuration of its own,
so that nothing of the machine's is touched and two clusters can stand side by side. Only processes
that were started here are stopped, by their ids. Needs root and Debian's slurm-wlm and munge; with
accounting also slurmdbd and mariadb-server.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.daemons import Daemons, kill, processes_with, with_descendants
from tests.support.slurm_accounting import Accounting
from tests.support.slurm_config import GPUS, NODES, gres_conf, slurm_conf

_PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "setpriv")
_ACCOUNTING_PROGRAMS = ("slurmdbd", "mariadbd", "mariadb-install-db")
_READY_SECONDS = 60.0
_MARK = "TESTS_SLURM_NODE"


def missing(*, accounting: bool = False) -> str | None:
    """Why no cluster can be started here, or None."""
    if os.geteuid() != 0:
        return "the tests' own SLURM needs root"
    wanted = (*_PROGRAMS, *(_ACCOUNTING_PROGRAMS if accounting else ()))
    absent = [name for name in wanted if shutil.which(name) is None]
    return f"no SLURM here: {', '.join(absent)} not on the PATH" if absent else None


def own_cluster(
    *, accounting: bool, settings: Mapping[str, object] | None = None
) -> "Iterator[SlurmCluster]":
    """A cluster while a test or several need it; where none can be started they are skipped."""
    reason = missing(accounting=accounting)
    if reason is not None:
        ci = os.environ.get("CI", "").lower() == "true"
        (pytest.fail if ci else pytest.skip)(reason)
    with SlurmCluster(accounting=accounting, settings=settings) as cluster:
        yield cluster


class SlurmCluster:
    """A controller and the nodes n1 and n2, with the partitions `main` and `urgent`.

    Use it as a context manager: inside, both nodes are idle. A job in `urgent` displaces those in
    `main`: their steps get TERM at once, their batch script only when the partition's `GraceTime`
    is over, and `KillWait` later all of it is killed.

    Args:
        accounting: Whether slurmdbd keeps accounts, in a database of this cluster's own.
        settings: Lines of slurm.conf that replace or join the usual ones, such as
            `{"MaxArraySize": 101}`.
        main: The same for the partition `main`, such as `{"MaxTime": 5}`.
    """

    def __init__(
        self,
        *,
        accounting: bool = False,
        settings: Mapping[str, object] | None = None,
        main: Mapping[str, object] | None = None,
    ) -> None:
        self.accounting = accounting
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self._settings = dict(settings or {})
        self._main = dict(main or {})
        self._daemons = Daemons(self.folder, self.environment())

    def __enter__(self) -> "SlurmCluster":
        try:
            self._write()
            self._start_munge()
            if self.accounting:
                self._start_accounting()
            self._configure()
            self.start_controller()
            for node in NODES:
                self.start_node(node)
            self.wait_until(self._quiet, _READY_SECONDS, "both nodes to be idle")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in NODES:
            self.stop_node(node)
        self._daemons.kill_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """The environment in which SLURM's commands reach this cluster."""
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def run(self, *command: str, check: bool = True, cwd: Path | None = None) -> str:
        """What a command prints; with `check` its failure is a RuntimeError that quotes it."""
        done = subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=120, cwd=cwd
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def squeue(self) -> dict[str, str]:
        """Element id (`12_3`, or `12`) to state, of all jobs that the controller remembers."""
        lines = self.run("squeue", "-r", "-h", "-t", "all", "-o", "%i %T").splitlines()
        return dict(line.split() for line in lines)

    def wait_until(
        self, predicate: Callable[[], object], seconds: float, what: str = "a condition"
    ) -> None:
        """Wait until something holds; an error that quotes the logs when it takes too long."""
        end = time.monotonic() + seconds
        while not predicate():
            self._check()
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self) -> str:
        """The queue, the nodes and the ends of all logs, for the message of a test that fails."""
        answers = [self.run(*command, check=False) for command in (["squeue"], ["sinfo", "-Nl"])]
        return "\n".join([*answers, self._daemons.logs(15)])

    def node_state(self, node: str) -> str:
        """What sinfo says of a node: idle, mixed, allocated, down*, ..."""
        return self.run("sinfo", "-h", "-n", node, "-p", "main", "-o", "%T", check=False)

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node and wait until it listens; it then registers by itself."""
        before = self._starts(node)
        self._daemons.start(node, "slurmd", "-D", "-N", node, **{_MARK: self._mark(node)})
        self.wait_until(lambda: self._starts(node) > before, _READY_SECONDS, f"slurmd of {node}")

    def stop_node(self, node: str) -> None:
        """Kill a node at once: its slurmd, its step daemons and all that its jobs started.

        The controller notices in about 15 s; `set_node_down` makes it know at once.
        """
        if node in self._daemons:
            self._daemons.stop(node, signal.SIGKILL)
        while found := [*self._node_daemons(node), *self._job_processes(node)]:
            kill(found)

    def set_node_down(self, node: str) -> None:
        """Tell the controller that a node is lost: its jobs end as NODE_FAIL or are requeued."""
        self.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def resume_node(self, node: str) -> None:
        """Let a node that was set down, or drained, serve again."""
        self.run("scontrol", "update", f"nodename={node}", "state=resume")

    def start_controller(self) -> None:
        """Start slurmctld and wait until it answers; what it remembers is in its state folder."""
        self._daemons.start("slurmctld", "slurmctld", "-D")
        self.wait_until(
            lambda: " UP" in self.run("scontrol", "ping", check=False), _READY_SECONDS, "slurmctld"
        )

    def stop_controller(self) -> None:
        """Stop slurmctld; jobs go on, commands fail."""
        self._daemons.stop("slurmctld")

    def restart_controller(self) -> None:
        """Stop slurmctld and start it again."""
        self.stop_controller()
        self.start_controller()

    def reset(self) -> None:
        """Cancel all jobs, bring back what was stopped, and wait until both nodes are idle."""
        if "slurmctld" not in self._daemons:
            self.start_controller()
        for node in NODES:
            if node not in self._daemons:
                self.start_node(node)
        self.wait_until(self._settled, _READY_SECONDS, "an empty queue and two idle nodes")

    def _settled(self) -> bool:
        """Whether all is quiet; help along what lingers, without waiting for KillWait.

        Again and again: a job that is told to end may submit the one that goes on for it.
        """
        self.run("scancel", "--user=root", check=False)
        for node in NODES:
            kill(self._job_processes(node))
            if "down" in self.node_state(node) or "drain" in self.node_state(node):
                # It may have come back by itself in between.
                with contextlib.suppress(RuntimeError):
                    self.resume_node(node)
        return self._quiet()

    def _quiet(self) -> bool:
        """Whether no job is left and both nodes serve.

        After a restart of the controller sinfo may call a node busy whose jobs have ended, until
        something else changes on it; jobs start there all the same.
        """
        serving = all(self.node_state(node) in ("idle", "mixed", "allocated") for node in NODES)
        return serving and not self.run("squeue", "-h")

    def _check(self) -> None:
        try:
            self._daemons.check()
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.logs()}") from None

    def _write(self) -> None:
        """Everything but slurm.conf, whose ports are chosen as late as possible."""
        self.folder.chmod(0o755)
        for name in ("state", "munge", *(f"spool-{node}" for node in NODES)):
            (self.folder / name).mkdir()
        gpus = [self.folder / f"gpu{number}" for number in range(GPUS)]
        for device in gpus:
            os.mknod(device, 0o20666, os.makedev(1, 3))  # like /dev/null: any device will do
        (self.folder / "gres.conf").write_text(gres_conf(gpus))
        # Nothing here uses cgroups. Told the version, slurmd does not look for them either.
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")

    def _configure(self) -> None:
        text = slurm_conf(self.folder, self._settings, self._main)
        (self.folder / "slurm.conf").write_text(text)

    def _start_munge(self) -> None:
        folder = self.folder / "munge"
        key = folder / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        files = [f"--{name}-file={folder / name}" for name in ("key", "pid", "log", "seed")]
        self._daemons.start("munged", "munged", "-F", f"--socket={folder / 'socket'}", *files)
        self.wait_until((folder / "socket").exists, _READY_SECONDS, "munged")

    def _start_accounting(self) -> None:
        accounts = Accounting(self.folder, self._daemons)
        self._settings = {**accounts.settings(), **self._settings}
        self._configure()
        accounts.start_database()
        self.wait_until(accounts.database_answers, _READY_SECONDS, "the database")
        accounts.start_slurmdbd()
        self.wait_until(self._accounts_answer, _READY_SECONDS, "slurmdbd")

    def _accounts_answer(self) -> bool:
        return "ok" in self.run("bash", "-c", "sacctmgr -n show cluster && echo ok", check=False)

    def _starts(self, node: str) -> int:
        log = self.folder / f"slurmd-{node}.log"
        return log.read_text(errors="replace").count("slurmd started on") if log.exists() else 0

    def _mark(self, node: str) -> str:
        return f"{self.folder}/{node}"

    def _node_daemons(self, node: str) -> set[int]:
        """The slurmd of a node and its step daemons, which inherit the mark."""
        return processes_with(f"{_MARK}={self._mark(node)}")

    def _job_processes(self, node: str) -> set[int]:
        """What a node's jobs started, also what no longer hangs below a step daemon."""
        conf = self.environment()["SLURM_CONF"]
        own = processes_with(f"SLURM_CONF={conf}", f"SLURMD_NODENAME={node}")
        daemons = self._node_daemons(node)
        return with_descendants(own | daemons) - daemons
