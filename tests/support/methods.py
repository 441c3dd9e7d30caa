"""The registered methods, as tests choose them: by trait, so that a new one is tested at once."""

import dataclasses
from decimal import Decimal
from typing import Any

from grids.traits import starts_from as started_from
from sparse.allocations import ALLOCATIONS
from sparse.methods import METHODS


def method_names(*, narrows: bool | None = None, **traits: Any) -> list[str]:
    """The names of the methods with these traits, sorted.

    narrows: whether they train, as they are by default, a narrower network below density 1.
    """
    found = {name: METHODS.get(name).traits for name in METHODS.names()}
    return [
        name
        for name, own in found.items()
        if all(own[key] == traits[key] for key in traits) and narrows in (None, _narrows(name))
    ]


def _narrows(name: str) -> bool:
    return METHODS.get(name).target(fitting(name, "0.3")).narrowing() is not None


def takes_density(name: str) -> bool:
    """Whether the method can be given a density below 1."""
    return all(rule["field"] != "density" for rule in METHODS.get(name).traits["ignores"])


def fitting(name: str, density: str) -> str:
    """The density, or the nearest that the method can have: some keep n of every m weights."""
    entry = METHODS.get(name)
    rule = entry.traits.get("densities")
    if rule is None:
        return density if takes_density(name) else "1"
    parts = getattr(entry.target.Options(), rule["multiple_of_one_over"])
    return str(Decimal(max(1, round(Decimal(density) * parts))) / parts)


def follows_weights(name: str) -> bool:
    """Whether the masks are those of the stored weights after every step, without updates."""
    traits = METHODS.get(name).traits
    return traits["stored_weights"] == "dense" and traits["density"] in ("pattern", "learned")


def sparse_names() -> list[str]:
    """The names of the methods that can be given a density below 1, sorted."""
    return [name for name in METHODS.names() if takes_density(name)]


def maskable_names() -> list[str]:
    """The names of the methods that make the network sparse which they are given, sorted."""
    return [name for name in sparse_names() if not _narrows(name)]


def starts_from(name: str) -> str:
    """The artifact of another cell that the method starts from; "" when it has its own weights."""
    entry = METHODS.get(name)
    options = dataclasses.asdict(entry.target.Options())
    return started_from(entry.traits.get("starts_from"), options)


def keeps_layer_counts(name: str) -> bool:
    """Whether the method's own updates leave every layer the count that it began with."""
    options = {field.name: field for field in dataclasses.fields(METHODS.get(name).target.Options)}
    return "redistribution" not in options or options["redistribution"].default == "none"


def frequent(name: str, every: int = 4) -> dict[str, int]:
    """Options that make updates frequent enough for a short run; none where none can."""
    fields = {field.name for field in dataclasses.fields(METHODS.get(name).target.Options)}
    return {"update_every": every} if "update_every" in fields else {}


def own_masks(name: str) -> dict[str, str]:
    """Options with which a method that takes another network's masks draws its own instead."""
    inherits = METHODS.get(name).traits["density"] == "inherited"
    return {"mask": "random"} if inherits else {}


def layer_wise_names(**traits: Any) -> list[str]:
    """The names of the methods with these traits that can follow an allocation, sorted."""
    return [
        name
        for name in method_names(**traits)
        if all(rule["when"] for rule in _rules(name, "allocation"))
    ]


def layer_wise_options(name: str) -> dict[str, Any]:
    """Options under which the method follows an allocation, where its defaults do not."""
    fields = {f.name: f for f in dataclasses.fields(METHODS.get(name).target.Options)}
    return {
        option: next(other for other in fields[option].metadata["choices"] if other != ignoring)
        for rule in _rules(name, "allocation")
        for option, ignoring in rule["when"].items()
        if fields[option].default == ignoring
    }


def _rules(name: str, field: str) -> list[Any]:
    return [rule for rule in METHODS.get(name).traits["ignores"] if rule["field"] == field]


def allocation_names(**traits: Any) -> list[str]:
    """The names of the allocations with these traits, sorted."""
    found = {name: ALLOCATIONS.get(name).traits for name in ALLOCATIONS.names()}
    return [name for name, own in found.items() if all(own[key] == traits[key] for key in traits)]
