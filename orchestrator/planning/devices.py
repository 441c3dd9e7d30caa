"""What the cells of a plan are trained on, and whether what carries them has that."""

from grids.storages import CSR
from orchestrator.planning.request import Planned, RequestError


def refuse_gpus(planned: Planned, gpus: float) -> None:
    """Refuse to train cells that need a CPU in packs that are given GPUs.

    Args:
        planned: The plan.
        gpus: GPUs, or the fraction of one, that each pack gets.

    Raises:
        RequestError: When a cell that would be trained stores its active weights alone.
    """
    if gpus and any(("storage", CSR) in cell.recipe for cell in planned.plan.to_train()):
        raise RequestError(
            f"recipe.storage csr is trained on the CPU, and the packs ask for GPUs ({gpus:g} each);"
            " allowed: none, by --gpus-per-pack 0 or a profile without gpus"
        )
