"""Models: one file each, registered by name.

A model is a function ``(options, input_shape, classes) -> nn.Module`` that takes a batch
(n, *input_shape) to logits (n, classes).
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from sparse.options import build_options
from sparse.registry import Registry

MODELS = Registry("model", "sparsesweep.models")
"""Every model a grid may name. The trait ``stackable`` marks those built as an ``MLP``."""


def build_model(
    name: str, options: Mapping[str, Any], input_shape: tuple[int, ...], classes: int
) -> nn.Module:
    """A freshly initialised model.

    Draws from torch's global generator, as ``nn.Module`` constructors do: call it inside
    :func:`trainer.seeding.seeded_globals`.

    Raises:
        ValueError: for a model or an option that does not exist, or a shape the model cannot take.
    """
    entry = MODELS.get(name)
    assert entry.options is not None
    model: nn.Module = entry.target(
        build_options(entry.options, options, f"model {name}"), input_shape, classes
    )
    return model


from trainer.models import convnet, mlp  # noqa: E402, F401  (they register themselves)
