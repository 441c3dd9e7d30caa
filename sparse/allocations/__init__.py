"""The allocations, one file per family; importing this package registers them all.

An allocation is a function `(network, options)` that returns a real-valued budget of weights per
layer, in the order of `network.shapes`: between 1 and the layer's size, and `network.target` in
sum. Traits: `ignores` is [{"field": "density", "when": None}] for one that decides the sum itself,
else []; `scores` says whether it ranks weights, through `network.context`; `source` names its
paper.
"""

import importlib
import pkgutil

from sparse.registry import Registry

ALLOCATIONS = Registry("allocation", "sparsesweep.allocations")

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
