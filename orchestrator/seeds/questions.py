"""What a rule asks of a grid: one question per group of cells, or per comparison with dense."""

from collections.abc import Sequence
from dataclasses import dataclass

from grids.cell import Cell
from grids.seed_groups import SeedGroup, compared
from grids.seed_rules import POINTS, Interval, Ranking, SeedRule
from orchestrator.seeds.looks import looks_of
from orchestrator.statistics.sequential import interval_of, settled

FAMILYWISE_ERROR = 0.05
"""Probability that any comparison of a grid is settled though there is no difference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One thing to find out.

    Attributes:
        groups: The groups whose seeds it takes: one whose mean is asked for, or one and the dense
            group that it is compared with.
    """

    groups: tuple[SeedGroup, ...]

    def cells(self, seed: int) -> list[Cell]:
        """The cells that it takes of a seed."""
        return [group.cell(seed) for group in self.groups]

    def label(self) -> str:
        """What it is about, for people."""
        own, *dense = (group.label() for group in self.groups)
        return f"{own} against dense" if dense else own


Values = Sequence[tuple[float, ...]]
"""The measurements of a question's groups, seed by seed from 0 on."""


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

    def answers(self, values: Sequence[Values]) -> list[str]:
        """What is known of each question, in words; "" of those that stay open.

        Args:
            values: Those of each question, all finite; none where nothing may be used yet.
        """
        if isinstance(self.until, Interval):
            return [self._mean(self.until, own) for own in values]
        differences = [[own - dense for own, dense in pairs] for pairs in values]
        differ = settled(differences, looks=self.looks, alpha=FAMILYWISE_ERROR)
        return [
            ("above dense" if sum(found) > 0 else "below dense") if known else ""
            for found, known in zip(differences, differ, strict=True)
        ]

    def _mean(self, until: Interval, values: Values) -> str:
        own = [value for (value,) in values]
        found = interval_of(own, looks=self.looks, confidence=until.confidence)
        if found is None:
            return ""
        half = (found[1] - found[0]) / 2
        shown = f"{half * 100:.2g}{POINTS}" if until.unit == POINTS else f"{half:.2g} {until.unit}"
        return f"known to +-{shown}" if half < until.half_width else ""


def families_of(groups: Sequence[SeedGroup], rule: SeedRule) -> list[Family]:
    """What a rule asks about these groups, in their order.

    Means are families of one: each is known or not, whatever the others are. Comparisons with dense
    are one family, all of which share `FAMILYWISE_ERROR`.

    Raises:
        GridError: When it compares what is not there.
    """
    looks = looks_of(rule)
    if isinstance(rule.until, Ranking):
        questions = tuple(Question(groups=pair) for pair in compared(groups))
        return [Family(questions=questions, until=rule.until, looks=looks)]
    return [
        Family(questions=(Question(groups=(group,)),), until=rule.until, looks=looks)
        for group in groups
    ]
