"""Which cells may be stored as csr: only their active weights, and no dense tensor anywhere.

The trait `storages` of a method or a model is a list of rules (`grids.traits`) on its options, each
with the `storage` that it allows; without the trait it is masked. What ranks dense weights, or
needs cells that do, is told apart by the traits of allocations and scenarios.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from grids.artifacts import SCORES, kind_of
from grids.cell import Cell
from grids.options import Value
from grids.problems import Collector, GridError, Where
from grids.traits import holds

MASKED, CSR = "masked", "csr"
"""The values of `recipe.storage`."""

BY_EXAMPLES = "grand"
"""The kind of scores that takes a gradient of every single example."""


class Declared(Protocol):
    """A registered thing, as the catalogue or a registry has it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def traits(self) -> Mapping[str, Any]:
        """What it declares of itself."""


def check_storage(kind: str, entry: Declared, options: Mapping[str, Value]) -> None:
    """Raise `GridError` when a method or model, as `kind` says, cannot do without dense tensors."""
    rules = [rule for rule in entry.traits.get("storages", ()) if rule["storage"] == CSR]
    if any(holds(rule, options) for rule in rules):
        return
    where, allowed = (" with these options", _conditions(rules[0])) if rules else ("", MASKED)
    raise GridError(
        f"recipe.storage is csr, but {kind} {entry.name} needs dense tensors{where};"
        f" allowed: {allowed}"
    )


def check_allocation(allocation: Declared) -> None:
    """Raise `GridError` when an allocation ranks weights."""
    if allocation.traits.get("scores"):
        raise GridError(
            f"recipe.storage is csr, but allocation {allocation.name} ranks dense weights; allowed:"
            " an allocation by shapes alone"
        )


def check_scenario(scenario: Declared, options: Mapping[str, Value]) -> None:
    """Raise `GridError` when a scenario needs other cells; `data_ratio` is among its options."""
    if any(holds(rule, options) for rule in scenario.traits.get("needs", ())):
        raise GridError(
            f"recipe.storage is csr, but scenario {scenario.name} needs other cells with this"
            " recipe, of dense networks; allowed: masked"
        )


def refuse_scores_by_examples(
    leave: Iterable[str], where: Where, cells: Iterable[Cell], problems: Collector
) -> None:
    """Note an artifact to leave that needs gradients of single examples, which csr cells lack.

    `where` is the place of the artifacts in the grid.
    """
    unfit = [name for name in leave if kind_of(name) == BY_EXAMPLES]
    if unfit and any(("storage", CSR) in recipe for recipe in {cell.recipe for cell in cells}):
        allowed = ", ".join(kind for kind in SCORES if kind != BY_EXAMPLES)
        problems.add(
            where,
            f"artifact {unfit[0]} takes gradients of single examples, and cells with recipe.storage"
            f" csr have none; allowed scores: {allowed}",
        )


def storages_in_words(method: Declared) -> str:
    """What `sparsesweep methods` says of the storages that a method can have."""
    rules = method.traits.get("storages") or [{"storage": MASKED}]
    conditions = ((rule["storage"], _conditions(rule)) for rule in rules)
    return "; ".join(f"{name} with {told}" if told else name for name, told in conditions)


def _conditions(rule: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}: {_listed(value)}" for name, value in sorted(rule.get("when", {}).items())
    )


def _listed(value: object) -> str:
    if isinstance(value, list | tuple):
        return " or ".join(str(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
