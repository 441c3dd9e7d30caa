"""One point of a grid: what is trained, frozen, in a canonical form that gives it its id.

The id is the first 16 hex digits of the SHA-256 of the canonical JSON: keys sorted, no spaces,
ASCII, floats as their shortest text. What stands at its default is left out, so that a field or an
option added later, with a neutral default, moves no id. It never covers position, path, date,
worker or backend.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from grids import recipe as recipes
from grids.method_texts import method_words, plain_method
from grids.options import Value, fraction_text
from grids.problems import GridError, show, unknown

COMPONENTS = ("method", "allocation", "scenario", "dataset", "model")
"""The cell fields that name an entry of the catalogue and hold its options."""

FIELDS = ("method", "density", "allocation", "scenario", "dataset", "data_ratio", "model", "recipe")
"""Every cell field that a grid sets, in the order messages and tables list them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """A named part of a cell with the options that differ from their defaults, sorted by name."""

    name: str
    options: tuple[tuple[str, Value], ...] = ()
    _json: str = field(default="", init=False, repr=False, compare=False)

    def get(self, option: str, default: Value = None) -> Value:
        """The value given to an option, or `default` when it stands at its default."""
        return dict(self.options).get(option, default)

    def as_dict(self) -> dict[str, Value]:
        """The options that differ from their defaults."""
        return dict(self.options)

    def canonical(self) -> str | dict[str, Any]:
        """The plain form a grid file uses: a name, or a mapping of name and options."""
        if not self.options:
            return self.name
        return {"name": self.name, **{name: _plain(value) for name, value in self.options}}

    def canonical_json(self) -> str:
        """The JSON text of the plain form, computed once: many cells share a component."""
        if not self._json:
            object.__setattr__(self, "_json", _dump(self.canonical()))
        return self._json

    def __str__(self) -> str:
        options = ", ".join(f"{name}={_word(value)}" for name, value in self.options)
        return f"{self.name}({options})" if options else self.name


def method_of_text(text: str) -> Component:
    """The method that an option of the type "method" holds."""
    return _component("method", plain_method(text))


