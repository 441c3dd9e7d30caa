"""What training one cell costs in FLOPs and memory, from one change of its masks to the next.

Between two topology updates every step costs the same per sample, but for those that need dense
gradients; so nothing is done in a step. A method whose masks move in between is taken as it was
after the last update. Evaluation and the cells that a cell needs are not counted, nor the steps
before the one that its training goes on from.

Memory is what an implementation that stores active weights alone would hold at its peak, all layers
at once: every weight, the gradients that the step needs, the optimizer's slots of the weights that
ordinary steps move, and what topology updates go by (running means, old scores); all parameters
that are never masked, with their gradients and slots; 4 bytes each. Positions, activations and
buffers are not in it. It is computed, and not what masks occupy. Scores before training are taken
in the dense network: its weights and gradients then, without slots.
"""

from bisect import bisect_right
from typing import Any

from sparse.flops import ONCE, Passes
from sparse.sparsifier import Sparsifier
from trainer.context import CellContext
from trainer.engines.base import Engine

_BYTES = 4


class CostMeter:
    """The meter of one cell.

    Args:
        engine: holds the cell.
        sparsifier: the cell's method, bound or about to be.
        context: what the method sees; it counts the passes of scoring.
        slots: how many numbers the cell's optimizer remembers of a weight that it moves.

    Attributes:
        gradient_steps: the steps whose gradients the method wants, ascending; the loop fills it.
    """

    def __init__(
        self, engine: Engine, sparsifier: Sparsifier, context: CellContext, slots: int
    ) -> None:
        self.gradient_steps: list[int] = []
        self._engine = engine
        self._sparsifier = sparsifier
        self._context = context
        self._slots = slots
        self._flops = 0
        self._step = sparsifier.first_step
        self._each = 0
        self._moved = 0
        self._peak_gradients = 0
        self._peak_values = 0

    def begin(self) -> None:
        """Note what a sample costs from now on: the masks have just been set or changed."""
        passes = self._sparsifier.passes(False)
        self._each = self._flops_of(passes)
        self._moved = sum(passes.weight_gradients.values())
        self._raise_peaks(passes)

    def advance(self, step: int) -> None:
        """Add the steps up to and with this one; called before the masks change after it."""
        workload = self._engine.workload
        first, last = (bisect_right(self.gradient_steps, at) for at in (self._step, step))
        looked = sum(
            workload.samples(at) - workload.samples(at - 1)
            for at in self.gradient_steps[first:last]
        )
        self._flops += (workload.samples(step) - workload.samples(self._step) - looked) * self._each
        if looked:
            passes = self._sparsifier.passes(True)
            self._flops += looked * self._flops_of(passes)
            self._raise_peaks(passes)
        self._step = step

    def metrics(self, step: int) -> dict[str, float]:
        """The cost of all steps up to this one, and of a prediction with the weights of now.

        No FLOPs where the network has no layer of a kind whose cost is known.
        """
        self.advance(step)
        cost, full = self._engine.forward_cost, self._engine.full_flops
        if full == 0:
            return self._peaks()
        # A loss asked for while scoring is computed and differentiated in the dense network.
        spent = self._flops + cost.flops({}) * self._context.scored_passes
        final = cost.flops(self._sparsifier.passes(False).forward)
        samples = self._engine.workload.samples
        seen = samples(step) - samples(self._sparsifier.first_step)
        return {
            "train_flops": float(spent),
            "train_flops_ratio": spent / (ONCE * full * seen),
            "inference_flops": float(final),
            "inference_flops_ratio": final / full,
            **self._peaks(),
        }

    def _raise_peaks(self, passes: Passes) -> None:
        gradients = sum(passes.weight_gradients.values())
        values = self._sparsifier.stored_values() + gradients + self._slots * self._moved
        self._peak_gradients = max(self._peak_gradients, gradients)
        self._peak_values = max(self._peak_values, values)

    def _peaks(self) -> dict[str, float]:
        size = sum(self._sparsifier.sizes().values())
        unmasked = self._engine.parameters - size
        gradients = self._peak_gradients
        values = self._peak_values + unmasked * (2 + self._slots)
        if self._context.scored_passes:
            gradients, values = max(gradients, size), max(values, 2 * (size + unmasked))
        return {
            "peak_weight_gradients": float(gradients),
            "peak_training_mb": _BYTES * values / 2**20,
        }

    def _flops_of(self, passes: Passes) -> int:
        # An attack goes forward and back to the inputs, and never computes gradients of weights.
        cost = self._engine.forward_cost
        attacked = cost.flops(passes.forward) + cost.flops(passes.input_gradients)
        return cost.training_flops(passes) + self._engine.workload.scenario.attack_passes * attacked

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "flops": self._flops,
            "step": self._step,
            "each": self._each,
            "moved": self._moved,
            "peaks": [self._peak_gradients, self._peak_values],
            "scored": self._context.scored_passes,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what ``state`` returned."""
        self._flops, self._step, self._each = state["flops"], state["step"], state["each"]
        self._moved = state["moved"]
        self._peak_gradients, self._peak_values = state["peaks"]
        self._context.scored_passes = state["scored"]
