"""The batches that a block of cells trains on: drawn, gathered and augmented on the device."""

from collections.abc import Sequence

import torch
from torch import Tensor

from trainer import seeding
from trainer.augment import Draws, augment, augments, draw_epoch, stack_draws
from trainer.data.bundle import Batch, Split
from trainer.workload import Workload


class Feed:
    """Batches by step, the same whatever was asked for before.

    Args:
        workload: what the cells share.
        seeds: the seed of each cell. Cells of one seed see the same order and the same
            augmentation, whatever their method: comparisons are paired.
    """

    def __init__(self, workload: Workload, seeds: Sequence[int]) -> None:
        self._train: Split = workload.bundle.train
        self._recipe = workload.recipe
        self._steps_per_epoch = workload.steps_per_epoch
        self._device = workload.device
        self._seeds = tuple(seeds)
        self._augments = augments(workload.recipe)
        self._epoch = -1
        self._order = torch.empty(0)
        self._draws: Draws | None = None
        self._buffers: dict[int, Tensor] = {}

    def batch(self, step: int) -> Batch:
        """Inputs (cells, b, *input_shape), as the training split holds them, and targets.

        The inputs are overwritten by the next batch of their size.

        Args:
            step: which optimizer step, from 1.
        """
        positions = self.positions(step)
        inputs, targets = self._gather(positions)
        if self._draws is not None:
            inputs = augment(inputs, self._draws.at(positions), self._recipe)
        return inputs, targets

    def positions(self, step: int) -> Tensor:
        """Positions (cells, b) in the training split of the examples of a batch."""
        epoch, offset = divmod(step - 1, self._steps_per_epoch)
        if epoch != self._epoch:
            self._begin(epoch)
        size = self._recipe.batch
        return self._order[:, offset * size : (offset + 1) * size]

    def order(self, epoch: int) -> Tensor:
        """Positions (cells, n) in the order in which the cells see them in an epoch, from 0."""
        count = len(self._train)
        orders = {
            seed: torch.randperm(count, generator=seeding.generator(seed, "order", epoch))
            for seed in set(self._seeds)
        }
        return torch.stack([orders[seed] for seed in self._seeds]).to(self._device)

    def _begin(self, epoch: int) -> None:
        self._order = self.order(epoch)
        if self._augments:
            count = len(self._train)
            drawn = {s: draw_epoch(self._recipe, s, epoch, count) for s in set(self._seeds)}
            self._draws = stack_draws([drawn[seed] for seed in self._seeds], self._device)
        self._epoch = epoch

    def _gather(self, positions: Tensor) -> Batch:
        inputs, flat = self._train.inputs, positions.reshape(-1)
        if len(flat) not in self._buffers:
            self._buffers[len(flat)] = inputs.new_empty((len(flat), *inputs.shape[1:]))
        buffer = self._buffers[len(flat)]
        torch.index_select(inputs, 0, flat, out=buffer)
        targets = self._train.targets.index_select(0, flat)
        return buffer.view(*positions.shape, *inputs.shape[1:]), targets.view(positions.shape)
