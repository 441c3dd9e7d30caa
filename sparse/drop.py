"""Which active weights a topology update drops: pure functions from weight and mask to positions.

All return flat positions (int64, ascending, row-major). `fraction` is the drop fraction in [0, 1]
and k a count. The published threshold rules are kept beside the exact ones under their own names.
"""

import math
from fractions import Fraction

from torch import Tensor

from sparse.select import positions, smallest


def whole_share(fraction: float, count: int) -> int:
    """Return floor(fraction * count), the fraction taken as the decimal number that it prints as.

    Floating point would give 28 for 0.29 of 100.
    """
    return math.floor(Fraction(str(float(fraction))) * count)


def magnitude(weight: Tensor, mask: Tensor, k: int, *, active: int | None = None) -> Tensor:
    """Return the k active weights closest to zero, ties to the lower index.

    `active` is the number of active weights where the caller knows it.
    """
    candidates = positions(mask, active)
    scores = weight.flatten()[candidates].abs()
    return candidates[positions(smallest(scores, k, checked=True), k)]


def signed(weight: Tensor, mask: Tensor, fraction: float, *, limit: int | None = None) -> Tensor:
    """Return the active weights closest to zero: a share of the positive, one of the negative.

    floor(fraction * count) of each sign (SET, Mocanu et al. 2018, with exact counts). An active
    weight of exactly zero counts as positive: it would otherwise never be dropped. Where both
    counts together exceed `limit`, they are reduced to it in proportion.
    """
    candidates = positions(mask)
    values = weight.flatten()[candidates]
    negative = values < 0
    below = int(negative.count_nonzero())
    down = whole_share(fraction, below)
    up = whole_share(fraction, len(values) - below)
    if limit is not None and down + up > limit:
        down, up = limit - limit * up // (down + up), limit * up // (down + up)
    sizes = values.abs()
    chosen = smallest(sizes, down, among=negative, checked=True)
    chosen |= smallest(sizes, up, among=~negative, checked=True)
    return candidates[chosen]


def itop(weight: Tensor, mask: Tensor, fraction: float) -> Tensor:
    """Return what the published ITOP code drops: every active weight up to the k-th smallest |w|.

    k = ceil(fraction * active), and all ties at the threshold go together, so it may drop more.
    """
    candidates = positions(mask)
    sizes = weight.flatten()[candidates].abs()
    k = math.ceil(Fraction(str(float(fraction))) * len(candidates))
    return candidates[sizes <= sizes.kthvalue(k).values] if k else candidates[:0]


def set2018(weight: Tensor, mask: Tensor, fraction: float, *, dense: bool) -> Tensor:
    """Return what the two published SET codes drop, by the thresholds they compute.

    The sorted values are cut at int((1 - fraction) * f) on the negative side and at
    int(min(n - 1, l + fraction * (n - l))) on the positive one, where f and l are the first index
    of the value closest to zero and the index after the last; both threshold values are dropped.
    `dense=False` (SciPy release) sorts the active values, `dense=True` (Keras release) the whole
    matrix with its zeros.
    """
    candidates = positions(mask)
    values = weight.flatten()[candidates]
    ranked = (weight.flatten() * mask.flatten() if dense else values).sort().values
    sizes, n = ranked.abs(), len(ranked)
    if n == 0:
        return candidates
    closest = (sizes == sizes.min()).nonzero().flatten()
    first, after = int(closest[0]), int(closest[-1]) + 1
    low = ranked[int((1 - fraction) * first)]
    high = ranked[int(min(n - 1, after + fraction * (n - after)))]
    return candidates[~((values < low) | (values > high))]
