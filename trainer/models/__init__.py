"""Models: one file each, registered by name.

A model is a function ``(options, input_shape, classes) -> nn.Module`` that takes a batch
(n, *input_shape) to logits (n, classes).
"""

from sparse.registry import Registry, import_modules

MODELS = Registry("model", "sparsesweep.models")
"""Every model a grid may name.

The trait ``stackable`` marks those built as an ``MLP``; ``widths`` names the option that holds the
width of the layers, or a list of widths, where a narrower model of the same kind can be built;
``chain`` marks those whose maskable layers, in their order, feed each other and nothing else.
"""

import_modules(__name__, __path__)
