"""The kind `flops`: a measurement over what training or inference cost, with the Pareto front."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from orchestrator.answers.measurements import BETTER
from orchestrator.answers.results import AnswerError, Answers
from orchestrator.plots.chart import (
    Axis,
    Chart,
    Line,
    Panel,
    caption_of,
    filled,
    scaled,
    summaries_of,
    value_axis,
)
from orchestrator.plots.choices import Choices
from orchestrator.plots.material import Material
from orchestrator.plots.parting import Strand, gaps_of, notes_of, part
from orchestrator.statistics.summaries import summarise

TRAINING = "train_flops_ratio"

_LABELS = {
    TRAINING: "training FLOPs (fraction of the dense network's)",
    "inference_flops_ratio": "inference FLOPs (fraction of the dense network's)",
    "train_flops": "training FLOPs",
    "inference_flops": "inference FLOPs of one sample",
}
_RINGED = "A point for each density; ringed: no other is both cheaper and better."
_DENSITY = "density"

Point = tuple[float, float]
"""Cost and worth, in the units of the axes."""


def flops_chart(material: Material, choices: Choices) -> Chart:
    """`value` over a cost, one line for each value of `by` with a point for each density.

    A point is the mean over the seeds in both directions, with the confidence interval of the value
    as a bar. The front goes through the means that no other mean of the panel is better than in
    both directions. The cost is `x`: the FLOPs of the training over those of training the dense
    network, or any other measurement.

    Raises:
        AnswerError: When nothing has a result yet, a field that varies is told apart by nothing,
            or nobody has said which end of the value is better.
    """
    answers, facet = material.answers, choices.facet or ()
    x, value = choices.x or TRAINING, choices.value or "test_accuracy"
    along = () if _DENSITY in (choices.by, *facet) else (_DENSITY,)
    parts = part(answers, by=choices.by, facet=facet, along=along)
    notes = dict.fromkeys(
        note
        for name in (x, value)
        for note in notes_of(answers, name, by=choices.by, facet=facet, along=along)
    )
    measured = {a.cell for a in answers.completed if {x, value} <= (a.metrics or {}).keys()}
    gaps = gaps_of(answers, f"{value} or {x}", measured)
    found = [
        Panel(title=own.title, lines=tuple(_lines(own.strands, x, value, choices.confidence)))
        for own in parts
    ]
    sign = _sign(answers, value)
    full, empty = filled(found, gaps)
    panels = [replace(panel, front=_front_of(panel, sign)) for panel in full]
    summaries = summaries_of(panels)
    return Chart(
        panels=tuple(panels),
        x=_cost_axis(x, panels, choices.x_log),
        y=value_axis(value, log=bool(choices.y_log)),
        caption=caption_of(summaries, gaps, choices.confidence, intervals="bars"),
        notes=(
            *notes,
            *empty,
            "A point for each density; ringed: no other is both cheaper and better.",
        ),
        bars=True,
        alike="dataset" not in facet,
    )


def pareto_front(points: Iterable[Point], sign: int = 1) -> tuple[Point, ...]:
    """The points that no other is better than in both directions, by ascending cost.

    Args:
        points: (cost, worth); a lower cost is better. Points that are not finite are left out.
        sign: 1 where a higher worth is better, -1 where a lower one is.
    """
    front: list[Point] = []
    finite = {point for point in points if all(map(math.isfinite, point))}
    for cost, worth in sorted(finite, key=lambda point: (point[0], -sign * point[1])):
        if not front or sign * worth > sign * front[-1][1]:
            front.append((cost, worth))
    return tuple(front)


def _lines(strands: Sequence[Strand], x: str, value: str, confidence: float) -> list[Line]:
    lines = [_line(strand, x, value, confidence) for strand in strands]
    return [line for line in lines if line.points]


def _line(strand: Strand, x: str, value: str, confidence: float) -> Line:
    found: dict[float, list[Mapping[str, float]]] = {}
    for answer in strand.answers:
        if answer.metrics is not None and {x, value} <= answer.metrics.keys():
            found.setdefault(float(answer.fields[_DENSITY]), []).append(answer.metrics)
    points = []
    for density in sorted(found):
        cost = summarise([metrics[x] for metrics in found[density]], None).mean
        worth = summarise([metrics[value] for metrics in found[density]], confidence)
        points.append((cost, scaled(worth, value)))
    return Line(name=strand.name, points=tuple(points), reference=strand.reference)


def _sign(answers: Answers, value: str) -> int:
    better = BETTER.get(value, answers.better.get(value))
    if better is None:
        raise AnswerError(f"which end of {value} is better is not known, so that it has no front")
    return {"higher": 1, "lower": -1}[better]


def _front_of(panel: Panel, sign: int) -> tuple[Point, ...]:
    return pareto_front(
        ((cost, worth.mean) for line in panel.lines for cost, worth in line.points), sign
    )


def _cost_axis(x: str, panels: Sequence[Panel], log: bool | None) -> Axis:
    """The axis of the cost; logarithmic, unless it is asked for otherwise or reaches zero."""
    costs = [cost for panel in panels for line in panel.lines for cost, _ in line.points]
    if log and min(costs) <= 0:
        raise AnswerError(f"{x} reaches {min(costs):g}, which has no place on a logarithmic axis")
    wanted = min(costs) > 0 if log is None else log
    return Axis(
        label=_LABELS.get(x, x.replace("_", " ")),
        brief=_LABELS.get(x, x.replace("_", " ")).partition(" (")[0],
        log=wanted,
        ticks=_round_ticks(min(costs), max(costs)) if wanted else None,
    )


def _round_ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Ticks at 1, 2 and 5 times the powers of ten, from below `low` to above `high`."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    places = [float(f"{digit}e{power}") for power in range(first, last + 1) for digit in (1, 2, 5)]
    start = max(place for place in places if place <= low)
    end = min(place for place in places if place >= high)
    return tuple((place, f"{place:g}") for place in places if start <= place <= end)
