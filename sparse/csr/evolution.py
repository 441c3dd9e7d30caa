"""The topology update of SET on a truly sparse layer, for a loop of one's own.

Only the active weights are looked at: what drops is ranked among their values, what grows is drawn
by position, and the sorted indices are edited. Memory and time are those of the active weights.
"""

import math

import torch

from sparse import drop
from sparse.csr.free_places import random_free_positions
from sparse.csr.layer import exchange
from sparse.csr.linear import SparseLinear
from sparse.select import refuse_nan


@torch.no_grad()
def evolve(
    layer: SparseLinear,
    optimizer: torch.optim.Optimizer | None,
    drop_fraction: float,
    generator: torch.Generator,
    *,
    rule: str = "signed",
    initial: float = 0.0,
) -> int:
    """Drop active weights, grow as many elsewhere at random, and return how many moved.

    drop_fraction: in [0, 1], of the positive and of the negative weights where the rule is
    "signed" (SET, Mocanu et al. 2018), of all together where it is "magnitude"; counts are floored.
    What was active before does not grow, so that no more is dropped than there are free positions.
    New weights are normal with the standard deviation `initial`, or 0; their optimizer slots are 0.
    Survivors keep value and slots bit for bit; the optimizer may be None where it keeps none.
    """
    _refuse_unknown(rule, drop_fraction)
    values, active = layer.values.detach(), layer.positions()
    refuse_nan({"values": values})
    size = math.prod(layer.shape)
    dropped = drop.by_size(rule, values, active, drop_fraction, limit=size - len(active))
    grown = random_free_positions(size, active, len(dropped), generator)
    new = values.new_zeros(len(grown))
    if initial:
        new.normal_(0.0, initial, generator=generator)
    del active
    exchange(layer, optimizer, dropped, grown, new)
    return len(dropped)


def _refuse_unknown(rule: str, drop_fraction: float) -> None:
    if rule not in drop.BY_SIZE or not 0 <= drop_fraction <= 1:
        raise ValueError(
            f"rule is {rule!r} and drop_fraction {drop_fraction}; the rule must be one of"
            f" {', '.join(drop.BY_SIZE)}, the fraction between 0 and 1"
        )
