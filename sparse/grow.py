"""Which inactive weights a topology update grows: pure functions that return positions.

Positions are flat indices (int64, row-major). `occupied` holds those that may not grow: all weights
that were active before the update; a published convention leaves out those that it just dropped.
"""

import torch
from torch import Tensor

from sparse.random_positions import random_positions
from sparse.select import largest_positions


def random(size: int, occupied: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Return k of the other positions below `size`, drawn uniformly (SET, Mocanu et al. 2018)."""
    free = torch.ones(size, dtype=torch.bool, device=occupied.device)
    return random_positions(free.index_fill_(0, occupied, False), k, generator)


def gradient(scores: Tensor, occupied: Tensor, k: int) -> Tensor:
    """Return the k other positions with the largest scores, ties to the lower position.

    `scores` are the absolute dense gradients (RigL, Evci et al. 2020, algorithm 1).
    """
    free = torch.ones(scores.numel(), dtype=torch.bool, device=scores.device)
    return largest_positions(scores, k, among=free.index_fill_(0, occupied, False), checked=True)


def unexplored(explored: Tensor, occupied: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Return k other positions, drawn uniformly: first of those that were never active.

    `explored` (bool) tells which were. Where fewer than k were not, all of these grow and the rest
    is drawn among the others (the "random unfired" growth of ITOP's code, with exact counts).
    """
    fresh = (~explored).flatten().index_fill(0, occupied, False)
    first = random_positions(fresh, min(k, int(fresh.count_nonzero())), generator)
    return _filled_up(first, explored.numel(), occupied, k, generator)


def candidates(
    scores: Tensor, among: Tensor, occupied: Tensor, k: int, generator: torch.Generator
) -> Tensor:
    """Return the k other positions with the largest scores of those where `among` is true.

    Where fewer than k of them are free, all of these grow and the rest is drawn at random.
    """
    free = among.flatten().index_fill(0, occupied, False)
    best = min(k, int(free.count_nonzero()))
    first = largest_positions(scores, best, among=free, checked=True)
    return _filled_up(first, scores.numel(), occupied, k, generator)


def _filled_up(
    first: Tensor, size: int, occupied: Tensor, k: int, generator: torch.Generator
) -> Tensor:
    if len(first) == k:
        return first
    rest = random(size, torch.cat([occupied, first]), k - len(first), generator)
    return torch.cat([first, rest])
