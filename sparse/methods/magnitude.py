"""magnitude: prune the smallest initial weights once before training."""

import dataclasses

import torch
from torch import Tensor

from sparse.criteria import magnitude_masks, placed, positions_option
from sparse.methods import METHODS
from sparse.options import option
from sparse.scores import magnitude
from sparse.select import largest
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class MagnitudeOptions:
    """Options of magnitude."""

    scope: str = option(
        "global",
        choices=["global", "layer"],
        help="rank weights over all layers together, or within layers to the allocated densities",
    )
    positions: str = positions_option()


@METHODS.register(
    "magnitude",
    summary="prune the smallest initial weights once before training; needs no data",
    options=MagnitudeOptions,
    stored_weights="masked",
    density="exact",
    changes_shape=False,
    stackable=True,
    dynamic=False,
    ignores=[{"field": "allocation", "when": {"scope": "global"}}],
    needs=[],
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
        return ("allocation",) if self.options.scope == "global" else ()

    @torch.no_grad()
    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of the largest weights."""
        return placed(self._largest(), self.options.positions, self.context)

    def _largest(self) -> dict[str, Tensor]:
        if self.options.scope == "global":
            return magnitude_masks(self.context, self.target())
        counts = self.allocated_counts()
        return {
            layer.name: largest(magnitude(layer.weight), counts[layer.name])
            for layer in self.layers
        }