DEFAULT_ALLOCATION = Component(name="erk")
DEFAULT_SCENARIO = Component(name="clean")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One training run: a method at a density on a dataset and a model, with a recipe and a seed.

    `density` (kept fraction of the maskable weights) and `data_ratio` (used fraction of the
    training split) are canonical decimal texts in (0, 1]: "0.05", "1". `recipe` and `semantics` are
    sorted; the recipe holds what differs from its defaults, `semantics` the integers above 1 of the
    components in use and of the recipe. Equal cells have equal ids.
    """

    method: Component
    density: str = "1"
    allocation: Component = DEFAULT_ALLOCATION
    scenario: Component = DEFAULT_SCENARIO
    dataset: Component
    data_ratio: str = "1"
    model: Component
    recipe: tuple[tuple[str, Value], ...] = ()
    seed: int
    semantics: tuple[tuple[str, int], ...] = ()
    _id: str = field(default="", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.semantics:
            raised = tuple(sorted(pair for pair in self.semantics if pair[1] != 1))
            object.__setattr__(self, "semantics", raised)

    @property
    def id(self) -> str:
        """16 hex digits that name this cell everywhere; computed once."""
        if not self._id:
            digest = hashlib.sha256(self.canonical_json().encode("ascii")).hexdigest()
            object.__setattr__(self, "_id", digest[:16])
        return self._id

    def canonical(self) -> dict[str, Any]:
        """The JSON-able form without defaults; what a record carries and readers compare."""
        plain: dict[str, Any] = json.loads(self.canonical_json())
        return plain

    def canonical_json(self) -> str:
        """The text that is hashed: sorted keys, no spaces, ASCII, defaults left out."""
        allocation = scenario = ratio = ""
        if self.allocation != DEFAULT_ALLOCATION:
            allocation = f'"allocation":{self.allocation.canonical_json()},'
        if self.scenario != DEFAULT_SCENARIO:
            scenario = f'"scenario":{self.scenario.canonical_json()},'
        if self.data_ratio != "1":
            ratio = f'"data_ratio":"{self.data_ratio}",'
        recipe = ""
        if self.recipe:
            recipe = f'"recipe":{{{",".join([_recipe_json(*pair) for pair in self.recipe])}}},'
        semantics = f',"semantics":{_semantics_json(self.semantics)}' if self.semantics else ""
        return (
            f'{{{allocation}{ratio}"dataset":{self.dataset.canonical_json()},'
            f'"density":"{self.density}","method":{self.method.canonical_json()},'
            f'"model":{self.model.canonical_json()},{recipe}{scenario}"seed":{self.seed}{semantics}}}'
        )

    @classmethod
    def from_canonical(cls, plain: Mapping[str, Any]) -> "Cell":
        """The cell whose canonical form this is; the inverse of `canonical`.

        Raises `GridError` when the mapping is not one that `canonical` writes.
        """
        _check_keys(plain)
        given = {name: _component(name, plain[name]) for name in COMPONENTS if name in plain}
        return cls(
            density=_fraction(plain, "density"),
            data_ratio=_fraction(plain, "data_ratio"),
            recipe=_checked_recipe(plain.get("recipe", {})),
            seed=_integer("seed", plain["seed"]),
            semantics=tuple(
                (name, _integer(f"semantics.{name}", value))
                for name, value in sorted(_mapping(plain, "semantics").items())
            ),
            **given,
        )

    def settings(self) -> dict[str, Value]:
        """The whole recipe, defaults filled in."""
        return recipes.defaults() | dict(self.recipe)

    def label(self) -> str:
        """A short human name: "rigl density=0.05 seed=3"."""
        density = "" if self.density == "1" else f" density={self.density}"
        return f"{self.method}{density} seed={self.seed}"

    def get(self, path: str) -> Value:
        """The value at a path: "method", "density", "seed", "recipe.lr", "method.update_every".

        Recipe fields are answered with their defaults. The defaults of components live in the
        catalogue (`Catalogue.fields` has every field); an option at its default raises `GridError`
        here, and so does an unknown path.
        """
        name, _, option = path.partition(".")
        if name == "recipe" and option in recipes.OPTIONS:
            return self.settings()[option]
        if name in COMPONENTS:
            component: Component = getattr(self, name)
            if not option:
                return component.name
            if option in component.as_dict():
                return component.get(option)
            raise GridError(f"{path} of {component.name} stands at its default in this cell")
        if path in ("density", "data_ratio", "seed"):
            value: Value = getattr(self, path)
            return value
        recipe = [f"recipe.{field}" for field in recipes.OPTIONS]
        raise unknown("cell field", path, [*FIELDS, "seed", *recipe])


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _word(value: Value) -> str:
    return method_words(value) if isinstance(value, str) else show(value)


def _dump(plain: object) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


@lru_cache(maxsize=4096)
def _recipe_json(name: str, value: Value) -> str:
    # The declared type is applied here too: 1 and 1.0 are one cache key, so must be one text.
    return f'"{name}":{_dump(_plain(recipes.OPTIONS[name].check(value)))}'


@lru_cache(maxsize=256)
def _semantics_json(pairs: tuple[tuple[str, int], ...]) -> str:
    return _dump(dict(pairs))


def _check_keys(plain: Mapping[str, Any]) -> None:
    allowed = (*FIELDS, "seed", "semantics")
    for key in plain:
        if key not in allowed:
            raise unknown("cell field", key, allowed)
    missing = [key for key in ("method", "density", "dataset", "model", "seed") if key not in plain]
    if missing:
        raise GridError(f"a canonical cell lacks {', '.join(missing)}")


def _component(field_name: str, plain: object) -> Component:
    if isinstance(plain, str):
        return Component(name=plain)
    if not isinstance(plain, Mapping) or not isinstance(plain.get("name"), str):
        raise GridError(f"{field_name} is {show(plain)}; allowed: a name, or a mapping with one")
    options = {key: _value(value) for key, value in sorted(plain.items()) if key != "name"}
    return Component(name=plain["name"], options=tuple(options.items()))


def _value(plain: object) -> Value:
    if isinstance(plain, list | tuple):
        return tuple(plain)
    if plain is None or isinstance(plain, bool | int | float | str):
        return plain
    raise GridError(f"an option is {show(plain)}; allowed: a number, a text, true, false or a list")


def _fraction(plain: Mapping[str, Any], name: str) -> str:
    text = plain.get(name, "1")
    try:
        canonical = fraction_text(float(Decimal(text)), name)
    except (ArithmeticError, TypeError):
        canonical = None
    if canonical is None or text != canonical:
        raise GridError(f"{name} is {show(text)}; allowed: the canonical text of a fraction")
    return canonical


def _checked_recipe(plain: object) -> tuple[tuple[str, Value], ...]:
    if not isinstance(plain, Mapping):
        raise GridError(f"recipe is {show(plain)}; allowed: a mapping of fields")
    for name in plain:
        if name not in recipes.OPTIONS:
            raise unknown("recipe field", name, recipes.OPTIONS)
    checked = {name: recipes.OPTIONS[name].check(plain[name]) for name in sorted(plain)}
    return tuple(checked.items())


def _mapping(plain: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = plain.get(name, {})
    if not isinstance(value, Mapping):
        raise GridError(f"{name} is {show(value)}; allowed: a mapping")
    return value


def _integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise GridError(f"{name} is {show(value)}; allowed: an integer")
    return value
