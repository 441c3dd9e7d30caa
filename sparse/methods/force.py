"""force: prune in rounds by the sensitivity after pruning, so that weights may come back."""

import dataclasses

from torch import Tensor

from sparse.methods import METHODS
from sparse.scoring.criteria import force_masks, placed, positions_option
from sparse.scoring.scoring_options import RoundsScoring
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ForceOptions(RoundsScoring):
    """Options of force."""

    positions: str = positions_option()


@METHODS.register(
    "force",
    summary="prune before training in rounds by |initial weight * gradient of the pruned network|",
    options=ForceOptions,
    ignores=[{"field": "allocation", "when": None}],
    source="de Jorge et al. 2021 (FORCE), section 4 and algorithm 1",
)
class FORCE(Sparsifier):
    """Looks for the mask under which the remaining weights matter most.

    Every round scores all weights by their initial values and by the gradient of the network that
    the round before has left, so that what was pruned too early returns. One round is snip.
    """

    Options = ForceOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation: the layers' densities follow from the scores."""
        return ("allocation",)

    def initial_masks(self) -> dict[str, Tensor]:
        """Prune in rounds and return the masks of the last."""
        masks = force_masks(
            self.context,
            self.target(),
            rounds=self.options.rounds,
            batches=self.options.batches,
        )
        return placed(masks, self.options.positions, self.context)
