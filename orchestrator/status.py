"""The state of every cell of a submitted grid, from records and heartbeats."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.failures import FailureCluster, cluster
from orchestrator.heartbeat import Heartbeat, newest_heartbeat
from orchestrator.states import FAILURES, State, count_states, state_of
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from orchestrator.submission import Submission, manifests_of


@dataclass(frozen=True, kw_only=True, slots=True)
class GridStatus:
    """How far a grid is.

    Attributes:
        grid: Its name.
        number: Number of the submission that named its cells.
        at: When this was found out, in seconds since 1970.
        counts: State to how many of the grid's cells are in it.
        states: Cell id to state.
        labels: Cell id to a short human name.
        failures: The failed cells by cause.
        running: What the living workers of the submission said last.
    """

    grid: str
    number: int
    at: float
    counts: Mapping[str, int]
    states: Mapping[str, str]
    labels: dict[str, str]
    failures: tuple[FailureCluster, ...]
    running: tuple[Heartbeat, ...]

    @property
    def unfinished(self) -> bool:
        """Whether some cell has neither results nor failed."""
        ended = {State.COMPLETED.value, *FAILURES}
        return any(state not in ended for state in self.counts)

    def age(self, heartbeat: Heartbeat) -> float:
        """Seconds since a worker was last heard."""
        return max(0.0, self.at - heartbeat.at)

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for scripts."""
        return {**asdict(self), "unfinished": self.unfinished}


def grid_status(store: Store, submission: Submission) -> GridStatus:
    """Find out how far the cells of a submission are."""
    index = load_index(store)
    now = time.time()
    pack_of: dict[str, str] = {}
    beats: dict[str, Heartbeat | None] = {}
    for manifest in manifests_of(store, submission.grid, submission.number):
        beats[manifest.pack] = newest_heartbeat(store, manifest.pack)
        pack_of |= {cell.id: manifest.pack for cell in manifest.cells}
    states = {
        cell.id: state_of(cell.id, index, beats.get(pack_of.get(cell.id, "")), now)
        for cell in submission.cells
    }
    failed = [index[c] for c, s in states.items() if s in FAILURES and c in index]
    return GridStatus(
        grid=submission.grid,
        number=submission.number,
        at=now,
        counts=count_states(states.values()),
        states={cell: state.value for cell, state in states.items()},
        labels={cell.id: cell.label() for cell in submission.cells},
        failures=tuple(cluster(failed)),
        running=tuple(beat for beat in beats.values() if beat is not None and beat.lives(now)),
    )
