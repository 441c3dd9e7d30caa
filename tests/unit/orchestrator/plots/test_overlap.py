"""Mask overlap: pairs of equal seeds between methods, of different seeds within one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch

from grids.cell import Cell
from orchestrator.answers.results import AnswerError, fields_of_cell, select
from orchestrator.plots.choices import Choices
from orchestrator.plots.material import Material, gather
from orchestrator.plots.overlap import check_masks, overlap_map
from orchestrator.store import Store, publish_batch
from orchestrator.store.artifacts import publish_artifacts
from tests.support.grids import HIDDEN, a_cell
from tests.support.records import attempt, record
from trainer.artifacts import Snapshot, to_bytes

# Masks of eight weights. By chance two of four agree in two; kappa is (both - 2) / (4 - 2).
MASKS = {
    a_cell("set", "0.5", 0): [1, 1, 1, 1, 0, 0, 0, 0],
    a_cell("set", "0.5", 1): [0, 0, 1, 1, 1, 1, 0, 0],
    a_cell("rigl", "0.5", 0): [1, 1, 1, 0, 1, 0, 0, 0],
    a_cell("rigl", "0.5", 1): [0, 0, 1, 1, 1, 1, 0, 0],
}
DENSE = {a_cell("dense", "1"): [1] * 8}


def material_of(
    folder: Path, masks: Mapping[Cell, Sequence[int]], without: Sequence[Cell] = ()
) -> Material:
    store = Store.create(folder / "results")
    outcomes, left = [], []
    for number, cell in enumerate([*masks, *without]):
        named = {
            "cell": cell.id,
            "canonical": cell.canonical(),
            "fields": {**HIDDEN, **fields_of_cell(cell)},
        }
        outcomes.append((record(number, **named), None))
        if cell in masks:
            mask = torch.tensor(masks[cell], dtype=torch.bool).reshape(2, -1)
            content = to_bytes(Snapshot(weights={"w": mask.float()}, masks={"w": mask}))
            left.append((cell.id, attempt(number), {"final": content}))
    publish_artifacts(store, left)
    publish_batch(store, outcomes)
    return gather(store, select(store, [*masks, *without]))


def means(material: Material, choices: Choices) -> list[list[float | None]]:
    [panel] = overlap_map(material, choices).panels
    return [[None if s is None else s.mean for s in row] for row in panel.squares]


def test_squares_are_means_over_equal_seeds_and_the_diagonal_over_different_ones(
    tmp_path: Path,
) -> None:
    material = material_of(tmp_path, {**DENSE, **MASKS})
    heat = overlap_map(material, Choices())
    [panel] = heat.panels
    assert (panel.title, panel.names) == ("density = 0.5", ("set", "rigl"))
    assert [[s.mean if s else None for s in row] for row in panel.squares] == [
        [0.0, 0.75],  # set 0 and set 1 agree in 2; set and rigl in 3 (seed 0) and in 4 (seed 1)
        [0.75, 0.0],
    ]
    assert heat.caption.startswith("kappa: agreement beyond chance, ")
    assert heat.caption.endswith("; mean over n = 2 seeds, diagonal: between different seeds.")


def test_overlap_is_measured_from_the_row(tmp_path: Path) -> None:
    one, other = a_cell("set", "0.5"), a_cell("rigl", "0.25")
    masks = {one: [1, 1, 1, 1, 0, 0, 0, 0], other: [1, 0, 0, 0, 1, 0, 0, 0]}
    material = material_of(tmp_path, masks)
    choices = Choices(value="overlap", by="density", facet=())
    with pytest.raises(AnswerError, match="method is"):
        overlap_map(material_of(tmp_path / "b", MASKS), Choices(by="density", facet=()))
    assert means(material, choices) == [[None, 0.25], [0.5, None]]


def test_seeds_may_be_rows_and_cells_that_left_no_masks_are_told(tmp_path: Path) -> None:
    only = {cell: mask for cell, mask in MASKS.items() if cell.method.name == "set"}
    material = material_of(tmp_path, only, without=[a_cell("set", "0.5", 2)])
    heat = overlap_map(material, Choices(by="seed"))
    assert [[s and s.mean for s in row] for row in heat.panels[0].squares] == [
        [None, 0.0],
        [0.0, None],
    ]
    assert heat.caption.endswith("random; 1 cell completed without artifact final.")


def test_without_masks_it_says_how_to_get_them(tmp_path: Path) -> None:
    material = material_of(tmp_path, {}, without=[*MASKS])
    expected = r"^0 of 4 sparse cells left their masks: write `artifacts: \{leave: \[final\]\}`"
    with pytest.raises(AnswerError, match=expected):
        check_masks(material, Choices())


def test_a_damaged_artifact_is_told(tmp_path: Path) -> None:
    material = material_of(tmp_path, MASKS)
    for path in check_masks(material, Choices()).values():
        path.write_bytes(b"no artifact")
    with pytest.raises(AnswerError, match=r"^the masks cannot be compared: cannot read "):
        overlap_map(material, Choices())


def test_an_unknown_measure_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(AnswerError, match=r"kappa, jaccard, overlap; did you mean 'jaccard'\?$"):
        overlap_map(material_of(tmp_path, MASKS), Choices(value="jacard"))
