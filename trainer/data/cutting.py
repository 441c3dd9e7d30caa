"""Cutting a dataset into splits: each class in proportion, or as the code of SET shuffles rows."""

import math

import numpy as np
import torch
from torch import Tensor

from trainer import seeding
from trainer.data.bundle import RawData, Split, Splits
from trainer.data.fitting import refuse_unfit


def cut(raw: RawData) -> Splits:
    """Cut what a dataset lacks from its training part, as it says.

    Raises:
        ValueError: for splits that cannot be trained, validated or tested on.
    """
    if raw.split == "set_code":
        parts = set_code_parts(len(raw.train), raw.val_fraction, raw.split_seed)
        train, val, test = (raw.train.take(part) for part in parts)
    else:
        train, val, test = _stratified(raw)
    splits = Splits(train=train, val=val, test=test, raw=raw)
    refuse_unfit(splits)
    return splits


def set_code_parts(count: int, val_fraction: float, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Positions of the training, validation and test split that the released code of SET makes.

    That code seeds numpy's global generator, shuffles all positions, trains on the first
    int(count * 2 / 3) of them and tests on the others; classes are not balanced. It has no
    validation split, and here models are chosen by nothing else: the last ``val_fraction`` of its
    training part is held out for that, rounded half up. The generator here is a fresh one with the
    same draws.

    Args:
        count: examples in all.
        val_fraction: share of that code's training part.
        seed: that code's seed, below 2**32.

    Returns:
        Three index tensors, each in the shuffled order.
    """
    order = torch.from_numpy(np.random.RandomState(seed).permutation(count))
    trained = count * 2 // 3
    kept = trained - math.floor(val_fraction * trained + 0.5)
    return order[:kept], order[kept:trained], order[trained:]


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


def _stratified(raw: RawData) -> tuple[Split, Split, Split]:
    fractions = [raw.val_fraction] if raw.val is None else []
    fractions += [raw.test_fraction] if raw.test is None else []
    first, *others = _parts(raw.train, fractions, raw.split_seed)
    val = others.pop(0) if raw.val is None else raw.val
    test = others.pop(0) if raw.test is None else raw.test
    return first, val, test


def _parts(whole: Split, fractions: list[float], seed: int) -> list[Split]:
    if not fractions:
        return [whole]
    return [whole.take(part) for part in stratified_parts(whole.targets, fractions, seed)]
