"""grasp: prune once before training, keeping the weights that carry the gradient's flow."""

import dataclasses

from torch import Tensor

from sparse.methods import METHODS
from sparse.scoring.criteria import grasp_masks, placed, positions_option
from sparse.scoring.scoring_options import GraspScoring
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class GraspOptions(GraspScoring):
    """Options of grasp."""

    positions: str = positions_option()


@METHODS.register(
    "grasp",
    summary="prune once before training what the norm of the gradient needs least",
    options=GraspOptions,
    ignores=[{"field": "allocation", "when": None}],
    source="Wang et al. 2020 (GraSP), section 4 and algorithms 1 and 2",
)
class GraSP(Sparsifier):
    """Removes the weights with the largest S = -w * (H g), g being the gradient, H the Hessian.

    To first order S is half of what the squared norm of the gradient gains when the weight goes.
    The selection is over all layers together, with at least one weight per layer.
    """

    Options = GraspOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation: the layers' densities follow from the scores."""
        return ("allocation",)

    def initial_masks(self) -> dict[str, Tensor]:
        """Score with training batches and return the masks."""
        masks = grasp_masks(
            self.context,
            self.target(),
            batches=self.options.batches,
            temperature=self.options.temperature,
        )
        return placed(masks, self.options.positions, self.context)
