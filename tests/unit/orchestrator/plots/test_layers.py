"""Layer densities: layers from input to output, the mean over seeds for each method."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from grids.cell import Cell
from orchestrator.answers.results import AnswerError, fields_of_cell, select
from orchestrator.plots.choices import Choices
from orchestrator.plots.layers import layers_chart
from orchestrator.plots.material import Material, gather
from orchestrator.store import Store, publish_batch
from tests.support.grids import HIDDEN, a_cell
from tests.support.records import record


def layer(name: str, active: int) -> dict[str, object]:
    return {"layer": name, "shape": [10, 10], "total": 100, "active": active}


def material_of(
    folder: Path, cells: Sequence[Cell], layers: Sequence[Sequence[dict[str, object]]]
) -> Material:
    store = Store.create(folder / "results")
    outcomes = [
        record(
            number,
            cell=cell.id,
            canonical=cell.canonical(),
            fields={**HIDDEN, **fields_of_cell(cell)},
            layers=list(own),
        )
        for number, (cell, own) in enumerate(zip(cells, layers, strict=True))
    ]
    publish_batch(store, [(outcome, None) for outcome in outcomes])
    return gather(store, select(store, cells))


CELLS = [a_cell("set", "0.2", 0), a_cell("set", "0.2", 1), a_cell("dense", "1", 0)]
FOUND = [
    [layer("z.weight", 10), layer("a.weight", 30)],
    [layer("z.weight", 20), layer("a.weight", 20)],
    [layer("z.weight", 100), layer("a.weight", 100)],
]


def test_layers_stand_in_the_order_of_the_network(tmp_path: Path) -> None:
    chart = layers_chart(material_of(tmp_path, CELLS, FOUND), Choices())
    assert chart.x.ticks == ((0.0, "z"), (1.0, "a"))
    [panel] = chart.panels
    [line] = panel.lines  # dense, whose layers are full, is left out
    assert line.name == "set"
    assert [(x, pytest.approx(s.mean), s.n) for x, s in line.points] == [(0, 0.15, 2), (1, 0.25, 2)]
    assert chart.y.log


def test_an_empty_layer_has_no_place_on_a_logarithmic_axis(tmp_path: Path) -> None:
    material = material_of(tmp_path, CELLS[:1], [[layer("a.weight", 0), layer("b.weight", 9)]])
    assert not layers_chart(material, Choices()).y.log
    with pytest.raises(AnswerError, match=r"^a layer is empty .*: --y-linear$"):
        layers_chart(material, Choices(y_log=True))


def test_many_layers_are_counted_and_not_named(tmp_path: Path) -> None:
    many = [layer(f"block.{number}.weight", 5) for number in range(13)]
    chart = layers_chart(material_of(tmp_path, CELLS[:1], [many]), Choices())
    assert chart.x.ticks is not None
    assert [text for _, text in chart.x.ticks] == [str(number) for number in range(1, 14)]
    assert not chart.x.words


def test_networks_with_other_layers_do_not_share_an_axis(tmp_path: Path) -> None:
    material = material_of(tmp_path, CELLS[:2], [FOUND[0], [layer("other.weight", 3)]])
    with pytest.raises(AnswerError, match="the networks have different layers"):
        layers_chart(material, Choices())
