"""Multiplying a grid out: factors and seeds become cells, in the order of the file.

Earlier axes vary slowest, seeds fastest. A field that a cell's method or allocation ignores takes
its neutral value, and cells that are then equal are one cell: a dense baseline is counted once per
seed, not once per density.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from operator import itemgetter
from typing import Any

from grids.cell import FIELDS, Cell
from grids.document import Block, Document
from grids.excluding import Exclusions
from grids.factors import Factor
from grids.fields import Setting
from grids.legality import Legality
from grids.resolving import Resolved, Resolver, without_effect

MAX_CELLS = 1_000_000
"""Largest grid that is expanded."""

METHOD, DENSITY, ALLOCATION = (FIELDS.index(name) for name in ("method", "density", "allocation"))

Index = tuple[int, ...]
Point = tuple[Resolved, ...]
"""One cell without its seed: a resolved value per field, in the order of `FIELDS`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One cell field for every index of a product: `rows[pick(index)]`.

    Combinations that could not be resolved are absent.
    """

    pick: Callable[[Index], Hashable]
    rows: dict[Hashable, Resolved]


@dataclass(kw_only=True, slots=True)
class Expansion:
    """The cells found so far. `taken` has the seeds of every point, so that none comes twice.

    `legality` judges what is added: a combination that `exclude` removes may be anything.
    """

    seeds: Sequence[int]
    legality: Legality
    cells: list[Cell] = field(default_factory=list)
    taken: dict[Hashable, set[int]] = field(default_factory=dict)

    def add_grid(self, points: Iterator[Point], exclusions: Exclusions) -> int:
        """Add the cells of these points that no rule removes; the count of the removed."""
        removed = 0
        for point in points:
            key = tuple([value.key for value in point])
            if key in self.taken:
                continue
            kept = exclusions.kept_seeds(point, self.seeds)
            removed += len(self.seeds) - len(kept)
            self.taken[key] = set(kept)
            self._add(point, kept)
        return removed

    def add_included(self, points: Iterator[Point]) -> int:
        """Add the cells of these points that the grid does not have yet; the count of the new."""
        before = len(self.cells)
        for point in points:
            taken = self.taken.setdefault(tuple([value.key for value in point]), set())
            self._add(point, [seed for seed in self.seeds if seed not in taken])
            taken.update(self.seeds)
        return len(self.cells) - before

    def _add(self, point: Point, seeds: Sequence[int]) -> None:
        if seeds:
            self.legality.judge(point)
        shared: dict[str, Any] = {
            name: value.value for name, value in zip(FIELDS, point, strict=True)
        }
        semantics = tuple(
            pair
            for name, value in zip(FIELDS, point, strict=True)
            for pair in ((name, value.semantics), *value.inner_semantics)
            if pair[1] != 1
        )
        self.cells += [Cell(**shared, seed=seed, semantics=semantics) for seed in seeds]


def count(document: Document) -> int:
    """How many cells the product has at most, before anything collapses or is excluded."""
    sizes = (prod(len(factor.rows) for factor in block.factors) for block in document.blocks)
    return sum(sizes) * document.most_seeds


def tables(block: Block, resolver: Resolver) -> list[Table]:
    """One table per cell field, in the order of `FIELDS`; mistakes are noted."""
    every = [_table(name, block, resolver) for name in FIELDS]
    if any(density.value is None for density in every[DENSITY].rows.values()):
        for method in _without_density(block, every):
            message = f"density is missing; {method} needs one"
            resolver.note_missing("density", block.where, message)
    return every


def points(block: Block, block_tables: Sequence[Table], resolver: Resolver) -> Iterator[Point]:
    """Every point of a block in order, with ignored fields neutral. All tables must be whole."""
    neutral = {position: resolver.neutral(FIELDS[position]) for position in (DENSITY, ALLOCATION)}
    lookups = [(table.pick, table.rows) for table in block_tables]
    densities: set[Resolved] = set()
    allocations: set[Resolved] = set()
    for index in _indices(block):
        row = [rows[pick(index)] for pick, rows in lookups]
        for name in without_effect(row[METHOD], row[ALLOCATION]):
            row[FIELDS.index(name)] = neutral[FIELDS.index(name)]
        densities.add(row[DENSITY])
        allocations.add(row[ALLOCATION])
        yield tuple(row)
    for value in (*densities, *allocations):
        resolver.note_use(value)
    resolver.density_decided |= any(allocation.ignores for allocation in allocations)


def _without_density(block: Block, block_tables: Sequence[Table]) -> dict[str | None, None]:
    """The names of the methods that meet no density where one would have an effect."""
    deciding = (METHOD, DENSITY, ALLOCATION)
    found: dict[str | None, None] = {}
    for index in _indices(block, [FIELDS[position] for position in deciding]):
        row = (block_tables[position] for position in deciding)
        method, density, allocation = (table.rows.get(table.pick(index)) for table in row)
        if method is None or density is None or allocation is None:
            continue  # a mistake that is noted already
        if density.value is None and "density" not in without_effect(method, allocation):
            found[method.name()] = None
    return found


def _indices(block: Block, fields: Sequence[str] = FIELDS) -> Iterator[Index]:
    """Every index of the product, or one for each combination that concerns these cell fields."""
    lengths = (
        len(factor.rows) if any(path.field in fields for path in factor.paths()) else 1
        for factor in _varying(block)
    )
    return product(*map(range, lengths))


def _varying(block: Block) -> list[Factor]:
    return [factor for factor in block.factors if len(factor.rows) > 1]


def _table(name: str, block: Block, resolver: Resolver) -> Table:
    """Resolve a field for every combination of the rows that concern it."""
    split = [[_of_field(name, row) for row in factor.rows] for factor in _varying(block)]
    positions = [position for position, rows in enumerate(split) if any(rows)]
    fixed = [
        setting
        for factor in block.factors
        if len(factor.rows) == 1
        for setting in _of_field(name, factor.rows[0])
    ]
    table = Table(pick=_picker(positions), rows={})
    index = [0] * len(split)
    for picked in product(*(range(len(split[position])) for position in positions)):
        settings = list(fixed)
        for position, row in zip(positions, picked, strict=True):
            index[position] = row
            settings += split[position][row]
        settings.sort(key=lambda setting: setting.layer)
        resolved = resolver.resolve(name, settings, block.where)
        if resolved is not None:
            table.rows[table.pick(tuple(index))] = resolved
    return table


def _of_field(name: str, row: Sequence[Setting]) -> list[Setting]:
    return [setting for setting in row if setting.path.field == name]


def _picker(positions: Sequence[int]) -> Callable[[Index], Hashable]:
    """The part of an index that a field depends on."""
    return itemgetter(*positions) if positions else lambda index: ()
