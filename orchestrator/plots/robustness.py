"""The kind `robustness`: accuracy under attack and corruption, by kind of damage or by its size."""

from collections.abc import Mapping, Sequence

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
from orchestrator.plots.curves import default_facet
from orchestrator.plots.density import over_field
from orchestrator.plots.material import Material
from orchestrator.plots.parting import Strand, gaps_of, notes_of, part, untold
from orchestrator.statistics.summaries import summarise

SIZES = ("scenario.severity", "scenario.epsilon")
"""Fields that say how large the damage of a scenario is."""

ATTACKS = {
    "fgsm_test_accuracy": "FGSM",
    "robust_test_accuracy": "PGD",
    "autoattack_test_accuracy": "AutoAttack",
}
"""Measurements of the probe `robust`, from the weakest attack to the strongest."""

CORRUPTIONS = "corruptions"
"""The probe of accuracies under corruptions, `<corruption>_accuracy` each."""

_CLEAN = ("clean_test_accuracy", "test_accuracy")
_MEAN = "corruption_accuracy"
_SUFFIX = "_accuracy"
_ROOM = 0.6  # of the place of one kind of damage, for the points of all lines


def robustness_chart(material: Material, choices: Choices) -> Chart:
    """Accuracy under damage: without any, then under each attack and corruption that was measured.

    The kinds of damage are those that the probes `robust` and `corruptions` measured of the final
    weights. Where they measured nothing, but the grid trains under several sizes of damage
    (`scenario.severity`, `scenario.epsilon`), or where such a field is asked for as `x`, the
    measurement `value` lies over this size instead.

    Raises:
        AnswerError: When the grid has neither, nothing has a result yet, or a field that varies is
            told apart by nothing.
    """
    damage = _damage(material)
    x = choices.x or (None if damage else _size(material.answers, choices))
    if x is not None:
        return _over_size(material, choices, x)
    if choices.value is not None:
        raise AnswerError(
            f"--value {choices.value}: a figure of all kinds of damage shows them all; "
            f"give the field of its size too, --x {SIZES[0]} or --x {SIZES[1]}"
        )
    return _by_kind(material, choices, damage)


def _over_size(material: Material, choices: Choices, x: str) -> Chart:
    names = material.answers.metric_names()
    own = "robust_test_accuracy" if "robust_test_accuracy" in names else "test_accuracy"
    facet = tuple(path for path in default_facet(choices) if path != x)
    return over_field(material, choices, x=x, value=choices.value or own, facet=facet)


def _by_kind(material: Material, choices: Choices, damage: Mapping[str, str]) -> Chart:
    answers, facet = material.answers, default_facet(choices)
    parts = part(answers, by=choices.by, facet=facet)
    notes = notes_of(answers, next(iter(damage)), by=choices.by, facet=facet)
    under = [name for name in damage if name not in _CLEAN]
    measured = {a.cell for a in answers.completed if set(under) <= (a.metrics or {}).keys()}
    gaps = gaps_of(answers, "some of this", measured)
    names = list(dict.fromkeys(strand.name for own in parts for strand in own.strands))
    panels = [
        Panel(
            title=own.title,
            lines=tuple(
                line
                for strand in own.strands
                if (line := _line(strand, damage, _aside(names, strand), choices)).points
            ),
        )
        for own in parts
    ]
    panels, empty = filled(panels, gaps)
    summaries = summaries_of(panels)
    return Chart(
        panels=tuple(panels),
        x=Axis(
            label="damage to the test images", brief="damage", words=True,
            ticks=tuple((float(i), text) for i, text in enumerate(damage.values())),
        ),
        y=value_axis("test_accuracy", log=bool(choices.y_log)),
        caption=caption_of(summaries, gaps, choices.confidence, intervals="bars"),
        notes=(*notes, *empty),
        joined=False,
        bars=True,
        alike="dataset" not in facet,
    )  # fmt: skip


def _damage(material: Material) -> dict[str, str]:
    """Measurement to what it is called, of all damage that was measured; empty for none."""
    held = {name for answer in material.answers.completed for name in answer.metrics or {}}
    attacks = {name: text for name, text in ATTACKS.items() if name in held}
    corruptions = {
        name: name.removesuffix(_SUFFIX).replace("_", " ")
        for name in sorted(held)
        if material.probe_of.get(name) == CORRUPTIONS and name != _MEAN
    }
    if not attacks and not corruptions:
        return {}
    clean = next(name for name in _CLEAN if name in held)
    return {clean: "none", **attacks, **corruptions}


def _size(answers: Answers, choices: Choices) -> str:
    facet = default_facet(choices)
    varying = untold(answers, by=choices.by, facet=facet)
    for path in SIZES:
        if path in varying:
            return path
    raise AnswerError(
        "no cell was measured under attack or corruption: write `probes: [robust]` or "
        "`probes: [corruptions]` into the grid and run it, or choose a field with --x"
    )


def _aside(names: Sequence[str], strand: Strand) -> float:
    """How far a line's points stand beside the middle of a place, so that none hides another."""
    return _ROOM * ((names.index(strand.name) + 0.5) / len(names) - 0.5)


def _line(strand: Strand, damage: Mapping[str, str], aside: float, choices: Choices) -> Line:
    points = []
    for place, name in enumerate(damage):
        found = [a.metrics[name] for a in strand.answers if a.metrics and name in a.metrics]
        if found:
            points.append((place + aside, scaled(summarise(found, choices.confidence), name)))
    return Line(name=strand.name, points=tuple(points), reference=strand.reference)
