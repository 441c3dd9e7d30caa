"""Corrections of p-values for being many: of the family-wise error and of the false discoveries."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for being so many, in their order (Holm 1979).

    Rejecting what is adjusted to `a` or less rejects any true hypothesis with a probability of at
    most `a`, however the tests depend on each other.

    Raises:
        ValueError: When one of them is not between 0 and 1.
    """
    _check(p_values)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(_ascending(p_values)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted to false discovery rates (Benjamini and Hochberg 1995), in order.

    Of what is adjusted to `q` or less, a share of at most `q` is expected to be no difference;
    proven for independent tests and for some that depend positively on each other.

    Raises:
        ValueError: When one of them is not between 0 and 1.
    """
    _check(p_values)
    adjusted = [0.0] * len(p_values)
    lowest = 1.0
    for rank, place in reversed(list(enumerate(_ascending(p_values), start=1))):
        lowest = min(lowest, p_values[place] * len(p_values) / rank)
        adjusted[place] = lowest
    return adjusted


def _check(p_values: Sequence[float]) -> None:
    wrong = [p for p in p_values if not 0 <= p <= 1]
    if wrong:
        raise ValueError(f"{wrong[0]} is no probability")


def _ascending(p_values: Sequence[float]) -> list[int]:
    return sorted(range(len(p_values)), key=lambda at: p_values[at])
