"""Plots: accuracy over density, one line per method, as SVG, PDF or PNG."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.answers.grouping import Grouped, group
from orchestrator.answers.results import AnswerError, Answers, not_found
from orchestrator.statistics.summaries import Summary
from orchestrator.tables.table import in_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".pdf", ".png")
"""The kinds of file that a plot can be written as."""

# Okabe and Ito's palette (2008), which stays apart in every common form of colour blindness;
# its yellow is left out (too pale on white) and its black is kept for the dense line.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))
_DENSE = "#000000"
_STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.0,
    "svg.hashsalt": "sparsesweep",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}
_SIZE = (5.6, 3.5)  # inches: a column and a half of a paper
_LABEL_SHARE = 0.06  # of the axis: what the label of a tick needs
_LEGEND_WIDTH = 26  # characters of a legend's line that leave room to draw
_ROW = 0.17  # inches: a line of the legend
_NOTE_WIDTH = 105  # characters of the small print that fit below it


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One method: its points by ascending density, in the unit of the axis.

    Attributes:
        name: The method.
        points: (density, summary) of every density that has results.
        level: Whether it is drawn as a level line, because it only exists at density 1.
    """

    name: str
    points: tuple[tuple[float, Summary], ...]
    level: bool


def accuracy_over_density(
    answers: Answers,
    path: str | Path,
    *,
    value: str = "test_accuracy",
    confidence: float = 0.95,
) -> Path:
    """Draw `value` over the density with one line per method, and write it to `path`.

    Bands are confidence intervals of the mean over seeds (Student's t); a mean of one seed has
    none. A method that only exists at density 1, as dense does, is a level line. The density axis
    is logarithmic with the grid's densities as ticks. Equal answers give equal bytes.

    Args:
        answers: The cells of a grid, from `answers.select`.
        path: The file to write; its suffix says what kind: .svg, .pdf or .png.
        value: Name of the measurement; accuracies are drawn in percent.
        confidence: Of the bands, in (0, 1).

    Returns:
        The path that was written.

    Raises:
        AnswerError: For another suffix, when nothing has a result yet, or when cells that would
            be averaged differ in another field than the seed.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise not_found(f"cannot draw {target.name} by its suffix", suffix, SUFFIXES, "suffixes")
    grouped = group(answers, rows="method", columns="density", value=value, confidence=confidence)
    lines = lines_of(grouped)
    if not lines:
        raise AnswerError(f"there is nothing to draw: {'; '.join(grouped.gaps)}")
    _write(grouped, lines, target, confidence)
    return target


def lines_of(grouped: Grouped) -> list[Line]:
    """The lines of a plot, in the order of the grid; methods without any result have none."""
    lines = []
    for row in grouped.rows:
        entries = {
            float(column): grouped.entries[row, column]
            for column in grouped.columns
            if (row, column) in grouped.entries
        }
        points = tuple(
            (density, _scaled(entry.summary, grouped.value))
            for density, entry in entries.items()
            if entry.summary is not None
        )
        if points:
            lines.append(Line(name=row, points=points, level=set(entries) == {1.0}))
    return lines


def _scaled(summary: Summary, value: str) -> Summary:
    scale = 100 if in_percent(value) else 1

    def scaled(number: float | None) -> float | None:
        return None if number is None else scale * number

    return Summary(
        mean=scale * summary.mean,
        std=scaled(summary.std),
        n=summary.n,
        low=scaled(summary.low),
        high=scaled(summary.high),
    )


def _write(grouped: Grouped, lines: Sequence[Line], target: Path, confidence: float) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a person's own settings would change the bytes
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=_size(lines), layout="constrained")
        axes = figure.add_subplot()
        _draw(axes, lines)
        _label(figure, axes, grouped, lines, confidence)
        target.parent.mkdir(parents=True, exist_ok=True)
        undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}
        figure.savefig(target, dpi=200, metadata=undated[target.suffix.lower()])


def _size(lines: Sequence[Line]) -> tuple[float, float]:
    """Width and height in inches: higher where the legend has many lines."""
    width, height = _SIZE
    rows = sum(1 + _legend_text(line.name).count("\n") for line in lines)
    return width, max(height, _ROW * (rows + 3))


def _legend_text(name: str) -> str:
    """The name of a line; a variant's long one has its options below each other."""
    if len(name) <= _LEGEND_WIDTH or "(" not in name:
        return name
    head, _, options = name.partition("(")
    return f"{head}(\n  " + options.replace(", ", ",\n  ")


