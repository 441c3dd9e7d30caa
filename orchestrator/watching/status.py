"""The state of every cell of a submitted grid, from records, the scheduler and heartbeats."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.store.artifacts import answering_artifacts
from orchestrator.store.index import CellState, load_index
from orchestrator.store.layout import Store
from orchestrator.submissions.cell_lists import ids_of, labels_of
from orchestrator.submissions.jobs import jobs_folder
from orchestrator.submissions.submission import Submission, manifests_of
from orchestrator.watching.carried import (
    CarriedPack,
    Scheduler,
    close_ended,
    look,
    open_submissions,
)
from orchestrator.watching.outturn import Outturn, outturn
from orchestrator.watching.repeats import FailedRepeat, cluster_repeats, failed_repeat
from orchestrator.watching.states import FAILURES, State, blocked, count_states, state_of
from orchestrator.worker.failures import FailureCluster, cluster
from orchestrator.worker.heartbeat import Heartbeat, newest_heartbeat
from orchestrator.worker.spending import ended_early, hours_of_budget

_ENDED = {State.COMPLETED, State.BLOCKED, *map(State, FAILURES)}


@dataclass(frozen=True, kw_only=True, slots=True)
class GridStatus:
    """How far a grid is.

    Attributes:
        grid: Its name.
        number: Number of the submission that named its cells.
        at: When this was found out, in seconds since 1970.
        counts: State to how many of the grid's cells are in it.
        states: Cell id to state.
        labels: Cell id to a short human name, for the cells that are told one by one.
        failures: The failed cells by cause; at the end those that have results, and failed to get
            what these lack.
        running: What the living workers said last.
        packs: What is known of the packs that a scheduler was given: evidence to number of packs.
        halted: Why the submission starts nothing more, else "".
        outturn: What the submission took so far, beside its forecast; None where it had none.
        budget_hours: Device-hours that it may use; None for any number.
        used_hours: Those that its workers held, starts included; None where nothing bounds them.
    """

    grid: str
    number: int
    at: float
    counts: Mapping[str, int]
    states: Mapping[str, str]
    labels: Mapping[str, str]
    failures: tuple[FailureCluster, ...]
    running: tuple[Heartbeat, ...]
    packs: Mapping[str, int]
    halted: str = ""
    outturn: Outturn | None = None
    budget_hours: float | None = None
    used_hours: float | None = None

    @property
    def unfinished(self) -> bool:
        """Whether some cell has neither results nor failed, nor waits for one that failed."""
        return any(State(word) not in _ENDED for word in self.counts)

    @property
    def failed(self) -> bool:
        """Whether some cell failed, with results or without, or waits for one that did."""
        ended = _ENDED - {State.COMPLETED}
        return bool(self.failures) or any(State(word) in ended for word in self.counts)

    def age(self, heartbeat: Heartbeat) -> float:
        """Seconds since a worker was last heard."""
        return max(0.0, self.at - heartbeat.at)

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for scripts."""
        return {**asdict(self), "unfinished": self.unfinished}


@dataclass(frozen=True, kw_only=True, slots=True)
class GridLook:
    """What one look at a submission found.

    Attributes:
        at: When, in seconds since 1970.
        index: What the store holds, by cell id.
        packs: What a scheduler carries of it.
        beats: The cells and the last heartbeat of every pack that a driver waited for.
        states: Cell id to state.
    """

    at: float
    index: Mapping[str, CellState]
    packs: Sequence[CarriedPack]
    beats: Sequence[tuple[Sequence[str], Heartbeat | None]]
    states: Mapping[str, State]


def look_at_grid(store: Store, submission: Submission, scheduler: Scheduler) -> GridLook:
    """Look once at all that says how far the cells of a submission are.

    Args:
        store: The store.
        submission: Whose cells.
        scheduler: Asked at most once, and only about jobs that have something left to do.
    """
    index, now = load_index(store), time.time()
    packs = _carried_packs(store, submission, scheduler, index, now)
    beats = _attended_heartbeats(store, submission)
    states = _states(submission, index, packs, beats, now)
    return GridLook(at=now, index=index, packs=packs, beats=beats, states=states)


