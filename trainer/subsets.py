"""Shares of a training split: how many examples one keeps, and which, by draw or by rank."""

import bisect
import math
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from trainer import seeding
from trainer.data.bundle import RawData

PUBLISHED_SEED = 12345
"""Seed of the subsets of the published code of the hard-sample study."""


def uniform_subset(raw: RawData, size: int, ratio: str) -> Tensor:
    """Positions of a uniform share of a training split, the same for every cell seed.

    ``nested`` takes floor(ratio x size + 1/2) examples as a prefix of one permutation, so that a
    smaller share is a subset of every larger one. ``published`` is that of the released code of the
    hard-sample study: the first int(size x ratio), in floating point (31,499 of 45,000 at 0.7), of
    the permutation of numpy's legacy generator with seed 12345, in the order drawn.

    Args:
        raw: the dataset.
        size: examples of the training split.
        ratio: canonical text of the share, in (0, 1).
    """
    count = kept_count(raw, size, ratio)
    if raw.subset == "published":
        drawn = np.random.RandomState(PUBLISHED_SEED).permutation(size)
        return torch.from_numpy(drawn[:count])
    order = torch.randperm(size, generator=seeding.generator(raw.split_seed, "data_ratio"))
    return order[:count].sort().values


def kept_count(raw: RawData, size: int, ratio: str) -> int:
    """How many examples a share of a training split keeps, in any scenario.

    floor(ratio x size + 1/2), or int(size x ratio) where the subsets are the published ones.

    Raises:
        ValueError: when that is none.
    """
    if raw.subset == "published":
        count = int(size * float(ratio))
    else:
        count = math.floor(Fraction(ratio) * size + Fraction(1, 2))
    if count == 0:
        raise ValueError(f"data_ratio {ratio} keeps none of {size} training examples; raise it")
    return count


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
