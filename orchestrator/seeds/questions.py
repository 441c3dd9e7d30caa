"""What a rule asks of a grid: one question per group of cells, or per comparison with dense."""

from collections.abc import Sequence
from dataclasses import dataclass

from grids.cell import Cell
from grids.seed_groups import SeedGroup, compared
from grids.seed_rules import POINTS, Interval, Ranking, SeedRule
from orchestrator.seeds.labels import labels_of
from orchestrator.seeds.looks import looks_of
from orchestrator.statistics.outliers import far_out
from orchestrator.statistics.paired import in_units_of
from orchestrator.statistics.sequential import Evidence, family_evidence, interval_of

FAMILYWISE_ERROR = 0.05
"""Probability that any comparison of a grid is settled though there is no difference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One thing to find out.

    Attributes:
        groups: The groups whose seeds it takes: one whose mean is asked for, or one and the dense
            group that it is compared with.
        names: What these are called, no two groups of a grid alike.
    """

    groups: tuple[SeedGroup, ...]
    names: tuple[str, ...]

    def cells(self, seed: int) -> list[Cell]:
        """The cells that it takes of a seed."""
        return [group.cell(seed) for group in self.groups]

    def label(self) -> str:
        """What it is about, for people."""
        own, *dense = self.names
        return f"{own} against dense" if dense else own


Values = Sequence[tuple[float, ...]]
"""The measurements of a question's groups, seed by seed from 0 on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What is known of a question at a look.

    Attributes:
        settled: Whether that is enough.
        why: What is known, in words; "" where that is nothing.
        p: Of a comparison: after correction for all comparisons and looks.
        low: Of a mean: the lower end of the interval that holds at any look.
        high: Of a mean: its upper end.
        warning: What makes this doubtful, in words, else "".
    """

    settled: bool = False
    why: str = ""
    p: float | None = None
    low: float | None = None
    high: float | None = None
    warning: str = ""


NOTHING_KNOWN = Reading()
"""What is known before the first look."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """Questions that are answered together, because they share one error.

    Attributes:
        questions: The questions.
        until: When each of them is settled.
        looks: The numbers of seeds at which it is looked.
    """

    questions: tuple[Question, ...]
    until: Interval | Ranking
    looks: tuple[int, ...]

    def answers(self, values: Sequence[Values]) -> list[Reading]:
        """What is known of each question.

        Args:
            values: Those of each question, all finite; none where nothing may be used yet.
        """
        warnings = [_warning(q, own) for q, own in zip(self.questions, values, strict=True)]
        if isinstance(self.until, Interval):
            both = zip(values, warnings, strict=True)
            return [self._mean(self.until, own, warning) for own, warning in both]
        found = family_evidence([_differences(own) for own in values], looks=self.looks)
        return [_comparison(one, warning) for one, warning in zip(found, warnings, strict=True)]

    def _mean(self, until: Interval, values: Values, warning: str) -> Reading:
        own = [value for (value,) in values]
        found = interval_of(own, looks=self.looks, confidence=until.confidence)
        if found is None:
            return Reading(warning=warning)
        half = (found[1] - found[0]) / 2
        shown = f"{half * 100:.2g}{POINTS}" if until.unit == POINTS else f"{half:.2g} {until.unit}"
        return Reading(
            settled=half < until.half_width and not warning,
            why=f"known to +-{shown}",
            low=found[0],
            high=found[1],
            warning=warning,
        )


def families_of(groups: Sequence[SeedGroup], rule: SeedRule) -> list[Family]:
    """What a rule asks about these groups, in their order.

    Means are families of one: each is known or not, whatever the others are. Comparisons with dense
    are one family, all of which share `FAMILYWISE_ERROR`.

    Raises:
        GridError: When it compares what is not there.
    """
    looks = looks_of(rule)
    names = dict(zip((group.id for group in groups), labels_of(groups), strict=True))
    asked = compared(groups) if isinstance(rule.until, Ranking) else [(group,) for group in groups]
    questions = [
        Question(groups=tuple(own), names=tuple(names[group.id] for group in own)) for own in asked
    ]
    if isinstance(rule.until, Ranking):
        return [Family(questions=tuple(questions), until=rule.until, looks=looks)]
    return [Family(questions=(one,), until=rule.until, looks=looks) for one in questions]


def _differences(values: Values) -> list[float]:
    """Own minus dense, in units in which 12 decimals are 12 digits of the measurements."""
    largest = max((abs(value) for pair in values for value in pair), default=0.0)
    return in_units_of([own - dense for own, dense in values], largest)


def _comparison(found: Evidence, warning: str) -> Reading:
    settled = found.settles(FAMILYWISE_ERROR)
    side = "above dense" if found.direction > 0 else "below dense"
    p = f"p {found.p:.2g}" if found.p < 1 else "p 1"
    why = f"{side}, {p}" if settled else f"no side yet, {p}"
    return Reading(settled=settled, why=why if found.direction else "", p=found.p, warning=warning)


def _warning(question: Question, values: Values) -> str:
    """Which seed of its groups lies far from all others, in words; "" where none does."""
    told = []
    for name, own in zip(question.names, zip(*values, strict=True), strict=False):
        place = far_out(own)
        if place is not None:
            others = [*own[:place], *own[place + 1 :]]
            told.append(
                f"{name} seed={place} lies far out: {own[place]:.4g}, the others "
                f"{min(others):.4g} to {max(others):.4g}"
            )
    return "; ".join(told)
