"""The allocations, one file per family; importing this package registers them all.

An allocation is a function `(network, options)` that returns a real-valued budget of weights per
layer, in the order of `network.shapes`: between 1 and the layer's size, and `network.target` in
sum. Traits: `ignores` is [{"field": "density", "when": None}] for one that decides the sum itself,
else []; `scores` says whether it ranks weights, through `network.context`; `source` names its
paper.
"""

from sparse.registry import Registry, import_modules

ALLOCATIONS = Registry("allocation", "sparsesweep.allocations")

import_modules(__name__, __path__)
