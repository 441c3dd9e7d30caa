"""The confidence that an interval must have for its promise to hold at a data-dependent stop.

Who runs seeds until Student's interval of the mean is narrow stops where the spread looks small by
chance. For 3 to 20 seeds, the interval of 95 % then covers as rarely as in 90 % of the cases.

For normal measurements the price can be computed: their mean and their spread are independent, so
that stopping by the spread leaves the mean as it is, and an interval of half-width h over n seeds
covers it with probability 2 Phi(h sqrt(n) / sigma) - 1. Averaging this over the spreads at the stop
gives the coverage; the worst true spread counts. Heavy tails and accuracies on few samples keep it.
It holds for noise that is about symmetric. Skewed measurements are covered less: over the widths
asked (0.3 to 2 standard deviations; looks 3, 4, 6, 9, 13, 20) 86 to 94 % for exponential noise and
76 to 91 % for lognormal noise, where the plain interval covers 80 to 89 % and 68 to 84 %. Where 5 %
of the seeds collapse by 60 points and the others lie 0.2 points apart, 14 to 26 %: before the first
collapse nothing tells of it.

One confidence for all looks, raised until this is enough, is cheaper than the alternatives (mean
number of seeds over true spreads, any of 3 to 20 seeds): one confidence 7.8, errors in proportion
to sqrt(n) 7.9, to n 8.1, to n^2 8.8, the error divided by the number of looks 9.6.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_PATHS = 20_000
_SPREADS = 32
_STEPS = 12
_SEED = 20


@lru_cache(maxsize=64)
def nominal_confidence(looks: tuple[int, ...], confidence: float) -> float:
    """The confidence of Student's interval that covers with `confidence` at the stop.

    At most the one that divides the error by the number of looks, which is always enough. Found by
    simulating the spreads of 20,000 series with fixed draws, and three of its standard errors on
    the safe side; about half a second for 18 looks.

    Args:
        looks: The numbers of seeds at which somebody may stop, ascending, at least 2 each. At the
            last one everybody stops.
        confidence: Probability that the interval covers at the stop, in (0, 1).

    Raises:
        ValueError: When `confidence` is out of range.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    if len(looks) == 1:
        return confidence
    spreads = _spreads(looks)
    enough, too_much = (1 - confidence) / len(looks), 1 - confidence
    for _ in range(_STEPS):
        error = (enough + too_much) / 2
        if _worst_coverage(spreads, looks, error) >= confidence:
            enough = error
        else:
            too_much = error
    return 1 - enough


def _spreads(looks: Sequence[int]) -> "np.ndarray":
    """Sample over true standard deviation of simulated series, [series, look]."""
    import numpy as np

    draws = np.random.default_rng(_SEED).standard_normal((_PATHS, looks[-1] - 1)) ** 2
    degrees = np.array(looks) - 1
    return np.sqrt(np.cumsum(draws, axis=1)[:, degrees - 1] / degrees)


def _worst_coverage(spreads: "np.ndarray", looks: Sequence[int], error: float) -> float:
    """The least coverage at the stop over true spreads, as multiples of the half-width asked."""
    import numpy as np
    from scipy.special import ndtr, stdtrit

    n = np.array(looks)
    reach = stdtrit(n - 1, 1 - error / 2) * spreads  # half-width * sqrt(n) / true deviation
    covered = 2 * ndtr(reach) - 1
    worst = 1.0
    for deviation in np.geomspace(0.05, math.sqrt(n[-1]), _SPREADS):
        narrow = reach * deviation < np.sqrt(n)
        narrow[:, -1] = True
        stopped = np.take_along_axis(covered, narrow.argmax(axis=1)[:, None], axis=1)
        worst = min(worst, stopped.mean() - 3 * stopped.std() / math.sqrt(len(stopped)))
    return float(worst)
