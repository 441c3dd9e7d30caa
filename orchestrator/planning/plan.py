"""The plan of a grid: which cells are answered, which are missing, and in which order to train.

Pure: from a grid's cells, the catalogue, the index of a store and the hash of the code. Nothing is
read or written here.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.probe_texts import probe_words
from orchestrator.planning.losses import MOST_LOSSES
from orchestrator.planning.needs import Need, needs_of
from orchestrator.planning.probing import WantedProbes, failed_for_another, with_earlier
from orchestrator.planning.run_length import refuse_other_steps
from orchestrator.store.index import CellState
from orchestrator.store.records import check_same_cell
from orchestrator.watching.repeats import FailedRepeat, failed_repeat
from orchestrator.watching.states import FAILURES


class Standing(StrEnum):
    """How a planned cell stands against the store."""

    NEW = "new"
    DONE = "done"
    FAILED = "failed"
    OTHER_CODE = "other code"
    AGAIN = "again"
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
        inputs: Names of the artifacts that it needs, with the ids of their producers.
        leaves: Names of the artifacts that it shall leave.
        lacks: Those of them, and the probes in words, for which a cell with results is trained
            again, or would be if that had not failed.
        produced_for: Whether it is here only because another cell needs what it makes.
        reason: Why it is blocked, or trained again, or why it is not; else "".
        asked: The probes (`grids.probe_texts`) that its results must cover.
        probes: Those that an attempt would measure: of a cell that has results, also what these
            cover, because the new results may replace them.
        failed: What failed when it was trained for what it lacks; None when nothing did.
    """

    cell: Cell
    standing: Standing
    train: bool
    wave: int = 0
    needs: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    leaves: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    produced_for: bool = False
    reason: str = ""
    asked: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    failed: FailedRepeat | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Every cell of a grid and of what it needs, wave by wave, in grid order."""

    cells: tuple[PlannedCell, ...]

    def counts(self) -> dict[Standing, int]:
        """How many cells have each standing, every standing listed."""
        found = Counter(planned.standing for planned in self.cells)
        return {standing: found[standing] for standing in Standing}

    def to_train(self) -> list[Cell]:
        """The cells that a run would train."""
        return [planned.cell for planned in self.cells if planned.train]

    def needs(self) -> dict[str, tuple[str, ...]]:
        """Cell id to the ids of its producers, for the cells that need any."""
        return {planned.cell.id: planned.needs for planned in self.cells if planned.needs}

    def inputs(self) -> dict[str, Mapping[str, str]]:
        """Cell id to the artifacts it needs and their producers, for the cells that need any."""
        return {planned.cell.id: planned.inputs for planned in self.cells if planned.inputs}

    def probes(self) -> tuple[dict[str, int], dict[str, int]]:
        """Of how many cells each probe, in words, is asked, and of how many a run measures it."""
        asked = Counter(text for planned in self.cells for text in planned.asked)
        due = Counter(text for entry in self.cells if entry.train for text in entry.probes)
        return (
            {probe_words(text): count for text, count in sorted(asked.items())},
            {probe_words(text): count for text, count in sorted(due.items())},
        )

    def waves(self) -> list[list[Cell]]:
        """The cells to train, in the order in which they can be: producers before consumers."""
        waves: dict[int, list[Cell]] = {}
        for planned in self.cells:
            if planned.train:
                waves.setdefault(planned.wave, []).append(planned.cell)
        return [waves[number] for number in sorted(waves)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known when a plan is made.

    Attributes:
        index: Cell id to how far it got.
        code: Hash of the code that would run.
        artifacts: Cell id to the names of the artifacts that are there.
        running: Ids of the cells that a living run is training now.
        losses: Cell id to how many workers in a row it has lost, where there are any.
    """

    index: Mapping[str, CellState]
    code: str
    artifacts: Mapping[str, Collection[str]] = field(default_factory=dict)
    running: Collection[str] = ()
    losses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What to train besides what is new.

    Attributes:
        rerun_stale: Whether to train again what other code answered.
        retry: States of failed attempts (of `states.FAILURES`) to train again.
        canary: Whether the first cell of every method goes ahead: the others of a method that has
            no results yet need it, and are blocked when it fails.
        leave: Names of the artifacts that every cell of the grid shall leave.
        probes: Texts of the probes that the grid asks for.
    """

    rerun_stale: bool = False
    retry: Collection[str] = ()
    canary: bool = False
    leave: Collection[str] = ()
    probes: Collection[str] = ()


def make_plan(
    cells: Sequence[Cell], catalogue: Catalogue, known: Known, wishes: Wishes | None = None
) -> Plan:
    """Plan the cells of a grid against what a store holds.

    Args:
        cells: The cells of the grid, distinct.
        catalogue: Where the `needs` of methods are declared.
        known: What there is already.
        wishes: What to train besides what is new; nothing when None.

    Raises:
        CollisionError: When the store holds another cell under the id of one of these.
        GridError: When a cell cannot take a step that is asked of it.
    """
    asked = Wishes() if wishes is None else wishes
    own = {cell.id for cell in cells}
    canaries = _canaries(cells, known.index) if asked.canary else {}
    ordered = _with_producers(cells, catalogue, canaries)
    wanted = WantedProbes(catalogue, own, asked.probes)
    leaves = _leaves(ordered, own, known, asked, wanted)
    refuse_other_steps([(cell, leaves[cell.id]) for cell, _, _ in ordered], catalogue)
    planned: dict[str, PlannedCell] = {}
    for cell, wave, needs in ordered:
        probes = wanted.of(cell)
        standing, lacks, failed = _stand(cell, leaves[cell.id], probes, known, asked)
        train = _trains(cell, standing, known, asked)
        reason = _why_again(known.index[cell.id], lacks, known.code) if lacks else ""
        if failed is not None and not train:
            reason = failed.reason
        producers = [planned[need.producer.id] for need in needs]
        if train and (blocked := _why_blocked(cell, producers, known, asked)):
            standing, train, lacks, reason = Standing.BLOCKED, False, (), blocked
        planned[cell.id] = PlannedCell(
            cell=cell,
            standing=standing,
            train=train,
            wave=wave,
            needs=tuple(need.producer.id for need in needs),
            inputs={n.input: n.producer.id for n in needs if n.input is not None},
            leaves=leaves[cell.id],
            lacks=lacks,
            produced_for=cell.id not in own,
            reason=reason,
            asked=probes,
            probes=with_earlier(probes, known.index.get(cell.id), catalogue) if train else probes,
            failed=failed,
        )
    return Plan(cells=tuple(planned.values()))


_Ordered = Sequence[tuple[Cell, int, list[Need]]]


def _with_producers(
    cells: Sequence[Cell], catalogue: Catalogue, canaries: Mapping[str, Cell]
) -> _Ordered:
    """(cell, wave, what it needs), every producer before its consumers, each cell once."""
    waves: dict[str, int] = {}
    found: dict[str, list[Need]] = {}
    ordered: list[tuple[Cell, int, list[Need]]] = []
    # A stack of its own: chains of cells may be longer than Python lets calls be nested.
    left = [(cell, False) for cell in reversed([*canaries.values(), *cells])]
    while left:
        cell, ahead = left[-1]
        if cell.id not in found:
            needs = needs_of(cell, catalogue)
            first = canaries.get(cell.method.name, cell)
            ahead = ahead or first.id == cell.id  # and so goes all that a canary needs
            found[cell.id] = needs + ([] if ahead else [Need(producer=first)])
            left += [(need.producer, ahead) for need in reversed(found[cell.id])]
            continue
        left.pop()
        if cell.id not in waves:
            after = [waves[need.producer.id] + 1 for need in found[cell.id]]
            waves[cell.id] = max(after, default=0)
            ordered.append((cell, waves[cell.id], found[cell.id]))
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


def _leaves(
    ordered: _Ordered,
    own: Collection[str],
    known: Known,
    wishes: Wishes,
    probes: WantedProbes,
) -> dict[str, tuple[str, ...]]:
    """The artifacts that each cell shall leave: those asked for, and those its consumers need.

    Consumers come before their producers here, because one that is not trained needs nothing.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for cell, _, needs in reversed(ordered):
        wanted[cell.id] |= set(wishes.leave) if cell.id in own else set()
        inputs = [need for need in needs if need.artifact is not None]
        if inputs and _is_trained(cell, wanted[cell.id], probes.of(cell), known, wishes):
            for need in inputs:
                wanted[need.producer.id].add(str(need.artifact))
    return {cell.id: tuple(sorted(wanted[cell.id])) for cell, _, _ in ordered}


