"""The ``csr`` engine: one cell whose layers store their active weights and nothing else.

It runs the cells with ``recipe.storage: csr``, and only them. No dense weight, gradient, mask or
optimizer slot exists; masks are those of the masked cell, and its curve up to rounding.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from grids.cell import Cell
from sparse.context import Layer
from sparse.csr.layer import CsrLayer
from sparse.csr.pattern import Pattern
from trainer.data.bundle import Batch
from trainer.engines.base import CellState, Engine
from trainer.engines.best import Best
from trainer.engines.csr_best import BestNetwork
from trainer.engines.csr_network import FirstWeights, csr_perceptron
from trainer.engines.one_cell import gradients_of_inputs, on_cpu, training_pass
from trainer.network import Network, frozen_copy
from trainer.optim import make_optimizer
from trainer.recipe import Recipe
from trainer.workload import Workload


class CsrEngine(Engine):
    """One cell at a time in a warm worker, on the CPU."""

    name = "csr"

    def __init__(self, workload: Workload, cells: Sequence[Cell]) -> None:
        super().__init__(workload, cells)
        (self.cell,) = self.cells
        self.recipe = Recipe.of(self.cell)
        self.model = csr_perceptron(workload)
        self.network = Network(self.model, workload.bundle, self.recipe, workload.device)
        self.optimizer = make_optimizer(self.recipe, self.model.parameters())
        self._modules = list(self.model.layers)
        first = FirstWeights(self._modules, self.cell.seed)
        self._names = [f"layers.{index}" for index in range(len(self._modules))]
        self._layers = [
            CsrLayer(f"{name}.weight", module, self.optimizer, partial(first.of, index))
            for index, (name, module) in enumerate(zip(self._names, self._modules, strict=True))
        ]

    def layers(self, n: int) -> Sequence[Layer]:
        """The truly sparse layers; they have no dense tensors to look at."""
        return tuple(self._layers)

    def backward(self, batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        """The cell's forward and backward pass, with gradients of active weights alone."""
        self.optimizer.zero_grad(set_to_none=True)
        return training_pass(self.network.train(), batch, self.recipe.label_smoothing)

    def input_gradients(
        self, batch: Batch, *, step: int, training: bool = False, track: bool = False
    ) -> Tensor:
        """Differentiated by autograd. A perceptron is the same in training mode."""
        return gradients_of_inputs(self.network, batch, training=training, track=track)

    def clip(self, max_norm: float) -> None:
        """Refused: the norm counts gradients that are not there."""
        raise ValueError("clip_norm counts gradients of inactive weights, and csr has none")

    @torch.no_grad()
    def optimizer_step(self, rate_factor: float) -> None:
        """Step; what is inactive is not there to be masked."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * rate_factor
        self.optimizer.step()

    @torch.no_grad()
    def logits(self, inputs: Tensor) -> Tensor:
        """Evaluation-mode logits (1, b, classes)."""
        logits: Tensor = self.network.eval()(inputs)
        return logits.unsqueeze(0)

    def module(self, n: int) -> nn.Module:
        """A copy of the network, truly sparse too."""
        return frozen_copy(self.network)

    def loss(
        self,
        n: int,
        batch: Batch,
        weights: Mapping[str, Tensor] | None = None,
        *,
        temperature: float = 1.0,
    ) -> Tensor:
        """Refused: scores differentiate by dense weights."""
        raise ValueError("scores of weights need dense ones, and a csr cell has none")

    def flow(self, n: int, weights: Mapping[str, Tensor]) -> Tensor:
        """Refused, as ``loss``."""
        return self.loss(n, (torch.empty(0), torch.empty(0)), weights)

    def live(self) -> list[Tensor]:
        """Values and biases (1, ...); a topology update puts other values in their place."""
        return [parameter.detach().unsqueeze(0) for parameter in self.model.parameters()]

    def keeper(self) -> Best:
        """What keeps values together with their places."""
        return BestNetwork(self)

    def weights(self, n: int) -> dict[str, Tensor]:
        """Copies of the weights, as sparse CSR tensors, and biases, by the dense model's names."""
        copies: dict[str, Tensor] = {}
        for name, module in zip(self._names, self._modules, strict=True):
            copies[f"{name}.weight"] = module.pattern().matrix(module.values.detach().clone())
            if module.bias is not None:
                copies[f"{name}.bias"] = module.bias.detach().clone()
        return copies

    @torch.no_grad()
    def load_weights(self, n: int, weights: Mapping[str, Tensor]) -> None:
        """Put weights, as ``weights`` returns them, and biases in the place of the layers' own.

        Optimizer slots stay as they are: they belong to what was there before.
        """
        for name, module in zip(self._names, self._modules, strict=True):
            given = weights[f"{name}.weight"]
            found = (given.layout, tuple(given.shape))
            if found != (torch.sparse_csr, module.shape):
                raise RuntimeError(f"{name}.weight is {found}, not a csr tensor of {module.shape}")
            starts, columns = given.crow_indices(), given.col_indices()
            places = Pattern(starts=starts, columns=columns, shape=module.shape)
            module.exchange(module.positions(), places.positions(), None, given.values())
            if module.bias is not None:
                module.bias.copy_(weights[f"{name}.bias"])

    def cell_state(self, n: int) -> CellState:
        """Copies of weights with their places, biases and optimizer slots."""
        return {
            "engine": self.name,
            "model": self.weights(n),
            "optimizer": on_cpu(self.optimizer.state_dict()),
        }

    @torch.no_grad()
    def load_cell_state(self, n: int, state: CellState) -> None:
        """Put a state back into layers and optimizer."""
        self.load_weights(n, state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
