"""Parting cells into panels and lines: what varies is told apart, noted or refused."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from grids.cell import Cell, Component
from orchestrator.answers.results import AnswerError, Answers, select
from orchestrator.plots.parting import Part, gaps_of, notes_of, part, untold
from orchestrator.store import Store, publish
from tests.support.grids import a_cell, a_grid, publish_results
from tests.support.records import failure


def answers_of(folder: Path, cells: Sequence[Cell]) -> Answers:
    store = Store.create(folder / "results")
    publish_results(store, cells)
    return select(store, cells)


def shape(parts: Sequence[Part]) -> dict[str, dict[str, int]]:
    """Title to name of a line to the number of its cells."""
    return {own.title: {s.name: len(s.answers) for s in own.strands} for own in parts}


def test_lines_are_methods_and_panels_ascend(tmp_path: Path) -> None:
    answers = answers_of(tmp_path, a_grid(["set"], ["0.5", "0.05", "0.1"], seeds=2)[2:])
    assert shape(part(answers, by="method", facet=["density"])) == {
        "density = 0.05": {"set": 2},
        "density = 0.1": {"set": 2},
        "density = 0.5": {"set": 2},
    }


def test_what_exists_at_density_one_alone_stands_in_every_panel(tmp_path: Path) -> None:
    answers = answers_of(tmp_path, a_grid(["set"], ["0.1", "0.5"], seeds=2))
    parts = part(answers, by="method", facet=["density"])
    assert shape(parts) == {
        "density = 0.1": {"dense": 2, "set": 2},
        "density = 0.5": {"dense": 2, "set": 2},
    }
    assert [s.reference for s in parts[0].strands] == [True, False]
    dense = answers_of(tmp_path / "dense", a_grid([], seeds=2))
    assert shape(part(dense, by="method", facet=["density"])) == {"density = 1": {"dense": 2}}


def test_a_field_that_nothing_tells_apart_is_an_error_that_names_it(tmp_path: Path) -> None:
    cells = [a_cell("set", "0.1", 0, data_ratio=ratio) for ratio in ("0.5", "1")]
    answers = answers_of(tmp_path, cells)
    assert untold(answers, by="method", along=["density"]) == {"data_ratio": ("0.5", "1")}
    expected = (
        r"^cells that differ in more than the seed would be averaged: data_ratio is 0\.5, 1\. "
        r"Give them panels \(--facet density --facet data_ratio\) or lines \(--by, now method\), "
        r"or fix it with --where data_ratio=0\.5$"
    )
    with pytest.raises(AnswerError, match=expected):
        part(answers, by="method", facet=["density"])
    assert shape(part(answers, by="data_ratio", facet=["density"])) == {
        "density = 0.1": {"0.5": 1, "1": 1}
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"by": "metod"}, r"no cell has a field 'metod'; fields: .*; did you mean 'method'\?$"),
        ({"by": "method", "facet": ["density", "density"]}, r"^density is asked for twice"),
        ({"by": "method", "along": ["method"]}, r"^method is asked for twice"),
    ],
)
def test_fields_that_cannot_be_told_apart_by_are_refused(
    tmp_path: Path, fields: dict[str, object], expected: str
) -> None:
    answers = answers_of(tmp_path, [a_cell()])
    with pytest.raises(AnswerError, match=expected):
        part(answers, **fields)  # type: ignore[arg-type]


def test_a_wall_of_panels_is_refused(tmp_path: Path) -> None:
    cells = [a_cell("set", f"0.{density}") for density in range(11, 36)]
    answers = answers_of(tmp_path, cells)
    with pytest.raises(AnswerError, match=r"^density would be 25 panels, .* at most 24: choose"):
        part(answers, by="method", facet=["density"])


def every(steps: int, ratio: str, seed: int = 0) -> Cell:
    method = Component(name="set", options=(("update_every", steps),))
    return replace(a_cell("set", "0.1", seed, data_ratio=ratio), method=method)


def test_an_option_that_goes_with_the_panels_is_noted_and_not_named(tmp_path: Path) -> None:
    answers = answers_of(tmp_path, [every(16, "1"), every(8, "0.5")])
    parts = part(answers, by="method", facet=["data_ratio"])
    assert shape(parts) == {"data_ratio = 0.5": {"set": 1}, "data_ratio = 1": {"set": 1}}
    assert notes_of(answers, "test_accuracy", by="method", facet=["data_ratio"]) == (
        "method.update_every differs from panel to panel (16: data_ratio = 1; 8: data_ratio = 0.5)",
    )


def test_an_option_that_differs_within_a_panel_is_named_in_all(tmp_path: Path) -> None:
    answers = answers_of(tmp_path, [every(16, "1"), every(8, "1"), every(8, "0.5")])
    assert shape(part(answers, by="method", facet=["data_ratio"])) == {
        "data_ratio = 0.5": {"set(update_every=8)": 1},
        "data_ratio = 1": {"set(update_every=16)": 1, "set(update_every=8)": 1},
    }
    assert notes_of(answers, "test_accuracy", by="method", facet=["data_ratio"]) == ()


def test_failed_unfinished_and_unmeasured_cells_are_told_apart(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    cells = [*a_grid(["set"], ["0.1"], seeds=3)[3:], a_cell("set", "0.5")]
    publish_results(store, cells[:2])
    publish(store, failure(9, cell=cells[2].id, canonical=cells[2].canonical()))
    answers = select(store, cells)
    assert gaps_of(answers, "a curve", {cells[0].id}) == (
        "1 cell failed, and no mean counts them",
        "1 cell has no result yet",
        "1 cell completed without a curve",
    )
