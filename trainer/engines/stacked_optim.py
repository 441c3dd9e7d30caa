"""Optimizers over a stack, with per-cell hyper-parameters, on the entries that are active.

Hyper-parameters are one value per cell, broadcast over its entries. The same operations run whether
they differ between cells or not, so a cell's bits do not depend on its neighbours. torch's fused
kernels are not used here: they round differently in the tail of a buffer, where a cell's place in
the stack shows.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainer.engines.entries import Buffers, Entries, divide
from trainer.optim import (
    ADAGRAD_EPSILON,
    ADAM_BETAS,
    ADAM_EPSILON,
    RMSPROP_DECAY,
    RMSPROP_EPSILON,
)
from trainer.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """Entries with the hyper-parameters of their cells, spread over them."""

    entries: Entries
    rate: Tensor
    decay: Tensor
    momentum: Tensor


class StackedOptimizer(ABC):
    """One optimizer over all cells of a stack.

    Args:
        parameters: (N, P), row n holding all parameters of cell n.
        gradients: their dense gradients (N, P); overwritten by every backward pass.
        masks: (N, P), 0 or 1; 1 for parameters that are never masked.
        recipes: the recipe of each cell, in stack order.

    Parameters and masks may be changed in place between two steps; slots through ``slots``.
    """

    slot_names: ClassVar[tuple[str, ...]]

    def __init__(
        self, parameters: Tensor, gradients: Tensor, masks: Tensor, recipes: Sequence[Recipe]
    ) -> None:
        self.steps = 0
        self._stack = Buffers(
            parameters=parameters,
            gradients=gradients,
            masks=masks,
            slots=[torch.zeros_like(parameters) for _ in self.slot_names],
        )
        self._recipes = recipes
        self._parts: list[_Part] = []
        self._versions = (-1, -1)

    def slots(self, row: int | None = None) -> dict[str, Tensor]:
        """The slots (N, P) by name, to be read or changed until the next step.

        Args:
            row: the only row that is wanted. Where it is updated in its place, nothing has to be
                brought here, and the next step need not divide the stack again.
        """
        if row is None or any(part.entries.keeps_slots(row) for part in self._parts):
            for part in self._parts:
                part.entries.store_slots()
            self._parts = []
        return dict(zip(self.slot_names, self._stack.slots, strict=True))

    def step(self, rate_factor: float) -> None:
        """One step of all cells; inactive weights and their slots stay exactly zero."""
        self.steps += 1
        for part in self._current_parts():
            part.entries.load_gradients()
            self._update(part, part.rate * rate_factor)
            part.entries.store_parameters()
        self._versions = self._seen_versions()

    @property
    def parameters(self) -> Tensor:
        """What is updated, (N, P)."""
        return self._stack.parameters

    @property
    def gradients(self) -> Tensor:
        """The gradients that a step uses, (N, P)."""
        return self._stack.gradients

    @abstractmethod
    def _update(self, part: _Part, rate: Tensor) -> None:
        """Update parameters and slots of a part in place."""

    def _current_parts(self) -> list[_Part]:
        # torch counts the changes in place of a tensor and all its views: whoever changed a mask or
        # a weight since the last step is noticed without a protocol.
        if not self._parts or self._versions != self._seen_versions():
            self.slots()
            self._parts = [self._part(entries) for entries in divide(self._stack)]
        return self._parts

    def _seen_versions(self) -> tuple[int, int]:
        return self._stack.parameters._version, self._stack.masks._version

    def _part(self, entries: Entries) -> _Part:
        return _Part(
            entries=entries,
            rate=entries.spread(self._per_cell("lr")),
            decay=entries.spread(self._per_cell("weight_decay")),
            momentum=entries.spread(self._per_cell("momentum")),
        )

    def _per_cell(self, name: str) -> Tensor:
        values = [float(getattr(recipe, name)) for recipe in self._recipes]
        return torch.tensor(values, device=self._stack.parameters.device).view(-1, 1)


class StackedSGD(StackedOptimizer):
    """SGD with (Nesterov) momentum and weight decay, as ``torch.optim.SGD`` defines them."""

    slot_names = ("momentum_buffer",)

    def _update(self, part: _Part, rate: Tensor) -> None:
        parameters, gradients = part.entries.parameters, part.entries.gradients
        (velocity,) = part.entries.slots
        velocity.mul_(part.momentum).add_(gradients).addcmul_(parameters, part.decay)
        direction = velocity
        if self._recipes[0].nesterov:
            direction = velocity * part.momentum
            direction.add_(gradients).addcmul_(parameters, part.decay)
        parameters.addcmul_(direction, rate, value=-1.0)


class StackedAdam(StackedOptimizer):
    """Adam (Kingma and Ba 2015) with L2 decay, or AdamW (Loshchilov and Hutter 2019)."""

    slot_names = ("exp_avg", "exp_avg_sq")

    def _update(self, part: _Part, rate: Tensor) -> None:
        parameters, gradients = part.entries.parameters, part.entries.gradients
        beta1, beta2 = ADAM_BETAS
        if self._recipes[0].optimizer == "adamw":
            parameters.mul_(1.0 - rate * part.decay)
        else:
            gradients.addcmul_(parameters, part.decay)
        first, second = part.entries.slots
        first.mul_(beta1).add_(gradients, alpha=1.0 - beta1)
        second.mul_(beta2).addcmul_(gradients, gradients, value=1.0 - beta2)
        # The bias corrections are the same for all cells: they have taken equally many steps.
        size = second.sqrt().div_((1.0 - beta2**self.steps) ** 0.5).add_(ADAM_EPSILON)
        parameters.addcmul_(torch.div(first, size), rate, value=-1.0 / (1.0 - beta1**self.steps))


class StackedAdagrad(StackedOptimizer):
    """Adagrad (Duchi et al. 2011) with L2 decay, as ``torch.optim.Adagrad`` defines it."""

    slot_names = ("sum",)

    def _update(self, part: _Part, rate: Tensor) -> None:
        parameters, gradients = part.entries.parameters, part.entries.gradients
        gradients.addcmul_(parameters, part.decay)
        (total,) = part.entries.slots
        total.addcmul_(gradients, gradients)
        size = total.sqrt().add_(ADAGRAD_EPSILON)
        parameters.addcmul_(torch.div(gradients, size), rate, value=-1.0)


class StackedRMSProp(StackedOptimizer):
    """RMSProp (Hinton 2012) with L2 decay, as ``torch.optim.RMSprop`` defines it."""

    slot_names = ("square_avg",)

    def _update(self, part: _Part, rate: Tensor) -> None:
        parameters, gradients = part.entries.parameters, part.entries.gradients
        gradients.addcmul_(parameters, part.decay)
        (mean,) = part.entries.slots
        mean.mul_(RMSPROP_DECAY).addcmul_(gradients, gradients, value=1.0 - RMSPROP_DECAY)
        size = mean.sqrt().add_(RMSPROP_EPSILON)
        parameters.addcmul_(torch.div(gradients, size), rate, value=-1.0)


_KINDS: dict[str, type[StackedOptimizer]] = {
    "sgd": StackedSGD,
    "adam": StackedAdam,
    "adamw": StackedAdam,
    "adagrad": StackedAdagrad,
    "rmsprop": StackedRMSProp,
}


def make_stacked_optimizer(
    parameters: Tensor, gradients: Tensor, masks: Tensor, recipes: Sequence[Recipe]
) -> StackedOptimizer:
    """The optimizer that the cells' recipes name."""
    return _KINDS[recipes[0].optimizer](parameters, gradients, masks, recipes)
