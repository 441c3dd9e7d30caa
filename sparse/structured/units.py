"""Units of a layer: what belongs to one output, a row of a matrix or an output channel of a kernel.

Weights and masks are matrices here, (units, inputs), the sides of a kernel counted as inputs.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from sparse.context import Layer
from sparse.random_positions import random_among
from sparse.select import largest_among, largest_in_rows


def refuse_transposed(layers: Sequence[Layer], method: str) -> None:
    """Raise a ValueError where a layer's first side is not its units: transposed convolutions."""
    names = [layer.name for layer in layers if layer.transposed]
    if names:
        raise ValueError(
            f"{method} takes what lies along the first side of a weight as a layer's units, but in"
            f" transposed convolutions the inputs do: exclude them ({', '.join(names)})"
        )


def random_rows(
    units: int, inputs: int, budget: int, generator: torch.Generator, *, every: bool
) -> Tensor:
    """Return a random mask (bool, units x inputs) of constant fan-in, on the generator's device.

    A budget smaller than the number of units gives one weight to as many units as it has, drawn at
    random, or with `every` to all of them.
    """
    alive = torch.ones(units, dtype=torch.bool, device=generator.device)
    if budget < units and not every:
        alive = random_among(alive, budget, generator)
    draws = torch.rand(units, inputs, generator=generator, device=generator.device)
    count = fan_in(budget, int(alive.count_nonzero()), inputs)
    return largest_in_rows(draws, count) & alive[:, None]


def rewired(
    sizes: Tensor, scores: Tensor, active: Tensor, *, k: int, budget: int, ablate_below: float
) -> Tensor:
    """Return the mask (bool) after one update of a layer with constant fan-in (SRigL).

    sizes: |w|. scores: what growth ranks, >= 0. active: the mask so far (bool). The k smallest
    weights are dropped, fewer where fewer could grow; units too few of whose weights are salient
    are removed (see `survivors`), and the others grow to the fan-in that the budget gives them.
    """
    free = ~active & active.any(1, keepdim=True)
    k = min(k, int(free.count_nonzero()))
    kept = largest_among(sizes, int(active.count_nonzero()) - k, active, checked=True)
    salient = kept | largest_among(scores, k, free, checked=True)
    alive = survivors(salient, active, budget, ablate_below)
    # What was dropped ranks below all that may grow, and stays where nothing else can.
    ranks = torch.where(active, -1 / sizes, scores).masked_fill(kept, math.inf)
    count = fan_in(budget, int(alive.count_nonzero()), active.shape[1])
    return largest_in_rows(ranks, count) & alive[:, None]


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
