"""Heat maps: what they show, as plain data, and how they are drawn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.plots.style import (
    HEAT,
    SMALL_PRINT,
    Paper,
    legend_text,
    small_print,
    text_width,
    wrapped,
)
from orchestrator.statistics.summaries import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SCALE = 0.7  # inches of width of the scale of colours
_SQUARE = 0.34  # inches of a square that holds a number
_SMALLEST = 0.13  # inches of a square that can be seen
_TITLE = 0.3  # inches of the title of a panel
_ROUND = 0.35  # inches around the squares of a panel, besides names
_POINTS = 72.0  # in an inch
_TILT = 45  # degrees by which names below are turned


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatPanel:
    """One square table of colours.

    Attributes:
        title: What its cells have in common; "" for the only panel.
        names: Of the rows, and of the columns.
        squares: Row by row; None where there is nothing to compare.
    """

    title: str
    names: tuple[str, ...]
    squares: tuple[tuple[Summary | None, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatMap:
    """A figure of heat maps, all with the same colours, from 0 (or less) to 1.

    Attributes:
        panels: At least one.
        label: What the colours mean.
        subject: What it shows, for who does not see it.
        caption: What is drawn.
        notes: What else a reader must be told.
    """

    panels: tuple[HeatPanel, ...]
    label: str
    subject: str
    caption: str
    notes: tuple[str, ...] = ()


def render_heat_map(heat: HeatMap, paper: Paper) -> "Figure":
    """The figure of a heat map; call it within `style.drawing_with(paper)`."""
    from matplotlib.figure import Figure

    side = _side(heat, paper)
    most = max(1, int((paper.width - _SCALE) // side))
    columns = math.ceil(len(heat.panels) / math.ceil(len(heat.panels) / most))
    rows = math.ceil(len(heat.panels) / columns)
    notes = small_print([heat.caption, *heat.notes], paper)
    below = 1.35 * (notes.count("\n") + 1) * paper.small / _POINTS + 0.1
    figure = Figure(
        figsize=(paper.width, rows * (side + _title(heat, side, paper)) + below),
        layout="constrained",
    )
    grid = figure.subplots(rows, columns, squeeze=False)
    places = [axes for row in grid for axes in row]
    least = min([0.0, *(s.mean for p in heat.panels for row in p.squares for s in row if s)])
    for axes, panel in zip(places, heat.panels, strict=False):
        image = _draw(axes, panel, least, side, paper)
    for axes in places[len(heat.panels) :]:
        axes.remove()
    figure.colorbar(image, ax=places[: len(heat.panels)], label=heat.label, shrink=0.8)
    figure.supxlabel(
        notes, fontsize=paper.small, color=SMALL_PRINT, x=0.01, ha="left", parse_math=False
    )
    return figure


def _side(heat: HeatMap, paper: Paper) -> float:
    """Inches of a panel: its squares hold numbers where there is room for them."""
    most = max(len(panel.names) for panel in heat.panels)
    around = _names_width(heat.panels, paper) + _ROUND
    room = paper.width - _SCALE
    wanted = around + max(_SQUARE * most, 1.0)
    return min(wanted, room) if wanted <= room else max(room, around + _SMALLEST * most)


def _title(heat: HeatMap, side: float, paper: Paper) -> float:
    """Inches of the highest title of a panel."""
    breaks = max(wrapped(p.title, 0.9 * side, paper.text).count("\n") for p in heat.panels)
    return _TITLE + breaks * 1.25 * paper.text / _POINTS


def _names_width(panels: Sequence[HeatPanel], paper: Paper) -> float:
    lines = [line for p in panels for name in p.names for line in legend_text(name).split("\n")]
    return max(text_width(line, paper.text) for line in lines)


def _draw(axes: "Axes", panel: HeatPanel, least: float, side: float, paper: Paper) -> Any:
    numbers = [[math.nan if s is None else s.mean for s in row] for row in panel.squares]
    image = axes.imshow(numbers, cmap=HEAT, vmin=least, vmax=1.0)
    places, names = range(len(panel.names)), [legend_text(name) for name in panel.names]
    axes.grid(visible=False)
    axes.set_xticks(places, names, rotation=_TILT, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, names)
    axes.tick_params(length=0)
    if (side - _names_width([panel], paper) - _ROUND) / len(panel.names) >= 0.8 * _SQUARE:
        _write_numbers(axes, numbers, least, paper)
    if panel.title:
        axes.set_title(wrapped(panel.title, 0.9 * side, paper.text), parse_math=False)
    return image


def _write_numbers(
    axes: "Axes", numbers: Sequence[Sequence[float]], least: float, paper: Paper
) -> None:
    for i, row in enumerate(numbers):
        for j, number in enumerate(row):
            if not math.isnan(number):
                dark = number < (least + 1) / 2
                axes.text(
                    j, i, f"{number:.2f}".replace("-0.00", "0.00"),
                    ha="center", va="center", fontsize=paper.small,
                    color="white" if dark else "black",
                )  # fmt: skip
