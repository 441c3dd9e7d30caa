"""What a figure of lines shows, as plain data: every kind makes a chart, one renderer draws it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.answers.measurements import in_percent
from orchestrator.answers.results import AnswerError
from orchestrator.statistics.summaries import Summary

_NOT_NEGATIVE = ("loss", "calibration_error", "flops", "density")  # in names of measurements


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a panel, in the units of the axes.

    Attributes:
        name: What the legend calls it.
        points: (x, summary over the seeds) in the order in which they are joined.
        reference: Whether others are compared with it: it is drawn in black.
        level: Whether its one value holds all along the axis: dense in a plot over the density.
    """

    name: str
    points: tuple[tuple[float, Summary], ...]
    reference: bool = False
    level: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """One of several small charts.

    Attributes:
        title: What its cells have in common; "" for the only panel.
        lines: In the order of the grid.
        front: Points that no other point of the panel is better than in both directions, by
            ascending x; empty where that is no question.
    """

    title: str
    lines: tuple[Line, ...]
    front: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One axis of all panels.

    Attributes:
        label: What it shows, with the unit.
        brief: The same where there is little room; the label where there is none.
        log: Whether it is logarithmic.
        ticks: (place, text) where they are fixed, by ascending place: the axis ends a little
            beyond them. None leaves them open, and the axis is as long as the data need.
        bounds: What no value of it can be beyond.
        words: Whether the texts of the ticks are words, which are written aslant.
        counts: Whether only whole numbers have ticks.
        least: What no measurement can be below; bands and bars end there.
    """

    label: str
    brief: str = ""
    log: bool = False
    ticks: tuple[tuple[float, str], ...] | None = None
    bounds: tuple[float, float] | None = None
    words: bool = False
    counts: bool = False
    least: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A figure of lines.

    Attributes:
        panels: At least one.
        x: The axis below.
        y: The axis at the left.
        caption: What is drawn: how many seeds, and which bands.
        notes: What else a reader must be told.
        joined: Whether points are joined by lines; else they stand for themselves.
        bars: Whether the intervals are bars at the points; else they are bands.
        alike: Whether all panels share their axis at the left.
    """

    panels: tuple[Panel, ...]
    x: Axis
    y: Axis
    caption: str
    notes: tuple[str, ...] = ()
    joined: bool = True
    bars: bool = False
    alike: bool = True

    @property
    def subject(self) -> str:
        """What it shows, for who does not see it."""
        return f"{self.y.label} over {self.x.label}"

    @property
    def summaries(self) -> list[Summary]:
        """Every summary that is drawn."""
        return summaries_of(self.panels)


def summaries_of(panels: Sequence[Panel]) -> list[Summary]:
    """Every summary of these panels."""
    return [s for panel in panels for line in panel.lines for _, s in line.points]


def filled(panels: Sequence[Panel], gaps: Sequence[str]) -> tuple[list[Panel], tuple[str, ...]]:
    """The panels that have a finite mean to draw, and a note on those that have none.

    Raises:
        AnswerError: When none has, with what the gaps are.
    """
    full = [p for p in panels if any(math.isfinite(s.mean) for s in summaries_of([p]))]
    if not full:
        raise AnswerError(f"there is nothing to draw: {'; '.join(gaps) or 'no mean is finite'}")
    empty = [panel.title for panel in panels if panel not in full]
    return full, (f"nothing to draw where {'; '.join(empty)}",) if empty else ()


def coinciding(chart: Chart) -> tuple[str, ...]:
    """A note on each group of lines that hide each other, since they are equal everywhere."""
    if not chart.joined:
        return ()
    found: dict[str, list[object]] = {}
    for number, panel in enumerate(chart.panels):
        for line in panel.lines:
            means = tuple((x, summary.mean) for x, summary in line.points)
            found.setdefault(line.name, []).append((number, line.level, means))
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, points in found.items():
        groups.setdefault(tuple(points), []).append(name)
    return tuple(
        f"equal everywhere: {', '.join(names)}" for names in groups.values() if len(names) > 1
    )


def value_axis(value: str, *, log: bool = False) -> Axis:
    """The axis of a measurement; accuracies are in percent and end at 0 and 100."""
    unit = " (%)" if in_percent(value) else ""
    bounds = (-0.5, 100.5) if "accuracy" in value else None
    least = 0.0 if any(word in value for word in _NOT_NEGATIVE) else None
    return Axis(label=value.replace("_", " ") + unit, log=log, bounds=bounds, least=least)


def scaled(summary: Summary, value: str) -> Summary:
    """A summary in the unit of its axis: accuracies in percent."""
    if not in_percent(value):
        return summary
    return replace(
        summary,
        mean=100 * summary.mean,
        std=_times_hundred(summary.std),
        low=_times_hundred(summary.low),
        high=_times_hundred(summary.high),
    )


def caption_of(
    summaries: Sequence[Summary], gaps: Sequence[str], confidence: float, intervals: str = "bands"
) -> str:
    """How many seeds there are, what intervals are drawn as, and what no mean counts."""
    counts = sorted({summary.n for summary in summaries})
    lost = sum(not math.isfinite(summary.mean) for summary in summaries)
    n = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
    bands = [f"{intervals}: {100 * confidence:g} % confidence intervals"] if counts[-1] > 1 else []
    means = "One seed" if counts == [1] else f"Mean over {n} seeds"
    odd = [f"{lost} of {len(summaries)} means are not finite and not drawn"] if lost else []
    return "; ".join([means, *bands, *odd, *gaps]) + "."


def _times_hundred(number: float | None) -> float | None:
    return None if number is None else 100 * number
