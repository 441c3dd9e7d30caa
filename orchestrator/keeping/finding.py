"""Finding a cell with results by the beginning of its id."""

from collections.abc import Mapping

from grids.problems import nearest
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store, StoreError

_LISTED = 8


def find_completed(store: Store, index: Mapping[str, CellState], beginning: str) -> CellState:
    """The state of the cell whose id begins so.

    Raises:
        StoreError: When no cell that was trained, or several, begin so, or when it has no results.
    """
    found = [cell for cell in index if cell.startswith(beginning)] if beginning else []
    if len(found) > 1:
        listed = ", ".join(found[:_LISTED]) + (", ..." if len(found) > _LISTED else "")
        raise StoreError(f"{len(found)} cells have an id that begins with {beginning}: {listed}")
    if not found:
        said = f"no cell that was trained in {store.root} has an id that begins with '{beginning}'"
        close = nearest(beginning, {cell[: max(len(beginning), 4)] for cell in index})
        raise StoreError(f"{said}; {close}" if close else said)
    state = index[found[0]]
    if not state.completed:
        error = f": {state.answer.error_type}: {state.answer.error_message}"
        raise StoreError(
            f"cell {state.cell} has no results, it is {state.state}"
            f"{error if state.answer.error_type else ''}; sparsesweep retry trains it again"
        )
    return state
