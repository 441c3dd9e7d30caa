"""Progress in a report: how many cells are in which state, and what runs now."""

from collections import Counter
from dataclasses import dataclass

from orchestrator.report.material import ReportMaterial
from orchestrator.watching.states import State

KINDS = {
    State.COMPLETED: "done",
    State.RUNNING: "running",
    State.PENDING: "waiting",
    State.FAILED: "failed",
    State.INVALID: "failed",
    State.OUT_OF_MEMORY: "failed",
    State.BLOCKED: "failed",
}
"""State to the kind that colours tell apart; all others, whose worker was ended, are "lost"."""

_ORDER = ("done", "running", "failed", "lost", "waiting")
_SHOWN_PACKS = 8
_ENOUGH = 5  # attempts that must have ended before a pace is told


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """How many cells are in one state; `kind` is its colour, `percent` its part of all."""

    state: str
    count: int
    kind: str
    percent: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningPack:
    """What a living worker said last.

    Attributes:
        host: Its machine.
        label: What it trains.
        done: Cells of its pack that are on the disk.
        total: Cells of its pack.
        percent: How far the cells are that step now.
        age: Seconds since it was heard.
    """

    host: str
    label: str
    done: int
    total: int
    percent: float
    age: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far the cells of a report are.

    Attributes:
        asked: How many there are.
        finished: How many completed.
        failed: How many ended without results, or wait for one that did.
        running: How many run now.
        waiting: How many are still to come, those whose worker was lost included.
        shares: The states that occur, the completed cells first and the waiting ones last.
        packs: The living workers, at most eight.
        more_packs: How many more there are.
        halted: Why the submission starts nothing more, else "".
        seconds_left: How long the open cells take at the pace of this run so far; None where
            nothing runs, or too little has ended to tell.
    """

    asked: int
    finished: int
    failed: int
    running: int
    waiting: int
    shares: tuple[Share, ...]
    packs: tuple[RunningPack, ...]
    more_packs: int
    halted: str
    seconds_left: float | None

    @property
    def percent(self) -> float:
        """Completed cells of all that are asked for, 0 to 100."""
        return 100 * self.finished / max(1, self.asked)

    @property
    def whole(self) -> bool:
        """Whether every cell has results."""
        return self.finished == self.asked


def progress_of(material: ReportMaterial) -> Progress:
    """How far the cells of a report are."""
    counts = Counter(material.states.values())
    by_kind: Counter[str] = Counter()
    for state, count in counts.items():
        by_kind[kind_of(state)] += count
    status = material.status
    packs = [
        RunningPack(
            host=beat.host,
            label=beat.label,
            done=beat.cells_done,
            total=beat.cells_total,
            percent=100 * beat.step / beat.total_steps if beat.total_steps else 0.0,
            age=status.age(beat),
        )
        for beat in status.running[:_SHOWN_PACKS]
    ]
    return Progress(
        asked=len(material.states),
        finished=by_kind["done"],
        failed=by_kind["failed"],
        running=by_kind["running"],
        waiting=by_kind["waiting"] + by_kind["lost"],
        shares=_shares(counts),
        packs=tuple(packs),
        more_packs=len(status.running) - len(packs),
        halted=status.halted,
        seconds_left=_seconds_left(material, by_kind),
    )


def kind_of(state: str) -> str:
    """The kind of a state: "done", "running", "waiting", "failed" or "lost"."""
    return KINDS.get(State(state), "lost")


def _seconds_left(material: ReportMaterial, by_kind: Counter[str]) -> float | None:
    """The open cells, each as long as one of this run took on average, several at once counted."""
    run = material.ledger.outturn
    if not by_kind["running"] or run.attempts < _ENOUGH:
        return None
    return (by_kind["running"] + by_kind["waiting"]) * run.wall_seconds / run.attempts


def _shares(counts: Counter[str]) -> tuple[Share, ...]:
    total = max(1, counts.total())
    return tuple(
        Share(
            state=state.value,
            count=counts[state],
            kind=kind_of(state),
            percent=100 * counts[state] / total,
        )
        for state in sorted(State, key=lambda state: _ORDER.index(kind_of(state)))
        if counts[state]
    )
