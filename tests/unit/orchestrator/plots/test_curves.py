"""Training curves: a mean of its own at every epoch, from columns and from probes."""

from pathlib import Path

import pytest

from grids.cell import Cell
from orchestrator.answers.results import AnswerError, fields_of_cell, select
from orchestrator.plots.choices import Choices
from orchestrator.plots.curves import curves_chart
from orchestrator.plots.material import Material, gather
from orchestrator.store import Store, publish_batch
from orchestrator.store.records import Curve
from tests.support.grids import HIDDEN, a_cell
from tests.support.records import record

CELLS = [a_cell("set", "0.1", 0), a_cell("set", "0.1", 1), a_cell("dense", "1", 0)]


def curve(*accuracies: float | None, **others: list[float | None]) -> Curve:
    epochs = [float(epoch + 1) for epoch in range(len(accuracies))]
    return {"epoch": epochs, "step": epochs, "val_accuracy": list(accuracies), **others}


CURVES = [
    curve(0.50, 0.60, churn=[None, 0.2]),
    curve(0.70, 0.80, churn=[None, 0.4]),
    curve(0.90, 0.95),
]


def material_of(folder: Path, cells: list[Cell], curves: list[Curve | None]) -> Material:
    store = Store.create(folder / "results")
    outcomes = [
        (
            record(
                number,
                cell=cell.id,
                canonical=cell.canonical(),
                fields={**HIDDEN, **fields_of_cell(cell)},
                curve=own is not None,
            ),
            own,
        )
        for number, (cell, own) in enumerate(zip(cells, curves, strict=True))
    ]
    publish_batch(store, outcomes)
    return gather(store, select(store, cells))


def test_every_epoch_is_a_mean_over_the_seeds(tmp_path: Path) -> None:
    chart = curves_chart(material_of(tmp_path, CELLS, [*CURVES]), Choices())
    [panel] = chart.panels
    assert panel.title == "density = 0.1"
    sparse, dense = panel.lines
    assert [(x, round(s.mean, 9), s.n) for x, s in sparse.points] == [(1.0, 60, 2), (2.0, 70, 2)]
    assert [(x, s.mean, s.low) for x, s in dense.points] == [(1.0, 90, None), (2.0, 95, None)]
    assert (sparse.reference, dense.reference, dense.level) == (False, True, False)
    low = sparse.points[0][1].low
    assert low is not None
    assert low == pytest.approx(60 - 12.706204736 * 10)  # Student's t, one degree of freedom
    assert chart.caption == "Mean over n = 1 to 2 seeds; bands: 95 % confidence intervals."


def test_a_probes_curve_is_drawn_where_it_was_due(tmp_path: Path) -> None:
    chart = curves_chart(material_of(tmp_path, CELLS, [*CURVES]), Choices(value="churn"))
    [line] = chart.panels[0].lines
    assert [(x, pytest.approx(s.mean)) for x, s in line.points] == [(2.0, 0.3)]
    assert chart.caption.endswith("; 1 cell completed without a curve of churn.")


def test_a_curve_that_nobody_has_names_those_that_there_are(tmp_path: Path) -> None:
    material = material_of(tmp_path, CELLS, [*CURVES])
    with pytest.raises(
        AnswerError,
        match=r"^no cell has a curve 'chrn'; curves: val_accuracy, churn; did you mean 'churn'\?$",
    ):
        curves_chart(material, Choices(value="chrn"))


def test_cells_without_curves_leave_nothing_to_draw(tmp_path: Path) -> None:
    material = material_of(tmp_path, CELLS, [None, None, None])
    with pytest.raises(AnswerError, match=r"^there is nothing to draw: 3 cells completed without"):
        curves_chart(material, Choices())
