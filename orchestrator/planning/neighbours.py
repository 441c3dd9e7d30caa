"""Other living runs in the same store: which cells are theirs, so that nobody trains them twice."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestrator.provenance import host
from orchestrator.store.layout import Store
from orchestrator.submissions.jobs import jobs_folder
from orchestrator.submissions.manifest import Manifest, this_driver
from orchestrator.submissions.submission import manifest_paths, submitted_grids
from orchestrator.watching.carried import CarriedPack
from orchestrator.worker.heartbeat import Heartbeat, newest_heartbeat


def cells_of_others(store: Store, packs: Iterable[CarriedPack]) -> dict[str, str]:
    """The cells that others train now, or will train next: id to the grid they do it for.

    Every submission of every grid is looked at, because grids share cells. What this very process
    drives is left out.

    Args:
        store: The store.
        packs: What schedulers carry for the store.
    """
    in_jobs = {cell: pack.grid for pack in packs if pack.in_flight for cell in pack.unfinished}
    return _cells_of_drivers(store) | in_jobs


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
