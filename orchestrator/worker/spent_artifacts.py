"""Artifacts that were left only for other cells, and that nobody needs any more."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from grids.artifacts import artifact_of
from orchestrator.store.artifacts import Artifact, list_artifacts, remove_artifacts
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.submission import (
    Submission,
    last_submission,
    manifest_paths,
    read_submission,
    submitted_grids,
)
from orchestrator.worker.heartbeat import newest_heartbeat

Named = tuple[str, str]
"""Id of a cell, and name of an artifact that it leaves."""


def remove_spent_artifacts(
    store: Store, submission: Submission, index: Mapping[str, CellState]
) -> list[Artifact]:
    """Remove what the cells of a submission have consumed, if its grid says so; what was removed.

    Another grid that says "keep", asks for an artifact or has still to train a cell that needs it
    is respected, and so is every earlier run that still has a living worker.

    Args:
        store: The store.
        submission: Of the grid whose cells may have consumed something.
        index: What the store holds, by cell id.
    """
    if submission.artifacts.consumed != "remove" or not submission.inputs:
        return []
    kept = [submission, *_others(store)]
    here = list_artifacts(store)
    names = spent_names(kept, index, {(one.cell, one.name) for one in here})
    spent = [one for one in here if (one.cell, one.name) in names]
    remove_artifacts(spent)
    return spent


def _others(store: Store) -> Iterable[Submission]:
    """The last submission of every grid, and those before it that are still at work."""
    for grid in submitted_grids(store):
        last = last_submission(store, grid)
        for number in store.submission_numbers(grid):
            if last is not None and number < last.number and _at_work(store, grid, number):
                yield read_submission(store, grid, number)
        if last is not None:
            yield last


def _at_work(store: Store, grid: str, number: int) -> bool:
    beats = (newest_heartbeat(store, path.stem) for path in manifest_paths(store, grid, number))
    return any(beat is not None and beat.lives() for beat in beats)


def spent_names(
    submissions: Sequence[Submission], index: Mapping[str, CellState], here: Collection[Named]
) -> set[Named]:
    """The artifacts that some of these submissions consumed, and that none of them wants still.

    Args:
        submissions: Whose cells consume artifacts, or leave them.
        index: What the store holds, by cell id.
        here: The artifacts that there are. A cell that has results is trained again where it shall
            leave what is not among them, and then it consumes once more.
    """
    consumed: set[Named] = set()
    kept: set[Named] = set()
    wanted: set[Named] = set()
    inputs: dict[str, set[Named]] = defaultdict(set)
    for submission in submissions:
        for name in submission.artifacts.leave:
            wanted |= {(cell, name) for cell in ids_of(submission.cells)}
        removes = submission.artifacts.consumed == "remove"
        for consumer, named in _inputs(submission):
            inputs[consumer].add(named)
            awaited = submission.awaits(consumer, index)
            (wanted if awaited else consumed if removes else kept).add(named)
    return consumed - kept - _with_all_before(wanted, inputs, here)


def _with_all_before(
    wanted: Collection[Named], inputs: Mapping[str, Collection[Named]], here: Collection[Named]
) -> set[Named]:
    """What is wanted, and what the cells begin with that must make it first."""
    found, left = set(), list(wanted)
    while left:
        named = left.pop()
        if named not in found:
            found.add(named)
            left += () if named in here else inputs.get(named[0], ())
    return found


def _inputs(submission: Submission) -> Iterable[tuple[str, Named]]:
    for consumer, inputs in submission.inputs.items():
        for name, producer in inputs.items():
            yield consumer, (producer, artifact_of(name))
