"""Heartbeats: what a worker says of itself while it lives, and what it is asked meanwhile.

A worker rewrites one small file every two seconds. Whoever reads it decides from the file alone
whether the worker is still at work: on the same machine by its process, elsewhere by its age.
"""

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from orchestrator.provenance import host
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import replace as replace_file
from orchestrator.submissions.manifest import Driver, Manifest, started
from orchestrator.worker.breaker import Breaker
from orchestrator.worker.deadline import NO_DEADLINE, Deadline
from orchestrator.worker.spending import Spending

HEARTBEAT_SECONDS = 2.0
"""How often a worker writes its heartbeat."""

SILENT_SECONDS = 60.0
"""How old a heartbeat from another machine may be before its worker counts as gone."""

_STOP_POLL_SECONDS = 0.25
_TRIES = 8  # at a budget that cannot be read, so that a short failure of a disk ends nothing
_UNREADABLE = (OSError, StoreError, ValueError)

_LOG = logging.getLogger(__name__)


class Phase(StrEnum):
    """How an attempt at a pack stands, by its own account."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


class StopReason(StrEnum):
    """Why an attempt was drained before its end; the label of a heartbeat in phase STOPPED."""

    LIMIT = "limit"
    SIGNAL = "signal"
    ASKED = "asked"
    HALTED = "halted"
    BUDGET = "budget"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """What a worker last said of an attempt at a pack.

    Attributes:
        pack: Id of the pack.
        attempt: Id of the attempt.
        phase: How the attempt stands.
        host: Machine of the worker.
        pid: Its process there.
        started: When that process began, in clock ticks.
        driver: Who waits for the pack; None when nobody does.
        at: Seconds since 1970 when this was written.
        cells_done: Cells whose records are on the disk.
        cells_failed: Those of them that did not complete.
        cells_total: Cells of the pack.
        cells_running: Cells that step together now.
        step: Optimizer steps taken by the cells now running.
        total_steps: Steps they take in all; 0 before they start.
        label: What is running; how it ended, in the phases FAILED and STOPPED.
    """

    pack: str
    attempt: str
    phase: Phase
    host: str
    pid: int
    started: int
    driver: Driver | None
    at: float
    cells_done: int = 0
    cells_failed: int = 0
    cells_total: int = 0
    cells_running: int = 0
    step: int = 0
    total_steps: int = 0
    label: str = ""

    def to_json(self) -> bytes:
        """The heartbeat's file."""
        return json.dumps(asdict(self), sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes | str) -> "Heartbeat":
        """The inverse of `to_json`; ValueError when damaged."""
        try:
            content: dict[str, Any] = json.loads(data)
            driver = content["driver"]
            content["driver"] = Driver(**driver) if driver is not None else None
            content["phase"] = Phase(content["phase"])
            return cls(**{name: content[name] for name in _NAMES})
        except (KeyError, TypeError) as error:
            raise ValueError(f"damaged heartbeat: {error}") from error

    def lives(self, now: float | None = None) -> bool:
        """Whether its worker is at work: it said so, and it and its driver are still there."""
        if self.phase is not Phase.RUNNING:
            return False
        if self.host == host():
            return started(self.pid) == self.started and driver_lives(self.driver)
        return (time.time() if now is None else now) - self.at < SILENT_SECONDS


_NAMES = tuple(entry.name for entry in fields(Heartbeat))


def driver_lives(driver: Driver | None) -> bool:
    """Whether a pack is still wanted: its driver is there, on another machine, or not needed."""
    if driver is None or driver.host != host():
        return True
    return started(driver.pid) == driver.started


def newest_heartbeat(store: Store, pack: str) -> Heartbeat | None:
    """What the newest attempt at a pack said last; None when no worker ever took it."""
    suffix = ".heartbeat.json"
    try:
        names = sorted(path.name for path in store.log_folder(pack).iterdir())
    except FileNotFoundError:
        return None
    for name in reversed([name for name in names if name.endswith(suffix) and name[0] != "."]):
        path = store.heartbeat_path(pack, name.removesuffix(suffix))
        try:
            return Heartbeat.from_json(path.read_bytes())
        except (OSError, ValueError):
            continue  # damaged or removed meanwhile: the attempt before it is the newest known
    return None


def request_stop(store: Store, grid: str, number: int) -> None:
    """Ask all workers of a submission to save what they have and end."""
    stop_path(store, grid, number).touch()


def stop_path(store: Store, grid: str, number: int) -> Path:
    """The file whose presence asks the workers of a submission to stop."""
    return store.submission(grid, number) / "stop"


def cancelled_path(store: Store, grid: str, number: int) -> Path:
    """The folder in which a file named after a cell asks workers to leave the cell out."""
    return store.submission(grid, number) / "cancelled"


