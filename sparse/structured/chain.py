"""Units between the layers of a chain: each layer feeds the next one, and a unit joins the two.

Unit j of a layer is row j of its weight (out, in, ...), a neuron or a channel. The next layer reads
it in its inputs [j * s, (j + 1) * s); s is 1, or the places of a channel that was flattened.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from sparse.context import Layer
from sparse.storage import storage_of


def refuse_other_than_chain(layers: Sequence[Layer], method: str) -> None:
    """Raise a ValueError unless every layer has as many outputs as the next one reads.

    Seen are the shapes alone: layers in another order than they are applied, or with a shortcut
    around them, may pass.
    """
    for layer, following in pairwise(layers):
        shape, following_shape = storage_of(layer).shape, storage_of(following).shape
        units, inputs = shape[0], following_shape[1]
        flattened = len(shape) > 2 and len(following_shape) == 2
        if inputs != units and not (flattened and inputs % units == 0):
            raise ValueError(
                f"{method} needs layers that feed each other in a chain, but {layer.name} has"
                f" {units} outputs and {following.name} after it reads {inputs} inputs"
            )


def strengths(layer: Layer, following: Layer, *, score: str, normalise: bool) -> Tensor:
    """Return how strongly each unit of a layer is connected, (units,) in float64.

    score: "in" sums |w| of the weights that lead to the unit, "out" of those that the next layer
    reads it with, "both" adds the two. `normalise` takes means over the active weights instead of
    sums, 0 where there are none (Curci et al. 2021 sum over "in").
    """
    into, onward = storage_of(layer), storage_of(following)
    units = into.shape[0]
    total = torch.zeros(units, dtype=torch.float64, device=into.device)
    if score != "out":
        degree = into.output_degrees().clamp_min(1)
        total += into.output_strengths() / (degree if normalise else 1)
    if score != "in":
        degree = onward.input_degrees(units).clamp_min(1)
        total += onward.input_strengths(units) / (degree if normalise else 1)
    return total


def degrees(layer: Layer, following: Layer) -> tuple[Tensor, Tensor]:
    """Return how many active weights lead to each unit of a layer, and lead on from it, (units,).

    Every place of a kernel counts, and every place of a channel that was flattened.
    """
    incoming = storage_of(layer).output_degrees()
    return incoming, storage_of(following).input_degrees(len(incoming))
