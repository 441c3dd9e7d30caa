"""Pruning a trained sparse network further: which of its active weights go, by scores.

The lowest scores go first; the same scores give every share, so that what a smaller share removes a
larger one removes too, and two prunings compose to one.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from sparse.drop import whole_share
from sparse.scores import magnitude
from sparse.select import smallest

CRITERIA = ("magnitude", "random", "largest")
SCOPES = ("layer", "global")


def removal_scores(
    weights: Sequence[Tensor], criterion: str, generator: torch.Generator
) -> list[Tensor]:
    """Return scores of active weights, given as flat tensors by layer; the lowest go first.

    criterion: "magnitude" prunes small weights first, "largest" large ones, "random" draws.
    """
    if criterion == "random":
        sizes = [len(weight) for weight in weights]
        order = torch.randperm(sum(sizes), generator=generator, device=generator.device)
        return [part.to(w.device) for part, w in zip(order.split(sizes), weights, strict=True)]
    sign = -1 if criterion == "largest" else 1
    return [sign * magnitude(weight) for weight in weights]


def removed(scores: Sequence[Tensor], percent: float, scope: str) -> list[Tensor]:
    """Return which weights go (bool), by layer: the floor(percent / 100 * n) lowest of n scores.

    scope: "layer" takes that many of each layer, "global" of all layers together. Ties go to the
    lower position, between layers to the earlier one. Scores are free of NaN.
    """
    if scope == "layer":
        return [smallest(part, _count(percent, len(part)), checked=True) for part in scores]
    pool = torch.cat(list(scores))
    chosen = smallest(pool, _count(percent, len(pool)), checked=True)
    return list(chosen.split([len(part) for part in scores]))


def relative_sizes(weights: Sequence[Tensor]) -> Tensor:
    """Return |w| over the standard deviation of its layer, of all weights in one flat tensor.

    weights: active weights, flat, by layer. Layers whose weights do not differ are left out.
    """
    deviations = [(weight, weight.float().std(correction=0)) for weight in weights if len(weight)]
    sizes = [magnitude(weight) / deviation for weight, deviation in deviations if deviation > 0]
    return torch.cat(sizes) if sizes else torch.zeros(0)


def quantile(values: Tensor, share: float) -> float:
    """Return the smallest of the values that at least this share of them does not exceed."""
    at = max(1, math.ceil(Fraction(str(share)) * len(values)))
    return float(values.kthvalue(at).values)


def _count(percent: float, size: int) -> int:
    return whole_share(percent / 100, size)
