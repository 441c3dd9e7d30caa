"""Finding the logs of a cell or of a grid."""

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.store.index import load_index
from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.submission import find_submission, manifests_of, submitted_grids
from orchestrator.worker.heartbeat import newest_heartbeat

_ID = re.compile(r"[0-9a-f]{3,16}")
_LOG_LINES = 8


def find_logs(store: Store, name: str) -> list[Path]:
    """The log of the newest attempt at a cell, or those of the packs of a grid's last run.

    Args:
        store: The store.
        name: A cell's id or a unique beginning of it (3 digits or more), or a grid.

    Raises:
        StoreError: When nothing has that name, several cells begin with it, or no log is left.
    """
    if name not in submitted_grids(store) and _ID.fullmatch(name):
        return [_log_of_cell(store, name)]
    submission = find_submission(store, name)
    packs = [m.pack for m in manifests_of(store, submission.grid, submission.number)]
    paths = [path for pack in packs if (path := _newest_log(store, pack)) is not None]
    if not paths:
        raise StoreError(f"the last run of {submission.grid} left no logs: it trained nothing")
    return paths


def log_end(store: Store, pack: str) -> tuple[str, ...]:
    """The last lines of the log of the newest attempt at a pack."""
    beat = newest_heartbeat(store, pack)
    path: Path | None = store.log_path(pack, beat.attempt) if beat is not None else None
    if path is None or not path.exists():
        return ()
    return tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])


def tail(paths: Sequence[Path], poll_seconds: float = 0.5) -> Iterator[tuple[Path, str]]:
    """The lines that are written to logs from now on, with the log each is from; never ends.

    Args:
        paths: The logs; one that is removed is silent.
        poll_seconds: How often to look.
    """
    return _lines_after({path: path.stat().st_size for path in paths}, poll_seconds)


def _lines_after(places: dict[Path, int], poll_seconds: float) -> Iterator[tuple[Path, str]]:
    while True:
        for path in places:
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(places[path])
                whole, newline, _ = file.read().rpartition(b"\n")
                places[path] += len(whole) + len(newline)
                for line in whole.decode(errors="replace").splitlines():
                    yield path, line
        time.sleep(poll_seconds)


def _log_of_cell(store: Store, prefix: str) -> Path:
    attempted = {
        cell: store.log_path(state.answer.pack or "", state.answer.attempt)
        for cell, state in load_index(store).items()
        if cell.startswith(prefix)
    }
    found = attempted or _logs_of_unfinished(store, prefix)
    if not found:
        raise StoreError(f"no cell that was trained in {store.root} has an id beginning {prefix}")
    if len(found) > 1:
        listed = ", ".join(sorted(found)[:8])
        raise StoreError(f"{len(found)} cells have an id beginning {prefix}: {listed}")
    [path] = found.values()
    if path is None or not path.exists():
        raise StoreError(f"the log of cell {next(iter(found))} is gone (it was {path})")
    return path


def _logs_of_unfinished(store: Store, prefix: str) -> dict[str, Path | None]:
    """Cells without a record: the log of their pack in the last run of the grid they belong to."""
    found: dict[str, Path | None] = {}
    for grid in submitted_grids(store):
        number = store.submission_numbers(grid)[-1]
        for manifest in manifests_of(store, grid, number):
            for cell in manifest.cells:
                if cell.id.startswith(prefix):
                    found[cell.id] = _newest_log(store, manifest.pack)
    return found


def _newest_log(store: Store, pack: str) -> Path | None:
    beat = newest_heartbeat(store, pack)
    path = store.log_path(pack, beat.attempt) if beat is not None else None
    return path if path is not None and path.exists() else None
