"""What another network left for the maskable weights of this one, checked and on its device."""

from collections.abc import Mapping

from torch import Tensor

from sparse.context import Context

DENSE_CELL: Mapping[str, str] = {"method": "dense", "density": "1", "allocation": "erk"}
"""The fields, in a rule of the trait `needs`, of the dense cell that is otherwise the same."""


def inherited_weights(context: Context, name: str) -> dict[str, Tensor]:
    """Return the weights of an artifact by layer name.

    name: of the artifact, such as "final". A ValueError when it was not given, or is of another
    model.
    """
    return _fitting(context, name, context.artifact(name))


def inherited_masks(context: Context, name: str) -> dict[str, Tensor]:
    """Return the masks (bool) of an artifact by layer name; errors as in `inherited_weights`."""
    return _fitting(context, name, context.artifact_masks(name))


def _fitting(context: Context, name: str, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    missing = [layer.name for layer in context.layers if layer.name not in given]
    if missing:
        raise ValueError(f"the {name} is of another model: it has no {', '.join(missing)}")
    for layer in context.layers:
        here, there = tuple(layer.weight.shape), tuple(given[layer.name].shape)
        if here != there:
            text = f"{layer.name} has the shape {there} there and {here} here"
            raise ValueError(f"the {name} is of another model: {text}")
    return {layer.name: given[layer.name].to(layer.weight.device) for layer in context.layers}
