"""Which inactive weights a topology update grows: pure functions that return positions.

Positions are flat indices (int64, row-major). `occupied` holds those that may not grow: all weights
that were active before the update; a published convention leaves out those that it just dropped.
"""

import math

import torch
from torch import Tensor

from sparse.select import largest, positions, random_positions


def random(size: int, occupied: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Return k of the other positions below `size`, drawn uniformly (SET, Mocanu et al. 2018)."""
    free = torch.ones(size, dtype=torch.bool, device=occupied.device)
    return random_positions(free.index_fill_(0, occupied, False), k, generator)


def gradient(scores: Tensor, occupied: Tensor, k: int) -> Tensor:
    """Return the k other positions with the largest scores, ties to the lower position.

    `scores` are the absolute dense gradients (RigL, Evci et al. 2020, algorithm 1).
    """
    free = scores.flatten().index_fill(0, occupied, -math.inf)
    return positions(largest(free, k, checked=True), k)
