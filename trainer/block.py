"""One block: cells that step together, from their initial weights to their outcomes."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grids.cell import Cell
from trainer.cell_run import CellRun
from trainer.engines import ENGINES
from trainer.engines.auto import Choice
from trainer.engines.base import Engine
from trainer.failure import Failure
from trainer.loop import BlockLoop, LoopControl
from trainer.outcome import Outcome, untold
from trainer.probing import UnfitProbe
from trainer.reporting import NOTHING, BlockClock, Taken, failed, outcomes_of
from trainer.workload import Workload

logger = logging.getLogger(__name__)

CellFailure = tuple[Cell, Failure]
"""A cell that cannot be trained, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Cells that share workload, engine, the step they go on from and that of their states.

    Attributes:
        first_step: the step that their training goes on from, where there is no state.
        states: the checkpointed state of every cell, or empty for a fresh start.
        inputs: cell id to the files of the artifacts that the cell needs, by their names.
        artifacts: cell id to the names of the artifacts that the cell shall leave.
        probes: cell id to what shall be measured of the cell.
    """

    workload: Workload
    choice: Choice
    cells: Sequence[Cell]
    first_step: int = 0
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    artifacts: Mapping[str, Collection[str]] = field(default_factory=dict)
    probes: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def without(self, left_out: Callable[[str], bool]) -> "Block":
        """The block without the cells whose ids are left out."""
        kept = [cell for cell in self.cells if not left_out(cell.id)]
        if len(kept) == len(self.cells):
            return self
        states = {cell.id: self.states[cell.id] for cell in kept if cell.id in self.states}
        return replace(self, cells=kept, states=states)


def run_block(
    block: Block,
    control: LoopControl,
    publish: Callable[[Outcome], None],
    energy: Callable[[], tuple[float, int] | None] = untold,
    before: Taken = NOTHING,
) -> bool:
    """Train a block and publish one outcome per cell.

    A cell whose method cannot be prepared fails alone, and the rest goes on without it. When the
    shared program itself fails, its cells run one by one, so that at most the guilty one fails.
    What is charged to the cells adds up to what the block took: a cell that cannot be prepared pays
    its share until then, and the others the rest.

    Args:
        block: The cells.
        control: What is asked and told meanwhile.
        publish: Called once for each cell.
        energy: The counter of joules, see ``PackRequest.energy``.
        before: What each cell is charged besides: its share of a block that broke.

    Returns:
        False when the block was stopped; then nothing of it has been published.
    """
    clock = BlockClock(block.choice.engine, block.workload.device, energy, before)
    try:
        loop, failures = _start(block)
        lost = clock.taken().shared(len(block.cells))
        finished = loop is None or loop.run(control)
        if not finished:
            return False
        width = len(block.cells) - len(failures)

        def charge() -> dict[str, Any]:
            return clock.fields(clock.share_of_rest(width, lost, len(failures)), width)

        outcomes = outcomes_of(loop, charge) if loop is not None else []
    except Exception as error:
        return _one_by_one(block, control, publish, error, clock, energy)
    times = clock.fields(before.plus(lost), len(block.cells))
    for outcome in [*(failed(cell, why, times) for cell, why in failures), *outcomes]:
        publish(outcome)
    return True


def _start(block: Block) -> tuple[BlockLoop | None, list[CellFailure]]:
    # A cell that cannot be prepared is taken out and the engine is built again without it; a state
    # that does not fit costs what it had saved, and nothing else.
    engine = ENGINES[block.choice.engine](block.workload, block.cells)
    runs, failures = _prepare(engine, block)
    if not failures:
        loop = BlockLoop(engine, runs, step=block.first_step)
        if _loaded(loop, block.states):
            return loop, []
        return _start(replace(block, states={}))
    guilty = {cell.id for cell, _ in failures}
    healthy = [cell for cell in block.cells if cell.id not in guilty]
    if not healthy:
        return None, failures
    started, more = _start(replace(block, cells=healthy))
    return started, failures + more


def _loaded(loop: BlockLoop, states: dict[str, dict[str, Any]]) -> bool:
    try:
        if states:
            loop.load_states(states)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        logger.warning("a checkpoint does not fit and is passed over: %r", error)
        return False
    return True


def _prepare(engine: Engine, block: Block) -> tuple[list[CellRun], list[CellFailure]]:
    runs, failures = [], []
    for n, cell in enumerate(block.cells):
        inputs = block.inputs.get(cell.id, {})
        try:
            leaves, probes = block.artifacts.get(cell.id, ()), block.probes.get(cell.id, ())
            run = CellRun(cell, n, leaves, probes)
            if block.states:
                run.bind(engine, inputs)
            else:
                run.prepare(engine, inputs)
            runs.append(run)
        except UnfitProbe as error:
            failures.append((cell, Failure.of(error, error.phase)))
        except Exception as error:
            failures.append((cell, Failure.of(error, "prepare")))
    return runs, failures


def _one_by_one(
    block: Block,
    control: LoopControl,
    publish: Callable[[Outcome], None],
    error: Exception,
    clock: BlockClock,
    energy: Callable[[], tuple[float, int] | None],
) -> bool:
    share = clock.share(len(block.cells))
    if len(block.cells) == 1:
        publish(failed(block.cells[0], Failure.of(error, "training"), clock.fields(share, 1)))
        return True
    logger.warning("a block of %d cells broke and is run cell by cell: %r", len(block.cells), error)
    for cell in block.cells:
        states = {cell.id: block.states[cell.id]} if block.states else {}
        choice = Choice(engine=block.choice.engine, width=1)
        alone = replace(block, choice=choice, cells=[cell], states=states)
        if not run_block(alone, control, publish, energy, share):
            return False
    return True
