"""The stack engine without its masks: the other arm of the mask overhead."""

from collections.abc import Sequence

import torch

from grids.cell import Cell
from trainer.engines.stack import StackEngine
from trainer.engines.stacked_optim import make_stacked_optimizer
from trainer.recipe import Recipe
from trainer.workload import Workload


class UnmaskedStack(StackEngine):
    """A stack whose optimizer was never given a mask; everything else is the same program."""

    def __init__(self, workload: Workload, cells: Sequence[Cell]) -> None:
        super().__init__(workload, cells)
        parameters, gradients = self._optimizer.parameters, self._optimizer.gradients
        self._optimizer = make_stacked_optimizer(
            parameters,
            gradients,
            torch.ones_like(parameters),
            [Recipe.of(cell) for cell in self.cells],
        )
