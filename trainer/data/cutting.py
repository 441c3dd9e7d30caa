"""Cutting a dataset into splits, each class in proportion."""

import math

import torch
from torch import Tensor

from trainer import seeding
from trainer.data.bundle import RawData, Split, Splits
from trainer.data.fitting import refuse_unfit


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


def _parts(whole: Split, fractions: list[float], seed: int) -> list[Split]:
    if not fractions:
        return [whole]
    return [whole.take(part) for part in stratified_parts(whole.targets, fractions, seed)]
