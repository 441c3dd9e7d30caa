"""What a rule looks at, read from a store, and whether there is such a measurement."""

from collections.abc import Collection, Mapping

from grids.problems import GridProblems, Problem, Where, unknown
from grids.seed_rules import POINTS, Interval, SeedRule
from orchestrator.store.answering import COMPLETED
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store
from orchestrator.store.reading import read_tables
from orchestrator.store.schema import TABLES
from orchestrator.watching.states import FAILURES

_FRACTION = "fraction"

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


def measured(store: Store, value: str, probes: Collection[str]) -> dict[str, float]:
    """Cell id to a measurement, of every cell of the store whose answer holds it.

    Args:
        store: The store.
        value: The measurement, by its name in tables.
        probes: The probes that are asked for: what others of the same name measured is left out.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    tables = read_tables(store).tables
    if value in UNITS:
        rows = tables["results"].filter(pc.field("answers") & (pc.field("state") == COMPLETED))
        found = rows.select(["cell", value]).to_pydict()
        pairs = zip(found["cell"], found[value], strict=True)
    else:
        asked = pc.is_null(pc.field("probe")) | pc.field("probe").isin(
            pa.array(sorted(probes), pa.string())
        )
        rows = tables["metrics"].filter(pc.field("answers") & (pc.field("metric") == value) & asked)
        found = rows.select(["cell", "value"]).to_pydict()
        pairs = zip(found["cell"], found["value"], strict=True)
    return {cell: float(number) for cell, number in pairs if number is not None}


def failed_cells(index: Mapping[str, CellState]) -> dict[str, str]:
    """Cell id to how it failed, for the cells that have no results and are not tried again."""
    return {cell: state.state for cell, state in index.items() if state.state in FAILURES}
