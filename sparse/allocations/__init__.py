"""The allocations, one file per family; importing this package registers them all.

An allocation is a function `(network, options)` that returns a real-valued budget of weights per
layer, in the order of `network.shapes`: between 1 and the layer's size, and `network.target` in
sum.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sparse.registry import Registry, import_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AllocationTraits:
    """The traits of an allocation.

    ignores: [{"field": "density", "when": None}] for one that decides the sum itself, else [].
    scores: whether it ranks weights, through `network.context`.
    source: the paper that names it.
    """

    ignores: Sequence[Mapping[str, Any]] = dataclasses.field(default_factory=list)
    scores: bool = False
    source: str


ALLOCATIONS = Registry("allocation", "sparsesweep.allocations", traits=AllocationTraits)

import_modules(__name__, __path__)
