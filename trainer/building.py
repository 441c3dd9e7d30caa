"""Models and methods made from the words of a cell: as it names them, or narrower."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import torch
from torch import nn

from grids.cell import Cell
from sparse.budgets import Shape
from sparse.controls.narrow import Narrowing, ToShare, maskable_weights
from sparse.methods import METHODS
from sparse.sparsifier import Sparsifier
from sparse.targets import find_targets
from trainer.models import MODELS


def build_model(
    name: str, options: Mapping[str, Any], input_shape: tuple[int, ...], classes: int
) -> nn.Module:
    """A freshly initialised model.

    Draws from torch's global generator, as ``nn.Module`` constructors do: call it inside
    :func:`trainer.seeding.seeded_globals`.

    Raises:
        ValueError: for a model or an option that does not exist, or a shape the model cannot take.
    """
    model: nn.Module = MODELS.get(name).build(options, input_shape, classes)
    return model


def narrowed_options(
    name: str,
    options: Mapping[str, Any],
    narrowing: Narrowing,
    input_shape: tuple[int, ...],
    classes: int,
) -> tuple[dict[str, Any], int]:
    """The options of a narrower model of the same kind, with joins between the same layers.

    Returns:
        The options, and the number of maskable weights of the full model.

    Raises:
        ValueError: for a model without the trait ``widths``, or one that cannot be so narrow.
    """
    entry = MODELS.get(name)
    option = entry.traits.get("widths")
    if option is None:
        raise ValueError(f"model {name} does not say how to narrow it: it has no trait 'widths'")

    chosen = entry.chosen(options)
    given = getattr(chosen, option)
    full = (given,) if isinstance(given, int) else given

    joined = _joins_neighbours(entry.traits, chosen, option)

    def narrower(widths: tuple[int, ...]) -> dict[str, Any]:
        return {**options, option: widths[0] if isinstance(given, int) else widths}

    def build(widths: tuple[int, ...]) -> nn.Module:
        return build_model(name, narrower(widths), input_shape, classes)

    found = narrowing.widths(full, build, joined=joined)
    return narrower(found), maskable_weights(build, full)


def maskable_shapes(
    name: str,
    options: Mapping[str, Any],
    width: Decimal,
    input_shape: tuple[int, ...],
    classes: int,
) -> dict[str, Shape]:
    """The shapes of the maskable weights of a model with all its widths times ``width``.

    Nothing is allocated or drawn.

    Raises:
        ValueError: as :func:`narrowed_options`; nothing is narrowed to width 1.
    """
    if width != 1:
        narrowing = ToShare(share=width)
        options, _ = narrowed_options(name, options, narrowing, input_shape, classes)
    with torch.device("meta"):
        model = build_model(name, options, input_shape, classes)
    return {target.name: target.shape for target in find_targets(model).targets}


def _joins_neighbours(traits: Mapping[str, Any], chosen: Any, widths: str) -> bool:
    """Whether a model joins layers where two values in a row of its option ``widths`` agree."""
    switches = traits.get("equal_neighbours") or {}
    return any(listed == widths and getattr(chosen, name) for name, listed in switches.items())


def make_sparsifier(cell: Cell) -> Sparsifier:
    """The method a cell names, with its density, allocation and options.

    Raises:
        ValueError: for a method or an option that does not exist, or a value out of range.
    """
    kind: type[Sparsifier] = METHODS.get(cell.method.name).target
    allocation = {"name": cell.allocation.name, **cell.allocation.as_dict()}
    return kind(density=cell.density, allocation=allocation, **cell.method.as_dict())


def first_step_of(cell: Cell) -> int:
    """The step that a cell's training goes on from (:attr:`Sparsifier.first_step`).

    0 where the method cannot be made; preparing the cell then tells why.
    """
    try:
        return make_sparsifier(cell).first_step
    except Exception:
        # Whatever a user's method raises is its cell's alone, and not that of the pack.
        return 0


def narrowing_of(cell: Cell) -> Narrowing | None:
    """How the model is narrowed that a cell trains (:meth:`Sparsifier.narrowing`).

    None, too, where the method cannot be made; preparing the cell then tells why.
    """
    try:
        return make_sparsifier(cell).narrowing()
    except Exception:
        # As above.
        return None
