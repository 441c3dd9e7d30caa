"""A small store with submissions, packs and results that are partly folded and partly hot."""

from dataclasses import replace
from pathlib import Path

from grids.cell import Cell, Component
from orchestrator.planning.packing import pack_id
from orchestrator.store import Store, publish, publish_batch, timestamp
from orchestrator.store.compaction import compact
from orchestrator.store.records import Record
from orchestrator.submissions.cell_probes import CellProbes
from orchestrator.submissions.jobs import JobBatch
from orchestrator.submissions.jobs import publish_batch as publish_job
from orchestrator.submissions.manifest import Manifest, publish_manifests
from orchestrator.submissions.submission import Submission, publish_submission
from tests.support.grids import a_cell
from tests.support.records import NOON, PROVENANCE, attempt, failure
from tests.support.runs import a_submission

PROBE = '{"name":"sharp"}'
METRIC = {"name": "sharpness", "unit": "1", "better": "lower", "help": "how sharp"}

DONE = [a_cell("set", "0.1", seed) for seed in (0, 1)]
BROKEN = a_cell("rigl", "0.1", 0)
RETRIED = a_cell("rigl", "0.1", 1)
WAITING = a_cell(seed=2, method="lth", density="0.5", model=Component(
    name="mlp", options=(("hidden", (8, 8)),),
), recipe=(("epochs", 3),))  # fmt: skip
DENSE = a_cell("dense", "1", 2)
"""Needed by the one that waits."""
DROPPED = a_cell("gmp", "0.2", 0)
"""Of the first submission, and not of the second."""
GRID = [*DONE, BROKEN, RETRIED, WAITING]
PACKS = [pack_id(DONE), pack_id([BROKEN, RETRIED]), pack_id([WAITING])]


def asked_store(folder: Path) -> Store:
    """Two submissions of the grid `small` and one of `other`; see the names above.

    The cells in DONE are folded and completed, with probes; BROKEN failed; RETRIED failed, which
    is folded, and then completed, which is not; WAITING and DROPPED have no record.
    """
    store = Store.create(folder)
    _submit(store, "small", 1, [*DONE, DROPPED], [DONE])
    _submit(store, "other", 1, [DONE[0]], [])
    _submit(store, "small", 2, GRID, [DONE, [BROKEN, RETRIED], [WAITING]], (DENSE,))
    batch = JobBatch(name="ss-1234-a0", packs=(PACKS[1], PACKS[2]), user="someone")
    publish_job(store, "small", 2, batch)
    early = [_result(1, DONE[0], after=-50.0), _failed(2, BROKEN), _failed(3, RETRIED)]
    publish_batch(store, [(item, None) for item in early])
    compact(store)
    publish_batch(store, [(_result(4, DONE[1]), None), (_result(5, RETRIED), None)])
    return store


def fold_and_publish(store: Store) -> None:
    """Let the cell that waits fail."""
    publish(store, _failed(9, WAITING))


def _submit(
    store: Store,
    grid: str,
    number: int,
    cells: list[Cell],
    packs: list[list[Cell]],
    producers: tuple[Cell, ...] = (),
) -> Submission:
    made = replace(
        a_submission(grid, number, cells),
        submitted_at=timestamp(NOON + 100 * (number - 2)),
        producers=producers,
        probes=CellProbes(common=(PROBE,)),
        metrics=(METRIC,),
    )
    publish_submission(store, made)
    manifests = [
        Manifest(
            pack=pack_id(pack), store=str(store.root), grid=grid, number=number,
            backend="inline", code="c0de", cells=tuple(pack), driver=None, seconds=2.0,
        )
        for pack in packs
    ]  # fmt: skip
    if manifests:
        publish_manifests(store, manifests)
    return made


def _made_by(cell: Cell) -> dict[str, object]:
    pack = next(name for name, cells in zip(PACKS, (DONE, [BROKEN, RETRIED], [WAITING]),
                                            strict=True) if cell in cells)  # fmt: skip
    probes = [{"probe": {"name": "sharp"}, "metrics": ["sharpness"]}]
    return {**PROVENANCE, "grid": "small", "pack": pack, "probes": probes}


def _result(number: int, cell: Cell, *, after: float = 10.0) -> Record:
    from orchestrator.answers.results import fields_of_cell

    return Record(
        cell=cell.id, attempt=attempt(number), state="COMPLETED", canonical=cell.canonical(),
        fields=fields_of_cell(cell), started_at=timestamp(NOON + after),
        finished_at=timestamp(NOON + after + number), provenance=_made_by(cell),
        metrics={"test_accuracy": 0.8 + cell.seed / 10, "sharpness": 3.0 + cell.seed},
    )  # fmt: skip


def _failed(number: int, cell: Cell) -> Record:
    from orchestrator.answers.results import fields_of_cell

    provenance = {**_made_by(cell), "probes": None}
    return failure(
        number, cell=cell.id, canonical=cell.canonical(), fields=fields_of_cell(cell),
        started_at=timestamp(NOON + 1), provenance=provenance,
    )  # fmt: skip
