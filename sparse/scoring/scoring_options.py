"""The options of scores before training, each with its default: methods extend them.

The allocations of the same names have them as they are.
"""

import dataclasses

from sparse.options import option


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SnipScoring:
    """How snip scores."""

    batches: int = option(
        1, ge=1, help="training batches whose gradients are summed for the scores"
    )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class RoundsScoring:
    """How iter_snip and force score."""

    rounds: int = option(
        60, ge=1, help="rounds of pruning, each of which leaves the same share fewer"
    )
    batches: int = option(
        1,
        ge=1,
        help="training batches of every round whose gradients are summed, different in each",
    )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class GraspScoring:
    """How grasp scores."""

    batches: int = option(
        2, ge=1, help="training batches over which gradient and Hessian are summed"
    )
    temperature: float = option(200.0, gt=0, help="divides the logits before the loss")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SynflowScoring:
    """How synflow scores."""

    rounds: int = option(100, ge=1, help="rounds of pruning, each cutting the same share")
