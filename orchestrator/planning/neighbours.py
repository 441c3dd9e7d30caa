"""Other living runs in the same store: which cells are theirs, so that nobody trains them twice."""

from collections.abc import Mapping
from pathlib import Path

from orchestrator.provenance import host
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store
from orchestrator.submissions.jobs import jobs_folder
from orchestrator.submissions.manifest import Manifest, this_driver
from orchestrator.submissions.submission import manifest_paths, submitted_grids
from orchestrator.watching.carried import Scheduler, close_ended, look, open_submissions
from orchestrator.worker.heartbeat import Heartbeat, newest_heartbeat


def cells_of_others(
    store: Store, index: Mapping[str, CellState], scheduler: Scheduler
) -> dict[str, str]:
    """The cells that others train now, or will train next: id to the grid they do it for.

    Every submission of every grid is looked at, because grids share cells. What this very process
    drives is left out.

    Args:
        store: The store.
        index: What it holds, by cell id.
        scheduler: Whom to ask about jobs; asked only where there are any.
    """
    return _cells_of_drivers(store) | _cells_in_jobs(store, index, scheduler)


def _cells_in_jobs(
    store: Store, index: Mapping[str, CellState], scheduler: Scheduler
) -> dict[str, str]:
    """The cells that wait or run in a scheduler's jobs."""
    submissions = open_submissions(store)
    if not submissions:
        return {}
    packs = look(store, submissions, scheduler, index)
    if store.writable:
        close_ended(store, packs, index)
    return {cell: pack.grid for pack in packs if pack.in_flight for cell in pack.unfinished}


def _cells_of_drivers(store: Store) -> dict[str, str]:
    """The cells of submissions that a living process on some machine drives.

    One living worker makes a living run: what none of its workers has ended is its own, packs that
    wait for a slot included.
    """
    return {
        cell: grid
        for grid in submitted_grids(store)
        for number in store.submission_numbers(grid)
        if not jobs_folder(store, grid, number).is_dir()
        for cell in _cells_of_run(store, grid, number)
    }


def _cells_of_run(store: Store, grid: str, number: int) -> set[str]:
    """The cells that a submission still trains; empty when no other process lives for it."""
    paths = manifest_paths(store, grid, number)
    beats = {path: newest_heartbeat(store, path.stem) for path in paths}
    drivers = {beat.driver for beat in _living(beats)} - {this_driver(host())}
    if not drivers:
        return set()
    open_paths = [
        path
        for path, beat in beats.items()
        if beat is None or beat.driver not in drivers or beat.lives()
    ]
    return {cell.id for path in open_paths for cell in Manifest.read(path).cells}


def _living(beats: Mapping[Path, Heartbeat | None]) -> list[Heartbeat]:
    return [beat for beat in beats.values() if beat is not None and beat.lives()]