class _Stand(NamedTuple):
    """How a cell stands, what its results lack, and what failed when they were to be completed."""

    standing: Standing
    lacks: tuple[str, ...] = ()
    failed: FailedRepeat | None = None


def _stand(
    cell: Cell, leaves: Collection[str], probes: Collection[str], known: Known, wishes: Wishes
) -> _Stand:
    state = known.index.get(cell.id)
    if state is not None:
        check_same_cell(cell.id, cell.canonical_json(), state.text)
    if state is not None and state.completed:
        return _stand_of_results(cell, state, leaves, probes, known, wishes)
    if cell.id in known.running:
        return _Stand(Standing.RUNNING)
    if state is None or state.state not in FAILURES or failed_for_another(state, probes):
        return _Stand(Standing.NEW)
    return _Stand(Standing.FAILED)


def _stand_of_results(
    cell: Cell,
    state: CellState,
    leaves: Collection[str],
    probes: Collection[str],
    known: Known,
    wishes: Wishes,
) -> _Stand:
    absent = sorted(set(probes) - state.probes) if probes else []
    lacks = tuple(sorted(set(leaves) - set(known.artifacts.get(cell.id, ()))))
    lacks += tuple(map(probe_words, absent))
    stale = state.answer.code != known.code
    if not lacks or (stale and wishes.rerun_stale):
        return _Stand(Standing.OTHER_CODE if stale else Standing.DONE)
    if cell.id in known.running:
        return _Stand(Standing.RUNNING)
    failed = failed_repeat(state, absent, known.code)
    if failed is not None and failed.entry.state not in wishes.retry:
        return _Stand(Standing.FAILED, lacks, failed)
    return _Stand(Standing.AGAIN, lacks, failed)


