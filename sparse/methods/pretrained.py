"""pretrained: a random mask on the weights of a trained dense network."""

from sparse.inherited import DENSE_CELL
from sparse.methods import METHODS
from sparse.sparsifier import Sparsifier


@METHODS.register(
    "pretrained",
    summary="a random mask with the allocated densities on the trained dense weights",
    options=Sparsifier.Options,
    needs=[{"cell": DENSE_CELL, "artifact": "final"}],
    starts_from=[{"artifact": "final"}],
    source="pre_erk in the code of Xiao et al. 2024 (hard samples)",
)
class Pretrained(Sparsifier):
    """The base class as it is, attached to a trained network: what training is worth, not ranking.

    The mask is the one that `static` draws for the same seed.
    """
