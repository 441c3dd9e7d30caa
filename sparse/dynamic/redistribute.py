"""How the weights that an update dropped are shared among the layers: exact whole numbers.

The shares are any numbers from 0, one for each layer; what a layer has no room for goes to the
others. All arithmetic is rational, so that equal shares give equal counts on every machine.
"""

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from sparse.budgets import rounded
from sparse.scores import widened


def mean_sizes(values: Sequence[Tensor]) -> list[float]:
    """Return the mean |value| of each tensor; one wait for the device.

    The mean is taken in float64 and rounded to float32: the order of summation does not show.
    """
    means = [widened(each).abs().mean(dtype=torch.float64).float() for each in values]
    return [float(mean) for mean in torch.stack(means).tolist()]


def regrown(dropped: Sequence[int], shares: Sequence[float], free: Sequence[int]) -> list[int]:
    """Return how many weights each layer grows: as many together as were dropped together.

    dropped: what each layer dropped. shares: what it is to get, relative to the others; where all
    are 0, every layer gets its own back. free: the places in which it may grow; their sum must
    reach that of `dropped`. The last free place of a layer is used only where all others are
    taken, because a full layer would never take part in an update again.
    """
    total = sum(dropped)
    room = [max(places - 1, 0) for places in free]
    wanted = shares if any(shares) else dropped
    return split(total, wanted, room if sum(room) >= total else free)


def split(total: int, shares: Sequence[float], limits: Sequence[int]) -> list[int]:
    """Return whole numbers with the sum `total`, in proportion to shares and within limits.

    By largest remainder, ties to the earlier one. What is above a limit goes to the others in
    proportion to their shares, and to those with a share of 0 only after all others are full.
    A total above the sum of the limits is a ValueError.
    """
    if total > sum(limits):
        raise ValueError(f"total is {total}; the limits allow {sum(limits)}")
    given, open_ones = [0] * len(limits), [i for i, share in enumerate(shares) if share > 0]
    while open_ones:
        unit = Fraction(total - sum(given)) / sum(Fraction(shares[i]) for i in open_ones)
        full = [i for i in open_ones if unit * Fraction(shares[i]) > limits[i]]
        if not full:
            exact = [unit * Fraction(shares[i]) for i in open_ones]
            for i, count in zip(open_ones, rounded(exact), strict=True):
                given[i] = count
            return given
        for i in full:
            given[i] = limits[i]
        open_ones = [i for i in open_ones if i not in full]
    room = [limit - count for limit, count in zip(limits, given, strict=True)]
    left = total - sum(given)
    rest = split(left, room, room) if left else [0] * len(room)
    return [count + more for count, more in zip(given, rest, strict=True)]
