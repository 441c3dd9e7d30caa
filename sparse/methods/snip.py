"""snip: prune once before training, keeping the weights that the loss depends on most."""

import dataclasses

from torch import Tensor

from sparse.methods import METHODS
from sparse.scoring.criteria import placed, positions_option, snip_masks
from sparse.scoring.scoring_options import SnipScoring
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SnipOptions(SnipScoring):
    """Options of snip."""

    positions: str = positions_option()


@METHODS.register(
    "snip",
    summary="prune once before training by |weight * gradient|, over all layers together",
    options=SnipOptions,
    ignores=[{"field": "allocation", "when": None}],
    source="Lee et al. 2019 (SNIP), section 4 and algorithm 1",
)
class SNIP(Sparsifier):
    """Keeps the weights with the largest |w * dL/dw| at the real initial weights.

    The selection is over all layers together, exact, with at least one weight per layer. Scores are
    not taken on re-drawn weights, as some ports do; positions are drawn again only when asked for.
    """

    Options = SnipOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation: the layers' densities follow from the scores."""
        return ("allocation",)

    def initial_masks(self) -> dict[str, Tensor]:
        """Score with training batches and return the masks."""
        masks = snip_masks(self.context, self.target(), batches=self.options.batches)
        return placed(masks, self.options.positions, self.context)
