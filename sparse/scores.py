"""Scores of single weights: what selection ranks. All return tensors of the weight's shape.

Scores of bfloat16 and float16 weights are computed in float32: products rounded to so few bits tie,
and positions would decide which weight stays.
"""

import torch
from torch import Tensor


def widened(tensor: Tensor) -> Tensor:
    """Return the tensor in float32 where it has less precision, else the tensor itself."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def magnitude(weight: Tensor) -> Tensor:
    """Return |w|."""
    return widened(weight).abs()


def gradient(gradient: Tensor) -> Tensor:
    """Return |dL/dw|, the growth score of RigL (Evci et al. 2020, section 3)."""
    return widened(gradient).abs()


def snip(weight: Tensor, gradient: Tensor, *, normalised: bool = False) -> Tensor:
    """Return |w * dL/dw|, the connection sensitivity of SNIP (Lee et al. 2019, section 4).

    It is |dL/dc| at c = 1 for a multiplier c of the weight; |dL/dw| alone is a known mistake that
    ranks worse than chance. `normalised` divides by the sum, which changes no ranking.
    """
    sensitivity = (widened(weight) * widened(gradient)).abs()
    return sensitivity / sensitivity.sum() if normalised else sensitivity
