"""The kind `layers`: how dense each layer is after training."""

from collections.abc import Mapping, Sequence

from orchestrator.answers.results import AnswerError
from orchestrator.plots.chart import Axis, Chart, Line, Panel, caption_of, filled, summaries_of
from orchestrator.plots.choices import Choices
from orchestrator.plots.curves import any_measurement, default_facet
from orchestrator.plots.material import Material
from orchestrator.plots.parting import Strand, gaps_of, notes_of, part
from orchestrator.statistics.summaries import summarise

MOST_NAMES = 12
"""Layers that are named at the axis; more are counted."""

Layers = Mapping[str, float]
"""Name of a layer to its density, in the order of the network."""


def layers_chart(material: Material, choices: Choices) -> Chart:
    """The density of every layer, one line for each value of `by`, from input to output.

    By default there is a panel for each density of the grid, and the axis at the left is
    logarithmic. The dense network, whose layers are all full, is left out.

    Raises:
        AnswerError: When no cell has layers, the networks of a panel differ in theirs, or a field
            that varies is told apart by nothing.
    """
    answers, facet = material.answers, default_facet(choices)
    layers = _read_layers(material)
    parts = part(answers, by=choices.by, facet=facet)
    notes = notes_of(answers, any_measurement(material), by=choices.by, facet=facet)
    gaps = gaps_of(answers, "layers", layers)
    names = _layer_names([layers[a.cell] for a in answers.answers if a.cell in layers])
    panels = [
        Panel(
            title=own.title,
            lines=tuple(
                line
                for strand in own.strands
                if (line := _line(strand, layers, choices.confidence)).points
            ),
        )
        for own in parts
    ]
    panels, empty = filled(panels, gaps)
    summaries = summaries_of(panels)
    return Chart(
        panels=tuple(panels),
        x=_layer_axis(names),
        y=_density_axis(min(s.mean for s in summaries), choices.y_log),
        caption=caption_of(summaries, gaps, choices.confidence),
        notes=(*notes, *empty),
    )


def _read_layers(material: Material) -> Mapping[str, Layers]:
    found: dict[str, dict[str, float]] = {}
    columns = material.layers.select(["cell", "position", "layer", "density"])
    for row in columns.sort_by([("cell", "ascending"), ("position", "ascending")]).to_pylist():
        found.setdefault(row["cell"], {})[row["layer"]] = row["density"]
    return found


def _layer_names(found: Sequence[Layers]) -> list[str]:
    """The layers of all networks.

    Raises:
        AnswerError: When they are not the same.
    """
    if any(list(layers) != list(found[0]) for layers in found):
        raise AnswerError(
            "the networks have different layers, and one axis cannot show them: choose one with "
            "--where"
        )
    return list(found[0]) if found else []


def _layer_axis(names: Sequence[str]) -> Axis:
    if len(names) > MOST_NAMES:
        numbers = tuple((float(i), str(i + 1)) for i in range(len(names)))
        return Axis(label="layer, from the input", ticks=numbers)
    ticks = tuple((float(i), name.removesuffix(".weight")) for i, name in enumerate(names))
    return Axis(label="layer, from the input", ticks=ticks, words=True)


def _density_axis(least: float, log: bool | None) -> Axis:
    """Logarithmic, unless it is asked for otherwise or a layer is empty."""
    if log and least <= 0:
        raise AnswerError("a layer is empty and has no place on a logarithmic axis: --y-linear")
    return Axis(label="density of the layer", log=least > 0 if log is None else log, least=0.0)


def _line(strand: Strand, layers: Mapping[str, Layers], confidence: float) -> Line:
    if strand.reference:
        return Line(name=strand.name, points=())
    found: dict[int, list[float]] = {}
    for answer in strand.answers:
        for place, density in enumerate(layers.get(answer.cell, {}).values()):
            found.setdefault(place, []).append(density)
    points = [(float(place), summarise(found[place], confidence)) for place in sorted(found)]
    return Line(name=strand.name, points=tuple(points))
