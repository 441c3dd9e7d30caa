"""The options of dynamic methods that leave a choice of rules: what drops, what grows and where.

Every combination of a drop, a growth and a redistribution rule is legal. Options that mean nothing
with the chosen rules are refused by their relations.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sparse.dynamic.update_options import UpdateOptions, redefined
from sparse.options import option

DROPS = ("magnitude", "signed", "taylor", "threshold")
GROWTHS = (
    "random",
    "gradient",
    "momentum",
    "random_unexplored",
    "stale_gradient",
    "candidates",
    "gradient_then_random",
    "gradient_subset",
)
REDISTRIBUTIONS = ("none", "momentum", "magnitude", "nonzeros")
BY_FRACTION = ["magnitude", "signed", "taylor"]
PHASED = ["stale_gradient", "candidates", "gradient_then_random"]
_SHARE = {"drop": BY_FRACTION}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TopologyOptions(UpdateOptions):
    """The shared options; a method's own options extend them and may have other defaults."""

    drop: str = option(
        "magnitude",
        choices=DROPS,
        help="smallest |w|; smallest of each sign; smallest |w * gradient|; |w| < drop_threshold",
    )
    drop_fraction: float = redefined(UpdateOptions, "drop_fraction", only_with=_SHARE)
    anneal: str = redefined(UpdateOptions, "anneal", only_with=_SHARE)
    final_drop_fraction: float = redefined(UpdateOptions, "final_drop_fraction", only_with=_SHARE)
    anneal_stop: float | None = redefined(UpdateOptions, "anneal_stop", only_with=_SHARE)
    drop_threshold: float = option(
        0.001, gt=0, only_with={"drop": "threshold"}, help="|w| below which drop: threshold drops"
    )
    growth: str = option(
        "gradient",
        choices=GROWTHS,
        help="which inactive weights become active: at random, by |gradient| or its running mean,"
        " never-active ones first, by the gradient of an early step, among early candidates, by"
        " |gradient| and later at random, or by |gradient| among some drawn at random",
    )
    dense_until: float = option(
        0.1,
        ge=0,
        le=1,
        only_with={"growth": PHASED},
        help="fraction of the run in which stale_gradient, candidates and gradient_then_random see"
        " all gradients; but for the last, the first update always does",
    )
    candidate_factor: int = option(
        4,
        ge=1,
        only_with={"growth": "candidates"},
        help="candidates at an update: this many times as many as grow, by |gradient|",
    )
    subset_factor: float = option(
        1.0,
        gt=0,
        le=1000,
        only_with={"growth": "gradient_subset"},
        help="inactive weights that an update of gradient_subset looks at, over the active ones",
    )
    redistribution: str = option(
        "none",
        choices=REDISTRIBUTIONS,
        help="regrow in the layer itself, or share by mean |running gradient|, mean |w| or counts",
    )
    momentum: float = option(
        0.9,
        ge=0,
        lt=1,
        only_with=[{"growth": "momentum"}, {"redistribution": "momentum"}],
        help="weight of the past in the running mean of the dense gradient, per optimizer step",
    )


def shared_option(
    name: str,
    default: Any,
    *,
    only_with: Mapping[str, Any] | None = None,
    unless: Mapping[str, Any] | None = None,
) -> Any:
    """Return a shared option with another default, for the options of a method.

    `only_with` and `unless` are those of `redefined`.
    """
    return redefined(TopologyOptions, name, default, only_with=only_with, unless=unless)
