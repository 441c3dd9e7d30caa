"""A perceptron of truly sparse layers, and the weights that it begins with.

Nothing here has the size of a dense weight matrix, but where the matrix is small.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparse.csr.linear import SparseLinear
from sparse.csr.mlp import SparseMLP
from trainer import seeding
from trainer.building import build_model
from trainer.models.mlp import MLP
from trainer.workload import Workload

CHUNK = 2**16
"""Dense weights that are drawn at once, in whole rows: what one pass keeps in memory."""


def csr_perceptron(workload: Workload) -> SparseMLP:
    """The network of a workload without any active weight; its dense twin is never allocated."""
    bundle = workload.bundle
    with torch.device("meta"):
        model = build_model(
            workload.model, workload.model_options, bundle.input_shape, bundle.classes
        )
    if not isinstance(model, MLP):
        raise TypeError(f"the csr engine steps MLPs, not {type(model).__name__}")
    shapes = [layer.weight.shape for layer in model.layers if isinstance(layer, nn.Linear)]
    layers = [_without_weights(outputs, inputs) for outputs, inputs in shapes]
    return SparseMLP(layers, [*model.activations])


class FirstWeights:
    """The weights of a masked cell when it begins, where the sparse one is active.

    The dense weights are drawn in chunks of rows from the same named stream, and all but the active
    ones are thrown away, so that time follows the dense size and memory does not. Biases are drawn
    in between and put into the layers.

    Args:
        layers: those of the network, in order.
        seed: the cell's.
    """

    def __init__(self, layers: Sequence[SparseLinear], seed: int) -> None:
        self._layers = layers
        self._seed = seed
        self._next = 0
        self._generator = seeding.generator(seed, "weights")

    @torch.no_grad()
    def of(self, index: int, positions: Tensor) -> Tensor:
        """The weights of a layer at flat positions, ascending; every layer once, in order."""
        if index != self._next:
            raise ValueError(f"layer {index} begins, but layer {self._next} is the next to begin")
        self._next += 1
        layer = self._layers[index]
        values = self._drawn(layer.shape, positions)
        bound = 1.0 / math.sqrt(layer.in_features)
        if layer.bias is not None:
            nn.init.uniform_(layer.bias, -bound, bound, generator=self._generator)
        return values

    def _drawn(self, shape: tuple[int, int], positions: Tensor) -> Tensor:
        outputs, inputs = shape
        rows = max(1, CHUNK // inputs)
        starts = range(0, outputs, rows)
        ends = torch.tensor([min(start + rows, outputs) * inputs for start in starts])
        counts = torch.searchsorted(positions, ends).diff(prepend=torch.zeros(1, dtype=torch.int64))
        values = []
        for start, inside in zip(starts, positions.split(counts.tolist()), strict=True):
            chunk = torch.empty(min(rows, outputs - start), inputs)
            # The draws of nn.Linear.
            nn.init.kaiming_uniform_(chunk, a=math.sqrt(5), generator=self._generator)
            values.append(chunk.view(-1).index_select(0, inside - start * inputs))
        return torch.cat(values)


def _without_weights(outputs: int, inputs: int) -> SparseLinear:
    none = torch.empty(0, dtype=torch.int64)
    return SparseLinear(none, torch.empty(0), (outputs, inputs), torch.zeros(outputs))
