"""omp: prune a trained dense network once by magnitude, then train what is left again."""

import dataclasses

import torch
from torch import Tensor

from sparse.inherited import DENSE_CELL
from sparse.methods import METHODS
from sparse.scope import IGNORES_ALLOCATION, ignored_by, kept, scope_option
from sparse.scores import magnitude
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class OmpOptions:
    """Options of omp."""

    scope: str = scope_option()


@METHODS.register(
    "omp",
    summary="prune a trained dense network once by magnitude, and train it again from its weights",
    options=OmpOptions,
    ignores=[IGNORES_ALLOCATION],
    needs=[{"cell": DENSE_CELL, "artifact": "final"}],
    starts_from=[{"artifact": "final"}],
    source="Han et al. 2015, section 3, with one pruning; as in Xiao et al. 2024 (hard samples)",
)
class OMP(Sparsifier):
    """Keeps the largest weights of the network that it is given, which is a trained one.

    Everything else of that network, biases and running statistics, is kept as well; the optimizer
    and the learning rate begin anew.
    """

    Options = OmpOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation when weights are ranked over all layers together."""
        return ignored_by(self.options.scope)

    @torch.no_grad()
    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of the largest weights."""
        scores = {layer.name: magnitude(layer.weight) for layer in self.layers}
        return kept(scores, self.options.scope, self.target(), self.allocated_counts())
