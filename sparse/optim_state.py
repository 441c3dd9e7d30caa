"""Hygiene of optimizer state: an inactive weight has no momentum, whatever the optimizer."""

from collections.abc import Iterable

import torch
from torch import Tensor


def parameter_slots(optimizer: torch.optim.Optimizer, parameter: Tensor) -> dict[str, Tensor]:
    """Return every state tensor of a parameter that has one entry per weight, by its name.

    Recognised by shape and not by name, so that momentum_buffer, exp_avg, exp_avg_sq and the slots
    of any other optimizer are covered; empty before the first step.
    """
    state = optimizer.state.get(parameter, {})
    return {
        name: value
        for name, value in state.items()
        if isinstance(value, Tensor) and value.shape == parameter.shape
    }


def zero_inactive(slots: Iterable[Tensor], mask: Tensor) -> None:
    """Set the entries of every slot to zero in place where the mask is zero."""
    for slot in slots:
        slot.mul_(mask)
