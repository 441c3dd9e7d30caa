"""Answers: exactly the cells of a grid, those without a result included, nothing mixed."""

from pathlib import Path

import pytest

from grids.cell import Component
from orchestrator.answers.results import AnswerError, fields_of_cell, select, text_of
from orchestrator.store import CollisionError, Store, publish
from orchestrator.store.compaction import compact
from tests.support.grids import a_cell, a_grid, accuracy, publish_results
from tests.support.records import failure, record


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def test_exactly_the_asked_cells_answer_in_their_order(store: Store) -> None:
    grid = a_grid(methods=["set"], densities=["0.1"], seeds=2)
    publish_results(store, [*grid, a_cell("rigl"), a_cell("static")])
    compact(store)
    found = select(store, grid[::-1])
    assert [answer.cell for answer in found.answers] == [cell.id for cell in grid[::-1]]
    first = found.answers[0]
    assert first.metrics is not None
    assert first.metrics["test_accuracy"] == accuracy(grid[-1])
    assert first.metrics["odd"] == 0.5
    assert first.fields["recipe.momentum"] == 0.9
    assert first.fields["density"] == "0.1"
    assert first.provenance["code"] == "c0de"


def test_cells_without_a_completed_attempt_are_there_without_results(store: Store) -> None:
    done, failed, never = a_cell(seed=0), a_cell(seed=1), a_cell(seed=2)
    publish_results(store, [done])
    publish(store, failure(1, cell=failed.id, canonical=failed.canonical()))
    found = select(store, [done, failed, never])
    assert [answer.state for answer in found.answers] == ["COMPLETED", "FAILED", "PENDING"]
    assert [answer.metrics is None for answer in found.answers] == [False, True, True]
    assert found.completed == found.answers[:1]
    assert found.answers[2].fields["model.hidden"] == (256, 256)  # known from the first


def test_another_cell_under_the_same_id_is_no_answer(store: Store) -> None:
    publish(store, record(1, cell=a_cell().id))
    with pytest.raises(CollisionError, match=f"carry the id {a_cell().id}"):
        select(store, [a_cell()])


@pytest.mark.parametrize("field", ["tier", "device", "code"])
def test_mixed_results_are_refused_unless_allowed_and_then_noted(store: Store, field: str) -> None:
    grid = a_grid(methods=["set"], densities=["0.1"], seeds=2)
    publish_results(store, grid[:3])
    publish_results(store, grid[3:], **{field: "other"})
    usual = {"tier": "exact", "device": "cpu", "code": "c0de"}[field]
    note = f"mixed {field}: " + ", ".join(
        f"{count} cells {kind}" for kind, count in sorted({usual: 3, "other": 1}.items())
    )
    with pytest.raises(AnswerError, match=f"results of {note} are not compared"):
        select(store, grid)
    assert select(store, grid, allow_mixed=True).notes == (note,)


def test_two_devices_of_one_type_are_not_mixed(store: Store) -> None:
    publish_results(store, [a_cell(seed=0)], device="cuda:0")
    publish_results(store, [a_cell(seed=1)], device="cuda:1")
    assert select(store, [a_cell(seed=0), a_cell(seed=1)]).notes == ()


def test_where_keeps_cells_by_the_values_of_a_field(store: Store) -> None:
    grid = a_grid(seeds=1)
    publish_results(store, grid)
    found = select(store, grid, where={"method": ["set", "rigl"], "density": ["0.10", "0.5"]})
    shown = [(answer.fields["method"], answer.fields["density"]) for answer in found.answers]
    assert shown == [("set", "0.1"), ("set", "0.5"), ("rigl", "0.1"), ("rigl", "0.5")]


def test_where_narrows_what_counts_as_mixed(store: Store) -> None:
    publish_results(store, [a_cell("set")], code="new")
    publish_results(store, [a_cell("rigl")], code="old")
    assert select(store, [a_cell("set"), a_cell("rigl")], where={"method": ["set"]}).notes == ()


def test_a_misspelt_field_or_value_gets_the_nearest_and_the_list(store: Store) -> None:
    grid = a_grid(methods=["set", "rigl"], densities=["0.1"], seeds=1)
    with pytest.raises(
        AnswerError, match=r"^no cell has a field 'methd'; fields: .*; did you mean 'method'\?$"
    ):
        select(store, grid, where={"methd": ["set"]})
    with pytest.raises(
        AnswerError,
        match=r"no cell has method = RIGLE; values: dense, set, rigl; did you mean 'rigl'\?$",
    ):
        select(store, grid, where={"method": ["RIGLE"]})


def test_the_fields_of_a_cell_are_known_without_a_record() -> None:
    cell = a_cell(method="set", model=Component(name="mlp", options=(("hidden", (32, 10)),)))
    fields = fields_of_cell(cell)
    assert (fields["method"], fields["density"], fields["seed"]) == ("set", "0.05", 0)
    assert (fields["model.hidden"], fields["recipe.epochs"]) == ((32, 10), 20)


def test_values_are_shown_as_grids_write_them() -> None:
    shown = [text_of(value) for value in (None, True, 0.1, 1e-4, 3, "erk", (0.5, 0.75))]
    assert shown == ["null", "true", "0.1", "0.0001", "3", "erk", "[0.5, 0.75]"]


def test_values_that_differ_late_are_different_texts(store: Store) -> None:
    shown = [text_of(value) for value in (0.3333333, 0.33333331, 1e-9, 1.0, 1234567.0)]
    assert shown == ["0.3333333", "0.33333331", "1e-09", "1", "1234567.0"]
    cells = [
        a_cell(model=Component(name="mlp", options=(("drop", width),)))
        for width in (0.3333333, 0.33333331)
    ]
    found = select(store, cells, where={"model.drop": ["0.33333331"]})
    assert [answer.fields["model.drop"] for answer in found.answers] == [0.33333331]
