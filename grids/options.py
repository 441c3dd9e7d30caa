"""One declared option: its type, range and default, and the check of a value against them."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from grids.method_texts import METHOD, method_text
from grids.problems import GridError, nearest, show

Scalar = bool | int | float | str | None
Value = Scalar | tuple[Scalar, ...]
"""What an option may hold; lists are tuples, so that every value can be hashed."""

Condition = Mapping[str, Value | list[Scalar]]
"""Other options and the value of each, or the values of which it must have one."""

NOUNS = {
    "int": "an integer",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "list[int]": "a list of integers",
    "list[float]": "a list of numbers",
    "list[str]": "a list of texts",
    METHOD: "a method by its name, or a mapping {name: ..., option: ...}",
}
"""The legal types of an option, and how messages call them."""

MAX_DECIMALS = 12
"""Longest fraction of a density: more digits come from arithmetic (1 - 0.7), not from a person."""

FRACTION = r"-?[0-9]{1,15} */ *0*[1-9][0-9]{0,14}"
"""How a number may be written as a fraction of two integers, as a regular expression: 8/255."""

# People still write the booleans of YAML 1.1; in YAML 1.2 they are texts.
_OLD_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """A named value that a person may give.

    `type` is a key of `NOUNS`; of a "method" only the form is checked here (`grids.components`);
    the bounds hold for a number and for each number of a list; `choices` are the only legal values;
    `min_items` and `max_items` bound the length of a list; a `nullable` option takes null as well.
    `below` and `at_most` name an option of the same entry that limits this one; `only_with` says at
    which value of another option (or list of values) anything but the default has an effect: all of
    a mapping must hold, and one of several mappings. `unless` says at which values of others it has
    none all the same. A limit counts only while both options have an effect. `le_where` bounds a
    number by the values of others; `means` says what null means (`grids.meanings`); the items of a
    `unique` list differ; `parts` is of how many parts people think one consists: where 8 is too
    much, 8 / parts was meant.
    """

    name: str
    type: str
    default: Value
    help: str = ""
    nullable: bool = False
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    choices: tuple[Scalar, ...] | None = None
    min_items: int | None = None
    max_items: int | None = None
    below: str | None = None
    at_most: str | None = None
    only_with: Condition | tuple[Condition, ...] | None = None
    unless: Condition | None = None
    le_where: Mapping[str, Mapping[str, float]] | None = None
    means: Mapping[str, Mapping[str, float] | float] | None = None
    parts: int | None = None
    unique: bool | None = None

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Option":
        """The option that a plain mapping describes, as the registries write it."""
        return cls(**{key: _frozen(value) for key, value in plain.items()})

    def plain(self) -> dict[str, Any]:
        """A JSON-able description; bounds and choices that are not set are left out."""
        always = {"name", "type", "default", "help", "nullable"}
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in pairs
            if value is not None or name in always
        }

    def allowed(self) -> str:
        """The legal values in words, for messages: "an integer >= 1 or null"."""
        if self.choices is not None:
            names = [choice if isinstance(choice, str) else show(choice) for choice in self.choices]
            words = ", ".join(names)
        else:
            words = " ".join([NOUNS[self.type], *self._length(), *self._bounds()])
        return f"{words} or null" if self.nullable else words

    def check(self, given: object, what: str | None = None) -> Value:
        """The given value in the declared type: 1 and "8/255" are floats for one, a list a tuple.

        `what` names the option in messages. Raises `GridError` for a value that is not legal.
        """
        if given is None and self.nullable:
            return None
        if not self._takes(given):
            raise self._refusal(given, what)
        return _converted(given, self.type)

    def without_effect(self, settings: Mapping[str, Value]) -> list[str]:
        """The settings because of which this option has no effect; empty if it has one."""
        if self.unless and all(_met(self.unless, other, settings) for other in self.unless):
            return _written(self.unless, settings)
        conditions = self.only_with or {}
        alternatives = (conditions,) if isinstance(conditions, Mapping) else conditions
        unmet = [
            _written([other for other in each if not _met(each, other, settings)], settings)
            for each in alternatives
        ]
        return list(dict.fromkeys(text for texts in unmet for text in texts)) if all(unmet) else []

    def limits(self) -> list[tuple[str, str, str]]:
        """What limits this option: the relation in words, its sign, and the other option."""
        pairs = (("below", "<", self.below), ("at most", "<=", self.at_most))
        return [(words, sign, other) for words, sign, other in pairs if other is not None]

    def above_bound(self, settings: Mapping[str, Value]) -> str:
        """What is wrong with this option by the values of others, by `le_where`; else ""."""
        value = settings[self.name]
        for other, bounds in (self.le_where or {}).items():
            bound = bounds.get(str(settings[other]))
            if bound is not None and isinstance(value, int | float) and value > bound:
                hint = self._in_parts(_without_points(value))
                told = f"{self.name} is {show(value)}; it must be <= {bound:g} with"
                return f"{told} {other}: {settings[other]}" + (f"; {hint}" if hint else "")
        return ""

    def _in_parts(self, given: object) -> str:
        whole = isinstance(given, int) and not isinstance(given, bool)
        return f"write {given}/{self.parts}" if self.parts and whole else ""

    def _in_range(self, item: Scalar) -> bool:
        if self.choices is not None and item not in self.choices:
            return False
        if isinstance(item, bool) or not isinstance(item, int | float):
            return True
        return (
            (self.ge is None or item >= self.ge)
            and (self.gt is None or item > self.gt)
            and (self.le is None or item <= self.le)
            and (self.lt is None or item < self.lt)
        )

    def _bounds(self) -> list[str]:
        signs = {">=": self.ge, ">": self.gt, "<=": self.le, "<": self.lt}
        bounds = [f"{sign} {bound:.10g}" for sign, bound in signs.items() if bound is not None]
        each = "each " if self.type.startswith("list") and bounds else ""
        return [each + " and ".join(bounds)] if bounds else []

    def _length(self) -> list[str]:
        if self.min_items is not None and self.min_items == self.max_items:
            return [f"of length {self.min_items}"]
        if self.unique:
            return ["without repetition", *replace(self, unique=None)._length()]
        bounds = {">=": self.min_items, "<=": self.max_items}
        found = [f"{sign} {bound}" for sign, bound in bounds.items() if bound is not None]
        return ["of length " + " and ".join(found)] if found else []

    def _has_length(self, value: tuple[Scalar, ...]) -> bool:
        least = 0 if self.min_items is None else self.min_items
        most = math.inf if self.max_items is None else self.max_items
        return least <= len(value) <= most

    def _refusal(self, given: object, what: str | None) -> GridError:
        message = f"{what or self.name} is {show(given)}; allowed: {self.allowed()}"
        return GridError(message, self._hint(given))

    def _hint(self, given: object) -> str:
        if not isinstance(given, str):
            whole = _without_points(given)
            meant = next((value for value in (whole, [whole]) if self._takes(value)), None)
            return self._in_parts(whole) if meant is None else f"write {show(meant)}"
        if self.type == "bool":
            meant = _OLD_BOOLEANS.get(given.lower()) or nearest(given, ("true", "false"))
            return f"write {meant}" if meant in ("true", "false") else meant
        if self.choices is not None:
            return nearest(given, map(str, self.choices))
        if self.type == "float" and "/" in given:
            return "" if quotient(given) is not None else "a fraction is two integers, as in 8/255"
        return number_hint(given) if self.type in ("int", "float") else ""

    def _takes(self, given: object) -> bool:
        try:
            value = _converted(given, self.type)
        except (TypeError, ValueError, OverflowError):
            return False
        if isinstance(value, tuple):
            repeated = self.unique and len(set(value)) < len(value)
            return not repeated and self._has_length(value) and all(map(self._in_range, value))
        return self._in_range(value)


def conflicts(options: Sequence[Option], settings: Mapping[str, Value]) -> list[str]:
    """What is wrong with the settings of all options of an entry in view of each other."""
    idle = {option.name: option.without_effect(settings) for option in options}
    found = []
    for option in options:
        name, value = option.name, settings[option.name]
        for words, sign, other in option.limits():
            counts = not (idle[name] or idle[other])
            if counts and not _compare(value, sign, settings[other]):
                limit = f"{other}, {show(settings[other])}"
                found.append(f"{name} is {show(value)}; it must be {words} {limit}")
        if not idle[name] and (above := option.above_bound(settings)):
            found.append(above)
        if value != option.default and idle[name]:
            found.append(f"{name} has no effect with {' and '.join(idle[name])}; leave it out")
    return found


def number_hint(given: str) -> str:
    """What to write instead of a text that looks like a number (quotes, 1_000, 5%, 0,1)."""
    text = given.strip().replace("_", "").replace(",", ".")
    percent = text.endswith("%")
    try:
        number = Decimal(text.removesuffix("%").strip()) / (100 if percent else 1)
    except ArithmeticError:
        return ""
    return f"write {plain_decimal(number)}, without quotes" if number.is_finite() else ""


def fraction_text(given: object, what: str) -> str:
    """The canonical decimal text of a fraction in (0, 1]: 0.10, .1 and 1e-1 all give "0.1".

    Raises `GridError` for what is not a number, out of range, or longer than `MAX_DECIMALS`.
    """
    allowed = f"{what} is {show(given)}; allowed: a number > 0 and <= 1"
    if isinstance(given, str):
        raise GridError(allowed, number_hint(given))
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= 1:
        raise GridError(allowed)
    text = plain_decimal(Decimal(repr(given)))
    if len(text) > MAX_DECIMALS + len("0."):
        rounded = plain_decimal(round(Decimal(text), MAX_DECIMALS))
        hint = f"did you mean {rounded}?" if rounded != "0" else ""
        raise GridError(f"{allowed} with at most {MAX_DECIMALS} decimals", hint)
    return text


def quotient(text: str) -> float | None:
    """The number that a fraction such as "8/255" stands for; None for any other text."""
    if not re.fullmatch(FRACTION, text):
        return None
    above, below = text.split("/")
    return int(above) / int(below)


def plain_decimal(number: Decimal) -> str:
    """A decimal without exponent and without trailing zeros: "0.05", "100"."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _without_points(given: object) -> object:
    """Whole numbers, also those in a list, as integers; all else as it is."""
    if isinstance(given, list | tuple):
        return [_without_points(item) for item in given]
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _met(condition: Condition, other: str, settings: Mapping[str, Value]) -> bool:
    needed = condition[other]
    return settings[other] in (needed if isinstance(needed, list) else [needed])


def _written(others: Iterable[str], settings: Mapping[str, Value]) -> list[str]:
    return [f"{other}: {show(settings[other])}".replace("'", "") for other in others]


def _compare(value: Value, sign: str, other: Value) -> bool:
    if not isinstance(value, int | float) or not isinstance(other, int | float):
        return True
    return value < other if sign == "<" else value <= other


def _converted(given: object, type_name: str) -> Value:
    """The value in the declared type; TypeError or ValueError when it is of another kind."""
    if type_name == METHOD:
        return method_text(given)
    if type_name.startswith("list["):
        if not isinstance(given, list | tuple):
            raise TypeError
        return tuple(_converted_scalar(item, type_name[5:-1]) for item in given)
    return _converted_scalar(given, type_name)


def _converted_scalar(given: object, type_name: str) -> Scalar:
    if isinstance(given, str):
        if type_name == "str":
            return given
        given = quotient(given)
    if isinstance(given, bool):
        if type_name == "bool":
            return given
        raise TypeError
    if not isinstance(given, int | float) or not math.isfinite(given):
        raise TypeError
    if type_name == "int" and isinstance(given, int):
        return given
    if type_name == "float":
        return float(given) + 0.0  # adding zero turns -0.0 into 0.0
    raise TypeError
