"""Cutting a dataset into splits, and taking a share of the training split."""

import math
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from trainer import seeding
from trainer.data.bundle import RawData, Split, Splits
from trainer.data.fitting import refuse_unfit

PUBLISHED_SEED = 12345
"""Seed of the subsets of the published code of the hard-sample study."""


def cut(raw: RawData) -> Splits:
    """Cut what a dataset lacks from its training part, each class in proportion.

    Raises:
        ValueError: for splits that cannot be trained, validated or tested on.
    """
    fractions = [raw.val_fraction] if raw.val is None else []
    fractions += [raw.test_fraction] if raw.test is None else []
    first, *others = _parts(raw.train, fractions, raw.split_seed)
    val = others.pop(0) if raw.val is None else raw.val
    test = others.pop(0) if raw.test is None else raw.test
    splits = Splits(train=first, val=val, test=test, raw=raw)
    refuse_unfit(splits)
    return splits


def stratified_parts(targets: Tensor, fractions: list[float], seed: int) -> list[Tensor]:
    """Disjoint index sets that hold each class in proportion.

    Args:
        targets: (n,) class numbers.
        fractions: share of every part but the first, which takes the rest.
        seed: names the draw.

    Returns:
        One sorted index tensor per part, the rest first.
    """
    parts: list[list[Tensor]] = [[] for _ in range(len(fractions) + 1)]
    for label in targets.unique(sorted=True).tolist():
        members = (targets == label).nonzero().flatten()
        order = torch.randperm(len(members), generator=seeding.generator(seed, "split", label))
        members, start = members[order], 0
        for part, fraction in enumerate(fractions, start=1):
            count = math.floor(fraction * len(members) + 0.5)
            parts[part].append(members[start : start + count])
            start += count
        parts[0].append(members[start:])
    return [torch.cat(pieces).sort().values for pieces in parts]


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


def _parts(whole: Split, fractions: list[float], seed: int) -> list[Split]:
    if not fractions:
        return [whole]
    return [whole.take(part) for part in stratified_parts(whole.targets, fractions, seed)]
