"""Telling how a run goes: a live display on a terminal, timestamped lines in a log.

Both are fed by one thread that reads the heartbeats of the run's packs: a display needs nothing
from the backend, and costs the workers nothing.
"""

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol

from orchestrator.store.layout import Store
from orchestrator.worker.heartbeat import Heartbeat, Phase, newest_heartbeat

_TERMINAL_SECONDS = 0.5
_LOG_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """How far a run is.

    Attributes:
        done: Cells that ended, failed ones included.
        failed: Those of them that did not complete.
        total: Cells that the run trains.
        packs_running: Packs that a worker has now.
        packs_total: Packs of the run.
        fraction: Share of the work that is done, in [0, 1], running cells counted in part.
        labels: What is running, one label per running pack.
    """

    done: int
    failed: int
    total: int
    packs_running: int
    packs_total: int
    fraction: float
    labels: tuple[str, ...]


class Display(Protocol):
    """Something that shows snapshots."""

    def show(self, snapshot: Snapshot) -> None:
        """Show how far the run is."""

    def close(self) -> None:
        """Show nothing more."""


def snapshot_of(
    heartbeats: Mapping[str, Heartbeat | None], total: int, *, since: float
) -> Snapshot:
    """Sum up heartbeats.

    Args:
        heartbeats: Pack id to what its newest worker said, or None.
        total: Cells of all packs.
        since: Seconds since 1970 when the run began; what is older belongs to an earlier run.
    """
    said = [beat for beat in heartbeats.values() if beat is not None and beat.at >= since]
    running = [beat for beat in said if beat.phase is Phase.RUNNING]
    done = sum(beat.cells_done for beat in said)
    partial = sum(
        beat.cells_running * beat.step / beat.total_steps for beat in running if beat.total_steps
    )
    return Snapshot(
        done=done,
        failed=sum(beat.cells_failed for beat in said),
        total=total,
        packs_running=len(running),
        packs_total=len(heartbeats),
        fraction=min(1.0, (done + partial) / total) if total else 1.0,
        labels=tuple(beat.label for beat in running if beat.label),
    )


class Lines:
    """A line when something changed, at most every few seconds."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._last: tuple[int, int] | None = None
        self._due = 0.0

    def show(self, snapshot: Snapshot) -> None:
        """Write a line if cells ended since the last one, or nothing was written for long."""
        key = (snapshot.done, snapshot.failed)
        now = time.monotonic()
        if now < self._due and not (key != self._last and snapshot.done == snapshot.total):
            return
        if key == self._last and snapshot.packs_running == 0:
            return
        self._last, self._due = key, now + _LOG_SECONDS
        failed = f", {snapshot.failed} failed" if snapshot.failed else ""
        self._stream.write(
            f"{datetime.now():%H:%M:%S} {snapshot.done} of {snapshot.total} cells done{failed}, "
            f"{snapshot.fraction:.0%} of the work, {snapshot.packs_running} of "
            f"{snapshot.packs_total} packs running\n"
        )
        self._stream.flush()

    def close(self) -> None:
        """Nothing to end."""


class Bar:
    """A bar that is redrawn in place, for a terminal."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[labels]}"),
            console=Console(file=stream),
            transient=True,
        )
        self._task = self._progress.add_task("starting workers", total=1.0, labels="")
        self._progress.start()

    def show(self, snapshot: Snapshot) -> None:
        """Redraw the bar."""
        from rich.markup import escape

        failed = f", [red]{snapshot.failed} failed[/red]" if snapshot.failed else ""
        started = snapshot.done or snapshot.packs_running
        text = f"{snapshot.done}/{snapshot.total} cells{failed}" if started else "starting workers"
        self._progress.update(
            self._task,
            description=text,
            completed=snapshot.fraction,
            labels=escape(" | ".join(snapshot.labels[:2])),
        )

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()


class Watcher:
    """Shows how a run goes while its block runs, from a thread of its own."""

    def __init__(self, store: Store, packs: Sequence[str], total: int, display: Display) -> None:
        self._store = store
        self._packs = packs
        self._total = total
        self._display = display
        self._since = time.time()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._display.show(self._look())
        self._display.close()

    def _watch(self) -> None:
        while not self._ended.wait(_TERMINAL_SECONDS):
            self._display.show(self._look())

    def _look(self) -> Snapshot:
        heartbeats = {pack: newest_heartbeat(self._store, pack) for pack in self._packs}
        return snapshot_of(heartbeats, self._total, since=self._since)


def make_display(stream: IO[str] | None = None) -> Display:
    """A bar when standard error is a terminal, else lines on it."""
    target = sys.stderr if stream is None else stream
    return Bar(target) if target.isatty() else Lines(target)
