"""The plan of a grid: which cells are answered, which are missing, and in which order to train.

Pure: from a grid's cells, the catalogue, the index of a store and the hash of the code. Nothing is
read or written here.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from grids.catalogue import KINDS, Catalogue
from grids.cell import Cell, Component
from orchestrator.states import FAILURES
from orchestrator.store.index import CellState
from orchestrator.store.records import check_same_cell


class Standing(StrEnum):
    """How a planned cell stands against the store."""

    NEW = "new"
    DONE = "done"
    FAILED = "failed"
    OTHER_CODE = "other code"
    RUNNING = "running"
    BLOCKED = "blocked"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedCell:
    """One cell of a plan.

    Attributes:
        cell: What is trained.
        standing: How it stands now.
        train: Whether a run would train it.
        wave: 0, or one more than the latest producer that it needs.
        needs: Ids of the producers that it needs.
        produced_for: Whether it is here only because another cell needs what it makes.
        reason: Why it is blocked, else "".
    """

    cell: Cell
    standing: Standing
    train: bool
    wave: int = 0
    needs: tuple[str, ...] = ()
    produced_for: bool = False
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Every cell of a grid and of what it needs, wave by wave, in grid order."""

    cells: tuple[PlannedCell, ...]

    def counts(self) -> dict[Standing, int]:
        """How many cells have each standing, every standing listed."""
        found = Counter(planned.standing for planned in self.cells)
        return {standing: found[standing] for standing in Standing}

    def with_standing(self, *standings: Standing) -> list[Cell]:
        """The cells that have one of these standings."""
        return [planned.cell for planned in self.cells if planned.standing in standings]

    def to_train(self) -> list[Cell]:
        """The cells that a run would train."""
        return [planned.cell for planned in self.cells if planned.train]

    def needs(self) -> dict[str, tuple[str, ...]]:
        """Cell id to the ids of its producers, for the cells that need any."""
        return {planned.cell.id: planned.needs for planned in self.cells if planned.needs}

    def waves(self) -> list[list[Cell]]:
        """The cells to train, in the order in which they can be: producers before consumers."""
        waves: dict[int, list[Cell]] = {}
        for planned in self.cells:
            if planned.train:
                waves.setdefault(planned.wave, []).append(planned.cell)
        return [waves[number] for number in sorted(waves)]


def make_plan(
    cells: Sequence[Cell],
    catalogue: Catalogue,
    index: Mapping[str, CellState],
    code: str,
    *,
    running: Collection[str] = (),
    rerun_stale: bool = False,
    retry: Collection[str] = (),
    canary: bool = False,
) -> Plan:
    """Plan the cells of a grid against what a store holds.

    Args:
        cells: The cells of the grid, distinct.
        catalogue: Where the `needs` of methods are declared.
        index: Cell id to how far it got.
        code: Hash of the code that would run.
        running: Ids of the cells that a living run is training now.
        rerun_stale: Whether to train again what other code answered.
        retry: States of failed attempts (of `states.FAILURES`) to train again.
        canary: Whether the first cell of every method goes ahead: the others of a method that has
            no results yet need it, and are blocked when it fails.

    Raises:
        CollisionError: When the store holds another cell under the id of one of these.
    """
    own = {cell.id for cell in cells}
    planned: dict[str, PlannedCell] = {}
    canaries = _canaries(cells, index) if canary else {}
    for cell, wave, needs in _with_producers(cells, catalogue, canaries):
        state = index.get(cell.id)
        standing = _standing(cell, state, code, running)
        stale = standing is Standing.OTHER_CODE and rerun_stale and cell.id not in running
        train = standing is Standing.NEW or stale
        train = train or (
            standing is Standing.FAILED and state is not None and state.state in retry
        )
        starved = [planned[need.id] for need in needs if _starves(planned[need.id])]
        if starved and train:
            standing, train = Standing.BLOCKED, False
        planned[cell.id] = PlannedCell(
            cell=cell,
            standing=standing,
            train=train,
            wave=wave,
            needs=tuple(need.id for need in needs),
            produced_for=cell.id not in own,
            reason=_reason(starved[0]) if starved else "",
        )
    return Plan(cells=tuple(planned.values()))


def producers(cell: Cell, catalogue: Catalogue) -> list[Cell]:
    """The cells that make what this one needs: itself with the fields its method substitutes."""
    needs = catalogue.entry("method", cell.method.name).traits.get("needs", ())
    return [_substituted(cell, need, catalogue) for need in needs]


def _with_producers(
    cells: Sequence[Cell], catalogue: Catalogue, canaries: Mapping[str, Cell]
) -> list[tuple[Cell, int, list[Cell]]]:
    """(cell, wave, what it needs), every producer before its consumers, each cell once."""
    waves: dict[str, int] = {}
    ordered: list[tuple[Cell, int, list[Cell]]] = []

    def visit(cell: Cell, *, ahead: bool) -> int:
        if cell.id not in waves:
            needs = producers(cell, catalogue)
            first = canaries.get(cell.method.name, cell)
            ahead = ahead or first.id == cell.id  # and so goes all that a canary needs
            needs += [] if ahead else [first]
            waves[cell.id] = max((visit(need, ahead=ahead) + 1 for need in needs), default=0)
            ordered.append((cell, waves[cell.id], needs))
        return waves[cell.id]

    for cell in [*canaries.values(), *cells]:
        visit(cell, ahead=False)
    rank = {cell.id: position for position, cell in enumerate(cells)}
    return sorted(ordered, key=lambda entry: (entry[1], rank.get(entry[0].id, -1)))


def _canaries(cells: Sequence[Cell], index: Mapping[str, CellState]) -> dict[str, Cell]:
    """The first cell of every method of which no cell has results, by the method's name."""
    known = {cell.method.name for cell in cells if cell.id in index and index[cell.id].completed}
    found: dict[str, Cell] = {}
    for cell in cells:
        if cell.method.name not in known:
            found.setdefault(cell.method.name, cell)
    return found


def _standing(cell: Cell, state: CellState | None, code: str, running: Collection[str]) -> Standing:
    if state is not None:
        check_same_cell(cell.id, cell.canonical(), state.canonical)
    if state is not None and state.completed:
        return Standing.DONE if state.answer.code == code else Standing.OTHER_CODE
    if cell.id in running:
        return Standing.RUNNING
    return Standing.FAILED if state is not None and state.state in FAILURES else Standing.NEW


def _starves(producer: PlannedCell) -> bool:
    waits = (Standing.FAILED, Standing.BLOCKED, Standing.RUNNING)
    return not producer.train and producer.standing in waits


def _reason(producer: PlannedCell) -> str:
    elsewhere = producer.standing is Standing.RUNNING
    ended = "is being trained by another run" if elsewhere else "failed"
    return f"its producer {producer.cell.label()} {ended}"


def _substituted(cell: Cell, need: Mapping[str, Any], catalogue: Catalogue) -> Cell:
    plain = {name: value for name, value in cell.canonical().items() if name != "semantics"}
    made = Cell.from_canonical({**plain, **need})
    versions = dict(cell.semantics)
    versions |= {kind: _semantics(getattr(made, kind), kind, catalogue) for kind in KINDS}
    return replace(made, semantics=tuple(sorted(versions.items())))


def _semantics(component: Component, kind: str, catalogue: Catalogue) -> int:
    return catalogue.entry(kind, component.name).semantics
