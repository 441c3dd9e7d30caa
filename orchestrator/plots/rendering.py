"""Drawing charts: panels, lines with bands, axes, a legend beside the data and the small print."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.plots.chart import Axis, Chart, Line, Panel, coinciding
from orchestrator.plots.style import (
    REFERENCE,
    SMALL_PRINT,
    Paper,
    front_look,
    legend_text,
    line_look,
    reference_look,
    small_print,
    text_width,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL_SHARE = 0.06 * 5.6  # inches of an axis that the label of a tick needs
_LABEL_ROOM = 0.95  # of the width of a figure, for the label below
_MARGIN = 1.15  # how far a logarithmic axis goes beyond its outermost ticks
_BESIDE = 5.0  # inches of width from which a legend may stand beside a single panel
_PANEL = 1.6  # inches of width that a panel needs
_ROW = 0.17  # inches: a line of the legend beside a panel
_POINTS = 72.0  # in an inch
_MANY = 16  # points of a line, beyond which not each has a marker
_MARKER_SHARE = 0.025  # of the height of an axis: half a marker
_TILT = 35  # degrees by which words at an axis are turned

FRONT = "Pareto front"
"""What the legend calls the points that none is better than in both directions."""


def render(chart: Chart, paper: Paper) -> "Figure":
    """The figure of a chart; call it within `style.drawing_with(paper)`."""
    from matplotlib.figure import Figure

    columns = _columns(len(chart.panels), paper)
    rows = math.ceil(len(chart.panels) / columns)
    looks = _looks(chart)
    names = [*looks, *([FRONT] if any(panel.front for panel in chart.panels) else [])]
    beside = len(chart.panels) == 1 and paper.width >= _BESIDE
    notes = small_print([chart.caption, *chart.notes, *coinciding(chart)], paper)
    titles = [wrapped(p.title, 0.85 * paper.width / columns, paper.text) for p in chart.panels]
    highest = max(1 + title.count("\n") for title in titles)
    size = _size(paper, rows, columns, names, beside, notes.count("\n") + 1, highest)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=chart.alike, squeeze=False)
    places = [axes for row in grid for axes in row]
    for number, (axes, panel) in enumerate(zip(places, chart.panels, strict=False)):
        _draw(axes, replace(panel, title=titles[number]), chart, looks)
        _label(axes, chart, number, columns, paper)
    for axes in places[: len(chart.panels)]:  # all are drawn: shared limits hold for all of them
        _set_y(axes, chart)
    for axes in places[len(chart.panels) :]:
        axes.remove()
    if len(chart.panels) > 1:
        figure.supylabel(chart.y.label, fontsize=paper.label)
    _legend(figure, places, names, beside, paper)
    figure.supxlabel(
        notes, fontsize=paper.small, color=SMALL_PRINT, x=0.01, ha="left", parse_math=False
    )
    if len(chart.panels) > 1:
        _centre_label(figure, places[: len(chart.panels)], chart.y.label, paper)
    return figure


def _centre_label(figure: "Figure", places: Sequence["Axes"], label: str, paper: Paper) -> None:
    """Put the label of the panels at the left beside their middle, wherever the legend is."""
    figure.draw_without_rendering()
    boxes = [axes.get_position() for axes in places]
    middle = (min(box.y0 for box in boxes) + max(box.y1 for box in boxes)) / 2
    figure.supylabel(label, fontsize=paper.label, y=middle)


def _columns(panels: int, paper: Paper) -> int:
    """Columns of the grid of panels, so that its rows are as full as can be."""
    most = max(1, int(paper.width // _PANEL))
    return math.ceil(panels / math.ceil(panels / most))


def _looks(chart: Chart) -> dict[str, dict[str, Any]]:
    """How each name is drawn, alike in all panels: references first, as the legend has them."""
    lines = {line.name: line for panel in chart.panels for line in panel.lines}
    references = [name for name, line in lines.items() if line.reference]
    others = [name for name in lines if name not in references]
    return {name: reference_look(i) for i, name in enumerate(references)} | {
        name: line_look(i) for i, name in enumerate(others)
    }


def _size(
    paper: Paper,
    rows: int,
    columns: int,
    names: Sequence[str],
    beside: bool,
    notes: int,
    titles: int,
) -> tuple[float, float]:
    """Width and height in inches: higher where there are many panels or a long legend."""
    if beside:
        legend = sum(1 + legend_text(name).count("\n") for name in names) + 3
        return paper.width, max(paper.height, legend * _ROW * paper.legend / 8.5)
    panel = paper.height if rows == columns == 1 else max(1.5, 0.8 * paper.width / columns)
    panel += (titles - 1) * 1.25 * paper.text / _POINTS
    legend = sum(
        max(1 + legend_text(name).count("\n") for name in row)
        for row in _rows(names, _legend_columns(names, paper))
    )
    below = 1.35 * notes * paper.small / _POINTS + 0.25
    return paper.width, rows * panel + legend * 1.5 * paper.legend / _POINTS + below


def _rows(names: Sequence[str], columns: int) -> list[Sequence[str]]:
    return [names[i : i + columns] for i in range(0, len(names), columns)]


def _legend_columns(names: Sequence[str], paper: Paper) -> int:
    """How many names stand side by side above the panels."""
    lines = [line for name in names for line in legend_text(name).split("\n")]
    longest = max(text_width(line, paper.legend) for line in lines)
    entry = longest + 4.6 * paper.legend / _POINTS
    return max(1, min(len(names), int(paper.width / entry)))


def _draw(axes: "Axes", panel: Panel, chart: Chart, looks: Mapping[str, dict[str, Any]]) -> None:
    for line in panel.lines:
        if line.level:
            _draw_level(axes, line, looks[line.name])
    for line in panel.lines:
        if not line.level:
            _draw_line(axes, line, chart, looks[line.name])
    if panel.front:
        xs, ys = zip(*panel.front, strict=True)
        axes.plot(xs, ys, label=FRONT, **front_look())
    if panel.title:
        axes.set_title(panel.title, parse_math=False)


def _draw_level(axes: "Axes", line: Line, look: Mapping[str, Any]) -> None:
    [(_, summary)] = line.points
    axes.axhline(summary.mean, label=legend_text(line.name), **look)
    if summary.low is not None and summary.high is not None:
        axes.axhspan(summary.low, summary.high, color=REFERENCE, alpha=0.10, linewidth=0)


def _draw_line(axes: "Axes", line: Line, chart: Chart, look: Mapping[str, Any]) -> None:
    xs = [x for x, _ in line.points]
    means = [summary.mean for _, summary in line.points]
    least = -math.inf if chart.y.least is None else chart.y.least
    low = [s.mean if s.low is None else max(s.low, least) for _, s in line.points]
    high = [s.mean if s.high is None else s.high for _, s in line.points]
    drawn = dict(look)
    if not chart.joined or len(xs) == 1:
        drawn |= {"linestyle": "none", "marker": look.get("marker", "o")}
    if len(xs) > _MANY:
        drawn["markevery"] = len(xs) // 8
    axes.plot(xs, means, label=legend_text(line.name), zorder=3, **drawn)
    if chart.bars:
        axes.vlines(xs, low, high, color=look["color"], linewidth=0.9, zorder=2)
    else:
        axes.fill_between(xs, low, high, color=look["color"], alpha=0.15, linewidth=0, zorder=2)


def _label(axes: "Axes", chart: Chart, number: int, columns: int, paper: Paper) -> None:
    alone, count = len(chart.panels) == 1, len(chart.panels)
    if alone:
        fits = text_width(chart.x.label, paper.label) < _LABEL_ROOM * paper.width
        axes.set_xlabel(chart.x.label if fits else chart.x.brief or chart.x.label)
        axes.set_ylabel(chart.y.label)
    elif number >= (count - 1) // columns * columns:
        axes.set_xlabel(chart.x.brief or chart.x.label)
    if number + columns >= count:
        axes.tick_params(labelbottom=True)
    _set_x(axes, chart.x, paper.width / columns, paper.text)


def _set_x(axes: "Axes", axis: Axis, width: float, size: float) -> None:
    from matplotlib.ticker import MaxNLocator

    if axis.log:
        axes.set_xscale("log")
    elif axis.counts:
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    if axis.ticks is None:
        return
    places = [place for place, _ in axis.ticks]
    texts = [text for _, text in axis.ticks] if axis.words else _thinned(axis, width)
    axes.set_xticks(places, texts)
    axes.minorticks_off()
    if axis.words and not _fit(texts, width, size):
        axes.tick_params(axis="x", rotation=_TILT)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    low, high = places[0], places[-1]
    if axis.log:
        axes.set_xlim(low / _MARGIN, high * _MARGIN)
    else:
        beyond = (high - low) * 0.05 if not axis.words and high > low else 0.5
        axes.set_xlim(low - beyond, high + beyond)


def _fit(texts: Sequence[str], width: float, size: float) -> bool:
    """Whether words fit beside each other; a quarter of the width is that of the other axis."""
    return max(text_width(text, size) for text in texts) < 0.75 * width / len(texts)


def _thinned(axis: Axis, width: float) -> list[str]:
    """The ticks' texts, left empty where they would run into the one before."""
    ticks = axis.ticks or ()
    at = [math.log(place) if axis.log else place for place, _ in ticks]
    least = (at[-1] - at[0]) * _LABEL_SHARE / width
    labels, last = [], -math.inf
    for place, (_, text) in zip(at, ticks, strict=True):
        fits = place - last >= least
        labels.append(text if fits else "")
        last = place if fits else last
    return labels


def _set_y(axes: "Axes", chart: Chart) -> None:
    """Accuracies end at 0 and 100 %, even where the interval of few seeds does not."""
    if chart.y.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    if chart.y.bounds is None:
        return
    low, high = axes.get_ylim()
    means = [s.mean for s in chart.summaries if math.isfinite(s.mean)] or [low, high]
    marker = _MARKER_SHARE * (high - low)  # a marker at the very end is seen whole
    least, most = chart.y.bounds
    low = max(low, min(least, min(means) - marker))
    axes.set_ylim(low, min(high, max(most, max(means) + marker)))


def _legend(
    figure: "Figure", places: Sequence["Axes"], names: Sequence[str], beside: bool, paper: Paper
) -> None:
    found: dict[str, Any] = {}
    for axes in places:
        handles, labels = axes.get_legend_handles_labels()
        for handle, label in zip(handles, labels, strict=True):
            found.setdefault(label, handle)
    options: dict[str, Any] = {"loc": "outside right upper"}
    if not beside:
        columns = _legend_columns(names, paper)
        options = {"loc": "outside upper left", "ncols": columns, "columnspacing": 1.2}
    figure.legend(found.values(), found, handlelength=2.6, **options)
