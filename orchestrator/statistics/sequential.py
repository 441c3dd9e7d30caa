"""Enough seeds: tests and intervals that hold although somebody looks again and again.

Stopping as soon as a result looks settled makes plain tests reject too often and plain intervals
cover too rarely. Two rules are made safe here. `looks` are the numbers of seeds at which somebody
may look and stop, fixed beforehand: say 3, 4, 6, 9, 13 and 20.

**Does it differ?** The error is spent over the looks: the paired t test at n seeds has the share
n / sum(looks) of it, more at later looks, where a test has more power. The sum of the shares
bounds the error whatever the dependence between looks; with these six, 4.0 % of 5 % are used, where
the plain test at every look errs in 18 %. Simulated alternatives, for one of 25 contrasts:

| shares of the error             | finds a difference of 1 sd | seeds until one of 3 sd is found |
|---------------------------------|----------------------------|----------------------------------|
| n                               | 67 %                       | 8.2                              |
| n, calibrated to use all of it  | 68 %                       | 8.1                              |
| equal                           | 57 %                       | 7.8                              |
| n^2                             | 73 %                       | 8.7                              |
| a mixture of likelihood ratios  | 36 %                       | 9.0                              |

**How large is it?** See `calibration.py`: an interval of a confidence above the one promised, by
as much as stopping at a narrow interval costs.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from orchestrator.statistics.calibration import nominal_confidence
from orchestrator.statistics.corrections import holm
from orchestrator.statistics.paired import paired_t
from orchestrator.statistics.rank_tests import DECIMALS
from orchestrator.statistics.summaries import summarise


def interval_of(
    values: Sequence[float], *, looks: Sequence[int], confidence: float = 0.95
) -> tuple[float, float] | None:
    """An interval of the mean that covers as promised at whichever look it is narrow enough.

    It holds for stopping at a width, not for stopping where the mean is welcome.

    Args:
        values: Independent measurements, one per seed.
        looks: The numbers of seeds at which somebody may stop, ascending, at least 2 each.
        confidence: Probability that the interval covers the true mean at the stop, in (0, 1).

    Returns:
        Its ends; None where there are fewer values than the first look has, or all are equal to
        12 decimals: no spread was seen, and that says nothing of the spread.

    Raises:
        ValueError: When a value is not finite, or `looks` or `confidence` is none.
    """
    nominal = nominal_confidence(_checked(looks), confidence)
    _check_finite(values)
    if len(values) < looks[0] or len({round(value, DECIMALS) for value in values}) == 1:
        return None
    summary = summarise(values, nominal)
    assert summary.low is not None
    assert summary.high is not None
    return summary.low, summary.high


def settled(
    contrasts: Sequence[Sequence[float]], *, looks: Sequence[int], alpha: float = 0.05
) -> list[bool]:
    """Which contrasts differ from zero, with one error for all contrasts and all looks.

    Holm's correction of `anytime_p`. That is a p-value of the whole series at once: it only falls
    as seeds come in, and its least value is below `a` by chance with a probability of at most `a`.
    Whatever is settled at any look is therefore settled by the p-values that full series would
    have, on which Holm's correction keeps `alpha`, however the contrasts depend on each other (they
    share the reference) and whoever stops when. What is settled stays settled.

    Args:
        contrasts: The paired differences of each, in the order of the seeds; every contrast of the
            family, those without a difference yet too.
        looks: The numbers of seeds at which somebody may look, ascending, at least 2 each.
        alpha: Probability that at least one contrast is settled that is no difference.

    Raises:
        ValueError: When a difference is not finite, or `looks` or `alpha` is none.
    """
    _check_share(alpha)
    p_values = [anytime_p(differences, looks=looks) for differences in contrasts]
    return [p <= alpha for p in holm(p_values)]


def differs(differences: Sequence[float], *, looks: Sequence[int], alpha: float) -> bool:
    """Whether one contrast differs from zero, its error `alpha` spent over all looks.

    For one of many contrasts, give `family_alpha`; `settled` finds more with the same error.

    Raises:
        ValueError: When a difference is not finite, or `looks` or `alpha` is none.
    """
    _check_share(alpha)
    return anytime_p(differences, looks=looks) <= alpha


def anytime_p(differences: Sequence[float], *, looks: Sequence[int]) -> float:
    """A p-value of paired differences that stays one at any look, and only falls.

    The least, over the looks so far, of the paired t test's p over the look's share of the error.

    Args:
        differences: In the order of the seeds, so that those of an earlier look come first.
        looks: The numbers of seeds at which somebody may look, ascending, at least 2 each.

    Raises:
        ValueError: When a difference is not finite, or `looks` is none.
    """
    _check_finite(differences)
    found = 1.0
    for n, share in error_shares(looks).items():
        p = paired_t(differences[:n]) if n <= len(differences) else None
        found = found if p is None else min(found, p / share)
    return found


def error_shares(looks: Sequence[int]) -> dict[int, float]:
    """The share of the error that each look spends: in proportion to its number of seeds.

    Raises:
        ValueError: When `looks` is empty, not ascending, or begins below 2.
    """
    total = sum(_checked(looks))
    return {n: n / total for n in looks}


def family_alpha(contrasts: int, alpha: float = 0.05) -> float:
    """The error of each of so many contrasts that keeps `alpha` over all (Bonferroni).

    Raises:
        ValueError: When there is no contrast, or `alpha` is not between 0 and 1.
    """
    _check_share(alpha)
    if contrasts < 1:
        raise ValueError(f"a family of {contrasts} contrasts has no error to share")
    return alpha / contrasts


def _checked(looks: Sequence[int]) -> tuple[int, ...]:
    found = tuple(looks)
    if not found or found[0] < 2 or any(b <= a for a, b in pairwise(found)):
        raise ValueError(f"looks {list(found)} are not ascending numbers of seeds, 2 or more")
    return found


def _check_share(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha {alpha} is not between 0 and 1")


def _check_finite(values: Sequence[float]) -> None:
    if not all(map(math.isfinite, values)):
        raise ValueError("a measurement that is not finite says nothing of how many are enough")
