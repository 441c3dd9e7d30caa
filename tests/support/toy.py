"""A network small enough to read, as a sparsifier sees it: tests of methods without an engine."""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import torch
from torch import Tensor

from sparse.controls.narrow import scaled_widths
from sparse.methods import METHODS
from sparse.sparsifier import Sparsifier
from sparse.stored import stored_weights_of
from tests.support.methods import fitting, own_masks


class ToyLayer:
    """A layer with one optimizer slot, filled with ones; `with_bias` gives it a bias of ones."""

    transposed = False

    def __init__(
        self, name: str, weight: Tensor, mask: Tensor | None = None, *, with_bias: bool = False
    ) -> None:
        self.name = name
        self.weight = weight.clone()
        self.mask = torch.ones_like(weight) if mask is None else mask.to(weight)
        self.gradient: Tensor | None = None
        self.slot = self.mask.clone()
        self.bias = torch.ones(len(weight)) if with_bias else None
        self.bias_slot = torch.ones(len(weight))

    def slots(self) -> Mapping[str, Tensor]:
        return {"momentum_buffer": self.slot}

    def bias_slots(self) -> Mapping[str, Tensor]:
        return {} if self.bias is None else {"momentum_buffer": self.bias_slot}


class ToyContext:
    """Some layers, a length of the run, and the loss sum(w^3) / 3, whose gradient is w^2."""

    steps_per_epoch = None

    def __init__(self, layers: list[ToyLayer], total_steps: int | None = 1000, seed: int = 0):
        self.layers = layers
        self.total_steps = total_steps
        self.seed = seed

    def generator(self, purpose: str, index: int = 0) -> torch.Generator:
        digest = hashlib.sha256(f"{self.seed}/{purpose}/{index}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))

    def scoring_batches(self, count: int) -> Iterable[Any]:
        return [1.0] * count

    def loss(
        self,
        batch: Any,
        weights: Mapping[str, Tensor] | None = None,
        *,
        temperature: float = 1.0,
        twice: bool = False,
    ) -> Tensor:
        weights = weights or {layer.name: layer.weight for layer in self.layers}
        return batch * sum((weight**3).sum() / 3 for weight in weights.values()) / temperature

    def flow(self, weights: Mapping[str, Tensor]) -> Tensor:
        return sum((weight.double() ** 3).sum() / 3 for weight in weights.values())

    def shapes_at(self, width: Decimal) -> Mapping[str, tuple[int, ...]]:
        """A chain whose first inputs and last outputs stay as many."""
        shapes = [tuple(layer.weight.shape) for layer in self.layers]
        units = [*scaled_widths([shape[0] for shape in shapes[:-1]], width), shapes[-1][0]]
        inputs = [shapes[0][1], *units]
        sides = zip(units, inputs, strict=False)
        return {layer.name: side for layer, side in zip(self.layers, sides, strict=True)}

    def extra_params(self) -> int:
        return sum(0 if layer.bias is None else len(layer.bias) for layer in self.layers)

    def artifact(self, name: str) -> Mapping[str, Tensor]:
        """What another network left, made up: draws named by the artifact."""
        return self._drawn(f"artifact {name}")

    def _drawn(self, purpose: str, index: int = 0) -> Mapping[str, Tensor]:
        generator = self.generator(purpose, index)
        return {
            layer.name: torch.randn(layer.weight.shape, generator=generator)
            for layer in self.layers
        }

    def initial_weights(self, seed: int | None = None) -> Mapping[str, Tensor]:
        return self._drawn(f"initial {seed}")

    def fresh_weights(self, purpose: str, index: int = 0) -> Mapping[str, Tensor]:
        return self._drawn(purpose, index)

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        for layer in self.layers:
            layer.weight.copy_(weights[layer.name])

    def artifact_masks(self, name: str) -> Mapping[str, Tensor]:
        return {key: weight != 0 for key, weight in self.artifact(name).items()}


def make_method(name: str, density: str = "0.3", **options: Any) -> Sparsifier:
    """A method with a density that it can have, or without one where it takes none.

    No network of toys has that density, so masks are not taken from one.
    """
    kind = METHODS.get(name).target
    return kind(fitting(name, density), **{**own_masks(name), **options})


def make_layers(seed: int = 0, scale: float = 1.0) -> list[ToyLayer]:
    """Three layers: 12x7, 9x12 and 3x9."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"first": (12, 7), "second": (9, 12), "third": (3, 9)}
    return [
        ToyLayer(name, scale * torch.randn(shape, generator=generator))
        for name, shape in shapes.items()
    ]


def network_of(method: Sparsifier) -> list[Any]:
    """The layers of the network, also where the method stores its weights apart from it."""
    return [getattr(layer, "visible", layer) for layer in method.layers]


def run_steps(method: Sparsifier, first: int, last: int, seed: int = 1) -> list[int]:
    """Run optimizer steps that move the active weights at random; return the steps of updates.

    Where dense weights are stored, an optimizer step moves all and its learning rate is 0.1. The
    moves depend on the step alone, so that a run may be cut in two.
    """
    updated = []
    network = network_of(method)
    stored = stored_weights_of(method)
    for step in range(first, last + 1):
        generator = torch.Generator().manual_seed(1000 * seed + step)
        for layer in network:
            layer.gradient = torch.randn(layer.weight.shape, generator=generator)
        if method.wants_gradients(step):
            method.after_backward(step)
        if stored is not None:
            stored.before_step()
        for layer in network:
            moves = torch.randn(layer.weight.shape, generator=generator)
            layer.weight.add_(0.1 * moves * layer.mask)
            layer.slots()["momentum_buffer"].copy_(layer.mask)
        if stored is not None:
            stored.after_step(0.1)
        if method.wants_update(step) and method.after_step(step) is not None:
            updated.append(step)
            if stored is not None:
                stored.show()
    return updated
