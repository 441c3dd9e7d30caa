"""Scores of an untrained network's weights, by layer name: what pruning before training ranks.

The larger a score, the more the weight is worth keeping. The network itself is never changed: other
tensors stand in for its weights. Masks are bool or 0/1, by layer name; none means a dense network.
`sparse.scoring.criteria` turns scores into masks.

Source of the common form, weight times derivative: Tanaka et al. 2020 (SynFlow), section 4.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from sparse.context import Context
from sparse.scores import snip, widened

Tensors = dict[str, Tensor]


def snip_scores(context: Context, batches: int) -> Tensors:
    """Return |w * dL/dw|, the gradients of so many scoring batches summed.

    Source: Lee et al. 2019 (SNIP), section 4.
    """
    return sensitivities(context, context.scoring_batches(batches))


def sensitivities(
    context: Context, batches: Iterable[Any], masks: Mapping[str, Tensor] | None = None
) -> Tensors:
    """Return |w * g|: w a weight before masking, g its gradient in the network the masks leave.

    For a pruned weight that is what the loss would depend on it, were it there (de Jorge et al.
    2021, FORCE, section 4). The gradients of the batches are summed.
    """
    stored = {layer.name: layer.weight for layer in context.layers}
    weights = _leaves(_masked(stored, masks))
    with torch.enable_grad():
        losses = (context.loss(batch, weights) for batch in batches)
        gradients = _summed(_gradients(loss, weights) for loss in losses)
    return {name: snip(weight, gradients[name]) for name, weight in stored.items()}


def grasp_scores(context: Context, batches: int, temperature: float) -> Tensors:
    """Return w * (H g), the negative of GraSP's score S = -w * (H g).

    g is the gradient and H the Hessian of the loss, each summed over the scoring batches, with
    logits divided by the temperature. Removing a weight of large S raises the gradient's norm, or
    lowers it least: such weights go first. H g is the derivative of (g . gradient), g held fixed.
    Source: Wang et al. 2020 (GraSP), section 4 and algorithms 1 and 2.
    """
    data = list(context.scoring_batches(batches))
    weights = _leaves({layer.name: layer.weight for layer in context.layers})

    def loss(batch: Any, *, twice: bool = False) -> Tensor:
        return context.loss(batch, weights, temperature=temperature, twice=twice)

    # The fused kernels of attention can be differentiated once only.
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        gradient = _summed(_gradients(loss(batch), weights) for batch in data)
        losses = (loss(batch, twice=True) for batch in data)
        product = _summed(_hessian_product(value, weights, gradient) for value in losses)
    return {layer.name: widened(layer.weight) * product[layer.name] for layer in context.layers}


def synflow_scores(context: Context, masks: Mapping[str, Tensor] | None = None) -> Tensors:
    """Return |w * dR/dw| in float64, R being `context.flow` of the network that the masks leave.

    Without biases every layer's scores sum to R, and those into a unit to those out of it. No data
    is used. A layer of the whole network whose scores are all zero is a ValueError, and so are
    scores that are zero everywhere: positions would decide. What masks leave of a branch may carry
    nothing while another does. Source: Tanaka et al. 2020 (SynFlow), theorems 1 and 2 and
    algorithm 1.
    """
    absolute = {layer.name: layer.weight.double().abs() for layer in context.layers}
    weights = _leaves(_masked(absolute, masks))
    with torch.enable_grad():
        gradients = _gradients(context.flow(weights), weights)
    scores = {name: (weight.detach() * gradients[name]).abs() for name, weight in weights.items()}
    _refuse_zero(scores, whole=masks is None or all(bool(mask.all()) for mask in masks.values()))
    return scores


def _refuse_zero(scores: Tensors, *, whole: bool) -> None:
    zero = [name for name, score in scores.items() if not bool(score.any())]
    if zero and (whole or len(zero) == len(scores)):
        raise ValueError(
            f"synflow scores every weight of {', '.join(zero)} as zero: nothing of it reaches the"
            " outputs, as where tanh or sigmoid saturate or weights are zero; exclude the layer, or"
            " choose another method"
        )


def _masked(weights: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None) -> Tensors:
    if masks is None:
        return dict(weights)
    return {name: weight * masks[name] for name, weight in weights.items()}


def _leaves(weights: Mapping[str, Tensor]) -> Tensors:
    """Return copies to differentiate in."""
    return {name: weight.detach().clone().requires_grad_() for name, weight in weights.items()}


def _gradients(value: Tensor, weights: Tensors, *, twice: bool = False) -> Tensors:
    """Return the derivative of a scalar; `twice` makes it differentiable itself."""
    gradients = torch.autograd.grad(
        value, list(weights.values()), create_graph=twice, materialize_grads=True
    )
    return dict(zip(weights, gradients, strict=True))


def _hessian_product(loss: Tensor, weights: Tensors, vector: Tensors) -> Tensors:
    first = _gradients(loss, weights, twice=True)
    product = torch.stack([(vector[name] * first[name]).sum() for name in weights]).sum()
    if not product.requires_grad:  # the loss is linear in the weights
        return {name: torch.zeros_like(weight) for name, weight in weights.items()}
    return _gradients(product, weights)


def _summed(items: Iterable[Tensors]) -> Tensors:
    """Return the sums by name, in float32 at least."""
    sums: Tensors = {}
    for item in items:
        for name, tensor in item.items():
            sums[name] = sums[name] + tensor if name in sums else widened(tensor)
    return sums
