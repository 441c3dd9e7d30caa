"""Which fields name rows and columns, and which parts a table may average."""

from dataclasses import replace
from pathlib import Path

import pytest

from grids.cell import Cell, Component
from orchestrator.answers.results import AnswerError, Answers, select
from orchestrator.report.panels import axes_of, panels_of, varying_fields
from tests.support.report_stores import cells_of, report_store


def answers_of(folder: Path, cells: list[Cell]) -> Answers:
    """The answers of a grid of these cells, all completed."""
    return select(report_store(folder, cells), cells)


def sets(every: int) -> tuple[Component, ...]:
    """set with this many steps between its updates."""
    return (Component(name="set", options=(("update_every", every),)),)


def test_method_and_density_come_first_and_the_seed_last(tmp_path: Path) -> None:
    cells = [replace(cell, recipe=(("lr", lr),)) for lr in (0.1, 0.02) for cell in cells_of()]
    assert varying_fields(answers_of(tmp_path, cells)) == {
        "method": ("dense", "static", "rigl"),
        "density": ("0.05", "0.1", "1"),
        "recipe.lr": ("0.02", "0.1"),
        "seed": ("0", "1", "2"),
    }


def test_rows_and_columns_are_method_by_density_where_both_vary(tmp_path: Path) -> None:
    assert axes_of(answers_of(tmp_path, list(cells_of())), None, None) == ("method", "density")


def test_what_does_not_vary_leaves_its_place_to_what_does(tmp_path: Path) -> None:
    cells = [
        replace(cell, recipe=(("lr", lr),))
        for lr in (0.1, 0.02)
        for cell in cells_of(sets(100), ("0.1",))
    ]
    assert axes_of(answers_of(tmp_path, cells), None, None) == ("recipe.lr", "method")
    assert axes_of(answers_of(tmp_path / "2", cells), "method", None) == ("method", "recipe.lr")


def test_a_field_that_does_not_occur_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(AnswerError, match=r"no cell has a field 'densty'.*density"):
        axes_of(answers_of(tmp_path, list(cells_of())), "densty", None)


def test_cells_that_differ_in_the_seed_alone_are_one_panel(tmp_path: Path) -> None:
    answers = answers_of(tmp_path, list(cells_of()))
    [panel] = panels_of(answers, "method", "density")
    assert (dict(panel.where), panel.title) == ({}, "")
    assert panel.answers == answers


def test_each_value_of_what_else_differs_is_a_panel(tmp_path: Path) -> None:
    cells = [replace(cell, recipe=(("lr", lr),)) for lr in (0.1, 0.02) for cell in cells_of()]
    panels = panels_of(answers_of(tmp_path, cells), "method", "density")
    assert [panel.title for panel in panels] == ["recipe.lr 0.02", "recipe.lr 0.1"]
    assert [len(panel.answers.answers) for panel in panels] == [15, 15]


def test_two_fields_that_differ_are_panels_of_each_pair(tmp_path: Path) -> None:
    cells = [
        replace(cell, recipe=(("batch", batch), ("lr", lr)))
        for lr in (0.1, 0.02)
        for batch in (32, 8)
        for cell in cells_of()
    ]
    panels = panels_of(answers_of(tmp_path, cells), "method", "density")
    assert [tuple(panel.where.values()) for panel in panels] == [
        ("8", "0.02"), ("8", "0.1"), ("32", "0.02"), ("32", "0.1"),
    ]  # fmt: skip
