"""The state of a cell: computed from records and heartbeats by whoever asks, never stored.

A worker's heartbeat says which attempt at which pack lives. A cell without a record is RUNNING
while a heartbeat of its pack is fresh, LOST when its worker went silent, CANCELLED when its worker
was told to stop, and PENDING otherwise.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from orchestrator.store.index import CellState
from orchestrator.worker.heartbeat import Heartbeat, Phase

FAILURES = ("FAILED", "INVALID", "OUT_OF_MEMORY")
"""States in which an attempt at a cell ends without results; no run repeats it by itself."""

RETRIED = ("FAILED", "OUT_OF_MEMORY")
"""Those that `retry` trains again: a loss that stopped being finite would do so again."""


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


_STARVE = {State(word) for word in FAILURES}
_WAIT = {State.PENDING, State.LOST, State.CANCELLED}  # a consumer that found nothing has no record


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


def blocked(
    states: Mapping[str, State], needs: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[State, str]]:
    """Of the cells that wait, those that wait in vain: a producer failed, or waits in vain itself.

    Args:
        states: Cell id to state, producers included where they are known.
        needs: Cell id to the ids of its producers.

    Returns:
        Cell id to BLOCKED and the id of the producer that is to blame.
    """
    found: dict[str, tuple[State, str]] = {}

    def to_blame(cell: str) -> str | None:
        if states.get(cell) in _STARVE:
            return cell
        if states.get(cell, State.PENDING) not in _WAIT:
            return None
        return next((by for need in needs.get(cell, ()) if (by := to_blame(need))), None)

    for cell in needs:
        blamed = to_blame(cell) if states.get(cell) in _WAIT else None
        if blamed is not None:
            found[cell] = (State.BLOCKED, blamed)
    return found


def count_states(states: Iterable[State]) -> dict[str, int]:
    """How many cells are in each state that occurs, in the order of `State`."""
    found = Counter(states)
    return {state.value: found[state] for state in State if found[state]}
