"""The contract between the training loop and an engine.

An engine holds a *block*: cells that share a workload and step together. ``solo`` holds one cell,
``stack`` many. The loop drives every engine in the same documented order, and a sparsifier never
knows which engine it serves: it sees one cell's tensors as live views.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from torch import Tensor, nn

from grids.cell import Cell
from sparse.context import Layer
from sparse.flops import ForwardCost
from trainer.data.bundle import Batch
from trainer.engines.best import Best, BestWeights
from trainer.workload import Workload

CellState = dict[str, Any]
"""Everything an engine knows of one cell, as tensors and plain data (see ``cell_state``)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerView:
    """One maskable weight of one cell: what :class:`sparse.context.Layer` asks for.

    Attributes:
        name: the parameter's name in the model, e.g. ``"layers.0.weight"``.
        transposed: whether the weight is the kernel of a transposed convolution.
        weight, mask: live views of equal shape in the model's layout: (out, in, ...), transposed
            (in, out, ...).
        read_gradient: returns the gradient of the last backward pass, or ``None`` before the first.
        read_slots: returns the optimizer's per-weight slots by name.
        bias: live view of the layer's bias (out,), never masked; ``None`` where it has none.
        read_bias_slots: returns the optimizer's slots of the bias by name.
    """

    name: str
    transposed: bool
    weight: Tensor
    mask: Tensor
    read_gradient: Callable[[], Tensor | None]
    read_slots: Callable[[], Mapping[str, Tensor]]
    bias: Tensor | None
    read_bias_slots: Callable[[], Mapping[str, Tensor]]

    @property
    def gradient(self) -> Tensor | None:
        """The dense gradient, before it is masked; valid in ``after_backward``."""
        return self.read_gradient()

    def slots(self) -> Mapping[str, Tensor]:
        """Views of the optimizer's slots of this weight, live until the next step."""
        return self.read_slots()

    def bias_slots(self) -> Mapping[str, Tensor]:
        """Views of the optimizer's slots of the bias, live until the next step."""
        return self.read_bias_slots()


class Engine(ABC):
    """A block of cells that step together.

    Args:
        workload: what the cells share.
        cells: the cells, in the order in which every method numbers them.
    """

    name: ClassVar[str]

    def __init__(self, workload: Workload, cells: Sequence[Cell]) -> None:
        self.workload = workload
        self.cells = tuple(cells)

    @cached_property
    def forward_cost(self) -> ForwardCost:
        """What one sample costs in the dense network of these cells."""
        return self.workload.forward_cost()

    @cached_property
    def parameters(self) -> int:
        """Parameters of the network of one of these cells, whether they are masked or not."""
        return self.workload.parameter_count()

    @cached_property
    def full_flops(self) -> int:
        """What one sample costs in the dense network that they name, in FLOPs."""
        if self.workload.full_size is None:
            return self.forward_cost.flops({})
        return self.workload.full_flops()

    @abstractmethod
    def layers(self, n: int) -> Sequence[Layer]:
        """Views of the maskable weights of cell ``n``."""

    @abstractmethod
    def backward(self, batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        """Forward and backward pass of one step.

        Args:
            batch: of all cells.
            step: which optimizer step this is, from 1.

        Returns:
            Summed loss of the batch (cells,) and which of its predictions were right (cells, b),
            bool, on the device. Gradients of the mean loss are left for ``clip`` and
            ``optimizer_step``.
        """

    @abstractmethod
    def input_gradients(
        self, batch: Batch, *, step: int, training: bool = False, track: bool = False
    ) -> Tensor:
        """The gradient of the summed cross-entropy with regard to the inputs; no other is computed.

        Args:
            batch: of all cells.
            step: the optimizer step that it precedes; names the draws of random layers.
            training: whether layers are in training mode, batch norm on the batch's statistics.
            track: whether batch norm's running statistics are moved by it.

        Returns:
            (cells, b, *input_shape) float32; in units of pixels where the inputs are such.
        """

    @abstractmethod
    def clip(self, max_norm: float) -> None:
        """Scale each cell's gradients so that their joint L2 norm is at most ``max_norm``."""

    @abstractmethod
    def optimizer_step(self, rate_factor: float) -> None:
        """Mask the gradients and take the optimizer's step.

        Args:
            rate_factor: the learning rate relative to each cell's ``lr``.

        Weights and slots that are zero off-mask before stay zero off-mask, because what is inactive
        receives a zero gradient and decays from zero to zero. That is the re-masking of the loop,
        at the price of reading the mask once, or at none where an engine passes over what is
        inactive.
        """

    @abstractmethod
    def logits(self, inputs: Tensor) -> Tensor:
        """Evaluation-mode outputs (cells, b, classes) of inputs (b, *input_shape) shared by all."""

    @abstractmethod
    def module(self, n: int) -> nn.Module:
        """The network of cell ``n`` as a module of its own, a copy in evaluation mode.

        It takes inputs (b, *input_shape) as a split holds them to logits (b, classes); no parameter
        takes part in differentiation.
        """

    @abstractmethod
    def loss(
        self,
        n: int,
        batch: Batch,
        weights: Mapping[str, Tensor] | None = None,
        *,
        temperature: float = 1.0,
    ) -> Tensor:
        """Mean training loss of cell ``n`` on a batch, differentiable in ``weights``.

        Args:
            weights: replaces parameters by name; the rest is the cell's own.
            temperature: divides the logits.
        """

    @abstractmethod
    def flow(self, n: int, weights: Mapping[str, Tensor]) -> Tensor:
        """SynFlow's objective of cell ``n`` (:func:`sparse.flow.flow`)."""

    @abstractmethod
    def live(self) -> list[Tensor]:
        """Every parameter and buffer of all cells, (cells, ...), as live views in a fixed order."""

    def keeper(self) -> Best:
        """What keeps the weights of each cell's best epoch aside."""
        return BestWeights(self.live())

    @abstractmethod
    def weights(self, n: int) -> dict[str, Tensor]:
        """Copies, on the CPU, of the parameters and buffers of cell ``n`` by the model's names."""

    @abstractmethod
    def load_weights(self, n: int, weights: Mapping[str, Tensor]) -> None:
        """Put parameters and buffers into cell ``n``; KeyError or RuntimeError unless all fit."""

    @abstractmethod
    def cell_state(self, n: int) -> CellState:
        """A copy of the weights, buffers, masks and optimizer slots of cell ``n``."""

    @abstractmethod
    def load_cell_state(self, n: int, state: CellState) -> None:
        """Put back what ``cell_state`` returned, in this or another block."""
