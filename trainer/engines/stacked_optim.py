"""SGD and Adam over a stack, with per-cell hyper-parameters and the mask inside the update.

Hyper-parameters are tensors of length N, broadcast over each cell's entries. The same operations
run whether they differ between cells or not, so a cell's bits do not depend on its neighbours.
Masking costs one more operand in an operation that is there anyway. torch's fused kernels are not
used here: they round differently in the tail of a buffer, where a cell's place in the stack shows.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from trainer.optim import ADAM_BETAS, ADAM_EPSILON
from trainer.recipe import Recipe


class StackedOptimizer(ABC):
    """One optimizer over all cells of a stack.

    Args:
        parameters: stacked tensors, each (N, ...).
        gradients: their dense gradients, same shapes; overwritten by every backward pass.
        masks: (N, ...) float masks, or ``None`` for parameters that are never masked.
        recipes: the recipe of each cell, in stack order.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor],
        masks: Sequence[Tensor | None],
        recipes: Sequence[Recipe],
    ) -> None:
        self.steps = 0
        self._members = list(zip(parameters, gradients, masks, strict=True))
        self._recipes = recipes
        self._like = parameters[0]
        self.rate = self._per_cell("lr")
        self.decay = self._per_cell("weight_decay")

    @abstractmethod
    def slots(self, index: int) -> dict[str, Tensor]:
        """The stacked slots of parameter ``index``, by name."""

    @abstractmethod
    def _update(self, index: int, rate: Tensor) -> None:
        """Update parameter ``index`` with the learning rates ``rate`` (N, 1, 1)."""

    def step(self, rate_factor: float) -> None:
        """One step of all cells; inactive weights and their slots stay exactly zero."""
        self.steps += 1
        rate = self.rate * rate_factor
        for index in range(len(self._members)):
            self._update(index, rate)

    def _per_cell(self, name: str) -> Tensor:
        values = [float(getattr(recipe, name)) for recipe in self._recipes]
        return torch.tensor(values, device=self._like.device).view(-1, 1, 1)


class StackedSGD(StackedOptimizer):
    """SGD with (Nesterov) momentum and weight decay, as ``torch.optim.SGD`` defines them."""

    def __init__(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor],
        masks: Sequence[Tensor | None],
        recipes: Sequence[Recipe],
    ) -> None:
        super().__init__(parameters, gradients, masks, recipes)
        self._momentum = self._per_cell("momentum")
        self._nesterov = bool(recipes[0].nesterov)
        self._velocity = [torch.zeros_like(parameter) for parameter in parameters]

    def slots(self, index: int) -> dict[str, Tensor]:
        """The momentum buffer."""
        return {"momentum_buffer": self._velocity[index]}

    def _update(self, index: int, rate: Tensor) -> None:
        parameter, gradient, mask = self._members[index]
        velocity = self._velocity[index].mul_(self._momentum)
        self._add_gradient(velocity, gradient, mask)
        velocity.addcmul_(parameter, self.decay)
        if self._nesterov:
            direction = velocity * self._momentum
            self._add_gradient(direction, gradient, mask)
            direction.addcmul_(parameter, self.decay)
            velocity = direction
        parameter.addcmul_(velocity, rate, value=-1.0)

    @staticmethod
    def _add_gradient(target: Tensor, gradient: Tensor, mask: Tensor | None) -> None:
        if mask is None:
            target.add_(gradient)
        else:
            target.addcmul_(gradient, mask)


class StackedAdam(StackedOptimizer):
    """Adam (Kingma and Ba 2015) with L2 decay, or AdamW (Loshchilov and Hutter 2019)."""

    def __init__(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor],
        masks: Sequence[Tensor | None],
        recipes: Sequence[Recipe],
    ) -> None:
        super().__init__(parameters, gradients, masks, recipes)
        self._decoupled = recipes[0].optimizer == "adamw"
        self._first = [torch.zeros_like(parameter) for parameter in parameters]
        self._second = [torch.zeros_like(parameter) for parameter in parameters]

    def slots(self, index: int) -> dict[str, Tensor]:
        """Both moments."""
        return {"exp_avg": self._first[index], "exp_avg_sq": self._second[index]}

    def _update(self, index: int, rate: Tensor) -> None:
        parameter, gradient, mask = self._members[index]
        beta1, beta2 = ADAM_BETAS
        if mask is not None:
            gradient.mul_(mask)
        if self._decoupled:
            parameter.mul_(1.0 - rate * self.decay)
        else:
            gradient.addcmul_(parameter, self.decay)
        first = self._first[index].mul_(beta1).add_(gradient, alpha=1.0 - beta1)
        second = self._second[index].mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
        # The bias corrections are the same for all cells: they have taken equally many steps.
        size = second.sqrt().div_((1.0 - beta2**self.steps) ** 0.5).add_(ADAM_EPSILON)
        parameter.addcmul_(torch.div(first, size), rate, value=-1.0 / (1.0 - beta1**self.steps))


def make_stacked_optimizer(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    masks: Sequence[Tensor | None],
    recipes: Sequence[Recipe],
) -> StackedOptimizer:
    """The optimizer that the cells' recipes name."""
    kind = StackedSGD if recipes[0].optimizer == "sgd" else StackedAdam
    return kind(parameters, gradients, masks, recipes)
