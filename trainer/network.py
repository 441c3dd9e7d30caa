"""A model as engines run it: inputs standardised, in the recipe's number format and layout."""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from trainer.data.bundle import Bundle, standardised
from trainer.recipe import Recipe


class Network(nn.Module):
    """A model with what stands before it; normalisation is inside, so inputs may be pixels.

    Args:
        model: takes standardised inputs to logits. Its parameters keep their names under it.
        bundle: says how inputs are standardised.
        recipe: says the number format and the memory layout.
        device: where it runs.
    """

    def __init__(self, model: nn.Module, bundle: Bundle, recipe: Recipe, device: str) -> None:
        super().__init__()
        self.model = model
        self._normalise = bundle.normalise
        self._channels_last = recipe.layout == "channels_last" and len(bundle.input_shape) == 3
        self._half = recipe.precision == "bf16"
        self._device_type = torch.device(device).type

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (b, classes), float32, of inputs (b, *input_shape) as a split holds them."""
        with self.autocast():
            logits: Tensor = self.model(self.prepared(inputs))
        return logits.float()

    def prepared(self, inputs: Tensor) -> Tensor:
        """What the model computes with."""
        # Only activations are laid out channel by channel: the weights, of which masks and
        # sparsifiers hold views, stay as they are.
        ready = standardised(inputs, self._normalise)
        if self._channels_last:
            ready = ready.contiguous(memory_format=torch.channels_last)
        return ready

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The context in which the model computes in the recipe's number format."""
        if self._half:
            return torch.autocast(self._device_type, dtype=torch.bfloat16)
        return contextlib.nullcontext()


def in_contiguous_layout(network: nn.Module) -> nn.Module:
    """A network of the same parameters whose activations lie as they come.

    Gradients of single examples cannot be taken together in the layout ``channels_last``.
    """
    assert isinstance(network, Network)
    other = copy.copy(network)
    other._channels_last = False
    return other


def in_single_precision(network: nn.Module) -> nn.Module:
    """A network of the same parameters that computes in float32, whatever its recipe says."""
    assert isinstance(network, Network)
    other = copy.copy(network)
    other._half = False
    return other


def frozen_copy(module: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose parameters take no part in differentiation."""
    return copy.deepcopy(module).eval().requires_grad_(False)


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """No parameter takes part in differentiation meanwhile."""
    wanted = [parameter for parameter in module.parameters() if parameter.requires_grad]
    try:
        for parameter in wanted:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in wanted:
            parameter.requires_grad_(True)


@contextlib.contextmanager
def mode(module: nn.Module, *, training: bool, track: bool) -> Iterator[None]:
    """The module in training or evaluation mode meanwhile.

    Args:
        module: whose mode it is; batch norm uses the batch's own statistics in training mode.
        training: which mode.
        track: whether training mode moves batch norm's running statistics.
    """
    before = [(child, child.training) for child in module.modules()]
    norms = [child for child in module.modules() if isinstance(child, _NormBase)]
    tracked = [norm for norm in norms if norm.track_running_stats]
    try:
        module.train(training)
        for norm in tracked:
            norm.track_running_stats = track or not training
        yield
    finally:
        for norm in tracked:
            norm.track_running_stats = True
        for child, was in before:
            child.training = was
