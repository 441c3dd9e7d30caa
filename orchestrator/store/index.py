"""The index of a store: for every cell, how far it got. Read without the tables.

`status` and `plan` ask about thousands of cells in well under a second, so nothing here imports
pyarrow or DuckDB: the newest generation carries an index of its own, and hot records are read on
top.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.store.answering import COMPLETED, ranked
from orchestrator.store.generations import read_newest
from orchestrator.store.index_part import INDEX, IndexEntry, decode_index, entry_of
from orchestrator.store.layout import Store
from orchestrator.store.records import canonical_json, check_same_cell, scan_hot

DISAGREEMENT = "Disagreement"
"""Type of the error of an attempt that repeated a cell and came to other results."""


@dataclass(frozen=True, slots=True)
class CellState:
    """How far one cell got.

    Attributes:
        text: The canonical JSON that its id was computed from.
        entries: All ended attempts at it, in the order in which they were read.
        answer: The attempt that answers for it.
        hot: Whether that attempt's record is not yet folded into the tables.
    """

    text: str
    entries: tuple[IndexEntry, ...]
    answer: IndexEntry
    hot: bool

    @classmethod
    def of(
        cls, text: str, entries: tuple[IndexEntry, ...], hot: Collection[tuple[str, str]] = ()
    ) -> "CellState":
        """The state of a cell.

        Args:
            text: Its canonical JSON.
            entries: The attempts at it that ended, at least one.
            hot: Cell and attempt of the records that are not yet folded.
        """
        answer = entries[0] if len(entries) == 1 else ranked(entries)[0]
        return cls(text, entries, answer, (answer.cell, answer.attempt) in hot)

    @property
    def canonical(self) -> Mapping[str, Any]:
        """The cell, as its id was computed from it."""
        plain: dict[str, Any] = json.loads(self.text)
        return plain

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

    @property
    def attempts(self) -> int:
        """How many attempts ended."""
        return len(self.entries)

    @property
    def failures(self) -> int:
        """How many of them did not complete."""
        return sum(entry.state != COMPLETED for entry in self.entries)

    @property
    def completions(self) -> tuple[str, ...]:
        """Every completed attempt at the cell, the answering one among them."""
        return tuple(entry.attempt for entry in self.entries if entry.state == COMPLETED)

    @property
    def standing(self) -> tuple[str, ...]:
        """The completed attempts that none supersedes, the one that answers first."""
        return tuple(e.attempt for e in ranked(self.entries)) if self.completed else ()

    @property
    def probes(self) -> frozenset[str]:
        """The texts of the probes that the answering attempts have measured, all together."""
        standing = ranked(self.entries) if self.completed else ()
        return frozenset(text for entry in standing for text in entry.probes)

    @property
    def disagreement(self) -> str:
        """What the newest attempt said, if it repeated the cell's results and got others."""
        newest = max(self.entries, key=lambda entry: (entry.finished_at, entry.attempt))
        told = self.completed and newest.error_type == DISAGREEMENT
        return str(newest.error_message) if told else ""


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
    known = {(entry.cell, entry.attempt) for entry in entries} if scan.records else set()
    hot = [record for record in scan.records if (record.cell, record.attempt) not in known]
    for record in scan.records:
        text = canonical_json(record.canonical)
        check_same_cell(record.cell, canonicals.setdefault(record.cell, text), text)
    return Index(
        cells=_states(entries, list(map(entry_of, hot)), canonicals),
        folded=len(entries),
        hot=len(hot),
        damaged=scan.damaged,
    )


def _states(
    folded: Sequence[IndexEntry], hot: Sequence[IndexEntry], canonicals: Mapping[str, str]
) -> dict[str, CellState]:
    names = {(entry.cell, entry.attempt) for entry in hot}
    by_cell: dict[str, tuple[IndexEntry, ...]] = {}
    for entry in [*folded, *hot]:
        others = by_cell.get(entry.cell)
        by_cell[entry.cell] = (entry,) if others is None else (*others, entry)
    return {cell: CellState.of(canonicals[cell], by_cell[cell], names) for cell in sorted(by_cell)}
