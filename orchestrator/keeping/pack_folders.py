"""Which packs of a store are done with: all their cells have results, and nobody is at work."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.provenance import host
from orchestrator.store.index import CellState, load_index
from orchestrator.store.layout import Store
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.jobs import jobs_folder
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import manifest_paths, manifests_of
from orchestrator.watching.carried import Scheduler, SubmissionKey, look, open_submissions
from orchestrator.worker.heartbeat import driver_lives, newest_heartbeat


@dataclass(frozen=True, kw_only=True, slots=True)
class Packs:
    """The packs of some submissions.

    Attributes:
        cells: Pack id to the ids of its cells.
        busy: Ids of the packs, of any submission, that a worker runs or that wait for one.
        done: Ids of those that are not busy and all of whose cells have results.
    """

    cells: Mapping[str, tuple[str, ...]]
    busy: frozenset[str]
    done: frozenset[str]


def find_packs(
    store: Store,
    keys: Iterable[SubmissionKey],
    every_key: Sequence[SubmissionKey],
    scheduler: Scheduler,
    index: Mapping[str, CellState],
) -> Packs:
    """Look at the packs of submissions.

    Args:
        store: The store.
        keys: The submissions.
        every_key: All submissions of the store: they share packs, and any may be at work.
        scheduler: Whom to ask about jobs.
        index: What the store holds, by cell id.
    """
    cells = {
        path.stem: tuple(ids_of(Manifest.read(path).cells))
        for key in keys
        for path in manifest_paths(store, *key)
    }
    carried = look(store, open_submissions(store), scheduler, index)
    busy = {pack.pack for pack in carried if pack.in_flight}
    for key in every_key:
        busy |= _driven(store, key)
    done = {pack for pack, own in cells.items() if pack not in busy and _completed(own, index)}
    return Packs(cells=cells, busy=frozenset(busy), done=frozenset(done))


def grids_at_work(store: Store, grids: Collection[str], scheduler: Scheduler) -> set[str]:
    """Those of these grids of which a pack runs, or waits for its turn; asks at most once."""
    index = load_index(store)
    opened = [key for grid in grids for key in open_submissions(store, grid)]
    carried = look(store, opened, scheduler, index)
    keys = [(grid, number) for grid in grids for number in store.submission_numbers(grid)]
    attended = {key[0] for key in keys if _driven(store, key) or _to_begin(store, key, index)}
    return attended | {pack.grid for pack in carried if pack.in_flight}


def _to_begin(store: Store, key: SubmissionKey, index: Mapping[str, CellState]) -> bool:
    """Whether a living driver of this machine has a pack that no worker took yet."""
    return any(
        manifest.driver is not None
        and manifest.driver.host == host()
        and driver_lives(manifest.driver)
        and newest_heartbeat(store, manifest.pack) is None
        and manifest.unfinished(index)
        for manifest in manifests_of(store, *key)
    )


def _completed(cells: Collection[str], index: Mapping[str, CellState]) -> bool:
    return all(cell in index and index[cell].completed for cell in cells)


def _driven(store: Store, key: SubmissionKey) -> set[str]:
    """The packs of a submission that run, or that its living driver has still to begin."""
    paths: list[Path] = manifest_paths(store, *key)
    beats = {path.stem: newest_heartbeat(store, path.stem) for path in paths}
    living = {pack for pack, beat in beats.items() if beat is not None and beat.lives()}
    if not living or jobs_folder(store, *key).is_dir():
        return living
    drivers = {beat.driver for pack in living if (beat := beats[pack]) is not None}
    waiting = {pack for pack, beat in beats.items() if beat is None or beat.driver not in drivers}
    return living | waiting
