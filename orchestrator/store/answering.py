"""Which attempt answers for a cell: the one rule, used by every reader and by compaction."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Protocol, TypeVar

COMPLETED = "COMPLETED"
"""The only state in which an attempt holds results."""


class Attempted(Protocol):
    """What the rule needs to know of one attempt; records and index entries both offer it."""

    @property
    def cell(self) -> str:
        """The id of the cell, 16 hex digits."""

    @property
    def attempt(self) -> str:
        """The id of the attempt."""

    @property
    def state(self) -> str:
        """The state in which the attempt ended."""

    @property
    def finished_at(self) -> str:
        """When it ended, as `records.timestamp` writes it: text order is time order."""

    @property
    def supersedes(self) -> Collection[str]:
        """Ids of the attempts at the same cell that this one replaces."""


AttemptedT = TypeVar("AttemptedT", bound=Attempted)
OutputT = TypeVar("OutputT", bound=Hashable)


def answering(attempts: Iterable[AttemptedT]) -> dict[str, AttemptedT]:
    """For each cell, the attempt that answers for it.

    That is the first in `ranked` order: the earliest completed attempt that no completed attempt
    supersedes; only where nothing completed, the latest failure.

    Args:
        attempts: Attempts at any cells, in any order, repetitions allowed.

    Returns:
        Cell id to attempt, by ascending cell id.
    """
    by_cell: dict[str, list[AttemptedT]] = defaultdict(list)
    for attempt in attempts:
        by_cell[attempt.cell].append(attempt)
    return {
        cell: own[0] if len(own := by_cell[cell]) == 1 else ranked(own)[0]
        for cell in sorted(by_cell)
    }


def ranked(attempts: Collection[AttemptedT]) -> list[AttemptedT]:
    """The attempts at ONE cell from which its outputs are taken, the first that has one winning.

    Completed attempts that none supersedes, by (finished_at, attempt); a later one only adds
    outputs that no earlier one holds. When nothing completed, the failures, latest first.
    """
    completed = [attempt for attempt in attempts if attempt.state == COMPLETED]
    if not completed:
        return sorted(attempts, key=_moment, reverse=True)
    superseded = {
        name for attempt in completed for name in attempt.supersedes if name != attempt.attempt
    }
    standing = [attempt for attempt in completed if attempt.attempt not in superseded]
    # Attempts that supersede each other in a ring would leave a completed cell unanswered.
    return sorted(standing or completed, key=_moment)


def first_holders(
    attempts: Collection[AttemptedT], outputs: Mapping[str, Collection[OutputT]]
) -> dict[OutputT, str]:
    """For each output of ONE cell, the id of the attempt that answers it.

    Args:
        attempts: The attempts at the cell.
        outputs: Attempt id to the outputs it holds, by whatever tells them apart.
    """
    holders: dict[OutputT, str] = {}
    for attempt in ranked(attempts):
        for name in outputs.get(attempt.attempt, ()):
            holders.setdefault(name, attempt.attempt)
    return holders


def _moment(attempt: Attempted) -> tuple[str, str]:
    return attempt.finished_at, attempt.attempt
