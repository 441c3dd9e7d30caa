"""The bookkeeping of one cell while it trains: its sparsifier, its curve, how it fares."""

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grids.cell import Cell
from grids.probe_texts import probe_phase
from grids.traits import starts_from
from sparse.methods import METHODS
from sparse.stats import layer_stats
from sparse.stored import StoredWeights, stored_weights_of
from trainer.artifacts import ArtifactError, Snapshot, read_snapshot, take_snapshot
from trainer.building import make_sparsifier
from trainer.context import CellContext
from trainer.cost import CostMeter
from trainer.engines.base import Engine
from trainer.failure import Failure
from trainer.leaving import BlockScores, Leaving
from trainer.metrics import CURVE_COLUMNS
from trainer.optim import slots_per_weight
from trainer.probes.base import Conditions
from trainer.probing import Probing
from trainer.recipe import Recipe
from trainer.storages import refuse_method


class CellRun:
    """One cell of a block.

    Args:
        cell: what is trained.
        n: its number in the engine's block.
        leaves: names of the artifacts that it shall leave.
        probes: what shall be measured of it (:class:`trainer.probing.Probing`).

    Attributes:
        probing: its probes.
        sparsifier: the cell's method.
        stored: drives the weights that the method stores apart from the network; ``None`` without.
        rate: the recipe's learning rate, which the schedule multiplies.
        cost: what its training has cost; there once the cell is prepared or bound.
        failure: set once the cell has failed; it is stepped on but no longer listened to.
        diverged_epoch: the epoch in which the loss stopped being finite.
        ended_step: the step after which it failed or diverged; later ones are not its own.
        resumed_step: the step this attempt starts from.
        seconds: what earlier attempts spent on the cell before that step.
        leaving: the artifacts that it takes on its way.
    """

    def __init__(
        self,
        cell: Cell,
        n: int,
        leaves: Collection[str] = (),
        probes: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.cell = cell
        self.n = n
        self.leaving = Leaving(cell, leaves)
        self.sparsifier = make_sparsifier(cell)
        self.probing = Probing(probes)
        self.stored: StoredWeights | None = None
        self.rate = Recipe.of(cell).lr
        self.curve: dict[str, list[float]] = {name: [] for name in CURVE_COLUMNS}
        self.topology_updates = 0
        self.failure: Failure | None = None
        self.diverged_epoch: int | None = None
        self.ended_step: int | None = None
        self.resumed_step = 0
        self.seconds = 0.0

    @property
    def alive(self) -> bool:
        """Whether anything is still expected of the cell."""
        return self.failure is None and self.diverged_epoch is None

    def prepare(self, engine: Engine, inputs: Mapping[str, Path]) -> None:
        """Give the cell its first weights, and let the sparsifier set the initial masks.

        Args:
            engine: holds the cell's tensors, at their random initial values.
            inputs: files of the artifacts that the cell needs, by their names.

        Raises:
            ArtifactError: when the method starts from an artifact that is not there or not fit, or
                the cell shall leave one of a step that its run does not take.
            ValueError: when a probe cannot measure the cell, or its method cannot do without the
                dense tensors that a truly sparse cell has not.
        """
        refuse_method(self.cell)
        self.probing.refuse_unfit(Conditions.of(self.cell, engine.workload))
        self.leaving.begin(engine.workload, self.sparsifier.first_step)
        trait = METHODS.get(self.cell.method.name).traits.get("starts_from")
        if start := starts_from(trait, dataclasses.asdict(self.sparsifier.options)):
            self._start_from(engine, start, inputs)
        self.sparsifier.prepare(self._context(engine, inputs))
        self.cost.begin()
        self.stored = stored_weights_of(self.sparsifier)
        self._show()

    def bind(self, engine: Engine, inputs: Mapping[str, Path]) -> None:
        """Give the sparsifier views of tensors that a checkpoint is about to fill."""
        self.leaving.begin(engine.workload, self.sparsifier.first_step)
        self.sparsifier.bind(self._context(engine, inputs))
        self.stored = stored_weights_of(self.sparsifier)

    def improves(self, val_accuracy: float) -> bool:
        """Whether the epoch that ends with this validation accuracy is the best so far."""
        return self.alive and val_accuracy > max(self.curve["val_accuracy"], default=-1.0)

    def add_point(self, point: Sequence[float]) -> None:
        """Append a row to the curve; a loss that is not finite ends the cell's hopes."""
        for name, value in zip(CURVE_COLUMNS, point, strict=True):
            self.curve[name].append(float(value))
        if not math.isfinite(self.curve["train_loss"][-1]):
            self.diverged_epoch = int(self.curve["epoch"][-1])
            self.ended_step = int(self.curve["step"][-1])

    def update_topology(self, step: int) -> None:
        """Let the method move its masks after a step."""
        self.cost.advance(step)
        if self.sparsifier.after_step(step) is not None:
            self.topology_updates += 1
            self._show()
        self.cost.begin()

    def take_artifacts(self, engine: Engine, step: int, scores: BlockScores) -> None:
        """Keep what the cell shall leave of an optimizer step.

        Args:
            scores: those of the block as it is after the step.
        """
        self.leaving.take(
            step, lambda: self._snapshot(engine), lambda kind: scores.of(self.n, kind)
        )

    def artifacts(self, engine: Engine) -> dict[str, bytes]:
        """What the trained cell leaves: contents of files by name."""
        return self.leaving.contents(lambda: self._snapshot(engine))

    def finish(self) -> None:
        """Let the method end the run, and probes sum up; what is then wrong fails the cell."""
        try:
            self.sparsifier.finish()
            self._refuse_other_density()
        except ValueError as error:
            self.fail(error, "finish")
        for asked in self.probing.covered:
            try:
                self.probing.summarise(asked)
            except Exception as error:
                self.fail(error, probe_phase(asked))

    def fail(self, error: BaseException, phase: str) -> None:
        """Note what stopped the cell; the first failure counts."""
        if self.failure is None:
            self.failure = Failure.of(error, phase)

    def _refuse_other_density(self) -> None:
        # A method that writes masks by itself would break what every table promises.
        name, target = self.cell.method.name, self.sparsifier.target()
        active = sum(layer.active for layer in layer_stats(self.sparsifier.layers))
        if METHODS.get(name).traits["density"] == "exact" and active != target:
            raise ValueError(f"{name} is to keep {target} weights exactly, but {active} are active")

    def _context(self, engine: Engine, inputs: Mapping[str, Path]) -> CellContext:
        context = CellContext(engine, self.n, inputs)
        slots = slots_per_weight(Recipe.of(self.cell))
        self.cost = CostMeter(engine, self.sparsifier, context, slots)
        return context

    def _start_from(self, engine: Engine, name: str, inputs: Mapping[str, Path]) -> None:
        if name not in inputs:
            raise ArtifactError(f"it starts from the {name} of another cell, and none was given")
        start = read_snapshot(inputs[name])
        try:
            engine.load_weights(self.n, start.weights)
        except (KeyError, RuntimeError) as error:
            raise ArtifactError(f"{inputs[name]} is of another model: {error}") from error

    def _snapshot(self, engine: Engine) -> Snapshot:
        return take_snapshot(engine, self.n, self.sparsifier.layers)

    def _show(self) -> None:
        if self.stored is not None:
            self.stored.show()

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps besides the engine's tensors and the seconds spent."""
        return {
            "sparsifier": self.sparsifier.state_dict(),
            "curve": {name: list(values) for name, values in self.curve.items()},
            "topology_updates": self.topology_updates,
            "leaving": self.leaving.state(),
            "cost": self.cost.state(),
            "probes": self.probing.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what ``state`` returned."""
        self.sparsifier.load_state_dict(state["sparsifier"])
        self._show()
        self.curve = {name: list(state["curve"][name]) for name in CURVE_COLUMNS}
        self.topology_updates = state["topology_updates"]
        self.cost.load_state(state["cost"])
        self.probing.load_state(state["probes"])
        self.seconds = state["seconds"]
        self.leaving.load_state(state["leaving"])
