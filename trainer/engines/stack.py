"""The ``stack`` engine: many perceptrons stepped as one batched program.

On the CPU in the exact tier this is the only engine for them, alone as a stack of one.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from grids.cell import Cell
from sparse.context import Layer
from sparse.scoring.flow import flow
from trainer.data.bundle import Batch
from trainer.engines.base import CellState, Engine, LayerView
from trainer.engines.layout import StackLayout
from trainer.engines.stacked_activations import stacked_activations
from trainer.engines.stacked_mlp import StackedMLP
from trainer.engines.stacked_optim import make_stacked_optimizer
from trainer.models.mlp import MLP
from trainer.network import Network, frozen_copy
from trainer.recipe import Recipe
from trainer.workload import Workload


class StackEngine(Engine):
    """N cells in stacked tensors; row n is cell n."""

    name = "stack"

    def __init__(self, workload: Workload, cells: Sequence[Cell]) -> None:
        super().__init__(workload, cells)
        models = [_as_mlp(workload.build_model(cell.seed)) for cell in self.cells]
        self._template = models[0]
        options = self._template.options
        weights, biases = _stack_parameters(models)
        depth = len(weights)
        layout = StackLayout([tensor.shape[1:] for tensor in (*weights, *biases)])
        parameters = layout.gather([*weights, *biases])
        gradients, masks = torch.zeros_like(parameters), torch.ones_like(parameters)
        self._layout = layout
        self._buffer = parameters
        self._parameters = layout.views(parameters)
        self._gradients = layout.views(gradients)
        self._masks = layout.views(masks)[:depth]
        self._program = StackedMLP(
            self._parameters[:depth],
            self._parameters[depth:],
            stacked_activations(options.activation, depth - 1, options.alpha),
            workload.recipe.label_smoothing,
            self._gradients,
        )
        self._optimizer = make_stacked_optimizer(
            parameters, gradients, masks, [Recipe.of(cell) for cell in self.cells]
        )
        self._names = [f"layers.{index}.weight" for index in range(depth)]
        self._names += [f"layers.{index}.bias" for index in range(depth)]

    def layers(self, n: int) -> Sequence[Layer]:
        """Row ``n`` of every weight matrix."""
        return [self._layer(n, index) for index in range(len(self._masks))]

    @torch.no_grad()
    def backward(self, batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        """All cells' forward and backward pass in a handful of batched kernels."""
        return self._program.backward(self._prepared(batch[0]), batch[1])

    @torch.no_grad()
    def input_gradients(
        self, batch: Batch, *, step: int, training: bool = False, track: bool = False
    ) -> Tensor:
        """Written out too. A perceptron is the same in training mode and has no statistics."""
        gradients = self._program.input_gradients(self._prepared(batch[0]), batch[1])
        gradients = gradients.view(batch[0].shape)
        normalise = self.workload.bundle.normalise
        return gradients if normalise is None else gradients.mul_(normalise.scale)

    @torch.no_grad()
    def clip(self, max_norm: float) -> None:
        """Scale each row by its own norm; biases are (N, 1, O), so all have three dimensions."""
        norms = [torch.linalg.vector_norm(gradient, dim=(1, 2)) for gradient in self._gradients]
        total = torch.linalg.vector_norm(torch.stack(norms, 1), dim=1)
        scale = (max_norm / (total + 1e-6)).clamp_max_(1.0).view(-1, 1, 1)
        for gradient in self._gradients:
            gradient.mul_(scale)

    @torch.no_grad()
    def optimizer_step(self, rate_factor: float) -> None:
        """One update of every row, the mask inside it."""
        self._optimizer.step(rate_factor)

    @torch.no_grad()
    def logits(self, inputs: Tensor) -> Tensor:
        """Logits (N, b, classes) of inputs shared by all rows."""
        flat = self.workload.bundle.standardised(inputs).flatten(1)
        return self._program.logits(flat.unsqueeze(0).expand(len(self.cells), -1, -1))

    def module(self, n: int) -> nn.Module:
        """A perceptron with the weights of row ``n``."""
        workload = self.workload
        model = copy.deepcopy(self._template)
        model.load_state_dict(self.weights(n))
        recipe = Recipe.of(self.cells[n])
        return frozen_copy(Network(model, workload.bundle, recipe, workload.device))

    def loss(
        self,
        n: int,
        batch: Batch,
        weights: Mapping[str, Tensor] | None = None,
        *,
        temperature: float = 1.0,
    ) -> Tensor:
        """Loss of row ``n`` alone, through the ordinary module: the same for every stack."""
        own = {name: self._row(n, index) for index, name in self._numbered()}
        ready = self.workload.bundle.standardised(batch[0])
        logits = functional_call(self._template, {**own, **(weights or {})}, (ready,))
        smoothing = self.workload.recipe.label_smoothing
        return F.cross_entropy(logits / temperature, batch[1], label_smoothing=smoothing)

    def flow(self, n: int, weights: Mapping[str, Tensor]) -> Tensor:
        """SynFlow's objective of row ``n`` alone, through the ordinary module."""
        own = {name: self._row(n, index) for index, name in self._numbered()}
        return flow(self._template, self.workload.example(), weights, own)

    def live(self) -> list[Tensor]:
        """The one buffer of all parameters; a perceptron has no others."""
        return [self._buffer]

    def weights(self, n: int) -> dict[str, Tensor]:
        """Copies of row ``n`` of the weights and biases; a perceptron has no buffers."""
        return {name: self._row(n, index).to("cpu", copy=True) for index, name in self._numbered()}

    @torch.no_grad()
    def load_weights(self, n: int, weights: Mapping[str, Tensor]) -> None:
        """Put weights and biases into row ``n``."""
        for index, name in self._numbered():
            self._row(n, index).copy_(weights[name])

    def cell_state(self, n: int) -> CellState:
        """Copies of row ``n`` of everything."""
        return {
            "engine": self.name,
            "steps": self._optimizer.steps,
            "model": self.weights(n),
            "slots": {
                name: {slot: view.to("cpu", copy=True) for slot, view in self._slots(n, i).items()}
                for i, name in self._numbered()
            },
            "masks": {layer.name: layer.mask.to("cpu", copy=True) for layer in self.layers(n)},
        }

    @torch.no_grad()
    def load_cell_state(self, n: int, state: CellState) -> None:
        """Put a row back, in this or another stack of cells that are equally far."""
        self._optimizer.steps = state["steps"]
        self.load_weights(n, state["model"])
        for index, name in self._numbered():
            for slot, view in self._slots(n, index).items():
                view.copy_(state["slots"][name][slot])
        for layer in self.layers(n):
            layer.mask.copy_(state["masks"][layer.name])

    def _prepared(self, inputs: Tensor) -> Tensor:
        return self.workload.bundle.standardised(inputs).flatten(2)

    def _numbered(self) -> list[tuple[int, str]]:
        return list(enumerate(self._names))

    def _layer(self, n: int, index: int) -> LayerView:
        bias = len(self._masks) + index
        return LayerView(
            name=self._names[index],
            transposed=False,
            weight=self._parameters[index][n],
            mask=self._masks[index][n],
            read_gradient=lambda: self._gradients[index][n],
            read_slots=lambda: self._slots(n, index),
            bias=self._row(n, bias),
            read_bias_slots=lambda: self._slots(n, bias),
        )

    def _row(self, n: int, index: int) -> Tensor:
        row = self._parameters[index][n]
        return row if index < len(self._masks) else row[0]

    def _slots(self, n: int, index: int) -> dict[str, Tensor]:
        buffers = self._optimizer.slots(n)
        slots = {name: self._layout.views(slot)[index][n] for name, slot in buffers.items()}
        if index < len(self._masks):
            return slots
        return {name: slot[0] for name, slot in slots.items()}


def _as_mlp(model: nn.Module) -> MLP:
    if not isinstance(model, MLP):
        raise TypeError(f"the stack engine steps MLPs, not {type(model).__name__}")
    return model


def _stack_parameters(models: Sequence[MLP]) -> tuple[list[Tensor], list[Tensor]]:
    # Layer by layer: weights (N, out, in) and biases (N, 1, out).
    layers = [[cast(nn.Linear, layer) for layer in model.layers] for model in models]
    weights = [
        torch.stack([own.weight.detach() for own in level]) for level in zip(*layers, strict=True)
    ]
    biases = [
        torch.stack([own.bias.detach()[None] for own in level])
        for level in zip(*layers, strict=True)
    ]
    return weights, biases
