"""magnitude: prune the smallest initial weights once before training."""

import dataclasses

import torch
from torch import Tensor

from sparse.methods import METHODS
from sparse.scope import IGNORES_ALLOCATION, ignored_by, kept, scope_option
from sparse.scores import magnitude
from sparse.scoring.criteria import placed, positions_option
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class MagnitudeOptions:
    """Options of magnitude."""

    scope: str = scope_option()
    positions: str = positions_option()


@METHODS.register(
    "magnitude",
    summary="prune the smallest initial weights once before training; needs no data",
    options=MagnitudeOptions,
    ignores=[IGNORES_ALLOCATION],
    source="Frankle et al. 2021 (Pruning at initialization), section 3; Tanaka et al. 2020",
)
class Magnitude(Sparsifier):
    """Keeps the weights that are largest before anything is trained: a control for scores.

    Over all layers together the densities follow from the scales of the initial weights, and a
    layer of small ones is left with a single weight.
    """

    Options = MagnitudeOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation when weights are ranked over all layers together."""
        return ignored_by(self.options.scope)

    @torch.no_grad()
    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of the largest weights."""
        scores = {layer.name: magnitude(layer.weight) for layer in self.layers}
        masks = kept(scores, self.options.scope, self.target(), self.allocated_counts())
        return placed(masks, self.options.positions, self.context)
