"""A Ray cluster of several nodes on this machine, each started by `ray start`, for tests.

The whole of it lives in a network namespace of its own, in which there is nothing but loopback:
Ray's servers listen on all addresses, and none of these is reachable from outside. Each node has
an address of its own below 127/8. Needs root, for the namespace. Only what was started here is
stopped, by its id; `ray stop` would end everybody's.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.daemons import Daemons, kill, processes_with, with_descendants

ROOT = Path(__file__).resolve().parents[2]
PORT = 6380
_MARK = "TESTS_RAY_NODE"
_PROGRAMS = ("unshare", "nsenter", "ip", "setpriv")
_READY_SECONDS = 60.0


def missing() -> str | None:
    """Why no cluster can be started here, or None."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    absent = [name for name in _PROGRAMS if shutil.which(name) is None]
    return f"not on the PATH: {', '.join(absent)}" if absent else None


class RayNodes:
    """A head without CPUs, and workers `n1`, `n2`, ... with one CPU each.

    Use it as a context manager.

    Args:
        workers: How many.
    """

    address = f"127.0.0.2:{PORT}"

    def __init__(self, workers: int) -> None:
        # Ray's sockets lie in it, and their paths may hold about a hundred characters.
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
        self._workers = workers
        self._environment = {
            **os.environ,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_health_check_initial_delay_ms": "1000",
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_failure_threshold": "3",
            "PYTHONPATH": str(ROOT),
        }
        self._daemons = Daemons(self.folder, self._environment)
        self._inside: list[str] = []

    def __enter__(self) -> "RayNodes":
        try:
            self._start_network()
            head = ["--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false"]
            self._start_node("head", "127.0.0.2", *head, f"--temp-dir={self.folder}/t")
            for number in range(1, self._workers + 1):
                own = f"127.0.0.{number + 2}"
                self._start_node(f"n{number}", own, f"--address={self.address}", "--num-cpus=1")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._daemons.kill_all()
        for name in ("head", *(f"n{number}" for number in range(1, self._workers + 1))):
            self._kill_processes(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def popen(self, *arguments: object) -> "subprocess.Popen[str]":
        """Start `sparsesweep` with these arguments beside the cluster."""
        code = "from orchestrator.cli import main; main()"
        return subprocess.Popen(
            [*self._inside, sys.executable, "-c", code, *map(str, arguments)],
            env=self._environment, cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *arguments: object, seconds: float = 180) -> tuple[int, str]:
        """Run `sparsesweep` beside the cluster; its exit code, and all that it wrote."""
        with self.popen(*arguments) as process:
            try:
                said, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return process.returncode, said

    def kill_node(self, name: str) -> None:
        """Kill a node at once, and all that runs on it."""
        self._daemons.stop(name, signal.SIGKILL)
        self._kill_processes(name)

    def interfaces(self) -> set[str]:
        """The network interfaces that the cluster has."""
        return {line.split(":")[1].strip() for line in self._links().splitlines()}

    def logs(self) -> str:
        """The last lines of what every node wrote."""
        return self._daemons.logs(20)

    def _start_network(self) -> None:
        command = "ip link set lo up && exec sleep 86400"
        self._daemons.start("network", "unshare", "--net", "sh", "-c", command)
        # Every step of that command takes the place of the one before: one process all along.
        self._inside = ["nsenter", f"--net=/proc/{self._daemons.pid('network')}/ns/net"]
        self._wait_until(lambda: "LOOPBACK,UP" in self._links(), "the network")

    def _start_node(self, name: str, own: str, *options: str) -> None:
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start"]
        command = [*self._inside, *ray, f"--node-ip-address={own}", "--block", *options]
        self._daemons.start(name, *command, **{_MARK: self._mark(name)})
        log = self.folder / f"{name}.out.log"
        self._wait_until(lambda: "Ray runtime started" in log.read_text(), f"node {name}")

    def _wait_until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + _READY_SECONDS
        while not holds():
            self._daemons.check()
            if time.monotonic() > end:
                raise TimeoutError(f"no sign of {what}\n{self.logs()}")
            time.sleep(0.1)

    def _kill_processes(self, name: str) -> None:
        while found := with_descendants(processes_with(f"{_MARK}={self._mark(name)}")):
            kill(found)
            time.sleep(0.05)

    def _mark(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def _links(self) -> str:
        command = [*self._inside, "ip", "-o", "link"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
