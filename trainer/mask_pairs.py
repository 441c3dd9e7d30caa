"""How far masks that cells left agree: every pair of artifacts that is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparse.measures.agreement import Agreement, jaccard, kappa, overlap
from trainer.artifacts import ArtifactError, read_snapshot
from trainer.mask_history import Bits, active, packed


@dataclass(frozen=True, kw_only=True, slots=True)
class _Masks:
    """The masks in one artifact: a bit per weight, and the shape of every layer by its name."""

    shapes: Mapping[str, tuple[int, ...]]
    bits: tuple[Bits, ...]


def agreements(
    paths: Sequence[Path], pairs: Sequence[tuple[int, int]]
) -> list[dict[str, float | None]]:
    """Compare the masks of pairs of artifacts.

    Args:
        paths: files of artifacts such as ``final``.
        pairs: of places in `paths`; what is not symmetric is measured from the first.

    Returns:
        For each pair ``kappa``, ``jaccard`` and ``overlap`` over all layers, as
        :mod:`sparse.measures.agreement` defines them; None where masks leave no choice.

    Raises:
        ArtifactError: when a file cannot be read, or the layers of a pair differ.
    """
    masks = [_read(path) for path in paths]
    found = []
    for first, second in pairs:
        one, other = masks[first], masks[second]
        if one.shapes != other.shapes:
            raise ArtifactError(f"{paths[first]} and {paths[second]} have masks of other layers")
        layers = _compare(one, other)
        found.append(
            {"kappa": kappa(layers), "jaccard": jaccard(layers), "overlap": overlap(layers)}
        )
    return found


def _read(path: Path) -> _Masks:
    masks = read_snapshot(path).masks
    return _Masks(
        shapes={name: tuple(mask.shape) for name, mask in masks.items()},
        bits=tuple(packed([mask]) for mask in masks.values()),
    )


def _compare(one: _Masks, other: _Masks) -> list[Agreement]:
    return [
        Agreement(
            both=active(mine & theirs),
            first=active(mine),
            second=active(theirs),
            total=int(np.prod(shape)),
        )
        for mine, theirs, shape in zip(one.bits, other.bits, one.shapes.values(), strict=True)
    ]