def _draw(axes: "Axes", lines: Sequence[Line]) -> None:
    sparse = [line for line in lines if not line.level]
    for number, line in enumerate(line for line in lines if line.level):
        dash = _DASHES[1 + number % (len(_DASHES) - 1)]
        _draw_level(axes, line, dash)
    for number, line in enumerate(sparse):
        _draw_line(axes, line, number)


def _draw_level(axes: "Axes", line: Line, dash: Any) -> None:
    [(_, summary)] = line.points
    axes.axhline(
        summary.mean, color=_DENSE, linestyle=dash, linewidth=1.3, label=_legend_text(line.name)
    )
    if summary.low is not None and summary.high is not None:
        axes.axhspan(summary.low, summary.high, color=_DENSE, alpha=0.10, linewidth=0)


def _draw_line(axes: "Axes", line: Line, number: int) -> None:
    colour = _COLOURS[number % len(_COLOURS)]
    densities = [density for density, _ in line.points]
    axes.plot(
        densities,
        [summary.mean for _, summary in line.points],
        color=colour,
        marker=_MARKERS[number % len(_MARKERS)],
        linestyle=_DASHES[number // len(_COLOURS) % len(_DASHES)],
        markeredgecolor="white",
        markeredgewidth=0.6,
        label=_legend_text(line.name),
        zorder=3,
    )
    axes.fill_between(
        densities,
        [s.mean if s.low is None else s.low for _, s in line.points],
        [s.mean if s.high is None else s.high for _, s in line.points],
        color=colour,
        alpha=0.15,
        linewidth=0,
        zorder=2,
    )


def _label(
    figure: "Figure", axes: "Axes", grouped: Grouped, lines: Sequence[Line], confidence: float
) -> None:
    unit = " (%)" if in_percent(grouped.value) else ""
    axes.set_xlabel("density (kept fraction of the maskable weights)")
    axes.set_ylabel(grouped.value.replace("_", " ") + unit)
    _set_density_axis(axes, grouped, lines)
    _keep_in_range(axes, grouped)
    figure.legend(loc="outside right upper", handlelength=2.6)
    notes = [_caption(grouped, confidence), *grouped.notes]
    small = "\n".join(line for note in notes for line in textwrap.wrap(note, _NOTE_WIDTH))
    figure.supxlabel(small, fontsize=7.5, color="#555555", x=0.01, ha="left", parse_math=False)


def _set_density_axis(axes: "Axes", grouped: Grouped, lines: Sequence[Line]) -> None:
    drawn = {density for line in lines if not line.level for density, _ in line.points}
    ticks = [text for text in grouped.columns if float(text) in (drawn or {1.0})]
    axes.set_xscale("log")
    axes.set_xticks([float(text) for text in ticks], _tick_labels(ticks))
    axes.minorticks_off()
    low, high = float(ticks[0]), float(ticks[-1])
    axes.set_xlim(low / 1.15, high * 1.15)


def _tick_labels(ticks: Sequence[str]) -> list[str]:
    """The ticks' texts, left empty where they would run into the one before."""
    width = math.log(float(ticks[-1]) / float(ticks[0])) * _LABEL_SHARE
    labels, last = [], -math.inf
    for text in ticks:
        fits = math.log(float(text)) - last >= width
        labels.append(text if fits else "")
        last = math.log(float(text)) if fits else last
    return labels


def _keep_in_range(axes: "Axes", grouped: Grouped) -> None:
    """Accuracies end at 0 and 100 %, even where the interval of few seeds does not."""
    if "accuracy" in grouped.value:
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -0.5), min(high, 100.5))


def _caption(grouped: Grouped, confidence: float) -> str:
    counts = sorted({entry.summary.n for entry in grouped.entries.values() if entry.summary})
    n = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
    bands = [f"bands: {100 * confidence:g} % confidence intervals"] if counts[-1] > 1 else []
    means = "One seed" if counts == [1] else f"Mean over {n} seeds"
    return "; ".join([means, *bands, *grouped.gaps]) + "."
