"""Engines: how a block of cells is stepped, and which engines are legal for a cell."""

from grids.cell import Cell
from grids.storages import CSR
from sparse.methods import METHODS
from trainer.engines.base import Engine
from trainer.engines.csr import CsrEngine
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.workload import Workload

ENGINES: dict[str, type[Engine]] = {"solo": SoloEngine, "stack": StackEngine, "csr": CsrEngine}
"""Every engine by name."""


def legal_engines(workload: Workload, cell: Cell) -> tuple[str, ...]:
    """The engines that may run a cell.

    In the exact tier there is exactly one, which is the cell's reference: on the CPU ``stack`` for
    a perceptron with a stackable method, ``solo`` for everything else and on other devices. The
    fast tier may choose. Cells that store their active weights alone have an engine of their own.
    """
    if workload.recipe.storage == CSR:
        return ("csr",)
    stacks = (
        workload.stackable
        and bool(METHODS.get(cell.method.name).traits["stackable"])
        and workload.recipe.precision == "fp32"
    )
    if workload.recipe.tier == "fast":
        return ("solo", "stack") if stacks else ("solo",)
    return ("stack",) if stacks and workload.device == "cpu" else ("solo",)
