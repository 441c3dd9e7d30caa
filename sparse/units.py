"""Units of a layer: what belongs to one output, a row of a matrix or an output channel of a kernel.

Weights and masks are matrices here, (units, inputs), the sides of a kernel counted as inputs.
"""

import math
from fractions import Fraction

from torch import Tensor

from sparse.select import largest_among


def fan_in(budget: int, units: int, inputs: int) -> int:
    """Return the weights of each unit: budget / units rounded half up, in [1, inputs]."""
    return min(inputs, max(1, (2 * budget + units) // (2 * units)))


def survivors(salient: Tensor, active: Tensor, budget: int, share: float) -> Tensor:
    """Return which units stay (bool): those with a share of salient weights among their own.

    salient, active: bool (units, inputs). As many units stay as the budget fills with every
    weight that they have: if need be those with the most salient weights, ties to the lower index.
    """
    alive, counts = active.any(1), salient.sum(1)
    needed = math.ceil(Fraction(str(share)) * int(active.sum(1).max()))
    staying = alive & (counts >= needed)
    least = min(-(-budget // active.shape[1]), int(alive.count_nonzero()))
    if int(staying.count_nonzero()) >= least:
        return staying
    return largest_among(counts, least, alive, checked=True)
