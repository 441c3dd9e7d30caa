"""Cells that have results and were trained again for what these lack, in vain.

Their results stand, so their state is COMPLETED; but what was asked of them besides is not there,
and asking once more would fail once more. So they are told of as failures until they are retried.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from grids.probe_texts import PHASE, probe_phase
from orchestrator.store.index import DISAGREEMENT, CellState
from orchestrator.store.index_part import IndexEntry
from orchestrator.watching.states import FAILURES
from orchestrator.worker.failures import FailureCluster, cluster


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedRepeat:
    """The failure that keeps a cell with results from what it lacks.

    Attributes:
        text: The canonical JSON of the cell.
        entry: The attempt that failed.
    """

    text: str
    entry: IndexEntry

    @property
    def what(self) -> str:
        """What failed, in words: "measuring robust", or "training it again"."""
        phase = self.entry.error_phase or ""
        if phase.startswith(PHASE):
            return f"measuring {phase.removeprefix(PHASE)}"
        return "training it again"

    @property
    def reason(self) -> str:
        """Why the cell is not trained for what it lacks."""
        raised = f"{self.entry.error_type or self.entry.state}: {self.entry.error_message or ''}"
        return f"has results; {self.what} failed: {raised}"


def failed_repeat(state: CellState, probes: Iterable[str], code: str) -> FailedRepeat | None:
    """The failure that keeps a cell with results from what it lacks; None when nothing does.

    That is the last attempt that one of the probes stopped; else the newest attempt at the cell,
    when that failed and no probe stopped it. Failures of other code do not count, because the
    repeat may go well now; that two attempts disagree is known whatever runs now.

    Args:
        state: How far the cell got; it has results and lacks something.
        probes: Texts of the probes that its results do not cover and that are asked for now.
        code: Hash of the code that would run.
    """
    if state.attempts == 1:
        return None
    phases = {probe_phase(text) for text in probes}
    latest = sorted(state.entries, key=lambda one: (one.finished_at, one.attempt), reverse=True)
    for place, one in enumerate(latest):
        if one.state not in FAILURES or (one.code != code and one.error_type != DISAGREEMENT):
            continue
        by_probe = (one.error_phase or "").startswith(PHASE)
        if one.error_phase in phases or (place == 0 and not by_probe):
            return FailedRepeat(text=state.text, entry=one)
    return None


def cluster_repeats(failed: Iterable[FailedRepeat]) -> list[FailureCluster]:
    """These failures grouped by what failed and by cause."""
    groups: dict[str, list[CellState]] = defaultdict(list)
    for one in failed:
        groups[one.what].append(CellState.of(one.text, (one.entry,)))
    return [
        replace(found, repeating=what)
        for what, states in sorted(groups.items())
        for found in cluster(states)
    ]
