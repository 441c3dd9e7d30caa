"""lth: a lottery ticket found in one shot, the mask of a trained network on initial weights."""

import dataclasses

import torch
from torch import Tensor

from sparse.inherited import inherited_weights
from sparse.methods import METHODS
from sparse.options import option
from sparse.scores import magnitude
from sparse.select import largest, largest_global
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LthOptions:
    """Options of lth."""

    scope: str = option(
        "global",
        choices=["global", "layer"],
        help="rank weights over all layers together, or within layers to the allocated densities",
    )


@METHODS.register(
    "lth",
    summary="a one-shot lottery ticket: the largest weights of the trained dense network, at init",
    options=LthOptions,
    stored_weights="masked",
    density="exact",
    changes_shape=False,
    stackable=True,
    dynamic=False,
    ignores=[{"field": "allocation", "when": {"scope": "global"}}],
    needs=[{"cell": {"method": "dense", "density": "1", "allocation": "erk"}, "artifact": "final"}],
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
        return ("allocation",) if self.options.scope == "global" else ()

    @torch.no_grad()
    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of the largest weights of the trained network."""
        trained = inherited_weights(self.context, "final")
        scores = {name: magnitude(weight) for name, weight in trained.items()}
        if self.options.scope == "global":
            return largest_global(scores, self.target())
        counts = self.allocated_counts()
        return {name: largest(values, counts[name]) for name, values in scores.items()}
