"""Which cells may be stored as csr: only their active weights, and no dense tensor anywhere.

A method's trait `storages` is a list of rules (`grids.traits`) on its options, each with the
`storage` that it allows; without the trait a method is masked. Of the models those can be stored so
that are plain perceptrons, by the trait `stackable`. What ranks dense weights, or needs cells that
do, is told apart by the traits of allocations and scenarios.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from grids.options import Value
from grids.problems import GridError
from grids.traits import applies, holds

MASKED, CSR = "masked", "csr"
"""The values of `recipe.storage`."""


class Declared(Protocol):
    """A registered thing, as the catalogue or a registry has it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def traits(self) -> Mapping[str, Any]:
        """What it declares of itself."""


def check_method(method: Declared, options: Mapping[str, Value]) -> None:
    """Raise `GridError` when a method cannot do without dense weights or gradients."""
    rules = [each for each in method.traits.get("storages", ()) if each["storage"] == CSR]
    if any(holds(rule, options) for rule in rules):
        return
    if not rules:
        raise GridError(
            f"recipe.storage is csr, but method {method.name} works on dense weights or gradients;"
            " allowed: masked"
        )
    raise GridError(
        f"recipe.storage is csr, but method {method.name} needs dense tensors with these options;"
        f" allowed: {_conditions(rules[0])}"
    )


def check_model(model: Declared, options: Mapping[str, Value]) -> None:
    """Raise `GridError` when a model is no plain perceptron under its options."""
    trait = model.traits.get("stackable")
    if applies(trait, options):
        return
    rule = f" with these options; allowed: {_conditions(trait)}" if trait else ""
    raise GridError(f"recipe.storage is csr, but model {model.name} is no plain perceptron{rule}")


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
