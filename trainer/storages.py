"""What a cell with ``recipe.storage: csr`` cannot be, for cells that no grid has read."""

from dataclasses import asdict

from grids import storages
from grids.cell import Cell
from sparse.allocations import ALLOCATIONS
from sparse.methods import METHODS
from trainer.models import MODELS
from trainer.recipe import Recipe
from trainer.scenarios import SCENARIOS


def refuse_storage(cell: Cell, device: str) -> None:
    """Raise a ValueError for a cell that cannot be stored as it asks, or not on this device."""
    if Recipe.of(cell).storage != storages.CSR:
        return
    if device != "cpu":
        raise ValueError(f"recipe.storage csr is trained on the cpu, and the device is {device}")
    method, model = METHODS.get(cell.method.name), MODELS.get(cell.model.name)
    scenario = SCENARIOS.get(cell.scenario.name)
    storages.check_method(method, asdict(method.chosen(cell.method.as_dict())))
    storages.check_model(model, asdict(model.chosen(cell.model.as_dict())))
    storages.check_allocation(ALLOCATIONS.get(cell.allocation.name))
    options = asdict(scenario.chosen(cell.scenario.as_dict()))
    storages.check_scenario(scenario, {**options, "data_ratio": cell.data_ratio})
