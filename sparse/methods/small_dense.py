"""small_dense: a narrower dense network with as many weights as the sparse ones keep."""

import torch
from torch import Tensor

from sparse.controls.narrow import ToDensity
from sparse.methods import METHODS
from sparse.sparsifier import Sparsifier


@METHODS.register(
    "small_dense",
    summary="the dense control: a narrower network of the same weight count, without a mask",
    options=Sparsifier.Options,
    density="bounded",
    changes_shape=True,
    ignores=[{"field": "allocation", "when": None}],
    models={"trait": "widths"},
    source="Zhu and Gupta 2017, section 4 (small-dense); Evci et al. 2020 (RigL), section 4",
)
class SmallDense(Sparsifier):
    """Keeps every weight of a network that was built narrower, see `narrowed_widths`.

    The trainer builds it from the model and density of the cell. What is there already cannot be
    made narrower, so `attach` refuses this method.
    """

    def narrowing(self) -> ToDensity | None:
        """Return the density that the narrower network has; density 1 narrows nothing."""
        return None if self.density == 1 else ToDensity(density=self.density)

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation: the layers are dense."""
        return ("allocation",)

    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of ones."""
        return {layer.name: torch.ones_like(layer.mask, dtype=torch.bool) for layer in self.layers}
