"""Which artifacts nobody needs any more."""

from collections.abc import Mapping

from grids.artifacts import ArtifactWishes
from grids.cell import Cell
from orchestrator.store.index import CellState
from orchestrator.store.index_part import IndexEntry
from orchestrator.submissions.submission import Submission
from orchestrator.worker.spent_artifacts import spent_names
from tests.support.cells import make_cell

DENSE = make_cell("dense")
SPARSE, SPARSER = make_cell("omp", "0.3"), make_cell("omp", "0.1")


def submission(*cells: Cell, consumed: str = "remove", leave: tuple[str, ...] = ()) -> Submission:
    return Submission(
        grid="g", number=1, source="/g.yaml", text="", overrides=(), backend="inline", slots=1,
        data_root=None, code="c0de", submitted_at="2026-11-20T00:00:00.000000Z", cells=cells,
        producers=(DENSE,), inputs={cell.id: {"final": DENSE.id} for cell in cells},
        artifacts=ArtifactWishes(leave=leave, consumed=consumed),
    )  # fmt: skip


def done(*cells: Cell) -> Mapping[str, CellState]:
    moment = "2026-11-20T00:00:00.000000Z"
    return {
        cell.id: CellState.of(
            cell.canonical_json(), (IndexEntry(cell.id, "a", "COMPLETED", moment, moment),)
        )
        for cell in cells
    }


def test_what_every_consumer_has_consumed_is_spent() -> None:
    assert spent_names([submission(SPARSE)], done(SPARSE)) == {(DENSE.id, "final")}


def test_not_while_a_consumer_is_left() -> None:
    assert spent_names([submission(SPARSE, SPARSER)], done(SPARSE)) == set()


def test_not_while_another_grid_needs_it() -> None:
    assert spent_names([submission(SPARSE), submission(SPARSER)], done(SPARSE)) == set()


def test_not_when_a_grid_keeps_what_it_consumed() -> None:
    both = [submission(SPARSE), submission(SPARSER, consumed="keep")]
    assert spent_names(both, done(SPARSE, SPARSER)) == set()


def test_not_when_a_grid_asks_for_it() -> None:
    both = [submission(SPARSE), submission(DENSE, leave=("final",))]
    assert (DENSE.id, "final") not in spent_names(both, done(SPARSE, DENSE))
