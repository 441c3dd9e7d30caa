"""iter_snip: snip in many rounds, each on what the ones before have left."""

import dataclasses

from torch import Tensor

from sparse.methods import METHODS
from sparse.scoring.criteria import iter_snip_masks, placed, positions_option
from sparse.scoring.scoring_options import RoundsScoring
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class IterSnipOptions(RoundsScoring):
    """Options of iter_snip."""

    positions: str = positions_option()


@METHODS.register(
    "iter_snip",
    summary="prune before training by snip in rounds, each on what is left",
    options=IterSnipOptions,
    ignores=[{"field": "allocation", "when": None}],
    source="de Jorge et al. 2021 (FORCE), section 4, Iterative SNIP",
)
class IterSNIP(Sparsifier):
    """Scores |w * dL/dw| again after every round; a pruned weight never returns.

    Scores taken once say little about a network of which most is gone; taken anew in between, they
    keep layers connected at low densities. One round is snip.
    """

    Options = IterSnipOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation: the layers' densities follow from the scores."""
        return ("allocation",)

    def initial_masks(self) -> dict[str, Tensor]:
        """Prune in rounds and return the masks of the last."""
        masks = iter_snip_masks(
            self.context,
            self.target(),
            rounds=self.options.rounds,
            batches=self.options.batches,
        )
        return placed(masks, self.options.positions, self.context)
