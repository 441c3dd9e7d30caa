"""The circuit breaker: when everything fails in the same way, the rest is not begun.

Workers of a submission share what failed as files, one per cell and cause, so that nobody locks
anything. As soon as one cell has been trained well, single causes no longer stop the others.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_new

SAME_FAILURES = 3
"""So many cells that failed alike, and none that did not, stop a submission."""

_OWN_FRAME = re.compile(r'File "([^"]+)", line (\d+), in \S+')


@dataclass(frozen=True, kw_only=True, slots=True)
class Halt:
    """Why a submission starts nothing more.

    Attributes:
        signature: The cause, as in the failed cells' records.
        message: The error in words.
        where: File and line of the innermost frame.
        cells: How many cells had failed so.
    """

    signature: str
    message: str
    where: str
    cells: int

    def __str__(self) -> str:
        return f"{self.cells} cells failed alike at {self.where}: {self.message}"


class Breaker:
    """What the workers of a submission know together of its failures.

    Args:
        store: The store.
        grid, number: The submission.
    """

    def __init__(self, store: Store, grid: str, number: int) -> None:
        self._folder = store.submission(grid, number) / "failures"
        self._trained = self._folder / "none"
        self._halt = store.submission(grid, number) / "halt.json"
        self._well = False

    def completed(self) -> None:
        """Note that a cell was trained well."""
        if not self._well:
            self._well = True
            publish_new(self._trained, b"")

    def failed(self, cell: str, error: Mapping[str, str]) -> None:
        """Note that a cell failed; the failure that makes it too many halts the submission."""
        if self._well or self._trained.exists():
            self._well = True
            return
        folder = self._folder / error["signature"]
        publish_new(folder / cell, b"")
        count = sum(not path.name.startswith(".") for path in folder.iterdir())
        if count >= SAME_FAILURES:
            halt = Halt(
                signature=error["signature"],
                message=f"{error.get('type')}: {error.get('message')}",
                where=_innermost(error.get("traceback", "")),
                cells=count,
            )
            publish_new(self._halt, json.dumps(asdict(halt), sort_keys=True).encode() + b"\n")

    def halt(self) -> Halt | None:
        """Why nothing more is begun, or None."""
        return read_halt(self._halt)


def halt_of(store: Store, grid: str, number: int) -> Halt | None:
    """Why a submission starts nothing more, or None."""
    return read_halt(store.submission(grid, number) / "halt.json")


def read_halt(path: Path) -> Halt | None:
    """The halt in a file; None when there is no such file. StoreError when it is damaged."""
    try:
        return Halt(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error})") from error


def _innermost(traceback: str) -> str:
    frames = _OWN_FRAME.findall(traceback)
    return f"{frames[-1][0]}:{frames[-1][1]}" if frames else "an unknown place"
