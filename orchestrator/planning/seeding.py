"""The seeds of a grid with a rule: its cells become those that are asked for now."""

from collections.abc import Mapping
from dataclasses import replace

from grids.catalogue import Catalogue
from grids.grid import Grid
from grids.probes import metrics_of_probe, probes_of_scenario
from orchestrator.seeds.deciding import Decision, decide
from orchestrator.seeds.measuring import Measured, check_measurement, failed_cells, measured
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store


def with_asked_seeds(
    grid: Grid, catalogue: Catalogue, store: Store | None, index: Mapping[str, CellState]
) -> tuple[Grid, Decision | None]:
    """The grid with the cells that its rule asks for now, and what was decided; None without one.

    Args:
        grid: The grid.
        catalogue: What its names mean.
        store: Where measurements are; None when nothing is there yet.
        index: What the store holds, by cell id.

    Raises:
        GridError: When the rule looks at what is not measured.
    """
    rule = grid.seed_rule
    if rule is None:
        return grid, None
    probes = _probes(grid, catalogue)
    units = {m["name"]: m["unit"] for text in probes for m in metrics_of_probe(text, catalogue)}
    check_measurement(rule, units)
    seen = Measured()
    if store is not None and index:
        seen = measured(store, rule, grid.cells, probes)
    decision = decide(grid.cells, rule, seen.values, failed_cells(index), seen.origins)
    return replace(grid, cells=decision.cells), decision


def _probes(grid: Grid, catalogue: Catalogue) -> list[str]:
    """The probes that some cell of the grid gets, asked for or with its scenario."""
    found = set(grid.probes)
    for name in {cell.scenario.name for cell in grid.cells}:
        found |= set(probes_of_scenario(catalogue.entry("scenario", name), catalogue))
    return sorted(found)
