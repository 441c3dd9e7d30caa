"""Cancelling: a grid in all its submissions, or single cells wherever they wait or run.

The store is told first, the scheduler after it: a worker that is ended by the scheduler then knows
that somebody wanted it, and hands nothing over.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.store.index import load_index
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_new
from orchestrator.submissions.jobs import jobs_folder
from orchestrator.submissions.submission import manifest_paths
from orchestrator.watching.carried import CarriedPack, Scheduler, look, open_submissions
from orchestrator.worker.heartbeat import cancelled_path, newest_heartbeat, request_stop


class Ender(Scheduler, Protocol):
    """A scheduler that can also end jobs."""

    def cancel(self, elements: Sequence[str]) -> None:
        """End these jobs, or elements of arrays, by their numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancelled:
    """What was cancelled.

    Attributes:
        cells: Ids of the cells that were waiting or running in a scheduler's jobs.
        jobs: Numbers of the jobs that were ended.
        submissions: How many submissions were asked to stop.
    """

    cells: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    submissions: int = 0


def cancel_grid(store: Store, grid: str, scheduler: Ender) -> Cancelled:
    """Stop every submission of a grid; what was saved stays, and the next run goes on from it.

    Raises:
        SlurmError: When jobs are known and the scheduler does not answer.
    """
    packs = _in_flight(store, grid, scheduler)
    keys = open_submissions(store, grid)
    driven = [number for number in store.submission_numbers(grid) if _driven(store, grid, number)]
    for number in [*(number for _, number in keys), *driven]:
        request_stop(store, grid, number)
    jobs = _numbers(packs)
    scheduler.cancel(jobs)
    return Cancelled(
        cells=tuple(cell for pack in packs for cell in pack.unfinished),
        jobs=tuple(jobs),
        submissions=len(keys) + len(driven),
    )


def cancel_cells(
    store: Store, cells: Collection[str], scheduler: Ender, grid: str | None = None
) -> Cancelled:
    """Leave cells out of the packs that have not trained them yet.

    A job all of whose unfinished cells are cancelled is ended. A cell whose block is being stepped
    just now ends with its block.

    Args:
        store: The store.
        cells: Their ids.
        scheduler: Who carries them.
        grid: Look only into submissions of this grid.
    """
    wanted = set(cells)
    packs = _in_flight(store, grid, scheduler)
    ended = []
    found: set[str] = set()
    for pack in packs:
        mine = wanted & set(pack.unfinished)
        for cell in sorted(mine):
            publish_new(cancelled_path(store, pack.grid, pack.number) / cell, b"")
        found |= mine
        gone = _cancelled_cells(store, pack)
        if mine and gone >= set(pack.unfinished):
            ended.append(pack)
    jobs = _numbers(ended)
    scheduler.cancel(jobs)
    return Cancelled(cells=tuple(sorted(found)), jobs=tuple(jobs))


def find_cells(store: Store, beginnings: Iterable[str], scheduler: Ender) -> list[str]:
    """The cells in flight whose ids begin so.

    Raises:
        StoreError: When no cell, or several, begin with one of these.
    """
    known = sorted({c for pack in _in_flight(store, None, scheduler) for c in pack.unfinished})
    return [_one(beginning, known, store) for beginning in beginnings]


def _one(beginning: str, known: Sequence[str], store: Store) -> str:
    matching = [cell for cell in known if cell.startswith(beginning)]
    if len(matching) != 1:
        said = f"{len(matching)} cells" if matching else "no cell"
        raise StoreError(
            f"{said} waiting or running in {store.root} has an id that begins with {beginning}"
        )
    return matching[0]


def _in_flight(store: Store, grid: str | None, scheduler: Ender) -> list[CarriedPack]:
    packs = look(store, open_submissions(store, grid), scheduler, load_index(store))
    return [pack for pack in packs if pack.in_flight]


def _numbers(packs: Sequence[CarriedPack]) -> list[str]:
    return sorted({pack.job.job for pack in packs if pack.job is not None})


def _cancelled_cells(store: Store, pack: CarriedPack) -> set[str]:
    folder = cancelled_path(store, pack.grid, pack.number)
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _driven(store: Store, grid: str, number: int) -> bool:
    """Whether a living worker of a run that somebody waits for belongs to a submission."""
    if jobs_folder(store, grid, number).is_dir():
        return False
    beats = (newest_heartbeat(store, path.stem) for path in manifest_paths(store, grid, number))
    return any(beat is not None and beat.lives() for beat in beats)
