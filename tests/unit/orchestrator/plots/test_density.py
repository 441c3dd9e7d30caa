"""Plots: the right lines, the same bytes, and readable text in the figure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from grids.cell import Cell, Component
from orchestrator.answers.results import AnswerError, select
from orchestrator.plots.chart import Line
from orchestrator.plots.choices import Choices
from orchestrator.plots.density import density_chart
from orchestrator.plots.drawing import drawn
from orchestrator.plots.material import Material, gather
from orchestrator.store import Store, publish
from tests.support.grids import a_cell, a_grid, accuracy, publish_results
from tests.support.records import failure

GRID = a_grid(methods=["set", "rigl"], densities=["0.05", "0.5"], seeds=3)


def material_of(store: Store, cells: Sequence[Cell] = GRID) -> Material:
    return gather(store, select(store, cells))


def draw_density(store: Store, cells: Sequence[Cell]) -> str:
    return drawn("density", material_of(store, cells), ".svg").decode()


def lines_of(material: Material) -> list[Line]:
    """The lines of the only panel."""
    [panel] = density_chart(material, Choices()).panels
    return list(panel.lines)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    store = Store.create(tmp_path_factory.mktemp("store"))
    publish_results(store, GRID)
    return material_of(store)


def test_one_line_per_method_and_dense_is_level(material: Material) -> None:
    lines = {line.name: line for line in lines_of(material)}
    assert list(lines) == ["dense", "set", "rigl"]
    assert (lines["dense"].level, lines["set"].level) == (True, False)
    assert [density for density, _ in lines["set"].points] == [0.05, 0.5]
    low = lines["set"].points[0][1]
    cells = [cell for cell in GRID if (cell.method.name, cell.density) == ("set", "0.05")]
    mean = 100 * sum(map(accuracy, cells)) / 3
    assert low.mean == pytest.approx(mean)
    assert low.low is not None
    assert low.high is not None
    assert (low.low + low.high) / 2 == pytest.approx(mean)


def test_densities_without_results_are_left_out(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    publish_results(store, GRID[:6])
    assert [(line.name, len(line.points)) for line in lines_of(material_of(store))] == [
        ("dense", 1),
        ("set", 1),
    ]
    assert draw_density(store, GRID)


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_the_same_answers_are_the_same_bytes(material: Material, suffix: str) -> None:
    first = drawn("density", material, suffix)
    assert drawn("density", material, suffix.upper()) == first
    assert len(first) > 5000


def test_a_persons_own_settings_do_not_change_the_bytes(material: Material) -> None:
    import matplotlib

    first = drawn("density", material, ".svg")
    with matplotlib.rc_context({"font.size": 20.0, "axes.grid": False}):
        again = drawn("density", material, ".svg")
        assert matplotlib.rcParams["font.size"] == 20.0
    assert again == first


def drawn_texts(figure: str) -> list[str]:
    """The texts of a figure: matplotlib writes each as a comment above its glyphs."""
    lines = figure.splitlines()
    return [line.strip()[5:-4] for line in lines if line.strip().startswith("<!-- ")]


def test_axes_legend_and_caption_say_what_is_drawn(material: Material) -> None:
    texts = drawn_texts(drawn("density", material, ".svg").decode())
    for expected in ("0.05", "0.5", "test accuracy (%)", "dense", "set", "rigl"):
        assert expected in texts
    assert "Mean over n = 3 seeds; bands: 95 % confidence intervals." in texts


def test_the_caption_tells_failed_cells_from_unfinished_ones(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    publish_results(store, GRID[:12])
    diverged = GRID[12]
    publish(store, failure(1, cell=diverged.id, canonical=diverged.canonical(), state="INVALID"))
    caption = " ".join(drawn_texts(draw_density(store, GRID)))
    assert "; 1 cell failed (INVALID), and no mean counts them; " in caption
    assert "; 2 cells have no result yet." in caption


def test_labels_of_close_densities_do_not_run_into_each_other(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    grid = a_grid(methods=["set"], densities=["0.01", "0.1", "0.9", "1"], seeds=2)
    publish_results(store, grid)
    texts = drawn_texts(draw_density(store, grid))
    assert [text for text in texts if text in ("0.01", "0.1", "0.9", "1")] == ["0.01", "0.1", "0.9"]


def test_accuracies_are_not_drawn_beyond_one_hundred_percent(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    grid = a_grid(methods=["set"], densities=["0.5"], seeds=2)
    publish_results(store, grid)  # two seeds: the interval reaches beyond 100 %
    texts = drawn_texts(draw_density(store, grid))
    numbers = [float(text) for text in texts if text.isdecimal()]
    assert max(numbers) <= 100


def test_only_dense_can_be_drawn(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    dense = a_grid(methods=[], seeds=2)
    publish_results(store, dense)
    texts = drawn_texts(draw_density(store, dense))
    assert "dense" in texts


def test_what_cannot_be_drawn_is_one_message(material: Material, tmp_path: Path) -> None:
    expected = r"has the suffix '\.jpeg'; suffixes: \.svg, \.pdf, \.png; did you mean '\.png'\?$"
    with pytest.raises(AnswerError, match=expected):
        drawn("density", material, ".jpeg")
    with pytest.raises(AnswerError, match=r"nothing to draw: 1 cell has no result yet$"):
        draw_density(Store.create(tmp_path / "empty"), [a_cell()])


def test_many_variants_with_long_names_leave_room_to_draw(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    growths = ("gradient", "momentum", "random", "random_unexplored")
    methods = [
        Component(name="rigl", options=(("drop", drop), ("growth", growth), ("momentum", 0.95)))
        for drop in ("magnitude", "taylor", "threshold")
        for growth in growths
    ]
    cells = [replace(a_cell(density=d), method=m) for m in methods for d in ("0.05", "0.1")]
    store = Store.create(tmp_path / "results")
    publish_results(store, cells)
    figure = draw_density(store, cells)
    assert not [str(warning.message) for warning in recwarn]
    assert "<!--   growth=random_unexplored) -->" in figure  # a line of its own
    height = float(re.search(r'height="([0-9.]+)pt"', figure)[1])  # type: ignore[index]
    assert height == pytest.approx(72 * 0.17 * (12 * 3 + 3))
