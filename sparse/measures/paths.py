"""Which active weights lie on a path from the inputs to the outputs of a network."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from sparse.cutting.chain_modules import ACTIVATIONS
from sparse.scoring.flow import flow

_PASSING = (
    nn.Linear, _ConvNd, _NormBase, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d, nn.Flatten, nn.Unflatten,
)  # fmt: skip
"""Layers that give a sum or a mean of what they take, once weights are positive."""

_CONTAINERS = (nn.ModuleList, nn.Sequential)
"""What may hold nothing: an empty sequence is a shortcut that passes on what it takes."""


def effective_masks(
    model: nn.Module,
    example: Tensor,
    masks: Mapping[str, Tensor],
    *,
    per_unit: tuple[type[nn.Module], ...] = (),
) -> dict[str, Tensor]:
    """Return which weights are effective (bool, by layer name): active, and on a path.

    A path leads from an input to an output through active weights. Others can change no output,
    whatever their value, but by the constant that a bias sends on.

    model: of linear, convolutional, batch-norm, pooling and activation layers, and sums of these,
    as in residual networks; a ValueError names another kind of layer. It is left as it was.
    example: (1, ...), an input; only its shape is used.
    masks: non-zero where active, by the names of the model's maskable weights.
    per_unit: further kinds of activations, which treat each unit on its own.

    Source: effective sparsity of Vysogorets and Kempe 2023. Here it is read from the gradient of
    the sum of all outputs with positive weights and without biases, positive exactly on paths.
    """
    linear = _linear_part(model, per_unit)
    weights = {name: _row_means(mask).requires_grad_() for name, mask in masks.items()}
    with torch.enable_grad():
        total = flow(linear, example, weights, _neutral(linear, masks))
        gradients = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
    return {
        name: torch.zeros_like(mask, dtype=torch.bool)
        if gradient is None
        else (mask != 0) & (gradient > 0)
        for (name, mask), gradient in zip(masks.items(), gradients, strict=True)
    }


def _row_means(mask: Tensor) -> Tensor:
    """Return weights under which every unit is a mean, so that no depth overflows."""
    active = (mask != 0).double()
    fan_in = active.flatten(1).sum(1).clamp_min(1)
    return active / fan_in.view(-1, *[1] * (active.ndim - 1))


def _linear_part(model: nn.Module, per_unit: tuple[type[nn.Module], ...]) -> nn.Module:
    """Return a copy with activations left out and means in place of maxima; tensors are shared."""
    shared: dict[int, object] = {id(t): t for t in (*model.parameters(), *model.buffers())}
    made = copy.deepcopy(model, shared)
    for parent in list(made.modules()):
        for name, child in list(parent.named_children()):
            setattr(parent, name, _linear(child, (*ACTIVATIONS, *per_unit)))
    return made


def _linear(module: nn.Module, activations: tuple[type[nn.Module], ...]) -> nn.Module:
    if isinstance(module, activations):
        return nn.Identity()
    if isinstance(module, nn.MaxPool2d):
        return nn.AvgPool2d(module.kernel_size, module.stride, module.padding)
    if isinstance(module, nn.AdaptiveMaxPool2d):
        return nn.AdaptiveAvgPool2d(module.output_size)
    if isinstance(module, (*_PASSING, *_CONTAINERS)) or next(module.children(), None) is not None:
        return module
    raise ValueError(
        f"paths cannot be followed through {type(module).__name__}; they can through linear,"
        " convolutional, batch-norm, pooling and activation layers"
    )


def _neutral(model: nn.Module, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return stand-ins for all other parameters and buffers: no bias, and norms that do nothing."""
    stand_ins = {}
    for prefix, module in model.named_modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for leaf, tensor in own:
            name = f"{prefix}.{leaf}" if prefix else leaf
            if name not in masks and tensor.is_floating_point():
                stand_ins[name] = _neutral_value(module, leaf, tensor)
    return stand_ins


def _neutral_value(module: nn.Module, leaf: str, tensor: Tensor) -> Tensor:
    if leaf == "weight":  # dense, or a norm's factor
        return torch.ones_like(tensor, dtype=torch.float64)
    if isinstance(module, _NormBase) and leaf == "running_var":
        return torch.ones_like(tensor, dtype=torch.float64)
    return torch.zeros_like(tensor, dtype=torch.float64)
