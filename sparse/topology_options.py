"""The options that all dynamic methods share: which rules an update has, and when it is due.

Every combination of a drop, a growth and a redistribution rule is legal. Options that mean nothing
with the chosen rules are refused by their relations.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sparse.options import option

DROPS = ("magnitude", "signed", "taylor", "threshold")
GROWTHS = (
    "random",
    "gradient",
    "momentum",
    "random_unexplored",
    "stale_gradient",
    "candidates",
)
REDISTRIBUTIONS = ("none", "momentum", "magnitude", "nonzeros")
BY_FRACTION = ["magnitude", "signed", "taylor"]
PHASED = ["stale_gradient", "candidates"]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TopologyOptions:
    """The shared options; a method's own options extend them and may have other defaults."""

    drop: str = option(
        "magnitude",
        choices=DROPS,
        help="smallest |w|; smallest of each sign; smallest |w * gradient|; |w| < drop_threshold",
    )
    drop_fraction: float = option(
        0.3,
        gt=0,
        lt=1,
        only_with={"drop": BY_FRACTION},
        help="share of a layer's active weights dropped at the first topology update",
    )
    anneal: str = option(
        "cosine",
        choices=["constant", "cosine"],
        only_with={"drop": BY_FRACTION},
        help="keep the drop fraction, or let it fall to final_drop_fraction at update_stop",
    )
    final_drop_fraction: float = option(
        0.0,
        ge=0,
        lt=1,
        at_most="drop_fraction",
        only_with={"anneal": "cosine", "drop": BY_FRACTION},
        help="drop fraction at update_stop; used by anneal: cosine",
    )
    drop_threshold: float = option(
        0.001, gt=0, only_with={"drop": "threshold"}, help="|w| below which drop: threshold drops"
    )
    growth: str = option(
        "gradient",
        choices=GROWTHS,
        help="which inactive weights become active: at random, by |gradient| or its running mean,"
        " never-active ones first, by the gradient of an early step, or among early candidates",
    )
    dense_until: float = option(
        0.1,
        ge=0,
        le=1,
        only_with={"growth": PHASED},
        help="fraction of the run in which stale_gradient and candidates see all gradients;"
        " the first update always does",
    )
    candidate_factor: int = option(
        4,
        ge=1,
        only_with={"growth": "candidates"},
        help="candidates at an update: this many times as many as grow, by |gradient|",
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
    update_every: int = option(100, ge=1, help="optimizer steps between two topology updates")
    update_stop: float = option(1.0, gt=0, le=1, help="fraction of the run after which masks stay")


def shared_option(name: str, default: Any, *, only_with: Mapping[str, Any] | None = None) -> Any:
    """Return a shared option with another default, for the options of a method.

    `only_with` adds a condition to those that it has.
    """
    (own,) = (field for field in dataclasses.fields(TopologyOptions) if field.name == name)
    described = dict(own.metadata)
    if only_with is not None:
        described["only_with"] = {**described.get("only_with", {}), **only_with}
    return option(default, **described)
