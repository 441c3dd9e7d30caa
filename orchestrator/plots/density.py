"""The kind `density`: a measurement over the density, or over another field that is a number."""

from collections.abc import Sequence

from orchestrator.answers.results import Answer, AnswerError, text_of
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
from orchestrator.plots.parting import Part, Strand, gaps_of, notes_of, part
from orchestrator.statistics.summaries import summarise

DENSITY = "density"

EPSILONS = {"linf": 8 / 255, "l2": 128 / 255}
"""The size that `scenario.epsilon` has by default, by norm, as trainer/attacks.py has it.

Repeated, because a figure must not need torch; a test holds the two together.
"""

_EPSILON = "scenario.epsilon"
_LABELS = {DENSITY: "density (kept fraction of the maskable weights)"}


def density_chart(material: Material, choices: Choices) -> Chart:
    """`value` over the density, or over the field `x`, one line for each value of `by`.

    Points are means over the seeds, bands their confidence intervals (Student's t); a mean of one
    seed has none. What only exists at density 1, as dense does, is a level line. The axis is
    logarithmic for densities, with those of the grid as ticks.

    Raises:
        AnswerError: When nothing has a result yet, a field that varies is told apart by nothing,
            or the field below is no number.
    """
    x = choices.x or DENSITY
    value = choices.value or "test_accuracy"
    return over_field(material, choices, x=x, value=value, facet=choices.facet or ())


def over_field(
    material: Material, choices: Choices, *, x: str, value: str, facet: Sequence[str]
) -> Chart:
    """A measurement over a field that is a number; see `density_chart`.

    Raises:
        AnswerError: As `density_chart` says.
    """
    answers = material.answers
    parts = part(answers, by=choices.by, facet=facet, along=[x])
    notes = notes_of(answers, value, by=choices.by, facet=facet, along=[x])
    measured = {a.cell for a in answers.completed if value in (a.metrics or {})}
    gaps = gaps_of(answers, value, measured)
    panels = [_panel(own, x, value, choices.confidence) for own in parts]
    panels, empty = filled(panels, gaps)
    summaries = summaries_of(panels)
    return Chart(
        panels=tuple(panels),
        x=_field_axis(answers.answers, panels, x, choices),
        y=value_axis(value, log=bool(choices.y_log)),
        caption=caption_of(summaries, gaps, choices.confidence),
        notes=(*notes, *empty),
        alike="dataset" not in facet,
    )


def _panel(own: Part, x: str, value: str, confidence: float) -> Panel:
    lines = [_line(strand, x, value, confidence) for strand in own.strands]
    return Panel(title=own.title, lines=tuple(line for line in lines if line.points))


def _line(strand: Strand, x: str, value: str, confidence: float) -> Line:
    found: dict[float, list[float]] = {}
    for answer in strand.answers:
        if answer.metrics is not None and value in answer.metrics:
            found.setdefault(_number(answer, x), []).append(answer.metrics[value])
    points = [(place, summarise(found[place], confidence)) for place in sorted(found)]
    level = strand.reference and x == DENSITY
    return Line(
        name=strand.name,
        points=tuple((place, scaled(summary, value)) for place, summary in points),
        reference=strand.reference,
        level=level,
    )


def _number(answer: Answer, path: str) -> float:
    value = answer.fields.get(path)
    if path == _EPSILON and value is None:
        value = EPSILONS.get(str(answer.fields.get("scenario.norm")))
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        shown = text_of(value)
        raise AnswerError(f"{path} = {shown} is no number to draw over") from None


def _text(place: float, answer: Answer, path: str) -> str:
    """How a tick is written: sizes of changes of pixels in parts of 255."""
    return f"{255 * place:g}/255" if path == _EPSILON else text_of(answer.fields[path])


def _field_axis(
    answers: Sequence[Answer], panels: Sequence[Panel], x: str, choices: Choices
) -> Axis:
    texts = {place: _text(place, answer, x) for answer in answers for place in [_number(answer, x)]}
    lines = [line for panel in panels for line in panel.lines]
    drawn = {place for line in lines if not line.level for place, _ in line.points} or {1.0}
    ticks = tuple((place, texts[place]) for place in sorted(drawn))
    log = x == DENSITY if choices.x_log is None else choices.x_log
    if log and ticks[0][0] <= 0:
        raise AnswerError(f"{x} = {ticks[0][1]} has no place on a logarithmic axis: --x-linear")
    return Axis(label=_LABELS.get(x, x), brief=x, log=log, ticks=ticks)
