"""Models built from the words of a cell: as it names them, or narrowed to a weight count."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from sparse.narrow import maskable_weights, narrowed_widths
from trainer.models import MODELS


def build_model(
    name: str, options: Mapping[str, Any], input_shape: tuple[int, ...], classes: int
) -> nn.Module:
    """A freshly initialised model.

    Draws from torch's global generator, as ``nn.Module`` constructors do: call it inside
    :func:`trainer.seeding.seeded_globals`.

    Raises:
        ValueError: for a model or an option that does not exist, or a shape the model cannot take.
    """
    model: nn.Module = MODELS.get(name).build(options, input_shape, classes)
    return model


def narrowed_options(
    name: str,
    options: Mapping[str, Any],
    density: str,
    input_shape: tuple[int, ...],
    classes: int,
) -> tuple[dict[str, Any], int]:
    """The options of the dense model with as many weights as a density keeps of this one.

    Returns:
        The options, and the number of maskable weights of the full model.

    Raises:
        ValueError: for a model without the trait ``widths``, or a density that is too small.
    """
    entry = MODELS.get(name)
    option = entry.traits.get("widths")
    if option is None:
        raise ValueError(f"model {name} does not say how to narrow it: it has no trait 'widths'")

    given = getattr(entry.chosen(options), option)
    full = (given,) if isinstance(given, int) else given

    def narrower(widths: tuple[int, ...]) -> dict[str, Any]:
        return {**options, option: widths[0] if isinstance(given, int) else widths}

    def build(widths: tuple[int, ...]) -> nn.Module:
        return build_model(name, narrower(widths), input_shape, classes)

    return narrower(narrowed_widths(full, density, build)), maskable_weights(build, full)
