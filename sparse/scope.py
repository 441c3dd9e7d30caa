"""Which weights compete with each other when some are pruned: the option `scope`.

Weights are ranked over all layers together ("global"), where the allocation has no say, or within
each layer to the count that the allocation gives it ("layer").
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sparse.options import option
from sparse.select import largest, largest_global, refuse_nan

IGNORES_ALLOCATION: Mapping[str, Any] = {"field": "allocation", "when": {"scope": "global"}}
"""The rule in the trait `ignores` of a method with the option; `ignored_by` says the same."""


def scope_option() -> Any:
    """Declare the option whose value `kept` and `ignored_by` take."""
    return option(
        "global",
        choices=["global", "layer"],
        help="rank weights over all layers together, or within layers to the allocated densities",
    )


def ignored_by(scope: str) -> tuple[str, ...]:
    """Return what `Sparsifier.ignored_fields` is to return: allocation with "global"."""
    return ("allocation",) if scope == "global" else ()


def kept(
    scores: Mapping[str, Tensor], scope: str, target: int, counts: Mapping[str, int]
) -> dict[str, Tensor]:
    """Return masks (bool) of the largest scores, by layer name; a NaN is a ValueError.

    Over all layers together exactly `target` are kept, one in each layer at least. Within layers
    each keeps exactly its count; what does not apply is not looked at.
    """
    if scope == "global":
        return largest_global(scores, target)
    refuse_nan(scores)
    return {name: largest(values, counts[name], checked=True) for name, values in scores.items()}


def active_only(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the scores (0 or more) with -1, below all of them, where the mask is 0 or false."""
    return scores.masked_fill(mask == 0, -1)
