"""synflow: prune before training in rounds, without data, so that a path is always left."""

import dataclasses

from torch import Tensor

from sparse.methods import METHODS
from sparse.scoring.criteria import placed, positions_option, synflow_masks
from sparse.scoring.scoring_options import SynflowScoring
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SynFlowOptions(SynflowScoring):
    """Options of synflow."""

    positions: str = positions_option()


@METHODS.register(
    "synflow",
    summary="prune before training in rounds by what flows through a weight; needs no data",
    options=SynFlowOptions,
    ignores=[{"field": "allocation", "when": None}],
    source="Tanaka et al. 2020 (SynFlow), algorithm 1",
)
class SynFlow(Sparsifier):
    """Keeps the weights with the largest |w * dR/dw|, R being the network's outputs for ones.

    R is summed with absolute weights. The scores of all layers of a chain then have the same sum,
    so that the fewer weights a layer has left, the more each is worth: none vanishes while another
    has weights to spare. That holds only because scores are taken anew in every round.
    """

    Options = SynFlowOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation: the layers' densities follow from the scores."""
        return ("allocation",)

    def initial_masks(self) -> dict[str, Tensor]:
        """Prune in rounds and return the masks of the last."""
        masks = synflow_masks(self.context, self.target(), rounds=self.options.rounds)
        return placed(masks, self.options.positions, self.context)
