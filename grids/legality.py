"""What goes together in a cell, by rules in the traits of the catalogue.

What holds for a method holds for the methods that it is built on (an option of the type "method").
`models` says which models a method works on: `{"names": [...]}`, or `{"trait": "chain"}` for those
that have this trait, always or by a rule (`grids.traits`) with `when` on their options. `densities`
says which densities it can have: `{"multiple_of_one_over": "m"}` for n / m, m being an option. A
method without a rule takes all. `needs_density` marks one that has no use for an allocation that
decides the density. A model names in `equal_neighbours` its switches that join equal layers.

A scenario with `needs_pixels` and the recipe's augmentation take images: a dataset with `pixels`,
true or a rule on its options. A scenario with `needs_share` decides what `data_ratio` keeps, which
must be below 1; its `datasets` are rules with the names of those that it takes.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from grids import storages, widths
from grids.catalogue import Catalogue, Entry
from grids.cell import FIELDS, Component
from grids.options import MAX_DECIMALS, Value, plain_decimal
from grids.problems import Collector, GridError, Where, show
from grids.resolving import Resolved
from grids.traits import applies, holds

METHOD, MODEL, DENSITY, ALLOCATION, SCENARIO, DATASET, RATIO, RECIPE = (
    FIELDS.index(name)
    for name in (
        "method",
        "model",
        "density",
        "allocation",
        "scenario",
        "dataset",
        "data_ratio",
        "recipe",
    )
)

AUGMENTATION = ("crop", "flip", "rotation")
"""Recipe fields that change training images at random."""

_LISTED = 12


class Legality:
    """Judges the points of a grid and notes the combinations that cannot be trained.

    A combination is judged once, however many cells have it. The place that is blamed is where the
    density or, for a model, the method was written.
    """

    def __init__(self, catalogue: Catalogue, problems: Collector) -> None:
        self._catalogue = catalogue
        self._problems = problems
        self._judged: set[tuple[object, ...]] = set()

    def judge(self, point: Sequence[Resolved]) -> None:
        """Note what is wrong with a point."""
        self._judge_storage(point)
        self._judge_images(point[DATASET], point[SCENARIO], point[RECIPE])
        self._judge_scenario(point[SCENARIO], point[DATASET], point[RATIO])
        method, model, density = (point[position] for position in (METHOD, MODEL, DENSITY))
        allocation = point[ALLOCATION]
        key = ("method", method.key, model.key, density.key, allocation.key)
        if key in self._judged:
            return
        self._judged.add(key)
        assert isinstance(method.value, Component)
        for judged in (method.value, *self._catalogue.inner_methods(method.value).values()):
            self._judge_method(judged, point)

    def _judge_method(self, component: Component, point: Sequence[Resolved]) -> None:
        method, model, density = (point[position] for position in (METHOD, MODEL, DENSITY))
        allocation = point[ALLOCATION]
        entry = self._catalogue.entry("method", component.name)
        options = entry.settings(component)
        where = method.used[0].where
        self._note(
            where,
            lambda: check_model(
                "method", entry, str(model.name()), model.full(), catalogue=self._catalogue
            ),
        )
        built, where = self._catalogue.entry("model", str(model.name())), model.used[0].where
        self._note(where, lambda: check_neighbours(built, model.full()))
        share = [each.where for each in method.used if each.path.option == widths.option_of(entry)]
        where = (share or [method.used[0].where])[0]
        self._note(where, lambda: widths.check_scaled(entry, options, built, model.full()))
        where = (density.used or method.used)[0].where
        self._note(where, lambda: check_density(entry, str(density.name()), options))
        where = (allocation.used or method.used)[0].where
        self._note(where, lambda: check_allocation(entry, allocation))

    def _judge_images(self, dataset: Resolved, scenario: Resolved, recipe: Resolved) -> None:
        key = ("images", dataset.key, scenario.key, recipe.key)
        if key in self._judged:
            return
        self._judged.add(key)
        entry = self._catalogue.entry("dataset", str(dataset.name()))
        if has_pixels(entry, dataset.full()):
            return
        taker = self._catalogue.entry("scenario", str(scenario.name()))
        if taker.traits.get("needs_pixels"):
            where = (scenario.used or dataset.used)[0].where
            self._problems.add_error(where, self._no_images(entry, f"scenario {taker.name}"))
        for setting in recipe.used:
            if setting.path.option in AUGMENTATION and dict(recipe.options).get(
                setting.path.option
            ):
                self._problems.add_error(setting.where, self._no_images(entry, str(setting.path)))

    def _judge_storage(self, point: Sequence[Resolved]) -> None:
        recipe = point[RECIPE]
        if dict(recipe.options).get("storage") != storages.CSR:
            return
        parts = [point[position] for position in (METHOD, MODEL, ALLOCATION, SCENARIO, RATIO)]
        key = ("storage", recipe.key, *(part.key for part in parts))
        if key in self._judged:
            return
        self._judged.add(key)
        [where] = [each.where for each in recipe.used if each.path.option == "storage"]
        method, model, allocation, scenario, ratio = parts
        taken = {**scenario.full(), "data_ratio": ratio.name()}

        def of(kind: str, part: Resolved) -> Entry:
            return self._catalogue.entry(kind, str(part.name()))

        checks = (
            lambda: storages.check_storage("method", of("method", method), method.full()),
            lambda: storages.check_storage("model", of("model", model), model.full()),
            lambda: storages.check_allocation(of("allocation", allocation)),
            lambda: storages.check_scenario(of("scenario", scenario), taken),
        )
        for check in checks:
            self._note(where, check)

    def _judge_scenario(self, scenario: Resolved, dataset: Resolved, ratio: Resolved) -> None:
        key = ("scenario", scenario.key, dataset.key, ratio.key)
        if key in self._judged:
            return
        self._judged.add(key)
        entry = self._catalogue.entry("scenario", str(scenario.name()))
        where = (ratio.used or scenario.used or dataset.used)[0].where
        self._note(where, lambda: check_share(entry, str(ratio.name())))
        where = (scenario.used or dataset.used)[0].where
        self._note(where, lambda: check_dataset(entry, str(dataset.name()), scenario.full()))

    def _no_images(self, dataset: Entry, taker: str) -> GridError:
        others = self._catalogue.entries("dataset")
        allowed = [other.name for other in others if other.traits.get("pixels")]
        condition = dataset.traits.get("pixels")
        listed = ", ".join(allowed) or "none"
        return GridError(
            f"{taker} takes images, and dataset {dataset.name} has none"
            f"{' under these options' if condition else ''}; allowed: {listed}"
        )

    def _note(self, where: Where, check: Callable[[], None]) -> None:
        try:
            check()
        except GridError as error:
            self._problems.add_error(where, error)


def legal_models(taker: Entry, catalogue: Catalogue) -> tuple[str, ...] | None:
    """The names of the models that a method or probe works on; None where it works on all."""
    rule = taker.traits.get("models")
    if rule is None:
        return None
    if "names" in rule:
        return tuple(rule["names"])
    models = catalogue.entries("model")
    return tuple(model.name for model in models if model.traits.get(rule["trait"]))


def has_pixels(dataset: Entry, options: Mapping[str, Value]) -> bool:
    """Whether the examples of a dataset are images under these options, defaults filled in."""
    return applies(dataset.traits.get("pixels"), options)


def check_model(
    kind: str, taker: Entry, model: str, options: Mapping[str, Value], *, catalogue: Catalogue
) -> None:
    """Raise `GridError` when a method or probe, as `kind` says, does not work on a model.

    `options` are all of the model's, defaults filled in.
    """
    allowed = legal_models(taker, catalogue)
    if allowed is None:
        return
    refused = f"{kind} {taker.name} does not work on model {model}"
    if model not in allowed:
        raise GridError(f"{refused}; allowed: {', '.join(allowed) or 'none'}")
    trait = taker.traits["models"].get("trait")
    rule = catalogue.entry("model", model).traits[trait] if trait else {}
    if not applies(rule, options):
        settings = " and ".join(f"{option}: {show(options[option])}" for option in rule["when"])
        raise GridError(f"{refused} with {settings}")


def check_neighbours(model: Entry, options: Mapping[str, Value]) -> None:
    """Raise `GridError` when a switch of a model has nothing to join under its other options."""
    for switch, listed in (model.traits.get("equal_neighbours") or {}).items():
        values = options[listed]
        assert isinstance(values, tuple)
        if options[switch] and all(one != other for one, other in pairwise(values)):
            raise GridError(
                f"{switch} has no effect with {listed}: {show(values)}, where no two in a row are"
                f" equal; leave it out (in {model.name})"
            )


def check_density(method: Entry, density: str, options: Mapping[str, Value]) -> None:
    """Raise `GridError`, with the nearest legal density, when a method cannot have this one.

    `options` are all of the method's, defaults filled in.
    """
    for name, option in (method.traits.get("densities") or {}).items():
        value = options[option]
        legal = _RULES[name](value)
        if density in legal:
            continue
        closest = min(legal, key=lambda text: abs(Decimal(text) - Decimal(density)))
        raise GridError(
            f"density {density} is not legal for {method.name} with {option}: {value}; allowed:"
            f" {_listed(legal, value)}",
            f"nearest: {closest}",
        )


def check_allocation(method: Entry, allocation: Resolved) -> None:
    """Raise `GridError` when an allocation decides what a method is there to divide."""
    if method.traits.get("needs_density") and "density" in allocation.ignores:
        raise GridError(
            f"allocation {allocation.name()} decides the density itself, which leaves method"
            f" {method.name} nothing to do; give it another allocation"
        )


def check_share(scenario: Entry, ratio: str) -> None:
    """Raise `GridError` when a scenario shall decide what is kept, and everything is."""
    if scenario.traits.get("needs_share") and ratio == "1":
        raise GridError(
            f"data_ratio is 1 with scenario {scenario.name}, which decides what a share keeps",
            "give a data_ratio below 1, or write scenario: clean",
        )


def check_dataset(scenario: Entry, dataset: str, options: Mapping[str, Value]) -> None:
    """Raise `GridError` when a scenario does not take a dataset under these options."""
    for rule in scenario.traits.get("datasets", ()):
        if holds(rule, options) and dataset not in rule["names"]:
            settings = " and ".join(f"{n}: {v}" for n, v in rule.get("when", {}).items())
            raise GridError(
                f"scenario {scenario.name}{f' with {settings}' if settings else ''} does not take"
                f" dataset {dataset}; allowed: {', '.join(rule['names'])}"
            )


def densities_in_words(method: Entry) -> str:
    """What `sparsesweep methods` says of the densities that a method can have."""
    if any(rule["field"] == "density" and not rule.get("when") for rule in _ignored(method)):
        return "none to choose"
    rules = (method.traits.get("densities") or {}).values()
    return ", ".join(f"multiples of 1 / {option}" for option in rules) or "any"


def _multiples(parts: Any) -> list[str]:
    """The decimals n / parts in (0, 1], in order; those without an end are left out."""
    shares = [(n, round(Decimal(n) / parts, MAX_DECIMALS)) for n in range(1, parts + 1)]
    return [plain_decimal(share) for n, share in shares if Fraction(share) * parts == n]


def _listed(legal: Sequence[str], parts: Value) -> str:
    return ", ".join(legal) if len(legal) <= _LISTED else f"multiples of 1 / {parts}"


def _ignored(method: Entry) -> Sequence[Mapping[str, Any]]:
    rules: Sequence[Mapping[str, Any]] = method.traits.get("ignores", ())
    return rules


_RULES: Mapping[str, Callable[[Any], list[str]]] = {"multiple_of_one_over": _multiples}
