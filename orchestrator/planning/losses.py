"""Cells whose workers are lost again and again: counted, so that nobody trains them for ever.

A worker that dies leaves no record of its unfinished cells, and the next run trains them again. A
cell that kills its worker would have that happen without an end.
"""

from collections.abc import Collection, Mapping

from orchestrator.store.index import CellState
from orchestrator.store.layout import Store
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import Submission, manifest_paths
from orchestrator.worker.heartbeat import Heartbeat, Phase, newest_heartbeat

MOST_LOSSES = 5
"""So many workers lost in a row are the end of it, until somebody asks for a retry."""


def count_losses(
    store: Store, last: Submission, index: Mapping[str, CellState], in_flight: Collection[str]
) -> dict[str, int]:
    """How many workers in a row each cell has lost, for those that have lost any.

    A worker that was drained, because somebody or its limit asked for it, is not lost, and neither
    is one that left a checkpoint: the next one is nearer to the end.

    Args:
        store: The store.
        last: The grid's last submission, with the losses before it.
        index: What the store holds, by cell id.
        in_flight: Ids of the cells that somebody trains now.
    """
    losses = dict(last.losses)
    for path in manifest_paths(store, last.grid, last.number):
        manifest = Manifest.read(path)
        missing = set(manifest.unfinished(index))
        for cell in set(ids_of(manifest.cells)) - missing:
            losses.pop(cell, None)
        missing -= set(in_flight)
        beat = newest_heartbeat(store, manifest.pack) if missing else None
        if beat is not None and _in_vain(store, beat):
            losses |= {cell: last.losses.get(cell, 0) + 1 for cell in missing}
    return losses


def _in_vain(store: Store, beat: Heartbeat) -> bool:
    """Whether a worker ended without a word, and without anything to go on from."""
    saved = any(store.checkpoint_folder(beat.pack, beat.attempt).glob("*.pt"))
    return beat.phase in (Phase.RUNNING, Phase.FAILED) and not saved
