"""The state of a cell: computed from records and heartbeats by whoever asks, never stored.

A worker's heartbeat says which attempt at which pack lives. A cell without a record is RUNNING
while a heartbeat of its pack is fresh, LOST when its worker went silent, CANCELLED when its worker
was told to stop, and PENDING otherwise.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from orchestrator.heartbeat import Heartbeat, Phase
from orchestrator.store.index import CellState

FAILURES = ("FAILED", "INVALID", "OUT_OF_MEMORY")
"""States of a cell that only `retry` trains again."""


class State(StrEnum):
    """The states of a cell; SLURM's words where it has one."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    PREEMPTED = "PREEMPTED"
    NODE_FAIL = "NODE_FAIL"
    LOST = "LOST"
    BLOCKED = "BLOCKED"
    INVALID = "INVALID"


def state_of(
    cell: str, index: Mapping[str, CellState], heartbeat: Heartbeat | None, now: float | None = None
) -> State:
    """The state of one cell, from its records and from the newest heartbeat of its pack."""
    answer = index.get(cell)
    if answer is not None and answer.completed:
        return State.COMPLETED
    if heartbeat is not None and heartbeat.lives(now):
        return State.RUNNING
    if answer is not None:
        return State(answer.state)
    if heartbeat is None:
        return State.PENDING
    return State.CANCELLED if heartbeat.phase is Phase.STOPPED else State.LOST


def count_states(states: Iterable[State]) -> dict[str, int]:
    """How many cells are in each state that occurs, in the order of `State`."""
    found = Counter(states)
    return {state.value: found[state] for state in State if found[state]}
