"""What a network costs in floating-point operations, counted from shapes and active weights.

One multiply-accumulate (MAC) is two FLOPs. Counted are the products of activations with weight
matrices and kernels: linear, convolution, recurrent layers and the projections of attention. Left
out are biases, normalisation, activations, pooling, losses, look-ups in embeddings, the products of
attention scores, and the optimizer, as is usual (Evci et al. 2020, appendix H). The borders of a
padded convolution count in full. A sparse layer costs its active share: what an implementation that
skips zeros would spend, and not what masks spend.

A training step has three passes that cost as much each: forward, gradients of the inputs, gradients
of the weights. The gradient of the network's own input is counted too.

Differentiating a function of these gradients, as for a Hessian's product with a vector, goes back
through both factors of every product in the three: six passes more.
"""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

ONCE = 3
"""Forward passes that a loss and its gradient cost."""

TWICE = 9
"""Forward passes that a loss, its gradient and the derivative of a function of that cost."""

Counts = Mapping[str, int]
"""Weights taking part, by parameter name; a parameter that is not named takes part whole."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Passes:
    """Which weights of each layer the three passes of a training step need, as counts."""

    forward: Counts
    input_gradients: Counts
    weight_gradients: Counts


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ForwardCost:
    """MACs of one forward pass: those of the dense network, by parameter name.

    sizes: weights of each parameter.
    """

    macs: Mapping[str, int]
    sizes: Mapping[str, int]

    def flops(self, counts: Counts) -> int:
        """Return the FLOPs of one pass with so many weights; no counts, the dense network's."""
        return 2 * sum(
            macs * counts.get(name, self.sizes[name]) // self.sizes[name]
            for name, macs in self.macs.items()
        )

    def training_flops(self, passes: Passes) -> int:
        """Return the FLOPs of one training step per sample."""
        each = (passes.forward, passes.input_gradients, passes.weight_gradients)
        return sum(self.flops(counts) for counts in each)


@torch.no_grad()
def forward_cost(model: nn.Module, *inputs: Any) -> ForwardCost:
    """Count the MACs of `model(*inputs)`, run in evaluation mode; the model's state stays as it is.

    inputs: those of one sample, with a batch dimension of 1 where the model expects one.

    A layer that is applied several times counts each time; what is tied counts under its first
    name. Parameters that no known kind of layer multiplies with cost nothing. Any device will do,
    "meta" included.
    """
    counter = _Counter(model)
    hooks = [m.register_forward_hook(counter, with_kwargs=True) for m in model.modules()]
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    return ForwardCost(macs=counter.macs, sizes=counter.sizes)


class _Counter:
    """A forward hook that adds up the MACs of every weight."""

    def __init__(self, model: nn.Module) -> None:
        self._names = {id(parameter): name for name, parameter in model.named_parameters()}
        self.macs: dict[str, int] = {}
        self.sizes: dict[str, int] = {}

    def __call__(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        arguments = inspect.signature(module.forward).bind(*args, **kwargs).arguments
        for weight, macs in _products(module, list(arguments.values()), output):
            # A weight that is computed from others, as by a parametrization, has no name.
            name = self._names.get(id(weight), f"computed by {type(module).__name__}")
            self.macs[name] = self.macs.get(name, 0) + macs
            self.sizes[name] = weight.numel()


def _products(module: nn.Module, inputs: list[Any], output: Any) -> Iterator[tuple[Tensor, int]]:
    """Yield the weights of one call of a layer and the MACs that each takes part in."""
    if isinstance(module, nn.Linear | nn.Bilinear):
        yield module.weight, module.weight.numel() * (output.numel() // module.out_features)
    elif isinstance(module, _ConvTransposeNd):
        yield module.weight, module.weight.numel() * (inputs[0].numel() // module.in_channels)
    elif isinstance(module, _ConvNd):
        yield module.weight, module.weight.numel() * (output.numel() // module.out_channels)
    elif isinstance(module, nn.RNNBase | nn.RNNCellBase):
        yield from _recurrent_products(module, inputs[0])
    elif isinstance(module, nn.MultiheadAttention):
        yield from _attention_products(module, *inputs[:3])


def _recurrent_products(
    module: nn.RNNBase | nn.RNNCellBase, steps: Tensor | nn.utils.rnn.PackedSequence
) -> Iterator[tuple[Tensor, int]]:
    uses = steps.data.numel() // module.input_size
    for name, parameter in module.named_parameters(recurse=False):
        if name.startswith("weight"):
            yield parameter, parameter.numel() * uses


def _attention_products(
    module: nn.MultiheadAttention, query: Tensor, key: Tensor, value: Tensor
) -> Iterator[tuple[Tensor, int]]:
    uses = [
        query.numel() // module.embed_dim,
        key.numel() // module.kdim,
        value.numel() // module.vdim,
    ]
    if module._qkv_same_embed_dim:
        yield module.in_proj_weight, module.embed_dim**2 * sum(uses)
    else:
        weights = (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)
        yield from ((w, w.numel() * n) for w, n in zip(weights, uses, strict=True))
    yield module.out_proj.weight, module.out_proj.weight.numel() * uses[0]
