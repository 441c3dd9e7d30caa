"""What shall be measured of the cells of a plan: what the grid asks for, and what always is."""

from collections.abc import Collection, Iterable

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.probe_texts import PHASE, joined, probe_phase
from grids.probes import is_offered, probes_of_scenario
from orchestrator.store.index import CellState


class WantedProbes:
    """The probes that the results of each cell must cover, as texts (`grids.probe_texts`).

    Every cell gets those of its scenario; a cell of the grid also those that the grid asks for,
    which come before one of the same name. Worked out once for each scenario.

    Args:
        catalogue: Where the probes of scenarios stand.
        own: Ids of the cells of the grid; all others are producers.
        asked: What the grid asks for.
    """

    def __init__(self, catalogue: Catalogue, own: Collection[str], asked: Collection[str]) -> None:
        self._catalogue = catalogue
        self._own = own
        self._asked = asked
        self._known: dict[tuple[str, bool], tuple[str, ...]] = {}

    def of(self, cell: Cell) -> tuple[str, ...]:
        """The probes of a cell, sorted.

        Raises:
            GridError: When the trait of its scenario names what does not exist.
        """
        key = (cell.scenario.name, cell.id in self._own)
        if key not in self._known:
            scenario = self._catalogue.entry("scenario", cell.scenario.name)
            always = probes_of_scenario(scenario, self._catalogue)
            self._known[key] = joined(self._asked if key[1] else (), always)
        return self._known[key]


def with_earlier(
    probes: tuple[str, ...], state: CellState | None, catalogue: Catalogue
) -> tuple[str, ...]:
    """These probes, and those that the results of the cell cover already and still exist.

    A new attempt may replace the results, and whoever asked for those probes shall keep them.
    """
    if state is None or not state.probes:
        return probes
    return joined(probes, [text for text in sorted(state.probes) if is_offered(text, catalogue)])


def failed_for_another(state: CellState, probes: Iterable[str]) -> bool:
    """Whether only probes that are not among these (texts) stopped a cell that has no results.

    Without them it may be trained: a probe is no part of what a cell is. Of its attempts the last
    counts, and all that one of these probes stopped.
    """
    if not (state.answer.error_phase or "").startswith(PHASE):
        return False
    phases = {probe_phase(text) for text in probes}
    return not any(entry.error_phase in phases for entry in state.entries)
