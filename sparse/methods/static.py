"""static: a random mask of exact layer-wise counts, fixed for the whole run."""

from sparse.method_traits import MASKED
from sparse.methods import METHODS
from sparse.sparsifier import Sparsifier


@METHODS.register(
    "static",
    summary="a random mask with the allocated densities, never changed",
    options=Sparsifier.Options,
    storages=[MASKED, {"storage": "csr"}],
    source="Evci et al. 2020 (RigL), section 4, static; Liu et al. 2022 (random pruning)",
)
class Static(Sparsifier):
    """The base class as it is: random masks with exact counts, drawn once."""
