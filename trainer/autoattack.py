"""AutoAttack, an ensemble of attacks without settings, as the library torchattacks has it.

Its four attacks are put together here, because the library's own bundle stops after 10 iterations
of each where the published one (Croce and Hein 2020, section 5) takes 100, and aims at all classes
where that takes the 9 likeliest. torchattacks is under the MIT licence, and fetches nothing.
"""

import contextlib
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from trainer import seeding

ITERATIONS = 100
"""Iterations of each attack that follows gradients."""

QUERIES = 5000
"""Forward passes of the attack that does not."""

LEAST_CLASSES = 4
"""The difference of logits that it follows is of the four largest."""

_TARGETED_CLASSES = 10
_NORMS = {"linf": "Linf", "l2": "L2"}


def autoattack(
    module: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    norm: str,
    epsilon: float,
    classes: int,
    seed: int,
    iterations: int = ITERATIONS,
    queries: int = QUERIES,
) -> Tensor:
    """The inputs as the ensemble leaves them; those that no attack moves over the border as given.

    Args:
        module: in evaluation mode, normalisation inside, parameters frozen.
        inputs: (b, c, h, w) pixels in [0, 1].
        targets: (b,) class numbers.
        norm: ``"linf"`` or ``"l2"``.
        epsilon: the largest norm of a change.
        classes: how many the module tells apart, at least four.
        seed: of its draws; torch's global state is put back afterwards.

    Raises:
        ValueError: for fewer classes.
    """
    if classes < LEAST_CLASSES:
        raise ValueError(f"autoattack needs {LEAST_CLASSES} classes; there are {classes}")
    import torchattacks

    ball = {"norm": _NORMS[norm], "eps": epsilon, "seed": seed}
    targeted = {"n_classes": min(classes, _TARGETED_CLASSES)}
    ensemble = torchattacks.MultiAttack(
        [
            torchattacks.APGD(module, **ball, steps=iterations, loss="ce"),
            torchattacks.APGDT(module, **ball, **targeted, steps=iterations),
            torchattacks.FAB(module, **ball, **targeted, steps=iterations, multi_targeted=True),
            torchattacks.Square(module, **ball, n_queries=queries),
        ]
    )
    with _lenient(), torch.enable_grad():
        found: Tensor = ensemble(inputs, targets)
    return found.detach()


@contextlib.contextmanager
def _lenient() -> Iterator[None]:
    """Take kernels without a fixed order where there is no other, and put global state back."""
    # FAB's cumulative sums are such on CUDA: the exact tier would fail a cell that has trained.
    with seeding.kept_globals(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation")
        if torch.get_deterministic_debug_mode() > 0:
            torch.set_deterministic_debug_mode("warn")
        yield
