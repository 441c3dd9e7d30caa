"""What a method declares of itself, as plain data: read by plans, engines, grids and tests."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sparse.options import describe_options, nearest

STORED_WEIGHTS = ("masked", "dense")
DENSITIES = ("exact", "scheduled", "pattern", "bounded", "learned", "inherited", "dense")

Rule = Mapping[str, Any]
"""Plain data; a rule with `when` or `unless` holds for some options only (`grids/traits.py`)."""


MASKED: Rule = {"storage": "masked"}
"""The storage that every method and model can do with."""

RANDOM_GROWTH: Rule = {
    "growth": "random",
    "drop": ["magnitude", "signed", "threshold"],
    "redistribution": ["none", "magnitude", "nonzeros"],
}
"""Rules of `sparse.dynamic.topology` that rank active weights alone and look at no gradient."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class MethodTraits:
    """The traits of a method.

    stored_weights: "masked", zeros where a weight is inactive; or "dense", see `sparse/stored.py`.
    density: "exact" at all times; "scheduled", exact in the end; "pattern", what a structure gives;
        "bounded", never above the target; "learned", what training finds; "inherited", that of
        another network's masks; "dense", everything.
    changes_shape: whether the network may be narrowed (`Sparsifier.narrowing`), by some options.
    width_share: the option that says to which share of all its widths; None for another rule.
    stackable: whether a perceptron with it may be a row of a stack.
    dynamic: whether masks may grow.
    ignores: the cell fields without effect, [{"field": "density" or "allocation", "when": ...}].
    ignores_as: the option that holds a method whose ignored fields are its own as well, and when,
        {"option": ..., "when": ...}.
    needs: the cells to train first, and what they leave for it; the forms are in CONTRIBUTING.
    starts_from: rules that name the artifact whose weights it begins with, [{"artifact": ...}].
    first_step: the option that `Sparsifier.first_step` is the value of, "{option}"; None for 0.
    models: where it works, {"names": [...]} or {"trait": ...}; None for everywhere.
    densities: which are legal, {"multiple_of_one_over": option}; None for all.
    needs_density: whether an allocation that decides the density leaves it nothing to do.
    storages: how a network with it may be stored, rules [{"storage": "masked" or "csr"}]; a method
        for "csr" needs no dense weight or gradient and asks `sparse.storage` for what it needs.
    source: the paper, with section, equation or algorithm.
    """

    stored_weights: str = "masked"
    density: str = "exact"
    changes_shape: bool = False
    width_share: str | None = None
    stackable: bool = True
    dynamic: bool = False
    ignores: Sequence[Rule] = dataclasses.field(default_factory=list)
    ignores_as: Rule | None = None
    needs: Sequence[Rule] = dataclasses.field(default_factory=list)
    starts_from: Sequence[Rule] = dataclasses.field(default_factory=list)
    first_step: str | None = None
    models: Rule | None = None
    densities: Rule | None = None
    needs_density: bool = False
    storages: Sequence[Rule] = dataclasses.field(default_factory=lambda: [MASKED])
    source: str

    def __post_init__(self) -> None:
        """Refuse values that mean nothing; ValueError."""
        _one_of("stored_weights", self.stored_weights, STORED_WEIGHTS)
        _one_of("density", self.density, DENSITIES)
        for rule in self.ignores:
            _one_of("field of ignores", rule.get("field"), ("density", "allocation"))
        refuse_other_storages(self.storages)


def refuse_other_storages(rules: Sequence[Rule]) -> None:
    """Raise a ValueError unless every rule names a storage that there is."""
    for rule in rules:
        _one_of("storage of storages", rule.get("storage"), ("masked", "csr"))


def derived_traits(options: type, traits: Mapping[str, Any]) -> dict[str, str]:
    """Return the traits of a method that follow from its options and from those it declares.

    no_structure: why it leaves no structure that another network could have, to be read after
        "which"; "" where it leaves one.
    """
    reason = ""
    if any(each["type"] == "method" for each in describe_options(options)):
        reason = "itself builds on another method; name that one"
    elif traits["changes_shape"]:
        reason = "trains a network of another shape"
    elif traits["density"] == "dense":
        reason = "keeps every weight, so there is no structure to take from it"
    return {"no_structure": reason}


def masks_gradients(traits: Mapping[str, Any]) -> bool:
    """Whether the gradients of a method's weights are masked before the optimizer's step.

    Not where the optimizer steps weights that the method stores apart, all of them live, nor where
    nothing is inactive. An engine that looks at the masks themselves has no need to ask.
    """
    return traits["stored_weights"] == "masked" and traits["density"] != "dense"


def _one_of(what: str, given: Any, allowed: Sequence[str]) -> None:
    if given not in allowed:
        hint = nearest(str(given), allowed)
        raise ValueError(f"{what} is {given!r}; allowed: {', '.join(allowed)}{hint}")
