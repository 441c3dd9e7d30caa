"""Packs: the cells that one worker runs together, and how many of them to make.

Cells of a pack share dataset, model, data ratio, scenario and structural recipe, so that one engine
can step them as one program. Packs of a group are balanced by longest processing time first. The
same cells always give the same packs.

Of a large group that nobody measured, a pilot is packed first: a few cells of every method. Its
records tell what the others cost.
"""

import hashlib
import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from grids.cell import Cell
from orchestrator.planning.cost import NOTHING_MEASURED, Costs, Shape, shape_of

TARGET_SECONDS = 60.0
"""Length of a local pack, where lengths are known: long against its start, short against a stop."""

PILOT_ABOVE = 512
"""Cells per slot above which a group that was never measured begins with a pilot."""

PILOT_CELLS = 16
"""Cells of each pack of a pilot: enough to be stacked as the others will be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """What a backend can carry, and what a pack should be like there.

    Attributes:
        slots: Workers at a time, at least 1.
        memory_mb: Memory of one worker in MiB; None for no limit.
        target_seconds: Wanted length of a pack, where lengths are known.
        shortest_seconds: Length below which a pack is not worth its start.
        pilots: Whether a large group that nobody measured begins with a pilot.
    """

    slots: int
    memory_mb: float | None = None
    target_seconds: float = TARGET_SECONDS
    shortest_seconds: float = 0.0
    pilots: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Pack:
    """Cells for one worker, in grid order.

    Attributes:
        id: 12 hex digits over the sorted ids of its cells.
        cells: At least one; all of one shape (see `cost.shape_of`).
        seconds: Expected length; None where nothing was measured.
        pilot: Whether it is run to measure what the other cells of its group cost.
    """

    id: str
    cells: tuple[Cell, ...]
    seconds: float | None
    pilot: bool = False


def pack_cells(
    cells: Sequence[Cell],
    capacity: Capacity,
    *,
    costs: Costs = NOTHING_MEASURED,
    piloted: Collection[Shape] = (),
) -> list[Pack]:
    """Group cells into packs, the longest first.

    Every group with that many cells is spread over all slots, unless its measured seconds say that
    such packs would be too short; it gets more packs where seconds or memory ask for that. Of a
    group without measurements that has more than `PILOT_ABOVE` cells per slot, only a pilot of
    small packs is made, one per slot: the others are in no pack, and are packed when the pilot has
    told what they cost.

    Args:
        cells: Distinct cells of one wave.
        capacity: What the backend can carry.
        costs: What was measured so far.
        piloted: Shapes whose pilot was run; where it measured nothing, there is no second one.
    """
    groups: dict[Shape, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[shape_of(cell)].append(cell)
    packs: list[Pack] = []
    for shape, group in groups.items():
        pilot = capacity.pilots and shape not in piloted
        pilot = pilot and _wants_pilot(group, capacity.slots, costs)
        members = _pilot_cells(group, capacity.slots * PILOT_CELLS) if pilot else group
        count = _pack_count(members, capacity, costs)
        packs += [_make(part, costs, pilot=pilot) for part in _balance(members, count, costs)]
    return sorted(packs, key=lambda pack: -(pack.seconds or 0.0))


def pack_id(cells: Sequence[Cell]) -> str:
    """The id of a pack: it depends on its cells only, never on their order or on the grid."""
    return hashlib.sha256("".join(sorted(cell.id for cell in cells)).encode()).hexdigest()[:12]


def _wants_pilot(group: Sequence[Cell], slots: int, costs: Costs) -> bool:
    return len(group) > slots * PILOT_ABOVE and costs.total(group) is None


def _pilot_cells(group: Sequence[Cell], wanted: int) -> list[Cell]:
    """The first cells of every method, equally many of each as far as they go, in grid order."""
    seen: Counter[str] = Counter()
    turns = []
    for position, cell in enumerate(group):
        turns.append((seen[cell.method.name], position))
        seen[cell.method.name] += 1
    return [group[position] for position in sorted(at for _, at in sorted(turns)[:wanted])]


def _pack_count(group: Sequence[Cell], capacity: Capacity, costs: Costs) -> int:
    count = capacity.slots
    total = costs.total(group)
    if total is not None:
        if capacity.shortest_seconds:
            count = min(count, math.ceil(total / capacity.shortest_seconds))
        count = max(count, math.ceil(total / capacity.target_seconds))
    stacked = [cost.stacked_mb for cell in group if (cost := costs.of(cell)) is not None]
    heaviest = max((size for size in stacked if size is not None), default=None)
    if capacity.memory_mb is not None and heaviest is not None:
        fitting = max(1, int(capacity.memory_mb / heaviest))
        count = max(count, math.ceil(len(group) / fitting))
    return max(1, min(len(group), count))


def _balance(group: Sequence[Cell], count: int, costs: Costs) -> list[list[Cell]]:
    """Longest processing time first: the next longest cell joins the pack that is shortest yet."""
    seconds = [_seconds(cell, costs) for cell in group]
    members: list[list[int]] = [[] for _ in range(count)]
    shortest = [(0.0, 0, at) for at in range(count)]  # a heap of (load, cells, pack)
    for position in sorted(range(len(group)), key=lambda at: (-seconds[at], at)):
        load, size, at = shortest[0]
        members[at].append(position)
        heapq.heapreplace(shortest, (load + seconds[position], size + 1, at))
    return [[group[position] for position in sorted(positions)] for positions in members]


def _seconds(cell: Cell, costs: Costs) -> float:
    cost = costs.of(cell)
    return cost.seconds if cost is not None else 1.0


def _make(cells: Sequence[Cell], costs: Costs, *, pilot: bool) -> Pack:
    return Pack(id=pack_id(cells), cells=tuple(cells), seconds=costs.total(cells), pilot=pilot)
