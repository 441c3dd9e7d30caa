"""Accuracy over FLOPs: means in both directions, and the front on literal points."""

import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from grids.cell import Cell
from orchestrator.answers.results import AnswerError, fields_of_cell, select
from orchestrator.plots.choices import Choices
from orchestrator.plots.flops import flops_chart, pareto_front
from orchestrator.plots.material import Material, gather
from orchestrator.store import Store, publish_batch
from tests.support.grids import HIDDEN, a_cell
from tests.support.records import record


def material_of(folder: Path, found: Mapping[Cell, tuple[float, float]]) -> Material:
    """A store with the FLOPs ratio and the accuracy of each cell."""
    store = Store.create(folder / "results")
    outcomes = [
        record(
            number,
            cell=cell.id,
            canonical=cell.canonical(),
            fields={**HIDDEN, **fields_of_cell(cell)},
            metrics={
                "train_flops_ratio": flops,
                "inference_flops_ratio": flops / 2,
                "test_accuracy": accuracy,
                "test_loss": 1 - accuracy,
                "odd": 3.0,
            },
        )
        for number, (cell, (flops, accuracy)) in enumerate(found.items())
    ]
    publish_batch(store, [(outcome, None) for outcome in outcomes])
    return gather(store, select(store, list(found)))


FOUND = {
    a_cell("dense", "1"): (1.0, 0.90),
    a_cell("set", "0.1", 0): (0.1, 0.70),
    a_cell("set", "0.1", 1): (0.3, 0.90),
    a_cell("set", "0.5", 0): (0.5, 0.85),
    a_cell("gmp", "0.1", 0): (0.6, 0.80),
}


def test_the_front_is_what_no_other_point_is_better_than_in_both_directions() -> None:
    points = [(1.0, 90), (0.2, 80), (0.5, 85), (0.6, 80), (0.2, 70), (0.5, 85), (2.0, 90)]
    assert pareto_front(points) == ((0.2, 80), (0.5, 85), (1.0, 90))
    assert pareto_front([(1.0, 0.3), (2.0, 0.1), (3.0, 0.2)], -1) == ((1.0, 0.3), (2.0, 0.1))
    assert pareto_front([(math.nan, 1), (1.0, math.nan), (1.0, math.inf)]) == ()


def test_a_point_is_the_mean_of_the_seeds_in_both_directions(tmp_path: Path) -> None:
    chart = flops_chart(material_of(tmp_path, FOUND), Choices())
    [panel] = chart.panels
    points = {line.name: [(x, s.mean, s.n) for x, s in line.points] for line in panel.lines}
    assert points == {
        "dense": [(1.0, pytest.approx(90), 1)],
        "set": [(pytest.approx(0.2), pytest.approx(80), 2), (0.5, pytest.approx(85), 1)],
        "gmp": [(0.6, pytest.approx(80), 1)],
    }
    assert [round(x, 9) for x, _ in panel.front] == [0.2, 0.5, 1.0]
    assert chart.x.log
    assert chart.x.ticks == ((0.2, "0.2"), (0.5, "0.5"), (1.0, "1"))
    assert "bars: 95 % confidence intervals" in chart.caption


def test_where_less_is_better_the_front_goes_down(tmp_path: Path) -> None:
    chart = flops_chart(
        material_of(tmp_path, FOUND), Choices(value="test_loss", x="inference_flops_ratio")
    )
    front = [(pytest.approx(0.1), pytest.approx(0.2)), (0.25, pytest.approx(0.15))]
    assert list(chart.panels[0].front) == [*front, (0.5, pytest.approx(0.1))]


def test_densities_may_be_lines_instead_of_points(tmp_path: Path) -> None:
    one_method = {cell: found for cell, found in FOUND.items() if cell.method.name == "set"}
    lines = flops_chart(material_of(tmp_path, one_method), Choices(by="density")).panels[0].lines
    assert [(line.name, len(line.points)) for line in lines] == [("0.1", 1), ("0.5", 1)]


def test_a_value_without_a_better_end_has_no_front(tmp_path: Path) -> None:
    with pytest.raises(AnswerError, match=r"^which end of odd is better is not known"):
        flops_chart(material_of(tmp_path, FOUND), Choices(value="odd"))


def test_a_cost_that_nobody_measured_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(AnswerError, match=r"'train_flop'; .*did you mean 'train_flops_ratio'"):
        flops_chart(material_of(tmp_path, FOUND), Choices(x="train_flop"))
