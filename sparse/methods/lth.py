"""lth: a lottery ticket found in one shot, the mask of a trained network on initial weights."""

import dataclasses

import torch
from torch import Tensor

from sparse.inherited import DENSE_CELL, inherited_weights
from sparse.methods import METHODS
from sparse.scope import IGNORES_ALLOCATION, ignored_by, kept, scope_option
from sparse.scores import magnitude
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LthOptions:
    """Options of lth."""

    scope: str = scope_option()


@METHODS.register(
    "lth",
    summary="a one-shot lottery ticket: the largest weights of the trained dense network, at init",
    options=LthOptions,
    ignores=[IGNORES_ALLOCATION],
    needs=[{"cell": DENSE_CELL, "artifact": "final"}],
    source="Frankle and Carbin 2019, section 2, in one shot; as in Xiao et al. 2024 (hard samples)",
)
class LTH(Sparsifier):
    """Keeps what is largest in a trained network, and trains it from its own initial weights.

    The trained network is the artifact `final`: the dense cell with the same fields and so the same
    initial weights.
    """

    Options = LthOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation when weights are ranked over all layers together."""
        return ignored_by(self.options.scope)

    @torch.no_grad()
    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of the largest weights of the trained network."""
        trained = inherited_weights(self.context, "final")
        scores = {name: magnitude(weight) for name, weight in trained.items()}
        return kept(scores, self.options.scope, self.target(), self.allocated_counts())
