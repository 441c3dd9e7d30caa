"""What a sparsifier sees of a network and of its run: layers, and a context.

Whoever drives a sparsifier, an engine or a user's own loop, provides both; a sparsifier never
learns which it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import torch
from torch import Tensor


class Layer(Protocol):
    """One maskable weight of one cell; all tensors are live views.

    `weight` has the module's layout: (out, in, ...), or (in, out, ...) where it is `transposed`.
    `mask` has its shape and dtype and holds 0 and 1. `gradient` is that of the last backward pass,
    valid in `after_backward` only.
    """

    @property
    def name(self) -> str:
        """The parameter's name, unique in the cell."""

    @property
    def weight(self) -> Tensor:
        """The stored weight."""

    @property
    def transposed(self) -> bool:
        """Whether the weight is the kernel of a transposed convolution."""

    @property
    def mask(self) -> Tensor:
        """1 where the weight is active, 0 where not."""

    @property
    def gradient(self) -> Tensor | None:
        """The dense gradient of the loss."""

    def slots(self) -> Mapping[str, Tensor]:
        """Return the optimizer's tensors of the weight's shape; empty before the first step."""

    @property
    def bias(self) -> Tensor | None:
        """The bias that belongs to the weight, never masked; None where there is none.

        It has one entry per output unit. Whoever changes it changes `bias_slots` as well.
        """

    def bias_slots(self) -> Mapping[str, Tensor]:
        """Return the optimizer's tensors of the bias's shape; empty as `slots`, or without bias."""


class Context(Protocol):
    """What a sparsifier may ask of the run that it belongs to."""

    @property
    def layers(self) -> Sequence[Layer]:
        """The maskable weights, in the model's order."""

    @property
    def total_steps(self) -> int | None:
        """The number of optimizer steps of the run, where it is known."""

    @property
    def steps_per_epoch(self) -> int | None:
        """The number of optimizer steps of an epoch, where it is known."""

    def generator(self, purpose: str, index: int = 0) -> torch.Generator:
        """Return a fresh generator named by (seed of the cell, purpose, index)."""

    def scoring_batches(self, count: int) -> Iterable[Any]:
        """Return `count` training batches for scoring before training."""

    def loss(
        self,
        batch: Any,
        weights: Mapping[str, Tensor] | None = None,
        *,
        temperature: float = 1.0,
        twice: bool = False,
    ) -> Tensor:
        """Return the scalar mean loss, twice differentiable in `weights`.

        `weights` stand in for those of the layers named; what the network puts out is divided by
        the temperature before the loss is taken. `twice` says that it will be differentiated
        twice: what that costs is counted.
        """

    def flow(self, weights: Mapping[str, Tensor]) -> Tensor:
        """Return the summed outputs (float64) for one input of ones, differentiable in `weights`.

        The network is in evaluation mode, with absolute values for all parameters and buffers;
        `weights` stand in, as they are, for those of the layers named. It is left as it was.
        Source: the objective R of SynFlow (Tanaka et al. 2020, algorithm 1).
        """

    def shapes_at(self, width: Decimal) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of the maskable weights of a network of the same kind, by their names.

        It has all widths of the full one times `width`, in (0, 1], each rounded half up; the full
        one is the run's own, but for a method that trains a narrower one (`narrowing`).
        """

    def extra_params(self) -> int:
        """Return the number of parameters of the run's network that no mask covers."""

    def artifact(self, name: str) -> Mapping[str, Tensor]:
        """Return the weights that another cell left, by the names of the model's parameters.

        "final" are those at its end, "rewind@500" those after its optimizer step 500. A ValueError
        when it was not given.
        """

    def artifact_masks(self, name: str) -> Mapping[str, Tensor]:
        """Return the masks that belong to these weights, bool, by the names of the weights."""

    def initial_weights(self, seed: int | None = None) -> Mapping[str, Tensor]:
        """Return the parameters and buffers that a run of this seed begins with, by name.

        Without a seed they are this run's own. They are copies, or else not to be changed.
        """

    def fresh_weights(self, purpose: str, index: int = 0) -> Mapping[str, Tensor]:
        """Return another draw of them, named by (seed of the cell, purpose, index)."""

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Put parameters and buffers in the place of the network's; all are given, by name.

        Masks are not applied.
        """
