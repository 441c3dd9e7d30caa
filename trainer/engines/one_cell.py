"""Passes through the network of one cell by ordinary autograd."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.data.bundle import Batch, as_pixels
from trainer.network import frozen, mode


def training_pass(network: nn.Module, batch: Batch, smoothing: float) -> tuple[Tensor, Tensor]:
    """Forward and backward pass of a network in training mode; as ``Engine.backward`` for one cell.

    Args:
        network: takes inputs to logits; gradients of the mean loss are added to its parameters.
        batch: of the one cell.
        smoothing: share of the target spread evenly over the classes.
    """
    inputs, targets = batch[0][0], batch[1][0]
    logits = network(inputs)
    loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
    loss.backward()
    hits = logits.detach().argmax(-1) == targets
    return (loss.detach() * len(targets)).view(1), hits.unsqueeze(0)


def gradients_of_inputs(network: nn.Module, batch: Batch, *, training: bool, track: bool) -> Tensor:
    """The gradient with regard to the inputs alone; as ``Engine.input_gradients`` for one cell."""
    pixels = as_pixels(batch[0][0]).detach().requires_grad_()
    running = mode(network, training=training, track=track)
    with torch.enable_grad(), running, frozen(network):
        loss = F.cross_entropy(network(pixels), batch[1][0], reduction="sum")
        (gradients,) = torch.autograd.grad(loss, pixels)
    return gradients.unsqueeze(0)


def on_cpu(value: Any) -> Any:
    """Copies, on the CPU, of all tensors in a structure of mappings and lists."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {key: on_cpu(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [on_cpu(item) for item in value]
    return value