class Heart:
    """The heartbeat of one attempt, written by a thread that also looks for requests to stop."""

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        attempt: str,
        should_stop: Callable[[], bool] | None,
        deadline: Deadline = NO_DEADLINE,
    ) -> None:
        self._path = store.heartbeat_path(manifest.pack, attempt)
        self._stop_path = stop_path(store, manifest.grid, manifest.number)
        self._breaker = Breaker(store, manifest.grid, manifest.number)
        self._cancelled_path = cancelled_path(store, manifest.grid, manifest.number)
        self._told = should_stop
        self._deadline = deadline
        self._stop = threading.Event()
        self._spending = Spending(store, manifest, attempt)
        self._because = StopReason.ASKED
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._now = Heartbeat(
            pack=manifest.pack,
            attempt=attempt,
            phase=Phase.RUNNING,
            host=host(),
            pid=os.getpid(),
            started=started(os.getpid()) or 0,
            driver=manifest.driver,
            at=time.time(),
            cells_total=len(manifest.cells),
        )

    def __enter__(self) -> "Heart":
        self._look_for_requests()
        self._write()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._write()

    def should_stop(self) -> bool:
        """Whether the pack shall be drained; cheap enough to be asked at every step."""
        if self._stop.is_set() or (self._told is not None and self._told()):
            return True
        return self._deadline.left() <= 0

    def reason(self) -> StopReason:
        """Why the pack is drained; a request of a person goes before what a scheduler does."""
        self._look_for_requests()
        if self._stop.is_set():
            return self._because
        if self._told is not None and self._told():
            return StopReason.SIGNAL
        return StopReason.LIMIT

    def may_begin(self, seconds: float | None) -> bool:
        """Whether something of that expected length fits into the time and the budget left.

        A budget that cannot be read after several tries has no room: nothing may exceed it.
        """
        return self._deadline.allows(seconds) and self._fits_the_budget(seconds)

    def _fits_the_budget(self, seconds: float | None) -> bool:
        for _ in range(_TRIES):
            try:
                if self._spending.allows(seconds):
                    return True
                break
            except _UNREADABLE as error:
                _LOG.warning("the budget cannot be read: %s", error)
                self._ended.wait(_STOP_POLL_SECONDS)
        self._drain(StopReason.BUDGET)
        return False

    def _drain(self, reason: StopReason) -> None:
        if not self._stop.is_set():
            self._because = reason
            self._stop.set()

    def cancelled(self, cell: str) -> bool:
        """Whether a cell was cancelled."""
        return (self._cancelled_path / cell).exists()

    def failed(self, cell: str, error: Mapping[str, str]) -> None:
        """Note a failure; the one that makes it too many of a kind stops the submission."""
        self._breaker.failed(cell, error)
        self._look_for_requests()

    def tell(self, cells: int, step: int, total_steps: int, label: str) -> None:
        """Note how many cells are running now, and how far they are."""
        self._change(cells_running=cells, step=step, total_steps=total_steps, label=label)

    def count(self, *, failed: bool) -> None:
        """Note that a cell ended."""
        with self._lock:
            self._now = replace(
                self._now,
                cells_done=self._now.cells_done + 1,
                cells_failed=self._now.cells_failed + failed,
                cells_running=max(0, self._now.cells_running - 1),
            )
        if not failed:
            self._breaker.completed()

    def end(self, phase: Phase, error: str = "") -> Heartbeat:
        """Note how the attempt ended; what it comes to."""
        self._change(phase=phase, label=error)
        return self._now

    def _change(self, **values: Any) -> None:
        with self._lock:
            self._now = replace(self._now, **values)

    def _write(self) -> None:
        self._change(at=time.time())
        replace_file(self._path, self._now.to_json())
        self._spending.write()

    def _beat(self) -> None:
        due = time.monotonic() + HEARTBEAT_SECONDS
        while not self._ended.wait(_STOP_POLL_SECONDS):
            self._look_for_requests()
            if time.monotonic() >= due:
                due = time.monotonic() + HEARTBEAT_SECONDS
                with contextlib.suppress(OSError):  # a full disk is told by the records
                    self._write()

    def _look_for_requests(self) -> None:
        requests: tuple[tuple[StopReason, Callable[[], bool]], ...] = (
            (StopReason.ASKED, self._is_asked),
            (StopReason.HALTED, lambda: self._breaker.halt() is not None),
            (StopReason.BUDGET, self._spending.exhausted),
        )
        for reason, is_so in requests:
            if self._stop.is_set():
                return
            # What cannot be read now is looked at again: without beats the worker would count as
            # lost, and others would train its cells beside it.
            with contextlib.suppress(*_UNREADABLE):
                if is_so():
                    self._drain(reason)

    def _is_asked(self) -> bool:
        return self._stop_path.exists() or not driver_lives(self._now.driver)
