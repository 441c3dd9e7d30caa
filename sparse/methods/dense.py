"""dense: no sparsity; the baseline of every comparison."""

import torch
from torch import Tensor

from sparse.methods import METHODS
from sparse.sparsifier import Sparsifier


@METHODS.register(
    "dense",
    summary="no sparsity: every weight is kept",
    options=Sparsifier.Options,
    density="dense",
    ignores=[{"field": "density", "when": None}, {"field": "allocation", "when": None}],
    source="the unpruned network",
)
class Dense(Sparsifier):
    """Keeps every weight; takes neither a density below 1 nor an allocation."""

    def ignored_fields(self) -> tuple[str, ...]:
        """Return both fields."""
        return ("density", "allocation")

    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of ones."""
        return {layer.name: torch.ones_like(layer.mask, dtype=torch.bool) for layer in self.layers}
