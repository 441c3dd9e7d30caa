"""Which active weights a topology update drops: pure functions that return positions.

Positions are flat indices (int64, row-major). `active` holds those of the active weights,
ascending; what is returned is a part of it. `fraction` is the drop fraction in [0, 1] and k a
count. Weights of less precision are ranked in float32. The threshold rules of published codes stand
beside the exact ones, under the codes' names. The functions that end in `_of` take the values of
the active weights, in the order of `active`, where there is no dense weight.
"""

import math
from fractions import Fraction

import torch
from torch import Tensor

from sparse.scores import widened
from sparse.select import largest_positions, positions


def whole_share(fraction: float, count: int) -> int:
    """Return floor(fraction * count), the fraction taken as the decimal number that it prints as.

    Floating point would give 28 for 0.29 of 100.
    """
    return math.floor(_decimal(fraction) * count)


def magnitude(weight: Tensor, active: Tensor, k: int) -> Tensor:
    """Return the k active weights closest to zero, ties to the lower position."""
    return magnitude_of(_values(weight, active), active, k)


def magnitude_of(values: Tensor, active: Tensor, k: int) -> Tensor:
    """Return what `magnitude` does, from the values of the active weights."""
    return _closest(widened(values), active, k)


def signed(weight: Tensor, active: Tensor, fraction: float, *, limit: int | None = None) -> Tensor:
    """Return the active weights closest to zero: a share of the positive, one of the negative.

    floor(fraction * count) of each sign (SET, Mocanu et al. 2018, with exact counts). An active
    weight of exactly zero counts as positive: it would otherwise never be dropped. Where both
    counts together exceed `limit`, they are reduced to it in proportion.
    """
    return signed_of(_values(weight, active), active, fraction, limit=limit)


def signed_of(
    values: Tensor, active: Tensor, fraction: float, *, limit: int | None = None
) -> Tensor:
    """Return what `signed` does, from the values of the active weights."""
    values = widened(values)
    negative = values < 0
    below, above = positions(negative), positions(~negative)
    down, up = whole_share(fraction, len(below)), whole_share(fraction, len(above))
    if limit is not None and down + up > limit:
        up = limit * up // (down + up)
        down = limit - up
    dropped = [
        _closest(values.index_select(0, side), active.index_select(0, side), k)
        for side, k in ((below, down), (above, up))
    ]
    return torch.cat(dropped)


def taylor(weight: Tensor, gradient: Tensor, active: Tensor, k: int) -> Tensor:
    """Return the k active weights with the smallest (w * dL/dw)^2, ties to the lower position.

    That is, to first order, what the loss changes by without them. |w * dL/dw| is ranked: squares
    of small numbers become 0.
    """
    return _closest(_values(weight, active) * _values(gradient, active), active, k)


def threshold(weight: Tensor, active: Tensor, below: float, *, limit: int) -> Tensor:
    """Return the active weights with |w| < below: at most the `limit` closest to zero.

    The largest active weight always stays, so that no layer is emptied.
    """
    values = _values(weight, active)
    under = int((values.abs() < below).count_nonzero())
    return magnitude_of(values, active, min(under, limit, max(len(active) - 1, 0)))


def itop(weight: Tensor, active: Tensor, fraction: float) -> Tensor:
    """Return what the published ITOP code drops: every active weight up to the k-th smallest |w|.

    k = ceil(fraction * active), and all ties at the threshold go together, so it may drop more.
    """
    sizes = _values(weight, active).abs()
    k = math.ceil(_decimal(fraction) * len(active))
    return active[sizes <= sizes.kthvalue(k).values] if k else active[:0]


def set2018(weight: Tensor, active: Tensor, fraction: float, *, dense: bool) -> Tensor:
    """Return what the two published SET codes drop, by the thresholds that they compute.

    The n sorted values are cut at int((1 - fraction) * f) on the negative side and at
    int(min(n - 1, l + fraction * (n - l))) on the positive one, f being the first index of the
    value closest to zero and l the index after the last such; both threshold values go as well.
    `dense=False` (SciPy release) sorts the active values, `dense=True` (Keras release) the whole
    matrix with its zeros.
    """
    values = _values(weight, active)
    zeros = values.new_zeros(weight.numel() - len(active) if dense else 0)
    ranked = torch.cat([values, zeros]).sort().values
    sizes, n = ranked.abs(), len(ranked)
    if n == 0:
        return active
    closest = positions(sizes == sizes.min())
    first, after = int(closest[0]), int(closest[-1]) + 1
    low = ranked[int((1 - fraction) * first)]
    high = ranked[int(min(n - 1, after + fraction * (n - after)))]
    return active[~((values < low) | (values > high))]


def _values(weight: Tensor, active: Tensor) -> Tensor:
    return widened(weight.flatten().index_select(0, active))


def _closest(values: Tensor, at: Tensor, k: int) -> Tensor:
    return at.index_select(0, largest_positions(-values.abs(), k, checked=True))


def _decimal(fraction: float) -> Fraction:
    return Fraction(str(float(fraction)))
