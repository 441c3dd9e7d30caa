"""Pairs of cells that differ in one thing only, those without a partner included."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.answers.results import Answer, AnswerError
from orchestrator.statistics.rank_tests import SignedRank, signed_rank
from orchestrator.verdicts.cells import Key, key_of, told, value_of, why_not

NO_PARTNER = "without the partner's cell"
LEVEL = 0.05
"""The level of every test here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two cells that share all other fields; a half that no cell is asked for is None."""

    key: Key
    first: Answer | None
    second: Answer | None

    @property
    def either(self) -> Answer:
        """The half that is there, the first where both are."""
        found = self.first or self.second
        assert found is not None
        return found

    def difference(self, metric: str) -> float | None:
        """The first half's value minus the second's; None when one of them has none."""
        if self.first is None or self.second is None:
            return None
        first, second = value_of(self.first, metric), value_of(self.second, metric)
        return None if first is None or second is None else first - second

    def gap(self, metric: str) -> str:
        """Why there is no difference, in words; a diverged half is told before others."""
        halves = [half for half in (self.first, self.second) if half is not None]
        reasons = [why_not(half, metric) for half in halves if value_of(half, metric) is None]
        if len(halves) < 2:
            reasons.append(NO_PARTNER)
        return "diverged" if "diverged" in reasons else reasons[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """The differences of some pairs in one measurement.

    Attributes:
        values: Of the whole pairs.
        gaps: Why the others have none, in words, to how many pairs.
    """

    values: tuple[float, ...]
    gaps: Mapping[str, int] = field(default_factory=dict)

    @property
    def test(self) -> SignedRank | None:
        """Whether they are greater than zero, by the whole pairs; None when there are none."""
        return signed_rank(self.values) if self.values else None

    @property
    def missing(self) -> str:
        """Why the test decides nothing yet, in words; nothing when it does."""
        if self.gaps:
            return told(self.gaps, "pair")
        test = self.test
        if test is None:
            return "no pairs"
        if test.smallest_p > LEVEL:
            least = f"{test.smallest_p:.3g}"
            return f"n = {test.n} pairs that differ are too few: p cannot be below {least}"
        return ""


def paired(
    answers: Iterable[Answer],
    half: Callable[[Answer], int | None],
    apart_from: Collection[str],
) -> list[Pair]:
    """The pairs among these cells, in the order of their first cells.

    Args:
        answers: The cells.
        half: Which half of a pair a cell is, 0 or 1; None for neither.
        apart_from: The fields in which the halves differ; all others must be equal.

    Raises:
        AnswerError: When two cells are the same half of a pair, so that `apart_from` is too much.
    """
    halves: dict[Key, dict[int, Answer]] = {}
    for answer in answers:
        side = half(answer)
        if side is None:
            continue
        own = halves.setdefault(key_of(answer, apart_from), {})
        if side in own:
            raise AnswerError(
                f"cells {own[side].cell} and {answer.cell} are the same half of a pair: they "
                f"differ in nothing but {', '.join(apart_from)}; choose one of them with --where"
            )
        own[side] = answer
    return [Pair(key=key, first=own.get(0), second=own.get(1)) for key, own in halves.items()]


def differences(pairs: Sequence[Pair], metric: str) -> Differences:
    """The differences of all pairs in one measurement, and why some have none."""
    values = [pair.difference(metric) for pair in pairs]
    gaps = Counter(
        pair.gap(metric) for pair, value in zip(pairs, values, strict=True) if value is None
    )
    return Differences(
        values=tuple(value for value in values if value is not None), gaps=dict(gaps)
    )
