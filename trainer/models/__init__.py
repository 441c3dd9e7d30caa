"""Models: one file each, registered by name.

A model is a function ``(options, input_shape, classes) -> nn.Module`` that takes a batch
(n, *input_shape) to logits (n, classes).
"""

import dataclasses

from sparse.registry import Registry, import_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ModelTraits:
    """The traits of a model.

    Attributes:
        stackable: whether it is built as an ``MLP``.
        widths: name of the option that holds the width of the layers, or a list of widths, where a
            narrower model of the same kind can be built.
        chain: whether its maskable layers, in their order, feed each other and nothing else.
    """

    stackable: bool = False
    widths: str | None = None
    chain: bool = False


MODELS = Registry("model", "sparsesweep.models", traits=ModelTraits)
"""Every model a grid may name."""

import_modules(__name__, __path__)
