"""Which inactive weights a topology update grows: pure functions that return positions.

All return k flat positions (int64). `among` is the bool mask of the candidates: the weights that
were inactive before the update, unless a published convention adds those just dropped.
"""

import torch
from torch import Tensor

from sparse.select import largest_among, positions, random_positions


def random(among: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Return k candidates drawn uniformly (SET, Mocanu et al. 2018)."""
    return random_positions(among, k, generator)


def gradient(scores: Tensor, among: Tensor, k: int) -> Tensor:
    """Return the k candidates with the largest |dL/dw| (RigL, Evci et al. 2020, algorithm 1).

    `scores` are the absolute dense gradients; ties go to the lower index.
    """
    return positions(largest_among(scores, k, among, checked=True), k)
