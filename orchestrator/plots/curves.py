"""The kind `curves`: a column of the table curves, or a probe's curve, over the epochs."""

import json
from collections.abc import Mapping, Sequence

from orchestrator.answers.results import not_found
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
from orchestrator.store.schema import TABLES

PLACES = ("cell", "attempt", "answers", "point", "epoch", "step", "other")
"""Columns of the table curves that are no measurements."""

Curve = Mapping[float, float]
"""Epochs completed to a measurement."""


def curves_chart(material: Material, choices: Choices) -> Chart:
    """A curve over the epochs, one line for each value of `by`, with bands over the seeds.

    Every epoch has a mean of its own over the cells that were measured at it. By default there is
    a panel for each density, and what only exists at density 1 stands in all of them in black.

    Raises:
        AnswerError: When no cell has such a curve, or a field that varies is told apart by nothing.
    """
    value, answers = choices.value or "val_accuracy", material.answers
    facet = default_facet(choices)
    curves = read_curves(material, value)
    parts = part(answers, by=choices.by, facet=facet)
    notes = notes_of(answers, any_measurement(material), by=choices.by, facet=facet)
    gaps = gaps_of(answers, f"a curve of {value}", curves)
    panels = [
        Panel(
            title=own.title,
            lines=tuple(
                line
                for strand in own.strands
                if (line := _line(strand, curves, value, choices.confidence)).points
            ),
        )
        for own in parts
    ]
    panels, empty = filled(panels, gaps)
    summaries = summaries_of(panels)
    return Chart(
        panels=tuple(panels),
        x=Axis(label="epoch", log=bool(choices.x_log), counts=True),
        y=value_axis(value, log=bool(choices.y_log)),
        caption=caption_of(summaries, gaps, choices.confidence),
        notes=(*notes, *empty),
        alike="dataset" not in facet,
    )


def default_facet(choices: Choices) -> tuple[str, ...]:
    """The fields that tell panels apart: by default the density, unless it tells lines apart."""
    if choices.facet is not None:
        return choices.facet
    return () if choices.by == "density" else ("density",)


def any_measurement(material: Material) -> str:
    """A measurement that the cells have, where any will do."""
    names = material.answers.metric_names()
    return names[0] if names else "test_accuracy"


def read_curves(material: Material, value: str) -> Mapping[str, Curve]:
    """Cell id to its curve of one measurement, without the epochs at which it was not due.

    Raises:
        AnswerError: When no cell has a curve of that name, with those that there are.
    """
    columns = [c.name for c in TABLES["curves"] if c.name not in PLACES]
    rows = material.curves.select(
        ["cell", "epoch", value if value in columns else "other"]
    ).to_pylist()
    found: dict[str, dict[float, float]] = {}
    for row in rows:
        number = row[value] if value in columns else json.loads(row["other"] or "{}").get(value)
        if isinstance(number, int | float):
            found.setdefault(row["cell"], {})[row["epoch"]] = number
    if rows and not found:
        raise not_found(
            f"no cell has a curve {value!r}", value, _names(material, columns), "curves"
        )
    return found


def _names(material: Material, columns: Sequence[str]) -> list[str]:
    """Every curve that some cell has."""
    held = [name for name in columns if material.curves[name].null_count < len(material.curves)]
    others = {
        name
        for text in material.curves["other"].unique().to_pylist()
        for name in json.loads(text or "{}")
    }
    return [*held, *sorted(others)]


def _line(strand: Strand, curves: Mapping[str, Curve], value: str, confidence: float) -> Line:
    found: dict[float, list[float]] = {}
    for answer in strand.answers:
        for epoch, number in curves.get(answer.cell, {}).items():
            found.setdefault(epoch, []).append(number)
    points = tuple(
        (epoch, scaled(summarise(found[epoch], confidence), value)) for epoch in sorted(found)
    )
    return Line(name=strand.name, points=points, reference=strand.reference)
