"""The one base class of all methods.

A sparsifier belongs to one cell. It is given that cell's maskable weights, masks, gradients and
optimizer slots as live views and never learns which engine serves it. Between its own changes the
engine keeps weights and slots zero where a mask is zero; a method that stores dense weights has
copies of its own instead (`sparse/stored.py`).
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

import torch
from torch import Tensor

from sparse.allocation import (
    Density,
    allocate,
    allocation_options,
    decides_density,
    network_count,
    parse_density,
)
from sparse.context import Context, Layer
from sparse.controls.narrow import Narrowing
from sparse.flops import Passes
from sparse.options import NoOptions, build_options
from sparse.stats import explored_rate
from sparse.storage import storage_of
from sparse.stored import StoredLayer, stored_layers
from sparse.updates import TopologyUpdate, Updates


class Sparsifier:
    """Makes one cell's network sparse and keeps it so; on its own, a fixed random mask.

    density: share of the maskable weights to keep, in (0, 1]; "0.1" and 0.1 are the same number. It
        must be given, but where the method ignores it or the allocation decides it.
    allocation: name of a registered allocation, or a mapping {"name": ..., **its options}.
    options: fields of the class's `Options`; all mistakes are reported in one ValueError.

    Order of one optimizer step: backward, clipping, `after_backward` if wanted, optimizer step,
    re-masking, evaluation, `after_step` if wanted. Steps are counted from 1. Around the optimizer
    step of a method that `stores_dense` weights: `stored_gradient` before it; `updated_mask`,
    `learn` and `effective_weight` after it.

    `counts` holds the active weights of each layer; `allocated` what density and allocation give it
    (empty where the method ignores the allocation); `explored`, with `tracks_explored`, which
    weights were ever active (Liu et al. 2021), as choices (`sparse/storage.py`) by layer name: bool
    tensors but for truly sparse layers.
    A method that shares its updates sets `topology` in `resolve`; the hooks then do what it says.
    """

    Options: ClassVar[type] = NoOptions
    tracks_explored: ClassVar[bool] = False
    stores_dense: ClassVar[bool] = False

    def __init__(
        self,
        density: Density | None = None,
        allocation: str | Mapping[str, Any] = "erk",
        **options: Any,
    ) -> None:
        self.options: Any = build_options(
            self.Options,
            options,
            f"options of {self._title()}",
            beside=("density", "allocation"),
        )
        given = {"name": allocation} if isinstance(allocation, str) else dict(allocation)
        self.allocation = str(given.pop("name", ""))
        self.allocation_options = given
        allocation_options(self.allocation, given)
        self.density = self._settled(density)
        self._refuse_ignored()
        self.topology: Updates | None = None
        self.layers: tuple[Layer, ...] = ()
        self.counts: dict[str, int] = {}
        self.allocated: dict[str, int] = {}
        self.explored: dict[str, Tensor] = {}

    def ignored_fields(self) -> tuple[str, ...]:
        """Return which of "density" and "allocation" have no effect with these options."""
        return ()

    def narrowing(self) -> Narrowing | None:
        """Return how the network is narrowed that is trained in place of the one it is given.

        None where it trains that one. Whoever builds networks asks before building; one that is
        there already cannot be made narrower.
        """
        return None

    @property
    def first_step(self) -> int:
        """Return the step that training goes on from; 0 for a run from its beginning.

        From k on, of T steps in all, k + 1 to T are taken, with an empty optimizer: learning-rate
        schedule, order of the data and named draws are those of these steps. k is below T.
        """
        return 0

    # --- hooks: what an engine calls ----------------------------------------------------------

    def prepare(self, context: Context) -> None:
        """Bind to a run, set the initial masks and zero the weights that they exclude."""
        self.bind(context)
        if "allocation" not in self.ignored_fields():
            self.allocated = self._allocate()
        self.set_masks(self.initial_masks())
        if self.tracks_explored:
            self.explored = {layer.name: storage_of(layer).active() for layer in self.layers}

    def bind(self, context: Context) -> None:
        """Bind to a run without touching a tensor; enough before `load_state_dict`."""
        self.context = context
        self.layers = tuple(context.layers)
        if self.stores_dense:
            self.layers = tuple(StoredLayer(layer) for layer in self.layers)
        if not self.layers:
            raise ValueError(f"{self._title()} found no maskable weight in the model")
        self._refuse_ended(context.total_steps)
        self.resolve(context.total_steps)

    def wants_gradients(self, step: int) -> bool:
        """Return whether `after_backward` is needed in this step; a pure function of the step."""
        return self.topology is not None and self.topology.wants_gradients(step)

    def wants_update(self, step: int) -> bool:
        """Return whether `after_step` is needed after this step; a pure function of the step."""
        return self.topology is not None and self.topology.wants_update(step)

    def after_backward(self, step: int) -> None:
        """Look at the gradients, before the optimizer uses them."""
        if self.topology is not None:
            self.topology.after_backward(step)

    def effective_weight(self, layer: Layer) -> Tensor:
        """Return the weight to use in the forward pass; exactly zero where the mask is zero."""
        return layer.weight

    def stored_gradient(self, layer: Layer, gradient: Tensor) -> Tensor:
        """Return the gradient by the stored weight from the dense one by the forward weight."""
        return gradient

    def updated_mask(self, layer: Layer) -> Tensor | None:
        """Return 1 where an optimizer step moves the stored weight, else 0; None for everywhere.

        The others keep their value, whatever the optimizer does, and have empty slots.
        """
        return None

    def learn(self, rate: float) -> None:
        """Learn, at the rate of the optimizer step just taken, what is no weight of the network."""

    def after_step(self, step: int) -> TopologyUpdate | None:
        """Change the masks; return what was done."""
        return None if self.topology is None else self.topology.update(step)

    def passes(self, dense_gradients: bool) -> Passes:
        """Return which weights a training step needs; what FLOPs are counted from.

        dense_gradients: whether the step is one of those for which `wants_gradients` holds.
        """
        if self.topology is not None:
            return self.topology.passes(dense_gradients)
        weights = self.sizes() if dense_gradients else self.counts
        return Passes(forward=self.counts, input_gradients=self.counts, weight_gradients=weights)

    def stored_values(self) -> int:
        """Return how many numbers are kept from step to step: weights, and what updates go by."""
        weights = self.sizes() if self.stores_dense else self.counts
        kept = 0 if self.topology is None else self.topology.kept_values()
        return sum(weights.values()) + kept

    def metrics(self) -> dict[str, float]:
        """Return final metrics of the method's own, by names that the trainer lists."""
        if not self.explored:
            return {}
        return {"explored_rate": explored_rate(self.layers, self.explored)}

    def finish(self) -> None:
        """End the run: called once, after the last step and its evaluation."""

    def state_dict(self) -> dict[str, Any]:
        """Return all own state, tensors and plain data.

        Masks and weights belong to the engine, but for those that are stored apart from it.
        """
        return {
            "counts": dict(self.counts),
            "allocated": dict(self.allocated),
            "explored": dict(self.explored),
            "stored": {layer.name: layer.state() for layer in stored_layers(self.layers)},
            "topology": {} if self.topology is None else self.topology.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state made with the same options; `bind` or `prepare` comes first."""
        names = {layer.name for layer in self.layers}
        if names != set(state["counts"]):
            differing = ", ".join(sorted(names ^ set(state["counts"])))
            raise ValueError(
                f"the saved state is of another model; layers that differ: {differing}"
            )
        devices = {layer.name: storage_of(layer).device for layer in self.layers}
        self.counts = dict(state["counts"])
        self.allocated = dict(state["allocated"])
        self.explored = {
            name: seen.to(devices[name], copy=True) for name, seen in state["explored"].items()
        }
        for layer in stored_layers(self.layers):
            layer.load_state(state["stored"][layer.name])
        if self.topology is not None:
            self.topology.load_state_dict(state["topology"])

    # --- for methods: what they override and use ----------------------------------------------

    def resolve(self, total_steps: int | None) -> None:
        """Turn options that are fractions of the run into schedules; called by `bind`."""

    def first_density(self) -> Density:
        """Return the density that the allocation divides, of the first masks; here the method's."""
        return self.density

    def initial_masks(self) -> dict[str, Tensor]:
        """Return the first masks by layer name; here random ones of the allocated counts.

        They are bool, or in the form of the layer's storage (a choice, `sparse/storage.py`).
        """
        counts = self.allocated_counts()
        generator = self.context.generator("mask")
        return {
            layer.name: storage_of(layer).drawn(counts[layer.name], generator)
            for layer in self.layers
        }

    def allocated_counts(self) -> dict[str, int]:
        """Return the number of weights that density and allocation give to each layer.

        They were settled when the run began, because some allocations rank the weights it began
        with; in `resolve` they are not known yet.
        """
        return dict(self.allocated)

    def sizes(self) -> dict[str, int]:
        """Return the number of weights of each layer."""
        return {layer.name: math.prod(storage_of(layer).shape) for layer in self.layers}

    def target(self) -> int:
        """Return the number of weights that density or allocation keep in the whole network."""
        if decides_density(self.allocation):
            return sum((self.allocated or self._allocate()).values())
        return network_count(self.density, list(self.sizes().values()))

    @torch.no_grad()
    def set_masks(self, masks: Mapping[str, Tensor]) -> None:
        """Replace all masks (given as `initial_masks` are) and zero what they exclude."""
        storages = {layer.name: storage_of(layer) for layer in self.layers}
        for name, storage in storages.items():
            storage.begin(masks[name])
        self.counts = {name: storages[name].chosen(mask) for name, mask in masks.items()}
        self.apply_masks()

    @torch.no_grad()
    def apply_masks(self) -> None:
        """Zero the weights and optimizer slots of all layers where their masks are zero.

        Weights that are stored dense stay as they are: the mask is that of the forward weights.
        """
        for layer in () if self.stores_dense else self.layers:
            storage_of(layer).clear_inactive()

    @torch.no_grad()
    def exchange(self, layer: Layer, drop: Tensor, grow: Tensor) -> None:
        """Deactivate and activate weights of a layer at flat positions (int64).

        Weights and optimizer slots of both become zero; a position in both ends active and zero.
        """
        storage, seen = storage_of(layer), self.explored.get(layer.name)
        storage.exchange(drop, grow)
        if seen is not None:
            self.explored[layer.name] = storage.with_positions(seen, grow)
        self.counts[layer.name] += len(grow) - len(drop)

    def _allocate(self) -> dict[str, int]:
        shapes = {layer.name: storage_of(layer).shape for layer in self.layers}
        options = self.allocation_options
        return allocate(self.allocation, shapes, self.first_density(), options, self.context)

    def _settled(self, density: Density | None) -> Decimal:
        """Return the density; left out, it is 1 where it has no effect, and missing elsewhere."""
        if density is not None:
            return parse_density(density)
        if "density" not in self.ignored_fields() and not decides_density(self.allocation):
            raise ValueError(f"give a density, e.g. {self._title()}(density=0.1)")
        return parse_density("1")

    def _refuse_ignored(self) -> None:
        ignored = self.ignored_fields()
        if "density" in ignored and self.density != 1:
            raise ValueError(
                f"{self._title()} ignores density, but it is {self.density}; leave it out"
            )
        given = (self.allocation, self.allocation_options)
        if "allocation" in ignored and given != ("erk", {}):
            raise ValueError(
                f"{self._title()} ignores allocation with these options, but it is"
                f" {self.allocation!r}; leave it out"
            )
        if decides_density(self.allocation) and self.density != 1:
            raise ValueError(
                f"allocation {self.allocation} decides the density itself, but density is"
                f" {self.density}; leave it out"
            )

    def _refuse_ended(self, total_steps: int | None) -> None:
        if total_steps is not None and 0 < total_steps <= self.first_step:
            raise ValueError(
                f"{self._title()} goes on from step {self.first_step}, but the run has"
                f" {total_steps} steps"
            )

    def _title(self) -> str:
        return type(self).__name__
