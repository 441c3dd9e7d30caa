"""What stands in a figure: the very lines, bands and axes that a chart says, and room for all."""

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from orchestrator.answers.results import AnswerError
from orchestrator.plots.chart import Axis, Chart, Line, Panel, coinciding, filled
from orchestrator.plots.heat_map import HeatMap, HeatPanel, render_heat_map
from orchestrator.plots.rendering import render
from orchestrator.plots.style import (
    COLOURS,
    SCREEN,
    Paper,
    drawing_with,
    line_look,
    paper_of,
    small_print,
    text_width,
)
from orchestrator.statistics.summaries import Summary

PAPERS = [SCREEN, paper_of("column"), paper_of("page")]


def summary(mean: float, half: float | None = None) -> Summary:
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return Summary(mean=mean, std=half, n=1 if half is None else 3, low=low, high=high)


def line(name: str, *points: tuple[float, float], half: float | None = 1.0, **look: Any) -> Line:
    return Line(name=name, points=tuple((x, summary(y, half)) for x, y in points), **look)


def chart(*panels: Panel, **changed: Any) -> Chart:
    given = {"x": Axis(label="below"), "y": Axis(label="at the left"), "caption": "What it is."}
    return Chart(panels=panels, **{**given, **changed})


def figure_of(drawn: Chart, paper: Paper = SCREEN) -> Any:
    with drawing_with(paper):
        figure = render(drawn, paper)
        FigureCanvasAgg(figure).draw()
    return figure


def test_lines_and_bands_are_those_of_the_chart() -> None:
    panel = Panel(title="", lines=(line("set", (0.1, 80), (0.5, 90)), line("rigl", (0.1, 85))))
    [axes] = figure_of(chart(panel)).axes
    first, second = axes.lines
    assert first.get_xydata().tolist() == [[0.1, 80], [0.5, 90]]
    assert second.get_xydata().tolist() == [[0.1, 85]]
    band = axes.collections[0].get_paths()[0].vertices
    assert sorted({tuple(map(float, corner)) for corner in band}) == [
        (0.1, 79), (0.1, 81), (0.5, 89), (0.5, 91),
    ]  # fmt: skip
    assert axes.get_xlabel() == "below"
    assert axes.get_ylabel() == "at the left"


def test_a_name_looks_alike_in_all_panels_and_references_are_black() -> None:
    dense = line("dense", (1, 95), (2, 96), reference=True)
    left = Panel(title="a", lines=(dense, line("set", (1, 1), (2, 2))))
    right = Panel(title="b", lines=(line("rigl", (1, 1), (2, 2)), line("set", (1, 3), (2, 3))))
    figure = figure_of(chart(left, right))
    colours = [[drawn.get_color() for drawn in axes.lines] for axes in figure.axes]
    assert colours == [["#000000", COLOURS[0]], [COLOURS[1], COLOURS[0]]]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["dense", "set", "rigl"]
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]


@pytest.mark.parametrize("alike", [True, False], ids=["one axis", "own axes"])
def test_every_mean_of_every_panel_lies_within_the_limits(alike: bool) -> None:
    means = (50.0, 10.0, 100.0, 0.0)
    panels = [Panel(title=str(y), lines=(line("set", (1, y), (2, y)),)) for y in means]
    y = Axis(label="test accuracy (%)", bounds=(-0.5, 100.5))
    drawn = [axes for axes in figure_of(chart(*panels, y=y, alike=alike)).axes if axes.lines]
    assert len(drawn) == 4
    for axes, mean in zip(drawn, means, strict=True):
        low, high = axes.get_ylim()
        marker = 0.02 * (high - low)  # which is drawn whole
        assert low <= mean - marker
        assert mean + marker <= high
        assert -4 < low < high < 104


def test_intervals_may_be_bars_and_points_may_stand_alone() -> None:
    panel = Panel(title="", lines=(line("set", (0.1, 80), (1.1, 90)),), front=((0.1, 80.0),))
    [axes] = figure_of(chart(panel, bars=True, joined=False)).axes
    drawn, front = axes.lines
    assert (drawn.get_linestyle(), drawn.get_marker()) == ("None", "o")
    assert front.get_xydata().tolist() == [[0.1, 80.0]]
    bars = [segment.tolist() for segment in axes.collections[0].get_segments()]
    assert bars == [[[0.1, 79], [0.1, 81]], [[1.1, 89], [1.1, 91]]]


def test_a_long_line_has_few_markers() -> None:
    panel = Panel(title="", lines=(line("set", *((float(x), 1.0) for x in range(160))),))
    [drawn] = figure_of(chart(panel)).axes[0].lines
    assert drawn.get_markevery() == 20


def test_the_first_lines_all_differ_and_no_two_looks_repeat_soon() -> None:
    looks = [line_look(number) for number in range(24)]
    assert len({look["color"] for look in looks[:6]}) == 6
    assert len({look["marker"] for look in looks[:8]}) == 8
    told = {(look["color"], look["marker"], str(look["linestyle"])) for look in looks}
    assert len(told) == 24


