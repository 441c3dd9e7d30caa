"""Topology updates as the rest of a run sees them: what is asked of them, what one did."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from sparse.flops import Passes


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TopologyUpdate:
    """What one topology update did; `dropped` and `grown` count weights over all layers."""

    step: int
    drop_fraction: float | None
    dropped: int
    grown: int


class Updates(Protocol):
    """Topology updates that a method shares with others, all in `sparse.dynamic.topology`.

    Its methods do what the hooks of the same names in `Sparsifier` are for; `update` is the hook
    `after_step`.
    """

    def wants_gradients(self, step: int) -> bool:
        """Return whether `after_backward` is needed in this step."""

    def wants_update(self, step: int) -> bool:
        """Return whether `update` is needed after this step."""

    def after_backward(self, step: int) -> None:
        """Look at the gradients, before the optimizer uses them."""

    def update(self, step: int) -> TopologyUpdate | None:
        """Change the masks; return what was done."""

    def passes(self, dense_gradients: bool) -> Passes:
        """Return which weights a training step needs."""

    def kept_values(self) -> int:
        """Return how many numbers are remembered besides weights and masks."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that later updates depend on, tensors and plain data."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state made with the same options."""
