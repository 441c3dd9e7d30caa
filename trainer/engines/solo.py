"""The ``solo`` engine: one cell, any ``nn.Module``, ordinary autograd.

The reference for convnets on every device, and the fallback for everything that does not stack.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from grids.cell import Cell
from sparse.context import Layer
from sparse.method_traits import masks_gradients
from sparse.methods import METHODS
from sparse.optim_state import parameter_slots
from sparse.scoring.flow import flow
from sparse.targets import bias_of, find_targets
from trainer import seeding
from trainer.data.bundle import Batch
from trainer.engines.base import CellState, Engine, LayerView
from trainer.engines.one_cell import gradients_of_inputs, on_cpu, training_pass
from trainer.network import Network, frozen_copy
from trainer.optim import make_optimizer, parameter_groups
from trainer.recipe import Recipe
from trainer.workload import Workload


class SoloEngine(Engine):
    """One cell at a time in a warm worker."""

    name = "solo"

    def __init__(self, workload: Workload, cells: Sequence[Cell]) -> None:
        super().__init__(workload, cells)
        (self.cell,) = self.cells
        self.recipe = Recipe.of(self.cell)
        self.model = workload.build_model(self.cell.seed)
        self.network = Network(self.model, workload.bundle, self.recipe, workload.device)
        self.optimizer = make_optimizer(self.recipe, parameter_groups(self.model))
        parameters = dict(self.model.named_parameters())
        targets = find_targets(self.model).targets
        self._masks = {
            target.name: torch.ones_like(parameters[target.name].detach()) for target in targets
        }
        self._masked = [parameters[name] for name in self._masks]
        self._transposed = {target.name for target in targets if target.transposed}
        self._biases = {name: bias_of(name, parameters) for name in self._masks}
        self._masks_gradients = masks_gradients(METHODS.get(self.cell.method.name).traits)

    def layers(self, n: int) -> Sequence[Layer]:
        """Views of the module's maskable weights."""
        return [
            self._view(name, parameter)
            for name, parameter in zip(self._masks, self._masked, strict=True)
        ]

    def backward(self, batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        """One cell's forward and backward pass; random layers draw from a named stream."""
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        seeding.reseed_globals(self.cell.seed, "forward", step, self.workload.device)
        return training_pass(self.network, batch, self.recipe.label_smoothing)

    def input_gradients(
        self, batch: Batch, *, step: int, training: bool = False, track: bool = False
    ) -> Tensor:
        """Differentiated by autograd with regard to the inputs alone."""
        seeding.reseed_globals(self.cell.seed, "attack", step, self.workload.device)
        return gradients_of_inputs(self.network, batch, training=training, track=track)

    def clip(self, max_norm: float) -> None:
        """Clip the global gradient norm of the module."""
        nn.utils.clip_grad_norm_(self.model.parameters(), max_norm)

    @torch.no_grad()
    def optimizer_step(self, rate_factor: float) -> None:
        """Mask the gradients in one fused pass, then step."""
        if self._masks_gradients:
            gradients = [weight.grad for weight in self._masked if weight.grad is not None]
            torch._foreach_mul_(gradients, list(self._masks.values()))
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * rate_factor
        self.optimizer.step()

    @torch.no_grad()
    def logits(self, inputs: Tensor) -> Tensor:
        """Evaluation-mode logits (1, b, classes)."""
        self.network.eval()
        logits: Tensor = self.network(inputs)
        return logits.unsqueeze(0)

    def module(self, n: int) -> nn.Module:
        """A copy of the network."""
        return frozen_copy(self.network)

    def loss(
        self,
        n: int,
        batch: Batch,
        weights: Mapping[str, Tensor] | None = None,
        *,
        temperature: float = 1.0,
    ) -> Tensor:
        """Training-mode loss that leaves the running statistics alone."""
        inputs, targets = batch
        self.model.train()
        seeding.reseed_globals(self.cell.seed, "scoring", 0, self.workload.device)
        # Copied buffers take the updates of batch norm's running statistics and are thrown away.
        state = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        ready = self.network.prepared(inputs)
        logits = functional_call(self.model, {**state, **(weights or {})}, (ready,))
        smoothing = self.recipe.label_smoothing
        return F.cross_entropy(logits / temperature, targets, label_smoothing=smoothing)

    def flow(self, n: int, weights: Mapping[str, Tensor]) -> Tensor:
        """SynFlow's objective of the module."""
        return flow(self.model, self.workload.example(), weights)

    def live(self) -> list[Tensor]:
        """The module's parameters and buffers."""
        return [tensor.detach().unsqueeze(0) for tensor in self.model.state_dict().values()]

    def weights(self, n: int) -> dict[str, Tensor]:
        """Copies of the module's parameters and buffers."""
        weights: dict[str, Tensor] = on_cpu(self.model.state_dict())
        return weights

    @torch.no_grad()
    def load_weights(self, n: int, weights: Mapping[str, Tensor]) -> None:
        """Put parameters and buffers into the module."""
        self.model.load_state_dict(weights)

    def cell_state(self, n: int) -> CellState:
        """Copies of the module's, the optimizer's and the masks' tensors, on the CPU."""
        return {
            "engine": self.name,
            "model": self.weights(n),
            "optimizer": on_cpu(self.optimizer.state_dict()),
            "masks": on_cpu(self._masks),
        }

    @torch.no_grad()
    def load_cell_state(self, n: int, state: CellState) -> None:
        """Put a state back into the module, the optimizer and the masks."""
        self.load_weights(n, state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, mask in self._masks.items():
            mask.copy_(state["masks"][name])

    def _view(self, name: str, parameter: nn.Parameter) -> LayerView:
        bias = self._biases[name]
        return LayerView(
            name=name,
            transposed=name in self._transposed,
            weight=parameter.detach(),
            mask=self._masks[name],
            read_gradient=lambda: parameter.grad,
            read_slots=lambda: parameter_slots(self.optimizer, parameter),
            bias=None if bias is None else bias.detach(),
            read_bias_slots=lambda: {} if bias is None else parameter_slots(self.optimizer, bias),
        )