@pytest.mark.parametrize("paper", PAPERS, ids=["screen", "column", "page"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_nothing_is_clipped_and_no_legend_covers_data(paper: Paper, count: int) -> None:
    names = ["dense", "gmp", "rigl(drop=magnitude, growth=random_unexplored)", "static"]
    lines = tuple(line(name, (0.01, 50), (0.5, 99)) for name in names)
    ticks = ((0.01, "0.01"), (0.1, "0.1"), (0.5, "0.5"))
    drawn = chart(
        *(Panel(title=f"density = 0.{n}", lines=lines) for n in range(count)),
        x=Axis(label="density (kept fraction of the maskable weights)", brief="density",
               log=True, ticks=ticks),
        y=Axis(label="test accuracy (%)"),
        caption="Mean over n = 3 seeds; bands: 95 % confidence intervals; " + "and more " * 12,
    )  # fmt: skip
    figure = figure_of(drawn, paper)
    renderer, whole = figure.canvas.get_renderer(), figure.bbox
    boxes = [axes.get_tightbbox(renderer) for axes in figure.axes]
    [legend] = figure.legends
    boxes += [legend.get_window_extent(renderer), figure._supxlabel.get_window_extent(renderer)]
    for box in boxes:
        assert min(box.x0, box.y0) >= -1
        assert box.x1 <= whole.x1 + 1
        assert box.y1 <= whole.y1 + 1
    for axes in figure.axes:
        assert not legend.get_window_extent(renderer).overlaps(axes.get_window_extent(renderer))
        assert axes.get_window_extent(renderer).height > 0.45 * 100  # inches on a canvas of 100 dpi


@pytest.mark.parametrize("paper", PAPERS, ids=["screen", "column", "page"])
def test_the_small_print_is_as_wide_as_the_paper(paper: Paper) -> None:
    lines = small_print(["wide words " * 40, "a note"], paper).splitlines()
    assert lines[-1] == "a note"
    widths = [text_width(text, paper.small) for text in lines]
    assert 0.8 * paper.width < widths[0] <= 0.97 * paper.width
    assert max(widths) <= 0.97 * paper.width


def test_text_in_a_paper_has_eight_points() -> None:
    axes = figure_of(chart(Panel(title="", lines=(line("a", (1, 2), (2, 3)),))), PAPERS[1]).axes[0]
    assert axes.xaxis.label.get_fontsize() == 8
    assert {text.get_fontsize() for text in axes.get_xticklabels()} == {8}


def test_squares_hold_their_numbers_and_gaps_stay_white() -> None:
    squares = ((summary(0.25), None), (summary(-0.5), summary(1.0)))
    panel = HeatPanel(title="t", names=("a", "b"), squares=squares)
    heat = HeatMap(panels=(panel,), label="kappa", subject="s", caption="c")
    with drawing_with(SCREEN):
        axes, bar = render_heat_map(heat, SCREEN).axes
    image = axes.images[0]
    assert np.array_equal(image.get_array().filled(9), [[0.25, 9], [-0.5, 1.0]])
    assert image.get_clim() == (-0.5, 1.0)
    assert sorted(text.get_text() for text in axes.texts) == ["-0.50", "0.25", "1.00"]
    assert bar.get_ylabel() == "kappa"


@pytest.mark.parametrize("paper", PAPERS, ids=["screen", "column", "page"])
def test_titles_of_several_fields_are_broken_and_stay_apart(paper: Paper) -> None:
    panels = [
        Panel(title=f"density = {d}, dataset = digits, recipe.lr = 0.1", lines=(line("a", (1, 2)),))
        for d in (0.1, 0.2, 0.5)
    ]
    figure = figure_of(chart(*panels), paper)
    renderer = figure.canvas.get_renderer()
    boxes = [axes.title.get_window_extent(renderer) for axes in figure.axes]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))


def test_the_label_of_all_panels_stands_beside_their_middle() -> None:
    panels = [Panel(title=t, lines=(line("a", (1, 2), (2, 3)),)) for t in ("one", "two")]
    figure = figure_of(chart(*panels), PAPERS[1])
    boxes = [axes.get_position() for axes in figure.axes]
    assert figure._supylabel.get_position()[1] == pytest.approx((boxes[0].y0 + boxes[0].y1) / 2)


def test_bands_of_what_is_never_negative_end_at_zero() -> None:
    panel = Panel(title="", lines=(line("set", (1, 0.5), (2, 3.0)),))
    [axes] = figure_of(chart(panel, y=Axis(label="loss", least=0.0))).axes
    assert axes.collections[0].get_paths()[0].vertices[:, 1].min() == 0.0


def test_epochs_are_counted_and_have_no_halves() -> None:
    panel = Panel(title="", lines=(line("set", (1, 1), (2, 2)),))
    [axes] = figure_of(chart(panel, x=Axis(label="epoch", counts=True))).axes
    assert [place for place in axes.get_xticks() if 1 <= place <= 2] == [1, 2]


def test_lines_that_hide_each_other_are_told() -> None:
    same = ((1.0, 2.0), (2.0, 3.0))
    lines = (line("static", *same), line("set", *same), line("rigl", (1.0, 2.0), (2.0, 4.0)))
    told = chart(Panel(title="", lines=lines))
    assert coinciding(told) == ("equal everywhere: static, set",)
    other = Panel(title="", lines=(line("static", *same), line("set", (1.0, 9.0))))
    assert coinciding(chart(*told.panels, other)) == ()


def test_panels_without_a_finite_mean_are_left_out_and_told() -> None:
    full = Panel(title="density = 0.5", lines=(line("set", (1, 2)),))
    empty = Panel(title="density = 0.1", lines=(line("set", (1, float("nan"))),))
    assert filled([empty, full], ()) == ([full], ("nothing to draw where density = 0.1",))
    with pytest.raises(AnswerError, match=r"^there is nothing to draw: no mean is finite$"):
        filled([empty], ())
