"""The submissions of one store as submissions of another, so that its grids can be asked there.

A grid of a new name keeps its numbers. Where both stores have run a grid of one name, those of the
other store are numbered on; and because the last number is the one that answers, the submission
that was made last of all is published once more when it would no longer be the last.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.keeping.copying import publish_dated
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_new
from orchestrator.store.records import canonical_json
from orchestrator.submissions.submission import (
    GRID_FILE,
    SUBMISSION_FILE,
    SUBMISSION_VERSION,
    submitted_grids,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One submission of a store, as its files hold it.

    Attributes:
        grid, number: What it is called there.
        content: What its file says, without the number.
        text: The grid file.
        written: When its file was written, in seconds since 1970.
    """

    grid: str
    number: int
    content: Mapping[str, Any]
    text: bytes
    written: float

    @property
    def submitted_at(self) -> str:
        """When it was submitted: text order is time order."""
        return str(self.content["submitted_at"])

    @property
    def fingerprint(self) -> str:
        """Equal for the same submission in two stores, whatever its number."""
        return hashlib.sha256(canonical_json(self.content).encode()).hexdigest()


def read_asked(store: Store) -> list[Asked]:
    """The submissions of a store, by grid and number; those of another format are left out.

    Raises:
        StoreError: When one is damaged.
    """
    found = []
    for grid in submitted_grids(store):
        for number in store.submission_numbers(grid):
            path = store.submission(grid, number) / SUBMISSION_FILE
            if path.exists():
                found.append(_read(path, grid, number))
    return [asked for asked in found if asked.content.get("schema") == SUBMISSION_VERSION]


def to_join(sources: Sequence[Sequence[Asked]], here: Sequence[Asked]) -> list[Asked]:
    """The submissions to publish, in order, so that a store holds those of others as well.

    Args:
        sources: The submissions of each of the other stores.
        here: Those that the store holds, by grid and number.
    """
    theirs = {asked.fingerprint: asked for listed in sources for asked in listed}
    known = {asked.fingerprint for asked in here}
    found: list[Asked] = []
    for grid in sorted({asked.grid for asked in theirs.values()}):
        added = [a for a in theirs.values() if a.grid == grid and a.fingerprint not in known]
        added.sort(key=_moment)
        every = [*(asked for asked in here if asked.grid == grid), *added]
        last, newest = every[-1], max(every, key=_moment)
        found += added
        if last.fingerprint in theirs and newest.fingerprint != last.fingerprint:
            found.append(newest)
    return found


def join(store: Store, asked: Asked) -> int:
    """Publish a submission; the number that it has got.

    Raises:
        OSError: When it cannot be written.
    """
    taken = [
        number
        for number in store.submission_numbers(asked.grid)
        if (store.submission(asked.grid, number) / SUBMISSION_FILE).exists()
    ]
    number = max(taken) + 1 if taken else asked.number
    while not _publish(store, asked, number):
        number += 1
    return number


def _moment(asked: Asked) -> str:
    return asked.submitted_at


def _publish(store: Store, asked: Asked, number: int) -> bool:
    folder = store.submission(asked.grid, number)
    # A run, or a merge that was killed, may have left the grid's file and nothing else.
    ours = publish_new(folder / GRID_FILE, asked.text)
    if not ours and (folder / GRID_FILE).read_bytes() != asked.text:
        return False
    content = {**asked.content, "number": number}
    data = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    return publish_dated(folder / SUBMISSION_FILE, data, asked.written)


def _read(path: Path, grid: str, number: int) -> Asked:
    try:
        content = json.loads(path.read_bytes())
        content.pop("number")
        if not isinstance(content["submitted_at"], str):
            raise KeyError("submitted_at")
        if content["grid"] != grid:
            raise ValueError(f"it says that it is of grid {content['grid']!r}")
        return Asked(
            grid=grid,
            number=number,
            content=content,
            text=(path.parent / GRID_FILE).read_bytes(),
            written=path.stat().st_mtime,
        )
    except OSError as error:
        raise StoreError(f"cannot read {path.parent}: {error.strerror}") from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error})") from error
