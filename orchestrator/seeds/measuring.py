"""What a rule looks at, read from a store, and whether there is such a measurement."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grids.cell import Cell
from grids.problems import GridProblems, Problem, Where, unknown
from grids.seed_groups import groups_of
from grids.seed_rules import POINTS, Interval, SeedRule
from orchestrator.store.answering import COMPLETED
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store
from orchestrator.store.live import read_rows
from orchestrator.store.schema import TABLES
from orchestrator.watching.states import FAILURES

_FRACTION = "fraction"
_ORIGIN = ("tier", "device", "code")

UNITS: Mapping[str, str] = {
    column.name: column.unit for column in TABLES["results"] if column.origin == "metric"
}
"""The measurements that every cell may have, by their name in tables, with their units."""


def check_measurement(rule: SeedRule, further: Mapping[str, str]) -> None:
    """Refuse a rule that looks at a measurement that no cell has, or in another unit.

    Args:
        rule: The rule.
        further: The measurements of the probes that are asked for, with their units.

    Raises:
        GridProblems: With the place in the grid file.
    """
    until, units = rule.until, {**UNITS, **further}
    where = rule.where if rule.where is not None else Where("seeds")
    if until.value not in units:
        error = unknown("measurement of until", until.value, units)
        raise GridProblems([Problem(error.message, where, error.hint)])
    if not isinstance(until, Interval):
        return
    own = POINTS if units[until.value] == _FRACTION else units[until.value]
    if until.unit != own:
        message = f"until bounds {until.value} in {until.unit}; allowed: {own}"
        raise GridProblems([Problem(message, where)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a rule looks at.

    Attributes:
        values: Cell id to its measurement.
        origins: Cell id to what made it: tier, type of device and code, as text.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def measured(
    store: Store, rule: SeedRule, cells: Sequence[Cell], probes: Collection[str]
) -> Measured:
    """What a rule looks at, of every cell that it may ask for and whose answer holds it.

    Args:
        store: The store; only the rows of these cells are read.
        rule: The rule.
        cells: The cells of the grid, or those asked for so far: only their groups matter.
        probes: The probes that are asked for: what others of the same name measured is left out.
    """
    value = rule.until.value
    groups = groups_of(cells)
    ids = [group.cell(seed).id for group in groups for seed in range(rule.most)]
    columns = ["cell", "answers", "state", *_ORIGIN, *([value] if value in UNITS else [])]
    tables = {"results": columns}
    if value not in UNITS:
        tables["metrics"] = ["cell", "answers", "metric", "probe", "value"]
    found = {name: rows.to_pylist() for name, rows in read_rows(store, tables, ids).items()}
    rows = [r for r in found["results"] if r["answers"] and r["state"] == COMPLETED]
    values = {row["cell"]: row.get(value) for row in rows}
    for row in found.get("metrics", ()):
        asked = row["probe"] is None or row["probe"] in probes
        if row["answers"] and asked and row["metric"] == value:
            values[row["cell"]] = row["value"]
    return Measured(
        values={cell: float(number) for cell, number in values.items() if number is not None},
        origins={row["cell"]: _origin(row) for row in rows},
    )


def _origin(row: Mapping[str, Any]) -> str:
    """The tier, type of device and code of a result: cuda:0 and cuda:1 are one type."""
    texts = (f"{name} {str(row[name]).partition(':')[0]}" for name in _ORIGIN)
    return ", ".join(texts)


def failed_cells(index: Mapping[str, CellState]) -> dict[str, str]:
    """Cell id to how it failed, for the cells that have no results and are not tried again."""
    return {cell: state.state for cell, state in index.items() if state.state in FAILURES}
