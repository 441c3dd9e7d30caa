"""Subsets of a training split by rank: which examples a share keeps."""

import bisect

import torch
from torch import Tensor

from trainer import seeding


def by_score(scores: Tensor, ids: Tensor, *, highest_first: bool) -> Tensor:
    """Positions (n,) in the order of their scores, equal ones by the lower id.

    Args:
        scores: (n,) float. ids: (n,) int64, the examples' own numbers.
        highest_first: descending, else ascending.
    """
    by_id = ids.argsort()
    values = scores[by_id]
    return by_id[(-values if highest_first else values).argsort(stable=True)]


def by_draw(size: int, seed: int) -> Tensor:
    """Positions (n,) in a random order that a seed names; the same for every cell seed."""
    return torch.randperm(size, generator=seeding.generator(seed, "el2n.random"))


def first_of_each_class(ranked: Tensor, targets: Tensor, count: int) -> Tensor:
    """The best ranked of every class, equally many as far as there are, in the order of rank.

    Args:
        ranked: (n,) positions, best first.
        targets: (n,) class numbers by position.
        count: how many to take, at most n.

    Returns:
        (count,) positions.
    """
    labels = targets[ranked]
    counts = equal_counts(torch.bincount(targets).tolist(), count)
    taken = torch.zeros(len(ranked), dtype=torch.bool)
    for label, most in enumerate(counts):
        taken[(labels == label).nonzero().flatten()[:most]] = True
    return ranked[taken]


def equal_counts(sizes: list[int], count: int) -> list[int]:
    """A count for every class: equal, but where a class is smaller all of it, and the rest more.

    What an equal division leaves over goes to the lower class numbers, one each.

    Args:
        sizes: examples of every class. count: how many to divide, at most their sum.
    """

    def taken(level: int) -> int:
        return sum(min(size, level) for size in sizes)

    level = bisect.bisect_right(range(max(sizes) + 1), count, key=taken) - 1
    counts = [min(size, level) for size in sizes]
    larger = [label for label, size in enumerate(sizes) if size > level]
    for label in larger[: count - sum(counts)]:
        counts[label] += 1
    return counts
