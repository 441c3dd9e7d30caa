"""Enough seeds: tests and intervals that hold although somebody looks again and again.

Stopping as soon as a result looks settled makes plain tests reject too often and plain intervals
cover too rarely. Two rules are made safe here. `looks` are the numbers of seeds at which somebody
may look and stop, fixed beforehand: say 3, 4, 6, 9, 13 and 20.

**Does it differ?** The error is spent over the looks: at n seeds a test has the share n / sum of
the looks of it, more at later looks, where it has more power. The sum of the shares bounds the
error whatever the dependence between looks. Two tests must agree, the paired t test and the exact
signed-rank test. The second one holds 5 % for any noise, skewed and with collapses, where a method
is distributed as dense is, and wherever the differences are symmetric about zero.

Equal *means* of differently skewed measurements are another thing: no test of a mean holds its
error for every distribution (Bahadur and Savage 1956), and what no seed showed no test can know.
False claims of a difference of means, in percent of grids, methods with noise of the law against
dense with a normal deviation of 0.3, true difference 0, looks 3, 4, 6, 9, 13 and 20 (the t test
alone in brackets):

| noise of the methods                 | 1 comparison | 5       | 25      |
|--------------------------------------|--------------|---------|---------|
| normal                               | 3 (4)        | 2 (4)   | 2 (4)   |
| exponential, to the left             | 7 (9)        | 10 (17) | 16 (30) |
| lognormal(0.7), to the left          | 7 (10)       | 10 (17) | 16 (29) |
| normal, 5 % collapse by 10 deviations | 16 (19)      | 27 (33) | 40 (50) |

What is settled there is that a method is mostly better, or mostly worse, not that its mean is.
The price, for one of 25 normal contrasts: a difference of 1 sd is found in 63 % (t alone 68 %),
one of 3 sd with 13 seeds (8). No contrast is settled with fewer than 6 seeds; see
`seeds_to_settle`.

**How large is it?** See `calibration.py`: an interval of a confidence above the one promised, by
as much as stopping at a narrow interval costs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from orchestrator.statistics.calibration import nominal_confidence
from orchestrator.statistics.corrections import holm
from orchestrator.statistics.paired import in_units_of, paired_t, smallest_wilcoxon
from orchestrator.statistics.rank_tests import DECIMALS, two_sided
from orchestrator.statistics.summaries import summarise

FEWEST_PAIRS = 6
"""With fewer pairs the signed-rank test never has a p of 5 % or less."""


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
        12 digits: no spread was seen, and that says nothing of the spread.

    Raises:
        ValueError: When a value is not finite, or `looks` or `confidence` is none.
    """
    nominal = nominal_confidence(_checked(looks), confidence)
    _check_finite(values)
    if len(values) < looks[0] or _all_equal(values):
        return None
    summary = summarise(values, nominal)
    assert summary.low is not None
    assert summary.high is not None
    return summary.low, summary.high


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What paired differences say of a contrast at any look so far.

    Attributes:
        p: The least p of the looks so far, over their shares of the error; 1 where none counts.
        direction: The sign of the mean difference at the look that has it: 1, -1, or 0 for none.
        turned: Whether the mean of all differences has another sign now.
    """

    p: float
    direction: int
    turned: bool = False

    def settles(self, alpha: float) -> bool:
        """Whether this is enough to name the better side."""
        return self.p <= alpha and not self.turned


def evidence(differences: Sequence[float], *, looks: Sequence[int]) -> Evidence:
    """The least p so far over its look's share, of the paired t and the signed-rank test.

    Of the two the larger p counts at each look. Differences are compared to 12 decimals: give them
    in units of the largest measurement (`paired.in_units_of`).

    Args:
        differences: In the order of the seeds, so that those of an earlier look come first.
        looks: The numbers of seeds at which somebody may look, ascending, at least 2 each.

    Raises:
        ValueError: When a difference is not finite, or `looks` is none.
    """
    _check_finite(differences)
    least, direction = 1.0, 0
    for n, share in error_shares(looks).items():
        seen = differences[:n]
        p = paired_t(seen) if n <= len(differences) else None
        if p is None or p / share >= least:
            continue
        p = max(p, two_sided(seen)) / share
        if p < least:
            least, direction = p, _sign(seen)
    turned = direction != 0 and _sign(differences) != direction
    return Evidence(p=least, direction=direction, turned=turned)


def family_evidence(
    contrasts: Sequence[Sequence[float]], *, looks: Sequence[int]
) -> list[Evidence]:
    """The evidence of each contrast, its p with Holm's correction over all of them.

    A p of `evidence` is one of the whole series at once: it only falls as seeds come in, and its
    least value is below `a` by chance with a probability of at most `a`. Whatever is settled at any
    look is therefore settled by the p-values that full series would have, on which Holm's
    correction keeps the error, however the contrasts depend on each other (they share the
    reference) and whoever stops when.

    Args:
        contrasts: The paired differences of each, in the order of the seeds; every contrast of the
            family, those without a difference yet too.
        looks: The numbers of seeds at which somebody may look, ascending, at least 2 each.

    Raises:
        ValueError: When a difference is not finite, or `looks` is none.
    """
    found = [evidence(differences, looks=looks) for differences in contrasts]
    adjusted = holm([one.p for one in found])
    return [replace(one, p=p) for one, p in zip(found, adjusted, strict=True)]


def settled(
    contrasts: Sequence[Sequence[float]], *, looks: Sequence[int], alpha: float = 0.05
) -> list[bool]:
    """Which contrasts differ from zero, with one error for all contrasts and all looks.

    Raises:
        ValueError: When a difference is not finite, or `looks` or `alpha` is none.
    """
    _check_share(alpha)
    return [one.settles(alpha) for one in family_evidence(contrasts, looks=looks)]


def differs(differences: Sequence[float], *, looks: Sequence[int], alpha: float) -> bool:
    """Whether one contrast differs from zero, its error `alpha` spent over all looks.

    For one of many contrasts, give `family_alpha`; `settled` finds more with the same error.

    Raises:
        ValueError: When a difference is not finite, or `looks` or `alpha` is none.
    """
    _check_share(alpha)
    return evidence(differences, looks=looks).settles(alpha)


def error_shares(looks: Sequence[int]) -> dict[int, float]:
    """The share of the error that each look spends: in proportion to its number of seeds.

    Looks with fewer than 6 seeds spend none: the signed-rank test cannot reach 5 % there.

    Raises:
        ValueError: When `looks` is empty, not ascending, or begins below 2.
    """
    spending = [n for n in _checked(looks) if n >= FEWEST_PAIRS]
    return {n: n / sum(spending) for n in spending}


def seeds_to_settle(contrasts: int, *, looks: Sequence[int], alpha: float = 0.05) -> int | None:
    """The first look at which any of so many contrasts can be settled; None where none can.

    Raises:
        ValueError: When there is no contrast, or `looks` or `alpha` is none.
    """
    least = family_alpha(contrasts, alpha)
    shares = error_shares(looks).items()
    return next((n for n, share in shares if smallest_wilcoxon(n) <= least * share), None)


def family_alpha(contrasts: int, alpha: float = 0.05) -> float:
    """The error of each of so many contrasts that keeps `alpha` over all (Bonferroni).

    Raises:
        ValueError: When there is no contrast, or `alpha` is not between 0 and 1.
    """
    _check_share(alpha)
    if contrasts < 1:
        raise ValueError(f"a family of {contrasts} contrasts has no error to share")
    return alpha / contrasts


def _all_equal(values: Sequence[float]) -> bool:
    scaled = in_units_of(values, max(map(abs, values)))
    return len({round(value, DECIMALS) for value in scaled}) == 1


def _sign(differences: Sequence[float]) -> int:
    total = math.fsum(differences)
    return (total > 0) - (total < 0)


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
