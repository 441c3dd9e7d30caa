"""The training loop: one block of cells, any engine, one documented order.

Per optimizer step: forward and backward, clip, sparsifiers see gradients, masked optimizer step (of
the stored weights, where a method has such), copies for artifacts of this step, evaluation and
curve point if the epoch ends here, topology updates that are due, checkpoint if due. The last step
is never followed by a topology update, and evaluation comes before an update, so no reported number
contains untrained new weights.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from grids.probe_texts import probe_phase
from sparse.stats import layer_stats, realised_density
from sparse.storage import storage_of
from trainer.cell_run import CellRun
from trainer.checkpoint import CheckpointClock
from trainer.engines.base import Engine
from trainer.evaluate import evaluate
from trainer.feed import Feed
from trainer.leaving import BlockScores
from trainer.optim import learning_rate_factor
from trainer.probes.subject import Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopControl:
    """What the loop asks and tells while it runs.

    Attributes:
        should_stop: polled after every step.
        on_step: told the step just finished.
        clock: says when a checkpoint is due; ``None`` for never.
        save: writes a checkpoint of the block's states.
    """

    should_stop: Callable[[], bool]
    on_step: Callable[[int], None]
    clock: CheckpointClock | None
    save: Callable[[dict[str, dict[str, Any]]], None]


class BlockLoop:
    """Drives one engine from a step to the end, or until it is asked to stop.

    Args:
        engine: holds the cells' tensors.
        runs: the cells' bookkeeping, in the engine's order; prepared, or loaded from a checkpoint.
        step: the step to go on from; that of states that are loaded takes its place.
    """

    def __init__(self, engine: Engine, runs: Sequence[CellRun], step: int = 0) -> None:
        self.engine = engine
        self.runs = list(runs)
        self.step = step
        self._resumed = False
        self._workload = engine.workload
        self._scenario = engine.workload.scenario
        self.best = engine.keeper()
        self._feed = Feed(engine.workload, [run.cell.seed for run in runs])
        self._total_steps = engine.workload.total_steps
        self._steps_per_epoch = engine.workload.steps_per_epoch
        self._recipe = engine.workload.recipe
        self._gradients_due = self._calendar(lambda run, at: run.sparsifier.wants_gradients(at))
        self._updates_due = self._calendar(lambda run, at: run.sparsifier.wants_update(at))
        self._artifacts_due = self._calendar(lambda run, at: at in run.leaving.due)
        self._counting = [run for run in self.runs if run.leaving.counter is not None]
        self._storing = [(run, run.stored) for run in self.runs if run.stored is not None]
        for due in sorted(self._gradients_due):
            for run in self._gradients_due[due]:
                run.cost.gradient_steps.append(due)
        self._started = time.monotonic()
        self._totals = _EpochTotals(len(self.runs), engine.workload.device)

    def run(self, control: LoopControl) -> bool:
        """Train to the end.

        Returns:
            False when it was stopped; the block's states have then been saved.
        """
        clock = control.clock
        if not self._resumed:
            for run in self._living():
                self._probe(run, 0)
        while self.step < self._total_steps and any(run.alive for run in self.runs):
            self.advance()
            control.on_step(self.step)
            if control.should_stop() and self.step < self._total_steps:
                control.save(self.states())
                return False
            if clock is not None and clock.due(self.step):
                started = time.monotonic()
                control.save(self.states())
                clock.written(time.monotonic() - started)
        return True

    def advance(self) -> None:
        """One optimizer step and everything that is due at it."""
        step = self.step + 1
        batch = self._scenario.harden(self.engine, self._feed.batch(step), step)
        loss, hits = self.engine.backward(batch, step)
        self._totals.add(loss, hits.sum(1), hits.shape[1])
        for run in self._counting:
            run.leaving.count(self._feed.positions(step)[run.n], hits[run.n])
        if self._recipe.clip_norm is not None:
            self.engine.clip(self._recipe.clip_norm)
        for run in self._gradients_due.get(step, ()):
            hook = partial(run.sparsifier.after_backward, step)
            self._guarded(run, hook, step, "looking at gradients")
        self._optimizer_step(step)
        self.step = step
        self._take_artifacts(step)
        if step % self._steps_per_epoch == 0:
            self._add_curve_points()
        for run in self._updates_due.get(step, ()):
            self._guarded(run, partial(run.update_topology, step), step, "topology update")
            self._show_update(run)

    def states(self) -> dict[str, dict[str, Any]]:
        """The state of every living cell by id, for a checkpoint."""
        spent = (time.monotonic() - self._started) / len(self.runs)
        return {
            run.cell.id: {
                "step": self.step,
                "engine": self.engine.cell_state(run.n),
                "run": {**run.state(), "seconds": run.seconds + spent},
                "totals": self._totals.of(run.n),
                "best": self.best.state(run.n),
            }
            for run in self.runs
            if run.alive
        }

    def load_states(self, states: dict[str, dict[str, Any]]) -> None:
        """Put the cells' states back; all must be equally far."""
        self._resumed = True
        for run in self.runs:
            state = states[run.cell.id]
            self.step = run.resumed_step = state["step"]
            self.engine.load_cell_state(run.n, state["engine"])
            run.load_state(state["run"])
            self._totals.set(run.n, state["totals"])
            self.best.load_state(run.n, state["best"])

    def _take_artifacts(self, step: int) -> None:
        if due := [run for run in self._artifacts_due.get(step, ()) if run.alive]:
            scores = BlockScores(self.engine)
            for run in due:
                run.take_artifacts(self.engine, step, scores)

    def _optimizer_step(self, step: int) -> None:
        factor = self._rate_factor(step)
        for run, stored in self._storing:
            self._guarded(run, stored.before_step, step, "handing over stored weights")
        self.engine.optimizer_step(factor)
        for run, stored in self._storing:
            hook = partial(stored.after_step, run.rate * factor)
            self._guarded(run, hook, step, "making forward weights")

    def _rate_factor(self, step: int) -> float:
        return learning_rate_factor(self._recipe, step, self._total_steps, self._steps_per_epoch)

    def _add_curve_points(self) -> None:
        losses, accuracies = self._totals.take()
        val = evaluate(self.engine, self._workload.bundle.val)
        self.best.keep([run.n for run in self.runs if run.improves(val.accuracy[run.n])])
        epoch = self._epochs_done
        factor = self._rate_factor(self.step)
        # A cell's record ends with the cell, however long the others of its block go on.
        for run in self._living():
            rate = run.rate * factor
            trained = (losses[run.n], accuracies[run.n])
            held_out = (val.loss[run.n], val.accuracy[run.n])
            stats = layer_stats(run.sparsifier.layers)
            density = realised_density(stats, self._workload.full_size)
            run.add_point((epoch, self.step, *trained, *held_out, density, rate))
        for run in self._living():
            self._probe(run, epoch)

    def _living(self) -> list[CellRun]:
        return [run for run in self.runs if run.alive]

    def _probe(self, run: CellRun, epoch: int) -> None:
        epochs = int(self._recipe.epochs)
        for asked in run.probing.due(epoch, epochs):
            subject = self._subject(run, epoch, final=epoch == epochs)
            hook = partial(run.probing.measure, asked, subject)
            self._guarded(run, hook, self.step, probe_phase(asked))

    def _show_update(self, run: CellRun) -> None:
        for asked in run.probing.seeing_update(self.step, self._steps_per_epoch):
            subject = self._subject(run, self._epochs_done, final=False)
            hook = partial(run.probing.after_update, asked, subject, self.step)
            self._guarded(run, hook, self.step, probe_phase(asked))

    def _subject(self, run: CellRun, epoch: int, *, final: bool) -> Subject:
        masked = run.sparsifier.layers
        return Subject(self.engine, run.n, epoch=epoch, final=final, masked=masked)

    @property
    def _epochs_done(self) -> int:
        return self.step // self._steps_per_epoch

    def _guarded(self, run: CellRun, hook: Callable[[], object], step: int, phase: str) -> None:
        # The fault of a method or a probe is its cell's alone: the others of the block go on. A
        # method that cannot rank NaN only notices first what every cell would report at the end of
        # the epoch.
        if not run.alive:
            return
        try:
            with torch.no_grad():
                hook()
        except Exception as error:
            run.ended_step = step
            layers = run.sparsifier.layers
            if all(storage_of(layer).weights().isfinite().all() for layer in layers):
                run.fail(error, phase)
            else:
                run.diverged_epoch = 1 + (step - 1) // self._steps_per_epoch

    def _calendar(self, wants: Callable[[CellRun, int], bool]) -> dict[int, list[CellRun]]:
        # Asked once per run, so that a step on which nobody wants anything costs one look-up.
        calendar: dict[int, list[CellRun]] = defaultdict(list)
        for run in self.runs:
            for step in range(1, self._total_steps + 1):
                if wants(run, step):
                    calendar[step].append(run)
        return dict(calendar)


class _EpochTotals:
    """Loss, hits and examples since the epoch began, summed on the device."""

    def __init__(self, cells: int, device: str) -> None:
        self._loss = torch.zeros(cells, dtype=torch.float64, device=device)
        self._correct = torch.zeros(cells, dtype=torch.int64, device=device)
        self._examples = 0

    def add(self, loss: Tensor, correct: Tensor, examples: int) -> None:
        self._loss += loss
        self._correct += correct
        self._examples += examples

    def take(self) -> tuple[list[float], list[float]]:
        losses = (self._loss / self._examples).tolist()
        accuracies = (self._correct.double() / self._examples).tolist()
        self._loss.zero_()
        self._correct.zero_()
        self._examples = 0
        return losses, accuracies

    def of(self, n: int) -> list[float]:
        return [float(self._loss[n]), int(self._correct[n]), self._examples]

    def set(self, n: int, totals: Sequence[float]) -> None:
        self._loss[n], self._correct[n] = totals[0], int(totals[1])
        self._examples = int(totals[2])
