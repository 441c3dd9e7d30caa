"""``run_pack``: the only door through which the orchestrator reaches the trainer."""

import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grids.cell import Cell
from trainer import seeding
from trainer.block import Block, run_block
from trainer.building import first_step_of
from trainer.checkpoint import (
    CheckpointClock,
    origin_of_this_process,
    read_states,
    write_checkpoint,
)
from trainer.describe import load_plugins
from trainer.engines import legal_engines
from trainer.engines.auto import Choice, choose
from trainer.failure import Failure
from trainer.leaving import has_kept
from trainer.loop import LoopControl
from trainer.outcome import Outcome, PackReport, PackRequest, Progress
from trainer.probing import has_measured
from trainer.recipe import Recipe
from trainer.reporting import BlockClock, failed
from trainer.sources import Sources
from trainer.workload import Workload, group_by_workload, load_workload

logger = logging.getLogger(__name__)


def run_pack(
    cells: Sequence[Cell], *, publish: Callable[[Outcome], None], request: PackRequest
) -> PackReport:
    """Train the cells of a pack, block after block, in this process.

    Cells are grouped by workload, by the engines that may run them and by the step they start or
    resume from; a cell's result does not depend on the grouping.

    Args:
        cells: what to train.
        publish: called once per finished cell, failed ones included, as soon as it is finished.
        request: how to run them.

    Returns:
        How many cells finished, and whether the pack was drained before its end.
    """
    started = time.monotonic()
    load_plugins()
    pack = _Pack(cells, publish, request)
    with seeding.kept_globals():
        stopped = not all(pack.run_group(group) for group in group_by_workload(cells))
    return PackReport(finished=pack.finished, stopped=stopped, seconds=time.monotonic() - started)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """Where a cell begins. Those that begin alike may step together.

    Attributes:
        engine: ``"auto"``, or the engine to insist on.
        legal: the engines that may run it.
        first_step: the step that its training goes on from.
        step: the step of its state, or ``first_step`` without one.
    """

    engine: str
    legal: tuple[str, ...]
    first_step: int
    step: int