def grid_status(store: Store, submission: Submission, scheduler: Scheduler) -> GridStatus:
    """How far the cells of a submission are; arguments as for `look_at_grid`."""
    return status_of(store, submission, look_at_grid(store, submission, scheduler))


def status_of(store: Store, submission: Submission, look: GridLook) -> GridStatus:
    """What a look at a submission says of it."""
    now, index, packs, states = look.at, look.index, look.packs, look.states
    failed = [index[cell] for cell, state in states.items() if state in FAILURES]
    failures = (*cluster(failed), *cluster_repeats(_failed_repeats(store, submission, index)))
    living = [beat for _, beat in look.beats if beat is not None and beat.lives(now)]
    living += [pack.heartbeat for pack in packs if pack.in_flight and pack.heartbeat is not None]
    told = [cell for failure in failures for cell in failure.cells]
    return GridStatus(
        grid=submission.grid,
        number=submission.number,
        at=now,
        counts=count_states(states.values()),
        states={cell: state.value for cell, state in states.items()},
        labels=labels_of(submission.cells, told),
        failures=failures,
        running=tuple(beat for beat in living if beat.lives(now)),
        packs=dict(Counter(pack.verdict.why for pack in packs if pack.unfinished)),
        halted=str(ended_early(store, submission.grid, submission.number) or ""),
        outturn=outturn(submission, index) if submission.forecast else None,
        budget_hours=submission.max_device_hours,
        used_hours=hours_of_budget(store, submission),
    )


def _failed_repeats(
    store: Store, submission: Submission, index: Mapping[str, CellState]
) -> list[FailedRepeat]:
    """What failed of the cells that have results, but not all that the submission asks for."""
    cells = (cell for cell in ids_of(submission.cells) if cell in index)
    tried = [s for s in map(index.__getitem__, cells) if s.completed and s.failures]
    leave = set(submission.artifacts.leave)
    held = answering_artifacts(store, index) if tried and leave else {}
    found = []
    for state in tried:
        lacking = set(submission.probes.of(state.cell)) - state.probes
        if lacking or leave - set(held.get(state.cell, ())):
            found.append(failed_repeat(state, lacking, submission.code))
    return [failed for failed in found if failed is not None]


def _carried_packs(
    store: Store,
    submission: Submission,
    scheduler: Scheduler,
    index: Mapping[str, CellState],
    now: float,
) -> list[CarriedPack]:
    """The packs of the grid's open submissions, and of this one while its cells lack results."""
    keys = open_submissions(store, submission.grid)
    own = (submission.grid, submission.number)
    if own not in keys and jobs_folder(store, *own).is_dir():
        done = all(cell in index and index[cell].completed for cell in ids_of(submission.cells))
        keys += [] if done else [own]
    packs = look(store, keys, scheduler, index, now)
    if store.writable:
        close_ended(store, packs, index, now)
    return packs


def _attended_heartbeats(
    store: Store, submission: Submission
) -> list[tuple[Sequence[str], Heartbeat | None]]:
    """The cells and the last heartbeat of every pack that a driver waited for."""
    if jobs_folder(store, submission.grid, submission.number).is_dir():
        return []
    return [
        (ids_of(manifest.cells), newest_heartbeat(store, manifest.pack))
        for manifest in manifests_of(store, submission.grid, submission.number)
    ]


def _states(
    submission: Submission,
    index: Mapping[str, CellState],
    packs: Sequence[CarriedPack],
    beats: Sequence[tuple[Sequence[str], Heartbeat | None]],
    now: float,
) -> dict[str, State]:
    verdicts = {cell: pack.verdict for pack in packs for cell in pack.unfinished}
    heard = {cell: beat for cells, beat in beats for cell in cells}
    wanted = [*ids_of(submission.producers), *ids_of(submission.cells)]
    states = {}
    for cell in wanted:
        verdict = verdicts.get(cell)
        answered = cell in index and index[cell].completed
        if verdict is not None and (verdict.in_flight or not answered):
            states[cell] = verdict.state
        else:
            states[cell] = state_of(cell, index, heard.get(cell), now)
    states |= {cell: state for cell, (state, _) in blocked(states, submission.needs).items()}
    return {cell: states[cell] for cell in ids_of(submission.cells)}
