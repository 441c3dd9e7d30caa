"""Why a cell is in its state: every piece of evidence, from the record down to the log."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.store.index import CellState
from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.cell_lists import ids_of, labels_of
from orchestrator.submissions.jobs import job_ids, jobs_folder
from orchestrator.submissions.submission import (
    Submission,
    manifests_of,
    read_submission,
    submitted_grids,
)
from orchestrator.watching.carried import CarriedPack, Scheduler
from orchestrator.watching.logs import log_end
from orchestrator.watching.states import State
from orchestrator.watching.status import GridLook, look_at_grid
from orchestrator.worker.heartbeat import Heartbeat, Phase, newest_heartbeat


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """The state of a cell, and what it follows from.

    Attributes:
        cell: Its id.
        label: Its short name.
        state: Its state.
        lines: The evidence, strongest first.
        log: The last lines of the newest attempt's log.
    """

    cell: str
    label: str
    state: str
    lines: tuple[str, ...]
    log: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for scripts."""
        return asdict(self)


def explain_cell(store: Store, beginning: str, scheduler: Scheduler) -> Explanation:
    """Explain the state of the cell whose id begins so.

    Raises:
        StoreError: When no cell that was submitted, or several, begin so.
    """
    cell, submission = _find(store, beginning)
    found = look_at_grid(store, submission, scheduler)
    state = str(found.states.get(cell, State.PENDING))
    lines = [f"asked for by {submission.grid}, run {submission.number}, {submission.submitted_at}"]
    lines += _of_records(found.index.get(cell))
    carrying, pack = _carrying(store, submission, cell)
    if pack is None:
        lines.append("in no pack yet: its wave was not begun")
        return _explanation(submission, cell, state, lines, ())
    if carrying.number != submission.number:
        lines.append(f"in no pack of that run; last in one of run {carrying.number}")
    lines += _of_scheduler(store, carrying, cell, found)
    lines += _of_worker(newest_heartbeat(store, pack))
    return _explanation(submission, cell, state, lines, log_end(store, pack))


def _explanation(
    submission: Submission, cell: str, state: str, lines: list[str], log: tuple[str, ...]
) -> Explanation:
    labels = labels_of(submission.cells, [cell]) | labels_of(submission.producers, [cell])
    return Explanation(
        cell=cell, label=labels.get(cell, ""), state=state, lines=tuple(lines), log=log
    )


def _find(store: Store, beginning: str) -> tuple[str, Submission]:
    """A cell, and the newest submission that asks for it."""
    found: dict[str, Submission] = {}
    for grid in submitted_grids(store):
        for number in store.submission_numbers(grid):
            submission = read_submission(store, grid, number)
            wanted = [*ids_of(submission.cells), *ids_of(submission.producers)]
            found |= dict.fromkeys((c for c in wanted if c.startswith(beginning)), submission)
    if len(found) != 1:
        said = f"{len(found)} cells have" if found else "no cell that was submitted has"
        listed = f": {', '.join(sorted(found)[:8])}" if found else ""
        raise StoreError(f"{said} an id that begins with {beginning}{listed}")
    return next(iter(found.items()))


def _of_records(state: CellState | None) -> list[str]:
    if state is None:
        return ["records: none"]
    answer = state.answer
    lines = [
        f"records: {state.attempts} attempts ended, {state.failures} of them without results; "
        f"{answer.attempt} answers: {answer.state}, on {answer.host}, finished {answer.finished_at}"
    ]
    if answer.error_message:
        lines.append(f"error: {answer.error_type}: {answer.error_message}")
    return lines


def _carrying(store: Store, last: Submission, cell: str) -> tuple[Submission, str | None]:
    """The newest submission of the grid that has the cell in a pack, and that pack."""
    for number in sorted(store.submission_numbers(last.grid), reverse=True):
        for manifest in manifests_of(store, last.grid, number):
            if cell in set(ids_of(manifest.cells)):
                return read_submission(store, last.grid, number), manifest.pack
    return last, None


def _of_scheduler(
    store: Store,
    submission: Submission,
    cell: str,
    found: GridLook,
) -> list[str]:
    key = (submission.grid, submission.number)
    if not jobs_folder(store, *key).is_dir():
        return [f"carried by {submission.backend}: nobody else can be asked"]
    numbers = job_ids(store, *key)
    own = [
        _of_pack(pack, numbers.get(pack.place[0], "a number that was never noted"))
        for pack in found.packs
        if (pack.grid, pack.number) == key and cell in pack.cells
    ]
    return own or [f"carried by {submission.backend}: all jobs of this run have ended"]


def _of_pack(pack: CarriedPack, number: str) -> str:
    name, element = pack.place
    place = f"{name}[{element}]" if element is not None else name
    left = f"{len(pack.unfinished)} of {len(pack.cells)} cells unfinished"
    return f"pack {pack.pack} in job {number} ({place}), {left}: {pack.verdict.why}"


def _of_worker(beat: Heartbeat | None) -> list[str]:
    if beat is None:
        return ["worker: none was ever heard"]
    ago = max(0.0, time.time() - beat.at)
    gone = beat.phase is Phase.RUNNING and not beat.lives()
    phase = "gone without a word" if gone else f"{beat.phase} {beat.label}".rstrip()
    return [f"worker: {phase}, on {beat.host} as process {beat.pid}, heard {ago:.0f} s ago"]