class _Pack:
    """The state of one call of ``run_pack``."""

    def __init__(
        self, cells: Sequence[Cell], publish: Callable[[Outcome], None], request: PackRequest
    ) -> None:
        self.finished = 0
        self._seconds = 0.0
        self._request = request
        self._publish_outcome = publish
        self._total = len(cells)
        self._origin = {**origin_of_this_process(), "code": request.code}
        self._states = read_states(request.resume_from, [cell.id for cell in cells], self._origin)
        self._checkpoints = 0
        self._told_at = 0.0

    def run_group(self, cells: Sequence[Cell]) -> bool:
        """Run cells that share a workload; False when drained."""
        recipe = Recipe.of(cells[0])
        clock = BlockClock("none", self._request.device, self._request.energy)
        try:
            seeding.prepare_tier(recipe.tier, self._threads(recipe))
            workload = load_workload(cells[0], self._sources(cells[0]), self._request.device)
            blocks = self._blocks(workload, cells)
        except Exception as error:
            self._fail_all(cells, error, clock)
            return True
        return all(self._run_block(block) for block in blocks)

    def _sources(self, cell: Cell) -> Sources:
        request = self._request
        return Sources(
            dataset=cell.dataset,
            data_root=request.data_root,
            inputs=request.inputs.get(cell.id, {}),
            shared=request.shared,
        )

    def _threads(self, recipe: Recipe) -> int:
        if recipe.tier == "exact":
            return int(recipe.threads)
        return max(1, len(os.sched_getaffinity(0)) // self._request.slots)

    def _blocks(self, workload: Workload, cells: Sequence[Cell]) -> list[Block]:
        groups: dict[_Start, list[Cell]] = {}
        for cell in cells:
            groups.setdefault(self._start_of(workload, cell), []).append(cell)
        blocks = []
        for start, members in groups.items():
            choice = choose(workload, members, start.engine)
            count = math.ceil(len(members) / choice.width)
            width = math.ceil(len(members) / count)
            for at in range(0, len(members), width):
                part = members[at : at + width]
                blocks.append(self._block(workload, choice, part, start.first_step))
        return blocks

    def _block(
        self, workload: Workload, choice: Choice, cells: Sequence[Cell], first_step: int
    ) -> Block:
        return Block(
            workload=workload,
            choice=choice,
            cells=cells,
            first_step=first_step,
            states={c.id: self._states[c.id] for c in cells if c.id in self._states},
            inputs=self._request.inputs,
            artifacts=self._request.artifacts,
            probes=self._request.probes,
        )

    def _start_of(self, workload: Workload, cell: Cell) -> _Start:
        # A state goes on in the engine that saved it, beside others that have taken as many steps:
        # the optimizer of a stack counts them once. A state without a copy of a step that it is
        # past, because nobody asked then, would leave nothing of it.
        legal, first = legal_engines(workload, cell), first_step_of(cell)
        state = self._states.get(cell.id)
        fits = state is not None and state["engine"]["engine"] in legal
        if state is None or not fits or not self._goes_on(state, cell, workload):
            self._states.pop(cell.id, None)
            return _Start(engine=self._request.engine, legal=legal, first_step=first, step=first)
        engine, step = state["engine"]["engine"], state["step"]
        return _Start(engine=engine, legal=legal, first_step=first, step=step)

    def _goes_on(self, state: Mapping[str, Any], cell: Cell, workload: Workload) -> bool:
        leaves = self._request.artifacts.get(cell.id, ())
        kept = has_kept(state, leaves, workload.steps_per_epoch)
        return kept and has_measured(state, self._request.probes.get(cell.id, ()))

    def _run_block(self, block: Block) -> bool:
        request = self._request
        block = block.without(request.cancelled)
        if not block.cells:
            return True
        if request.should_stop() or not request.may_begin(self._expected_seconds(block)):
            return False
        keeps = request.checkpoint_folder is not None
        clock = CheckpointClock(request.checkpoint_minutes, request.checkpoint_steps)
        control = LoopControl(
            should_stop=request.should_stop,
            on_step=lambda step: self._tell(block, step),
            clock=clock if keeps else None,
            save=self._save,
        )
        return run_block(block, control, self._publish, request.energy)

    def _expected_seconds(self, block: Block) -> float | None:
        # What this pack has measured on this machine is worth more than what others did elsewhere.
        measured = (
            self._seconds / self.finished if self.finished else self._request.seconds_per_cell
        )
        return None if measured is None else measured * len(block.cells)

    def _publish(self, outcome: Outcome) -> None:
        self._publish_outcome(outcome)
        self.finished += 1
        self._seconds += outcome.seconds

    def _save(self, states: dict[str, dict[str, Any]]) -> None:
        if self._request.checkpoint_folder is None:
            return
        self._checkpoints += 1
        try:
            write_checkpoint(
                self._request.checkpoint_folder, self._checkpoints, self._origin, states
            )
        except OSError as error:
            # The cells themselves are well: a full disk costs the saved time, not the cells.
            logger.warning("a checkpoint cannot be written: %s", error)

    def _tell(self, block: Block, step: int) -> None:
        now = time.monotonic()
        if now - self._told_at < 1.0:
            return
        self._told_at = now
        self._request.progress(
            Progress(
                cells_done=self.finished,
                cells_total=self._total,
                cells_running=len(block.cells),
                step=step - block.first_step,
                total_steps=block.workload.total_steps - block.first_step,
                label=block.cells[0].label(),
            )
        )

    def _fail_all(self, cells: Sequence[Cell], error: Exception, clock: BlockClock) -> None:
        failure = Failure.of(error, "load")
        times = clock.fields(clock.share(len(cells)), 0)
        for cell in cells:
            self._publish(failed(cell, failure, times))
