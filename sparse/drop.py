"""Which active weights a topology update drops: pure functions that return positions.

Positions are flat indices (int64, row-major). `active` holds those of the active weights,
ascending; what is returned is a part of it. `values` holds these weights, in the same order, so
that no rule asks how a layer keeps them. `fraction` is the drop fraction in [0, 1] and k a count.
Weights of less precision are ranked in float32. The threshold rules of published codes stand beside
the exact ones, under the codes' names.
"""

import math
from fractions import Fraction

import torch
from torch import Tensor

from sparse.scores import widened
from sparse.select import largest_positions, positions

BY_SIZE = ("signed", "magnitude")
"""The rules that look at nothing but the active weights and a drop fraction."""


def whole_share(fraction: float, count: int) -> int:
    """Return floor(fraction * count), the fraction taken as the decimal number that it prints as.

    Floating point would give 28 for 0.29 of 100.
    """
    return math.floor(_decimal(fraction) * count)


def by_size(rule: str, values: Tensor, active: Tensor, fraction: float, *, limit: int) -> Tensor:
    """Return what one of the rules `BY_SIZE` drops at a drop fraction, at most `limit` weights."""
    if rule == "signed":
        return signed(values, active, fraction, limit=limit)
    return magnitude(values, active, min(whole_share(fraction, len(active)), limit))


def magnitude(values: Tensor, active: Tensor, k: int) -> Tensor:
    """Return the k active weights closest to zero, ties to the lower position."""
    return _closest(widened(values), active, k)


def signed(values: Tensor, active: Tensor, fraction: float, *, limit: int | None = None) -> Tensor:
    """Return the active weights closest to zero: a share of the positive, one of the negative.

    floor(fraction * count) of each sign (SET, Mocanu et al. 2018, with exact counts). An active
    weight of exactly zero counts as positive: it would otherwise never be dropped. Where both
    counts together exceed `limit`, they are reduced to it in proportion.
    """
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


def taylor(values: Tensor, gradients: Tensor, active: Tensor, k: int) -> Tensor:
    """Return the k active weights with the smallest (w * dL/dw)^2, ties to the lower position.

    That is, to first order, what the loss changes by without them. |w * dL/dw| is ranked: squares
    of small numbers become 0. `gradients` holds dL/dw of the active weights.
    """
    return _closest(widened(values) * widened(gradients), active, k)


def threshold(values: Tensor, active: Tensor, below: float, *, limit: int) -> Tensor:
    """Return the active weights with |w| < below: at most the `limit` closest to zero.

    The largest active weight always stays, so that no layer is emptied.
    """
    under = int((widened(values).abs() < below).count_nonzero())
    return magnitude(values, active, min(under, limit, max(len(active) - 1, 0)))


def itop(values: Tensor, active: Tensor, fraction: float) -> Tensor:
    """Return what the published ITOP code drops: every active weight up to the k-th smallest |w|.

    k = ceil(fraction * active), and all ties at the threshold go together, so it may drop more.
    """
    sizes = widened(values).abs()
    k = math.ceil(_decimal(fraction) * len(active))
    return active[sizes <= sizes.kthvalue(k).values] if k else active[:0]


def set2018(values: Tensor, active: Tensor, fraction: float, *, zeros: int) -> Tensor:
    """Return what the two published SET codes drop, by the thresholds that they compute.

    The n sorted values are cut at int((1 - fraction) * f) on the negative side and at
    int(min(n - 1, l + fraction * (n - l))) on the positive one, f being the first index of the
    value closest to zero and l the index after the last such; both threshold values go as well.
    `zeros` more values, all 0, are sorted with the active ones: none in the SciPy release; in the
    Keras release, which sorts the whole matrix, as many as there are inactive weights.
    """
    values = widened(values)
    ranked = torch.cat([values, values.new_zeros(zeros)]).sort().values
    sizes, n = ranked.abs(), len(ranked)
    if n == 0:
        return active
    closest = positions(sizes == sizes.min())
    first, after = int(closest[0]), int(closest[-1]) + 1
    low = ranked[int((1 - fraction) * first)]
    high = ranked[int(min(n - 1, after + fraction * (n - after)))]
    return active[~((values < low) | (values > high))]


def _closest(values: Tensor, at: Tensor, k: int) -> Tensor:
    return at.index_select(0, largest_positions(-values.abs(), k, checked=True))


def _decimal(fraction: float) -> Fraction:
    return Fraction(str(float(fraction)))
