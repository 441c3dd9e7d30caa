"""The index of a store: for every cell, how far it got. Read without the tables.

`status` and `plan` ask about thousands of cells in well under a second, so nothing here imports
pyarrow or DuckDB: the newest generation carries a JSON index, and hot records are read on top.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.store.answering import COMPLETED, ranked
from orchestrator.store.generations import read_newest
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.records import Record, check_same_cell, scan_hot

INDEX = "index"
"""Name of the part of a generation that holds the index; the other parts are tables."""

DISAGREEMENT = "Disagreement"
"""Type of the error of an attempt that repeated a cell and came to other results."""


class IndexEntry(NamedTuple):
    """One attempt at one cell, in brief. Meanings and units as in docs/results.md.

    A tuple, because a hundred thousand of them are made whenever somebody asks for a status.
    """

    cell: str
    attempt: str
    state: str
    started_at: str
    finished_at: str
    supersedes: tuple[str, ...] = ()
    curve: bool = False
    code: str | None = None
    torch: str | None = None
    machine: str | None = None
    host: str | None = None
    device: str | None = None
    engine: str | None = None
    stack_width: int | None = None
    tier: str | None = None
    backend: str | None = None
    grid: str | None = None
    pack: str | None = None
    seconds: float | None = None
    device_seconds: float | None = None
    memory_mb: float | None = None
    error_type: str | None = None
    error_message: str | None = None
    error_signature: str | None = None
    error_phase: str | None = None


ENTRY_COLUMNS = IndexEntry._fields
"""The columns of the results table that an index entry repeats, in order."""

_SUPERSEDES = ENTRY_COLUMNS.index("supersedes")


@dataclass(frozen=True, kw_only=True, slots=True)
class CellState:
    """How far one cell got.

    Attributes:
        canonical: The cell, as its id was computed from it.
        answer: The attempt that answers for the cell.
        attempts: How many attempts ended, `answer` among them.
        failures: How many of them did not complete.
        hot: Whether the answering attempt's record is not yet folded into the tables.
        completions: Every completed attempt at the cell, the answering one among them.
        standing: Those of them that none supersedes, the one that answers first.
        disagreement: What was said when the newest attempt to repeat the cell's results got
            others, else "".
    """

    canonical: Mapping[str, Any]
    answer: IndexEntry
    attempts: int
    failures: int
    hot: bool
    completions: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    disagreement: str = ""

    @property
    def cell(self) -> str:
        """The id of the cell."""
        return self.answer.cell

    @property
    def state(self) -> str:
        """The state in which the answering attempt ended."""
        return self.answer.state

    @property
    def completed(self) -> bool:
        """Whether the cell has results."""
        return self.answer.state == COMPLETED


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """The state of every cell of a store.

    Attributes:
        cells: Cell id to state, by ascending id.
        folded: How many attempts are in the tables.
        hot: How many attempts are only in hot records.
        damaged: Record files that cannot be read; none of them is counted above.
    """

    cells: Mapping[str, CellState]
    folded: int
    hot: int
    damaged: tuple[Path, ...]


def load_index(store: Store) -> dict[str, CellState]:
    """The state of every cell that has at least one finished attempt, by ascending id."""
    return dict(read_index(store).cells)


def read_index(store: Store) -> Index:
    """Read the newest generation's index and the hot records.

    Raises:
        CollisionError: When two different cells carry one id.
        StoreError: When the newest generation is damaged.
    """
    # Hot records first: what is folded away in between is then in the generation read after.
    scan = scan_hot(store)
    found = read_newest(store, [INDEX])
    entries, canonicals = decode_index(found[1][INDEX]) if found else ([], {})
    known = {(entry.cell, entry.attempt) for entry in entries}
    hot = [record for record in scan.records if (record.cell, record.attempt) not in known]
    for record in scan.records:
        canonical = canonicals.setdefault(record.cell, record.canonical)
        check_same_cell(record.cell, canonical, record.canonical)
    return Index(
        cells=_states([*entries, *map(entry_of, hot)], canonicals, {_name(r) for r in hot}),
        folded=len(entries),
        hot=len(hot),
        damaged=scan.damaged,
    )


def entry_of(record: Record) -> IndexEntry:
    """The index entry of a record."""
    values: dict[str, Any] = dict(record.provenance)
    values |= {f"error_{key}": value for key, value in (record.error or {}).items()}
    values |= {
        name: getattr(record, name)
        for name in ("cell", "attempt", "state", "started_at", "finished_at", "supersedes", "curve")
    }
    return IndexEntry(**{name: values[name] for name in ENTRY_COLUMNS if name in values})


def encode_index(
    entries: Iterable[IndexEntry], canonicals: Mapping[str, Mapping[str, Any]]
) -> bytes:
    """The index part of a generation: every attempt as a row, every canonical cell once."""
    content = {
        "columns": ENTRY_COLUMNS,
        "attempts": list(entries),
        "cells": canonicals,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def decode_index(data: bytes) -> tuple[list[IndexEntry], dict[str, Mapping[str, Any]]]:
    """The inverse of `encode_index`: the entries, and cell id to canonical cell."""
    content = json.loads(data)
    if tuple(content["columns"]) != ENTRY_COLUMNS:
        raise StoreError(f"the index has the columns {', '.join(content['columns'])}")
    for row in content["attempts"]:
        row[_SUPERSEDES] = tuple(row[_SUPERSEDES])
    return list(map(IndexEntry._make, content["attempts"])), content["cells"]


def _states(
    entries: list[IndexEntry],
    canonicals: Mapping[str, Mapping[str, Any]],
    hot: set[tuple[str, str]],
) -> dict[str, CellState]:
    by_cell: dict[str, list[IndexEntry]] = defaultdict(list)
    for entry in entries:
        by_cell[entry.cell].append(entry)
    return {cell: _state(canonicals[cell], by_cell[cell], hot) for cell in sorted(by_cell)}


def _state(
    canonical: Mapping[str, Any], attempts: list[IndexEntry], hot: set[tuple[str, str]]
) -> CellState:
    best = ranked(attempts) if len(attempts) > 1 else attempts
    completions = tuple(entry.attempt for entry in attempts if entry.state == COMPLETED)
    return CellState(
        canonical=canonical,
        answer=best[0],
        attempts=len(attempts),
        failures=len(attempts) - len(completions),
        hot=_name(best[0]) in hot,
        completions=completions,
        standing=tuple(entry.attempt for entry in best) if completions else (),
        disagreement=_disagreement(attempts) if completions else "",
    )


def _disagreement(attempts: list[IndexEntry]) -> str:
    """What the newest attempt said, if it is one that repeated the cell with other results."""
    newest = max(attempts, key=lambda entry: (entry.finished_at, entry.attempt))
    return str(newest.error_message) if newest.error_type == DISAGREEMENT else ""


def _name(attempt: IndexEntry | Record) -> tuple[str, str]:
    return attempt.cell, attempt.attempt
