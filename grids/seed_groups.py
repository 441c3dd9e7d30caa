"""Cells that differ in nothing but the seed, and which of them are compared with which."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from grids.cell import Cell
from grids.problems import Collector, GridError, Where
from grids.seed_rules import Ranking, SeedRule

DENSE = "dense"
"""The method that all others are compared with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedGroup:
    """All cells that differ from one another in the seed alone.

    Attributes:
        first: The cell with seed 0.
    """

    first: Cell

    @property
    def id(self) -> str:
        """The id of its first cell."""
        return self.first.id

    def cell(self, seed: int) -> Cell:
        """The cell with this seed."""
        return self.first if seed == 0 else replace(self.first, seed=seed)

    def label(self) -> str:
        """A short human name: "rigl density=0.05"."""
        return self.first.label().rpartition(" ")[0]


def groups_of(cells: Iterable[Cell]) -> list[SeedGroup]:
    """The groups of the cells of a grid with a rule, in order; every one has a cell of seed 0."""
    return [SeedGroup(first=cell) for cell in cells if cell.seed == 0]


def compared(groups: Sequence[SeedGroup]) -> list[tuple[SeedGroup, SeedGroup]]:
    """Every group that is not dense, with the dense group of the same data, model and recipe.

    Raises:
        GridError: When a group has no such partner, or there is nothing to compare.
    """
    dense = {_setting(group.first): group for group in groups if _is_dense(group)}
    others = [group for group in groups if not _is_dense(group)]
    if not others:
        raise GridError("ranking_settled compares methods with dense, and there is no other one")
    for group in others:
        if _setting(group.first) not in dense:
            rest = "" if not dense else " with the same data, model and recipe"
            raise GridError(
                f"ranking_settled compares {group.label()} with dense, and the grid has no dense "
                f"cell{rest}",
                "add dense to the methods",
            )
    return [(group, dense[_setting(group.first)]) for group in others]


def note_incomparable(
    rule: SeedRule | None, where: Where, cells: Sequence[Cell], problems: Collector
) -> None:
    """Note that a rule compares what the grid does not hold."""
    if rule is None or not isinstance(rule.until, Ranking):
        return
    try:
        compared(groups_of(cells))
    except GridError as error:
        problems.add_error(where, error)


def _is_dense(group: SeedGroup) -> bool:
    return group.first.method.name == DENSE


def _setting(cell: Cell) -> tuple[object, ...]:
    return (cell.scenario, cell.dataset, cell.data_ratio, cell.model, cell.recipe)
