"""Norms of gradients, as comparisons of sparse and dense networks use them.

Gradients and masks are given by layer name, (out, in, ...) each. A gradient is dense: what a weight
of zero would get if it were active stands in it. All norms are taken in float64.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

ORDERS = (1, 2)
"""The norms that are taken."""

Tensors = Mapping[str, Tensor]


def gradient_norms(gradients: Tensors, masks: Tensors) -> dict[str, float]:
    """Return every measure of this file by its name and order: `egf2`, `gf1_raw`, ...

    egf: effective gradient flow. gf: gradient flow of the active weights; gf_raw: of all of them.
    egf_pa: effective gradient flow with each layer divided by its active weights.
    """
    masked = {name: gradient * masks[name] for name, gradient in gradients.items()}
    return {
        name: value
        for order in ORDERS
        for name, value in (
            (f"egf{order}", effective_gradient_flow(masked, order)),
            (f"gf{order}", gradient_flow(masked, order)),
            (f"gf{order}_raw", gradient_flow(gradients, order)),
            (f"egf_pa{order}", per_active_flow(masked, masks, order)),
        )
    }


def gradient_flow(gradients: Tensors, order: int) -> float:
    """Return the norm of all gradients as one vector: the measure that EGF is compared with.

    Source: Tessera et al. 2021 (arXiv 2102.01670), section on gradient flow; order 2 is the
    gradient norm of Evci et al. 2020 (arXiv 2010.03533).
    """
    norms = torch.stack([_norm(gradient, order) for gradient in gradients.values()])
    return float(_norm(norms, order))


def effective_gradient_flow(masked: Tensors, order: int) -> float:
    """Return EGF: the mean over layers of the norm of a layer's gradient by its active weights.

    masked: gradients that are zero where the mask is. A layer without an active weight counts as a
    layer, with a norm of 0. Source: Tessera et al. 2021 (arXiv 2102.01670), definition of EGF.
    """
    return float(sum(_norm(gradient, order) for gradient in masked.values()) / len(masked))


def per_active_flow(masked: Tensors, masks: Tensors, order: int) -> float:
    """Return EGF with each norm divided by the p-th root of the layer's number of active weights.

    A variant of this project: EGF as published does not divide.
    """
    shares = [
        _norm(gradient, order) / max(int(masks[name].count_nonzero()), 1) ** (1 / order)
        for name, gradient in masked.items()
    ]
    return float(sum(shares) / len(shares))


def _norm(tensor: Tensor, order: int) -> Tensor:
    return tensor.double().flatten().norm(order)