def _is_trained(
    cell: Cell, leaves: Collection[str], probes: Collection[str], known: Known, wishes: Wishes
) -> bool:
    return _trains(cell, _stand(cell, leaves, probes, known, wishes).standing, known, wishes)


def _trains(cell: Cell, standing: Standing, known: Known, wishes: Wishes) -> bool:
    if standing is Standing.OTHER_CODE:
        return wishes.rerun_stale and cell.id not in known.running
    if standing is Standing.FAILED:
        return known.index[cell.id].state in wishes.retry
    return standing in (Standing.NEW, Standing.AGAIN)


def _starves(producer: PlannedCell) -> bool:
    if producer.failed is not None and not set(producer.lacks) & set(producer.leaves):
        return False  # what its consumers need is there
    waits = (Standing.FAILED, Standing.BLOCKED, Standing.RUNNING)
    return not producer.train and producer.standing in waits


def _why_blocked(cell: Cell, producers: Sequence[PlannedCell], known: Known, wishes: Wishes) -> str:
    """Why a cell that would be trained cannot be; "" when nothing keeps it."""
    losses = known.losses.get(cell.id, 0)
    if losses >= MOST_LOSSES and not wishes.retry:
        return f"its worker was lost {losses} times in a row; retry trains it all the same"
    producer = next((one for one in producers if _starves(one)), None)
    if producer is None:
        return ""
    elsewhere = producer.standing is Standing.RUNNING
    ended = "is being trained by another run" if elsewhere else "failed"
    return f"its producer {producer.cell.label()} {ended}"


def _why_again(state: CellState, lacks: Sequence[str], code: str) -> str:
    listed = " and ".join(lacks)
    if state.answer.code == code and state.answer.tier == "exact":
        return f"has results but no {listed}: trained again, and must come to the same results"
    return f"has results but no {listed}: trained again, and the new results replace the old"
