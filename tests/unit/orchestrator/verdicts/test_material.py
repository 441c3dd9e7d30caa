"""What is judged: the cells of several submissions, each once, with all that is asked of it."""

from pathlib import Path

import pytest

from grids.cell import Cell
from orchestrator.answers.results import AnswerError, fields_of_cell
from orchestrator.store import Store, publish
from orchestrator.submissions.cell_probes import CellProbes
from orchestrator.submissions.submission import Submission
from orchestrator.verdicts.material import gather
from tests.support.grids import a_cell
from tests.support.records import record

SMALL, LARGE = '{"name":"size"}', '{"limit":3,"name":"size"}'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def submitted(name: str, *cells: Cell, probe: str | None = None) -> Submission:
    probes = CellProbes.gathered({cell.id: (probe,) if probe else () for cell in cells})
    return Submission(
        grid=name, number=1, source="", text="", overrides=(), backend="inline", slots=1,
        data_root=None, code="", submitted_at="", cells=cells, probes=probes,
    )  # fmt: skip


def published(store: Store, cell: Cell, number: int = 1) -> None:
    layers = [
        {"layer": "fc1", "shape": [64, 13], "total": 832, "active": 83},
        {"layer": "fc2", "shape": [3, 64], "total": 192, "active": 19},
    ]
    plain, fields = cell.canonical(), fields_of_cell(cell)
    publish(store, record(number, cell=cell.id, canonical=plain, fields=fields, layers=layers))


def test_a_cell_of_two_grids_is_judged_once(store: Store) -> None:
    first, second = a_cell(seed=0), a_cell(seed=1)
    published(store, first)
    found = gather(store, [submitted("one", first, second), submitted("two", first)])
    assert found.grids == ("one", "two")
    assert [answer.cell for answer in found.cells] == [first.id, second.id]
    assert [answer.state for answer in found.cells] == ["COMPLETED", "PENDING"]


def test_classes_are_the_outputs_of_the_last_layer(store: Store) -> None:
    published(store, a_cell())
    found = gather(store, [submitted("one", a_cell())])
    assert found.classes == {a_cell().id: 3}
    assert found.chance(found.cells) == pytest.approx(1 / 3)
    assert found.chance([]) is None


def test_one_probe_with_two_settings_is_refused(store: Store) -> None:
    cell = a_cell()
    with pytest.raises(AnswerError, match="ask for the probe size with different options"):
        gather(store, [submitted("one", cell, probe=SMALL), submitted("two", cell, probe=LARGE)])


def test_where_narrows_what_is_judged(store: Store) -> None:
    cells = [a_cell(seed=seed) for seed in range(3)]
    found = gather(store, [submitted("one", *cells)], where={"seed": ["1"]})
    assert [answer.cell for answer in found.cells] == [cells[1].id]
