"""What a cell needs of other cells, from what its method and its scenario declare.

Their trait `needs` lists the cells to make first, as rules (`grids.traits`) of two forms:

- `{"cell": fields, "artifact": name}`: the cell with these fields replaced; a text may be a
  template, as "{source}" is of the method that the option `source` holds;
- `{"ladder": {"rate": option}, "first": fields, "artifact": name}`: the same cell one round of
  iterative pruning before, at the next density of the ladder (1 - rate)^r; before the first round,
  the cell with the fields `first` replaced.

The name may be a template, and None where the other cell need only have results. With
`"seeds": {"first": option, "count": option}` the producer is not one cell but one for each of so
many seeds. A rule may hold for some values of `data_ratio` only, as if that were an option.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from grids.artifacts import check_name, input_name
from grids.catalogue import Catalogue
from grids.cell import Cell, Component
from grids.method_texts import plain_method
from grids.options import Value
from grids.problems import GridError
from grids.traits import filled, holds, seeds_of
from orchestrator.planning.rounds import density_before

_DECLARING = ("method", "scenario")


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """One thing that a cell needs.

    Attributes:
        producer: The cell that makes it.
        artifact: Name of the artifact; None when the producer need only have results.
        seed: That of the producer, where several seeds leave an artifact of this name; else None.
    """

    producer: Cell
    artifact: str | None = None
    seed: int | None = None

    @property
    def input(self) -> str | None:
        """What the cell calls the artifact; None when it needs none."""
        return None if self.artifact is None else input_name(self.artifact, self.seed)


def needs_of(cell: Cell, catalogue: Catalogue) -> list[Need]:
    """What a cell needs before it can be trained: its method first, then its scenario.

    Raises:
        GridError: When a trait is at fault: an unknown artifact, or one of two cells.
    """
    needs: list[Need] = []
    names: set[str] = set()
    for kind in _DECLARING:
        for need in _declared(cell, kind, catalogue):
            if need.input is not None and need.input in names:
                name = getattr(cell, kind).name
                raise GridError(f"{kind} {name} needs the {need.input} of two cells")
            names |= set() if need.input is None else {need.input}
            needs.append(need)
    return needs


def _declared(cell: Cell, kind: str, catalogue: Catalogue) -> Iterator[Need]:
    component: Component = getattr(cell, kind)
    entry = catalogue.entry(kind, component.name)
    rules = entry.traits.get("needs", ())
    options = {"data_ratio": cell.data_ratio, **entry.settings(component)} if rules else {}
    for rule in rules:
        if holds(rule, options):
            yield from _needs(cell, rule, options, catalogue)


def _needs(
    cell: Cell, rule: Mapping[str, Any], options: Mapping[str, Value], catalogue: Catalogue
) -> Iterator[Need]:
    name = rule["artifact"]
    artifact = None if name is None else check_name(filled(name, options))
    producer = _producer(cell, rule, options, catalogue)
    for seed in seeds_of(rule, options):
        made = producer if seed is None else replace(producer, seed=seed)
        yield Need(producer=made, artifact=artifact, seed=seed)


def _producer(
    cell: Cell, rule: Mapping[str, Any], options: Mapping[str, Value], catalogue: Catalogue
) -> Cell:
    if "ladder" not in rule:
        return _substituted(cell, rule["cell"], options, catalogue)
    before = density_before(cell.density, float(str(options[rule["ladder"]["rate"]])))
    if before == "1":
        return _substituted(cell, rule["first"], options, catalogue)
    return replace(cell, density=before)


def _substituted(
    cell: Cell, fields: Mapping[str, Any], options: Mapping[str, Value], catalogue: Catalogue
) -> Cell:
    plain = {name: value for name, value in cell.canonical().items() if name != "semantics"}
    given = {name: _field(name, value, options) for name, value in fields.items()}
    made = Cell.from_canonical({**plain, **given})
    own = {name: number for name, number in cell.semantics if name == "recipe"}
    versions = own | {path: entry.semantics for path, entry in catalogue.named(made).items()}
    return replace(made, semantics=tuple(sorted(versions.items())))


def _field(name: str, value: object, options: Mapping[str, Value]) -> object:
    """A field of a rule in the form that a canonical cell has it."""
    if not isinstance(value, str):
        return value
    text = filled(value, options)
    if name == "method":
        return plain_method(text)
    return int(text) if name == "seed" else text
