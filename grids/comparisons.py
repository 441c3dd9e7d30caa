"""Rules of `exclude`: a mapping of fields to what they must hold for a cell to be removed.

A condition is a value, a list of values, or a comparison text: "<0.05", ">=0.5", "!=rigl". Nothing
is evaluated as code.
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from grids import recipe as recipes
from grids.catalogue import KINDS, Catalogue
from grids.components import check_method
from grids.fields import Path, check_key, entries_of
from grids.method_texts import METHOD
from grids.options import Option, Value, fraction_text, quotient
from grids.problems import Collector, GridError, Where, show, unknown
from grids.reading import Node
from grids.scalars import plain_scalar

_ORDERS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_COMPARISON = re.compile(r"\s*(<=|>=|!=|==|<|>)\s*(.*?)\s*")

Test = Callable[[Value], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What one field must hold. `test` gets the field's value with defaults filled in."""

    path: Path
    test: Test


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One entry of `exclude`: it removes the cells for which every condition holds.

    A cell without one of the options that a condition names is never removed.
    """

    where: Where
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Field:
    """How a value of a field is checked, and whether its values have an order."""

    what: str
    check: Callable[[object], Value]
    ordered: bool


_SEED = Option(name="seed", type="int", default=0, ge=0)


def read_rule(node: Node, catalogue: Catalogue, problems: Collector) -> Rule:
    """The rule that a mapping of fields to conditions describes; mistakes are noted."""
    conditions: list[Condition] = []
    for key, given in entries_of(node).items():
        path = Path("seed") if key == "seed" else check_key(key, given, problems)
        if path is not None:
            try:
                conditions += _conditions(path, given, catalogue)
            except GridError as error:
                problems.add_error(given.where, error)
    return Rule(where=node.where, conditions=tuple(conditions))


def _conditions(path: Path, given: Node, catalogue: Catalogue) -> list[Condition]:
    component = path.field in KINDS and not path.option
    if path == Path("recipe") or (component and isinstance(given.value, dict)):
        return _mapping_conditions(path, given, catalogue)
    return [Condition(path=path, test=_test(_field(path, catalogue), given.plain()))]


def _mapping_conditions(path: Path, given: Node, catalogue: Catalogue) -> list[Condition]:
    """The conditions in {name: rigl, update_every: 100} or in recipe: {lr: 0.1}."""
    if not isinstance(given.value, dict):
        raise GridError(f"{path} is {show(given.plain())}; allowed: a mapping of fields")
    return [
        condition
        for key, node in given.value.items()
        for condition in _conditions(_inner_path(path, key), node, catalogue)
    ]


def _inner_path(path: Path, key: str) -> Path:
    if path.field == "recipe" and key not in recipes.OPTIONS:
        raise unknown("recipe field", key, recipes.OPTIONS)
    return Path(path.field) if key == "name" else Path(path.field, key)


def _field(path: Path, catalogue: Catalogue) -> _Field:
    what = str(path)
    if path.field == "seed":
        return _option_field(what, [_SEED], catalogue)
    if path.field == "recipe":
        return _option_field(what, [recipes.OPTIONS[path.option]], catalogue)
    if path.field not in KINDS:
        return _Field(what=what, check=lambda given: fraction_text(given, what), ordered=True)
    if path.option:
        return _option_field(what, _options_named(path, catalogue), catalogue)
    return _Field(
        what=what, check=lambda given: _entry_name(path.field, given, catalogue), ordered=False
    )


def _entry_name(kind: str, given: object, catalogue: Catalogue) -> str:
    if not isinstance(given, str):
        raise GridError(f"{kind} is {show(given)}; allowed: a name")
    return catalogue.entry(kind, given).name


def _options_named(path: Path, catalogue: Catalogue) -> list[Option]:
    every = [option for entry in catalogue.entries(path.field) for option in entry.options]
    found = [option for option in every if option.name == path.option]
    if not found:
        raise unknown(f"{path.field} option", path.option, {option.name for option in every})
    return found


def _option_field(what: str, options: Sequence[Option], catalogue: Catalogue) -> _Field:
    """A field that several entries may declare: a value is legal when one of them takes it."""

    def check_one(option: Option, given: object) -> Value:
        if option.type == METHOD:
            return check_method(given, what, catalogue)
        return option.check(given, what)

    def check(given: object) -> Value:
        for option in options[:-1]:
            try:
                return check_one(option, given)
            except GridError:
                continue
        return check_one(options[-1], given)

    ordered = any(option.type in ("int", "float") for option in options)
    return _Field(what=what, check=check, ordered=ordered)


def _test(field: _Field, given: object) -> Test:
    if isinstance(given, str) and (match := _COMPARISON.fullmatch(given)):
        return _comparison(field, match[1], match[2])
    try:
        wanted = {field.check(given)}
    except GridError:
        if not isinstance(given, list) or not given:
            raise
        wanted = {field.check(item) for item in given}
    return lambda value: value in wanted


def _comparison(field: _Field, sign: str, text: str) -> Test:
    operand = plain_scalar(text)
    if sign in ("==", "!="):
        wanted = field.check(operand)
        return (lambda value: value == wanted) if sign == "==" else (lambda value: value != wanted)
    if not field.ordered:
        message = f"{field.what} cannot be compared by {sign}: it holds no number"
        raise GridError(
            message, "allowed: a value, a list of values, or a text that begins with !="
        )
    number = _decimal(quotient(text) or operand)
    if number is None:
        raise GridError(f"{field.what} is compared with {show(text)}; allowed: a number")
    holds = _ORDERS[sign]
    return lambda value: (held := _decimal(value)) is not None and holds(held, number)


def _decimal(value: object) -> Decimal | None:
    """The exact value of a number or of a canonical decimal text; None for anything else."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return None if number.is_nan() else number
