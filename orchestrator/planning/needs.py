"""What a cell needs of other cells, from what its method declares in the catalogue.

A method's trait `needs` lists the cells to make first, each as the fields to replace in the cell
itself, with the name of the artifact that is wanted from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from grids.catalogue import KINDS, Catalogue
from grids.cell import Cell, Component


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """One thing that a cell needs.

    Attributes:
        producer: The cell that makes it.
        artifact: Name of the artifact; None when the producer need only have results.
    """

    producer: Cell
    artifact: str | None = None


def needs_of(cell: Cell, catalogue: Catalogue) -> list[Need]:
    """What the method of a cell needs before the cell can be trained."""
    declared = catalogue.entry("method", cell.method.name).traits.get("needs", ())
    return [
        Need(producer=_substituted(cell, need["cell"], catalogue), artifact=need["artifact"])
        for need in declared
    ]


def _substituted(cell: Cell, fields: Mapping[str, Any], catalogue: Catalogue) -> Cell:
    plain = {name: value for name, value in cell.canonical().items() if name != "semantics"}
    made = Cell.from_canonical({**plain, **fields})
    versions = dict(cell.semantics)
    versions |= {kind: _semantics(getattr(made, kind), kind, catalogue) for kind in KINDS}
    return replace(made, semantics=tuple(sorted(versions.items())))


def _semantics(component: Component, kind: str, catalogue: Catalogue) -> int:
    return catalogue.entry(kind, component.name).semantics
