"""Which artifacts nobody needs any more."""

from collections.abc import Mapping
from dataclasses import replace

from grids.artifacts import ArtifactWishes
from grids.cell import Cell
from orchestrator.store.index import CellState
from orchestrator.store.index_part import IndexEntry
from orchestrator.submissions.submission import Submission
from orchestrator.worker.spent_artifacts import Named, spent_names
from tests.support.cells import make_cell

DENSE = make_cell("dense")
FINAL = (DENSE.id, "final")
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
    assert spent_names([submission(SPARSE)], done(SPARSE), {FINAL}) == {FINAL}


def test_not_while_a_consumer_is_left() -> None:
    assert spent_names([submission(SPARSE, SPARSER)], done(SPARSE), {FINAL}) == set()


def test_not_while_a_consumer_that_has_results_is_left_to_train_again() -> None:
    asked = replace(submission(SPARSE), again={SPARSE.id: 1})
    assert spent_names([asked], done(SPARSE), {FINAL}) == set()
    assert spent_names([asked, submission(SPARSE)], done(SPARSE), {FINAL}) == set()
    assert spent_names([replace(asked, again={SPARSE.id: 0})], done(SPARSE), {FINAL}) == {FINAL}


def test_not_while_another_grid_needs_it() -> None:
    assert spent_names([submission(SPARSE), submission(SPARSER)], done(SPARSE), {FINAL}) == set()


def test_not_when_a_grid_keeps_what_it_consumed() -> None:
    both = [submission(SPARSE), submission(SPARSER, consumed="keep")]
    assert spent_names(both, done(SPARSE, SPARSER), {FINAL}) == set()


def test_not_when_a_grid_asks_for_it() -> None:
    both = [submission(SPARSE), submission(DENSE, leave=("final",))]
    assert spent_names(both, done(SPARSE, DENSE), {FINAL}) == set()


ROUNDS = [make_cell("imp", density) for density in ("0.8", "0.64", "0.512")]
FINALS = [(cell.id, "final") for cell in ROUNDS]


def chain(*rounds: Cell) -> Submission:
    """A grid of rounds, each of which begins with the one before; the first with dense."""
    before = dict(zip(rounds, (DENSE, *rounds), strict=False))
    inputs = {cell.id: {"final": before[cell].id} for cell in rounds}
    return replace(submission(*rounds), inputs=inputs)


def spent_after(*ended: Cell, here: set[Named], rounds: int = 3) -> set[Named]:
    return spent_names([chain(*ROUNDS[:rounds])], done(*ended), here)


def test_a_round_is_spent_when_the_next_one_has_results() -> None:
    here = {FINAL, *FINALS[:2]}
    assert spent_after(DENSE, *ROUNDS[:1], here=here - {FINALS[1]}) == {FINAL}
    assert spent_after(DENSE, *ROUNDS[:2], here=here) == {FINAL, FINALS[0]}
    assert spent_after(DENSE, *ROUNDS, here=here) == {FINAL, *FINALS[:2]}


def test_a_round_that_must_be_trained_again_consumes_once_more() -> None:
    """The last round is new, and nothing of the first two is left but their results."""
    assert spent_after(DENSE, *ROUNDS[:2], here={FINAL}) == set()
    assert spent_after(DENSE, *ROUNDS[:2], here={FINAL, FINALS[0]}) == {FINAL}
    assert spent_after(DENSE, *ROUNDS[:2], here={FINAL, *FINALS[:2]}) == {FINAL, FINALS[0]}


def test_what_a_grid_keeps_but_lost_is_made_again_for_nobody() -> None:
    kept = replace(chain(*ROUNDS), artifacts=ArtifactWishes(consumed="keep"))
    removing = submission(SPARSE)
    ended = done(DENSE, SPARSE, *ROUNDS)
    assert spent_names([removing, kept], ended, {FINAL}) == set()
    assert spent_names([removing, chain(*ROUNDS)], ended, {FINAL}) == {FINAL, *FINALS[:2]}


def test_scores_are_spent_by_their_own_name_when_nobody_needs_them() -> None:
    producers = [make_cell("dense", seed=seed) for seed in (0, 3)]
    named = {f"el2n@2e#{one.seed}": one.id for one in producers}
    asked = replace(submission(SPARSE, SPARSER), inputs={SPARSE.id: named, SPARSER.id: named})
    here = {(one.id, "el2n@2e") for one in producers}
    assert spent_names([asked], done(SPARSE), here) == set()
    assert spent_names([asked], done(SPARSE, SPARSER), here) == here
