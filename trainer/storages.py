"""What a cell with ``recipe.storage: csr`` cannot be, for cells that no grid has read."""

from dataclasses import asdict

from grids import storages
from grids.cell import Cell
from sparse.allocations import ALLOCATIONS
from sparse.methods import METHODS
from trainer.models import MODELS
from trainer.recipe import Recipe
from trainer.scenarios import SCENARIOS


def refuse_surroundings(cell: Cell, device: str) -> None:
    """Raise a ValueError where the cells that share a workload cannot be stored as they ask."""
    if not _is_csr(cell):
        return
    if device != "cpu":
        raise ValueError(f"recipe.storage csr is trained on the cpu, and the device is {device}")
    model, scenario = MODELS.get(cell.model.name), SCENARIOS.get(cell.scenario.name)
    storages.check_storage("model", model, asdict(model.chosen(cell.model.as_dict())))
    options = asdict(scenario.chosen(cell.scenario.as_dict()))
    storages.check_scenario(scenario, {**options, "data_ratio": cell.data_ratio})


def refuse_method(cell: Cell) -> None:
    """Raise a ValueError where the cell's own method or allocation needs dense tensors."""
    if not _is_csr(cell):
        return
    method = METHODS.get(cell.method.name)
    storages.check_storage("method", method, asdict(method.chosen(cell.method.as_dict())))
    storages.check_allocation(ALLOCATIONS.get(cell.allocation.name))


def _is_csr(cell: Cell) -> bool:
    return Recipe.of(cell).storage == storages.CSR
