"""The judgement `gradient_flow`: how well measures of gradient flow go with performance.

The table follows Tessera, Hooker and Rosman 2021: mean absolute Kendall rank correlation of each
measure with test loss and test accuracy, for sparse and for dense networks. What the published
averages run over is not known; here the groups are written above the table. Which measure does
best is not asserted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.answers.results import Answer, AnswerError, text_of
from orchestrator.statistics.rank_tests import kendall, mean_absolute
from orchestrator.verdicts.capacity_pairs import METHOD, ROLE, ROLES, WIDTH
from orchestrator.verdicts.cells import Key, OptionsRead, grouped, sample, told, value_of
from orchestrator.verdicts.collapse import judge_collapse
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.verdict import Judgement, Sheet

MEASURES: Mapping[str, str] = {
    "gf1": "gf1, masked",
    "gf1_raw": "gf1, all weights",
    "gf2": "gf2, masked",
    "gf2_raw": "gf2, all weights",
    "egf1": "EGF_1",
    "egf2": "EGF_2",
}
"""Measurement to what it is called: the published g_p does not say which of the two it is."""

PERFORMANCE = ("test_loss", "test_accuracy")
WITHIN = (WIDTH, "density", "seed")
"""The fields in which the cells of a group differ; all others are equal."""

UNMASKED = ("dense", "small_dense")
"""Methods that leave every weight, be the network as wide as the model says or narrower."""

METRICS_READ = (*MEASURES, *PERFORMANCE)
OPTIONS_READ: OptionsRead = {
    f"method {METHOD}": {WIDTH: (), ROLE: ROLES},
    **{f"method {name}": {} for name in UNMASKED},
}

LEAST = 3
"""Cells of a group at least: two are always in perfect order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correlation:
    """How a measure goes with a performance, over the groups of one role and data set.

    Attributes:
        value: Mean absolute tau-b; None without a group in which it is defined.
        groups: In how many it is defined.
        left_out: In how many it is not: too few cells, or constant values.
    """

    value: float | None
    groups: int
    left_out: int


def judge_gradient_flow(material: Material) -> Judgement:
    """R6, and for every data set the table of correlations.

    Raises:
        AnswerError: When no cell of the grids has a measure of gradient flow.
    """
    measured = material.metric_names()
    if not measured & MEASURES.keys():
        raise AnswerError(
            f"no cell of {', '.join(material.grids)} has a measure of gradient flow; add the probe "
            f"gradient_flow"
        )
    names = [name for name in MEASURES if name in measured]
    return material.judgement(
        name="gradient_flow",
        verdicts=(judge_collapse(material),),
        sheets=tuple(_tables(material, names)),
    )


def correlation(groups: Sequence[Sequence[Answer]], measure: str, performance: str) -> Correlation:
    """The mean over groups of the absolute correlation within each."""
    taus = [_tau(group, measure, performance) for group in groups]
    defined = [tau for tau in taus if tau is not None]
    return Correlation(
        value=mean_absolute(defined) if defined else None,
        groups=len(defined),
        left_out=len(taus) - len(defined),
    )


def role_of(answer: Answer) -> str:
    """Whether a cell is of a sparse network or of a dense one."""
    if answer.fields["method"] == METHOD:
        return text_of(answer.fields.get(ROLE, "sparse"))
    return "dense" if answer.fields["method"] in UNMASKED else "sparse"


def _tables(material: Material, names: Sequence[str]) -> list[Sheet]:
    by_dataset: dict[str, list[Answer]] = {}
    for answer in material.cells:
        by_dataset.setdefault(str(answer.fields["dataset"]), []).append(answer)
    return [_table(dataset, cells, names) for dataset, cells in by_dataset.items()]


def _table(dataset: str, cells: Sequence[Answer], names: Sequence[str]) -> Sheet:
    roles = [role for role in ("sparse", "dense") if any(role_of(each) == role for each in cells)]
    groups = {role: _groups([c for c in cells if role_of(c) == role]) for role in roles}
    found = {
        (name, role, performance): correlation(groups[role], name, performance)
        for name in names
        for role in roles
        for performance in PERFORMANCE
    }
    columns = [(role, performance) for role in roles for performance in PERFORMANCE]
    return Sheet(
        id=f"correlations_{dataset}",
        title=f"Mean absolute Kendall tau-b with performance, {dataset}: within groups of cells "
        f"that differ in {', '.join(WITHIN)} only",
        columns=("measure", *(f"{role}, {text.replace('_', ' ')}" for role, text in columns)),
        rows=tuple(
            (MEASURES[name], *(found[name, *column].value for column in columns)) for name in names
        ),
        notes=_notes(cells, names, found, roles),
    )


def _groups(cells: Sequence[Answer]) -> list[list[Answer]]:
    found: dict[Key, list[Answer]] = grouped(cells, WITHIN)
    return list(found.values())


def _tau(group: Sequence[Answer], measure: str, performance: str) -> float | None:
    pairs = [
        (flow, achieved)
        for answer in group
        if (flow := value_of(answer, measure)) is not None
        and (achieved := value_of(answer, performance)) is not None
    ]
    if len(pairs) < LEAST:
        return None
    return kendall([flow for flow, _ in pairs], [achieved for _, achieved in pairs])


def _notes(
    cells: Sequence[Answer],
    names: Sequence[str],
    found: Mapping[tuple[str, str, str], Correlation],
    roles: Sequence[str],
) -> tuple[str, ...]:
    """Over how many groups the means are, and which cells they lack."""
    notes = []
    for role in roles:
        own = [each for (_, of, _), each in found.items() if of == role]
        fewest, most = (pick(each.groups for each in own) for pick in (min, max))
        groups = str(most) if fewest == most else f"{fewest} to {most}"
        left = max(each.left_out for each in own)
        more = f"; {left} with fewer than {LEAST} cells or constant values left out" if left else ""
        notes.append(f"{role}: {groups} group{'s' * (most != 1)}{more}")
    gaps = sample(cells, names[0]).gaps
    return (*notes, *([f"not counted: {told(gaps)}"] if gaps else []))
