"""Getting records onto the disk without holding up the cell that trains next."""

import errno
import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence

from orchestrator.store.artifacts import publish_artifacts
from orchestrator.store.layout import Store
from orchestrator.store.records import Curve, Record, publish_batch

_LOG = logging.getLogger(__name__)

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

FULL_DISK_SECONDS = 600.0
"""How long a worker waits for room on a full disk before it gives its unwritten records up."""

_LONGEST_PAUSE = 30.0

_Entry = tuple[Record, Curve | None, Mapping[str, bytes]]


class Publisher:
    """Writes records from a thread of its own; those that wait together share the disk's waits.

    On a full disk it pauses: what is trained waits in memory until there is room again. Use it as a
    context manager: leaving it returns only when everything given is on the disk, and raises what
    went wrong there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="publisher", daemon=True)
        self._error: Exception | None = None
        self.published = 0

    def __enter__(self) -> "Publisher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def put(
        self, record: Record, curve: Curve | None, artifacts: Mapping[str, bytes] | None = None
    ) -> None:
        """Have a record and all that it lists written soon; raises what went wrong before.

        Args:
            record: The record.
            curve: Its curve.
            artifacts: Contents of what the attempt leaves, by name.
        """
        if self._error is not None:
            raise self._error
        self._waiting.put((record, curve, artifacts or {}))

    def _write_all(self) -> None:
        more = True
        while more:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            more = None not in batch
            try:
                self._write([entry for entry in batch if entry is not None])
            except Exception as error:  # told to the worker by the next `put` or at the end
                self._error = self._error or error

    def _write(self, batch: Sequence[_Entry]) -> None:
        pause, end = 1.0, time.monotonic() + FULL_DISK_SECONDS
        while batch:
            try:
                publish_artifacts(self._store, [(r.cell, r.attempt, left) for r, _, left in batch])
                publish_batch(self._store, [(record, curve) for record, curve, _ in batch])
            except OSError as error:
                if error.errno not in _NO_ROOM or time.monotonic() + pause > end:
                    raise
                _LOG.warning("PAUSED: %s; %d records wait for room", error.strerror, len(batch))
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            self.published += len(batch)
            return
