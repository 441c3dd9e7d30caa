"""What a cell needs of other cells, from what its method declares in the catalogue.

A method's trait `needs` lists the cells to make first, as rules (`grids.traits`) of two forms:

- `{"cell": fields, "artifact": name}`: the cell with these fields replaced;
- `{"ladder": {"rate": option}, "first": fields, "artifact": name}`: the same cell one round of
  iterative pruning before, at the next density of the ladder (1 - rate)^r; before the first round,
  the cell with the fields `first` replaced.

The name may be a template, and None where the other cell need only have results.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from grids.artifacts import check_name
from grids.catalogue import KINDS, Catalogue
from grids.cell import Cell, Component
from grids.options import Value
from grids.problems import GridError
from grids.traits import filled, holds
from orchestrator.planning.rounds import density_before


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
    """What the method of a cell needs before the cell can be trained.

    Raises:
        GridError: When its trait is at fault: an unknown artifact, or one of two cells.
    """
    entry = catalogue.entry("method", cell.method.name)
    rules = entry.traits.get("needs", ())
    options = entry.settings(cell.method) if rules else {}
    needs = [_need(cell, rule, options, catalogue) for rule in rules if holds(rule, options)]
    names = [need.artifact for need in needs if need.artifact is not None]
    for name in names:
        if names.count(name) > 1:
            raise GridError(f"method {entry.name} needs the {name} of two cells")
    return needs


def _need(
    cell: Cell, rule: Mapping[str, Any], options: Mapping[str, Value], catalogue: Catalogue
) -> Need:
    name = rule["artifact"]
    return Need(
        producer=_producer(cell, rule, options, catalogue),
        artifact=None if name is None else check_name(filled(name, options)),
    )


def _producer(
    cell: Cell, rule: Mapping[str, Any], options: Mapping[str, Value], catalogue: Catalogue
) -> Cell:
    if "ladder" not in rule:
        return _substituted(cell, rule["cell"], catalogue)
    before = density_before(cell.density, float(str(options[rule["ladder"]["rate"]])))
    if before == "1":
        return _substituted(cell, rule["first"], catalogue)
    return replace(cell, density=before)


def _substituted(cell: Cell, fields: Mapping[str, Any], catalogue: Catalogue) -> Cell:
    plain = {name: value for name, value in cell.canonical().items() if name != "semantics"}
    made = Cell.from_canonical({**plain, **fields})
    versions = dict(cell.semantics)
    versions |= {kind: _semantics(getattr(made, kind), kind, catalogue) for kind in KINDS}
    return replace(made, semantics=tuple(sorted(versions.items())))


def _semantics(component: Component, kind: str, catalogue: Catalogue) -> int:
    return catalogue.entry(kind, component.name).semantics
