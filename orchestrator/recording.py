"""Getting records onto the disk without holding up the cell that trains next."""

import errno
import logging
import platform
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

from orchestrator import provenance
from orchestrator.environment import EXACT
from orchestrator.store.layout import Store
from orchestrator.store.records import Curve, Record, publish_batch


def worker_columns(environment: Mapping[str, str], driver: str | None = None) -> dict[str, Any]:
    """The provenance that is the same for every cell of a worker process.

    Args:
        environment: The process environment, where MKL's code path stands.
        driver: Version of the device's driver, where there is one.
    """
    return {
        "code": provenance.code_hash(),
        "plugins": [f"{name} {version}" for name, version in provenance.plugins()],
        "environment": provenance.environment_hash(),
        "torch": provenance.installed().get("torch"),
        "python": platform.python_version(),
        "host": provenance.host(),
        "machine": provenance.machine(),
        "driver": driver,
        "cpu": provenance.processor(),
        "cbwr": environment.get(EXACT),
        "job": provenance.job(),
    }


_LOG = logging.getLogger(__name__)

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

FULL_DISK_SECONDS = 600.0
"""How long a worker waits for room on a full disk before it gives its unwritten records up."""

_LONGEST_PAUSE = 30.0


class Publisher:
    """Writes records from a thread of its own; those that wait together share the disk's waits.

    On a full disk it pauses: what is trained waits in memory until there is room again. Use it as a
    context manager: leaving it returns only when everything given is on the disk, and raises what
    went wrong there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: queue.SimpleQueue[tuple[Record, Curve | None] | None] = queue.SimpleQueue()
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

    def put(self, record: Record, curve: Curve | None) -> None:
        """Have a record and its curve written soon; raises what went wrong with earlier ones."""
        if self._error is not None:
            raise self._error
        self._waiting.put((record, curve))

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

    def _write(self, batch: list[tuple[Record, Curve | None]]) -> None:
        pause, end = 1.0, time.monotonic() + FULL_DISK_SECONDS
        while batch:
            try:
                publish_batch(self._store, batch)
            except OSError as error:
                if error.errno not in _NO_ROOM or time.monotonic() + pause > end:
                    raise
                _LOG.warning("PAUSED: %s; %d records wait for room", error.strerror, len(batch))
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            self.published += len(batch)
            return
