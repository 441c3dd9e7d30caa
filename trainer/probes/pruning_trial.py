"""A trained network that is pruned further, measured, and put right again, as often as asked."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from sparse.measures.further_pruning import removal_scores, removed
from sparse.select import fill, positions
from trainer.evaluate import accuracy_of
from trainer.probes.subject import Subject
from trainer.recalibrate import recalibrated
from trainer.recipe import Recipe

NORMS = ("frozen", "recalibrated")
"""Batch norm's running statistics: as training left them, or taken anew of the pruned network."""

Accuracies = dict[str, float]
"""Test accuracy, by what becomes of batch norm's statistics."""


class PruningTrial:
    """The copy of one cell's network on which prunings are tried.

    Args:
        subject: the trained cell.
        norms: which of :data:`NORMS` are wanted. A network without batch norm is measured once.
        examples: training examples that statistics are taken of.

    Attributes:
        values: its active weights by layer, flat.
        base: what it recognises as it is.
        empty: what is left when every maskable weight is gone.
    """

    def __init__(self, subject: Subject, norms: Sequence[str], examples: int) -> None:
        self._subject = subject
        self._norms = norms
        self._test = subject.split("test")
        self._batch = Recipe.of(subject.cell).batch
        self._inputs, _ = subject.examples(examples, "further_pruning")
        self._network = copy.deepcopy(subject.module())
        parameters = dict(self._network.named_parameters())
        self._weights = [parameters[f"model.{layer.name}"] for layer in subject.layers]
        self._places = [positions(layer.mask) for layer in subject.layers]
        self.values = [
            weight.detach().flatten().index_select(0, places)
            for weight, places in zip(self._weights, self._places, strict=True)
        ]
        self.base = self._measured()
        self._zero([torch.ones_like(each, dtype=torch.bool) for each in self.values])
        self.empty = self._measured()
        self._restore()

    @torch.no_grad()
    def curves(
        self, criterion: str, scope: str, percents: Sequence[int], draws: int
    ) -> dict[str, dict[int, float]]:
        """Accuracies by percent of the active weights that are pruned, mean over draws.

        Args:
            criterion, scope: as :mod:`sparse.measures.further_pruning` has them.
            percents: ascending, from 0 to 100.
            draws: how many random prunings; each takes more of what it took before.

        Returns:
            By what becomes of batch norm.
        """
        curves = [self._curve(criterion, scope, percents, draw) for draw in range(draws)]
        return {
            norm: {
                percent: sum(curve[place][norm] for curve in curves) / draws
                for place, percent in enumerate(percents)
            }
            for norm in self._norms
        }

    def _curve(
        self, criterion: str, scope: str, percents: Sequence[int], draw: int
    ) -> list[Accuracies]:
        generator = self._subject.generator("further_pruning.draw", draw)
        scores, found = removal_scores(self.values, criterion, generator), []
        for percent in percents:
            if percent:
                self._zero(removed(scores, percent, scope))
            found.append(self._measured() if percent else self.base)
        self._restore()
        return found

    def _measured(self) -> Accuracies:
        found: Accuracies = {}
        if "frozen" in self._norms:
            found["frozen"] = accuracy_of(self._network, self._test)
        if "recalibrated" in self._norms:
            other = recalibrated(self._network, self._inputs, self._batch)
            same = other is self._network and "frozen" in found
            found["recalibrated"] = found["frozen"] if same else accuracy_of(other, self._test)
        return found

    @torch.no_grad()
    def _zero(self, chosen: Sequence[Tensor]) -> None:
        for weight, places, gone in zip(self._weights, self._places, chosen, strict=True):
            fill(weight, places[gone], 0)

    @torch.no_grad()
    def _restore(self) -> None:
        for weight, places, values in zip(self._weights, self._places, self.values, strict=True):
            weight.copy_(weight.flatten().index_copy(0, places, values).view_as(weight))
