"""Daemons of a test: started in the foreground below this process, stopped by their ids."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path


class Daemons:
    """The daemons of one folder, each under a name and with a log `<name>.out.log` there.

    They die with this process, however it ends.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._running

    def pid(self, name: str) -> int:
        """The process id of a daemon."""
        return self._running[name].pid

    def start(self, name: str, *command: str, **variables: str) -> None:
        """Start a daemon, with further variables in its environment."""
        with (self._folder / f"{name}.out.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env=self._environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop a daemon and wait for its end; after 10 s it is killed."""
        daemon = self._running.pop(name)
        daemon.send_signal(number)
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def kill_all(self) -> None:
        """Kill every daemon, the last one started first."""
        for name in reversed(list(self._running)):
            self.stop(name, signal.SIGKILL)

    def check(self) -> None:
        """Raise RuntimeError when a daemon has ended that nobody stopped."""
        ended = {name: code for name, d in self._running.items() if (code := d.poll()) is not None}
        if ended:
            raise RuntimeError(f"ended by themselves, with these codes: {ended}")

    def logs(self, lines: int) -> str:
        """The last lines of each log in the folder."""
        ends = []
        for path in sorted(self._folder.glob("*.log")):
            ends += [f"== {path.name}", *path.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(ends)


def processes_with(*entries: str) -> set[int]:
    """The processes that were started with all these `NAME=value` in their environment."""
    wanted = {entry.encode() for entry in entries}
    found = set()
    for pid in _all():
        with contextlib.suppress(OSError):
            if wanted <= set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")):
                found.add(pid)
    return found


def with_descendants(pids: Iterable[int]) -> set[int]:
    """These processes and all below them."""
    parents = {pid: parent for pid in _all() if (parent := _parent(pid)) is not None}
    members = set(pids)
    while below := {pid for pid, parent in parents.items() if parent in members} - members:
        members |= below
    return members


def kill(pids: Iterable[int]) -> None:
    """Kill processes at once, where they still live."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _all() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _parent(pid: int) -> int | None:
    """The parent of a process, or None where it has ended, a zombie included."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[1])
