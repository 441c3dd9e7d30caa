"""Options of methods and allocations: declared once, read by validation, docs and the catalogue."""

import dataclasses
import difflib
import math
import operator
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sparse.method_texts import MethodText, method_text

T = TypeVar("T")

_NAMES = {int: "int", float: "float", str: "str", bool: "bool", MethodText: "method"}
_FRACTION = re.compile(r"-?[0-9]{1,15} */ *0*[1-9][0-9]{0,14}")
_BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_RELATIONS = {"below": operator.lt, "at_most": operator.le}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class NoOptions:
    """Options of what has none."""


def option(
    default: Any,
    *,
    help: str,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    choices: Sequence[Any] | None = None,
    min_items: int | None = None,
    max_items: int | None = None,
    below: str | None = None,
    at_most: str | None = None,
    only_with: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    unless: Mapping[str, Any] | None = None,
    le_where: Mapping[str, Mapping[str, float]] | None = None,
    means: Mapping[str, Mapping[str, float] | float] | None = None,
    parts: int | None = None,
    unique: bool | None = None,
) -> Any:
    """Declare one field of an options dataclass.

    `ge`, `gt`, `le` and `lt` bound a number (or every number of a list); `choices` lists all legal
    values; `min_items` and `max_items` bound the length of a list; `help` is one line for people
    and names the unit. `below` and `at_most` name another option whose value limits this one;
    `only_with` says at which value of another option (or list of values) anything but the default
    has an effect: all of a mapping must hold, and one of a list of mappings. `unless` says at which
    values of others it has none all the same. A limit counts only while both options have an
    effect. `le_where` bounds a number by the values of other options: {"norm": {"linf": 1}}.

    `means` says what null means for an option whose user derives it from another: a number for each
    value of that one, {"norm": {"linf": 0.5, "l2": 2}}, or the share of its number,
    {"epsilon": 0.25}. Grids then hold one value in one spelling. `unique` refuses what a list
    repeats; `parts` is in how many parts of one people count: it says what a number that is too
    large was meant to be.
    """
    limits = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    limits |= {"min_items": min_items, "max_items": max_items}
    metadata: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
    if choices is not None:
        metadata["choices"] = list(choices)
    relations: dict[str, Any] = {"below": below, "at_most": at_most, "only_with": only_with}
    relations |= {"unless": unless, "le_where": le_where, "means": means}
    relations |= {"parts": parts, "unique": unique}
    metadata |= {name: relation for name, relation in relations.items() if relation is not None}
    return dataclasses.field(default=default, metadata={"help": help, **metadata})


def describe_options(options: type) -> list[dict[str, Any]]:
    """Return one plain, JSON-able dict per option of a dataclass made with `option`.

    Keys: name, type ("float", "int", "str", "bool", "list[...]" or "method"), nullable, default,
    help, and those of ge, gt, le, lt, choices, min_items, max_items, below, at_most, only_with,
    unless, le_where, means, parts and unique that were declared.
    """
    return [_describe(field, hint) for field, hint in _fields(options)]


def build_options(
    options: type[T], given: Mapping[str, Any], where: str, *, beside: Sequence[str] = ()
) -> T:
    """Make the options dataclass from what a person wrote.

    Names, types, ranges, choices and relations are checked; every problem is reported in one
    ValueError whose lines start with `where`. Whole numbers and fractions of two integers ("8/255")
    are accepted for floats, lists and tuples for lists. `beside` names what may be written beside
    options: allowed names to hint at.
    """
    fields = {field.name: (field, hint) for field, hint in _fields(options)}
    allowed = [*beside, *fields]
    problems = [_unknown(name, allowed) for name in given if name not in fields]
    values = {}
    for name in given.keys() & fields.keys():
        try:
            values[name] = _checked(given[name], *fields[name])
        except ValueError as problem:
            problems.append(str(problem))
    if not problems:
        try:
            built = options(**values)
        except ValueError as problem:
            problems.append(str(problem))
        else:
            problems += _conflicts(built, [field for field, _ in fields.values()])
            if not problems:
                return built
    raise ValueError("\n".join(f"{where}: {problem}" for problem in sorted(problems)))


def nearest(name: str, allowed: Sequence[str]) -> str:
    """Return the hint " (did you mean 'x'?)" for the closest allowed name, or an empty text."""
    close = difflib.get_close_matches(str(name), list(allowed), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _fields(options: type) -> list[tuple[Any, Any]]:
    hints = typing.get_type_hints(options)
    return [(field, hints[field.name]) for field in dataclasses.fields(options)]


def _describe(field: Any, hint: Any) -> dict[str, Any]:
    scalar, is_list, nullable = _parsed(hint)
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    name = f"list[{_NAMES[scalar]}]" if is_list else _NAMES[scalar]
    described = {"name": field.name, "type": name, "nullable": nullable, "default": default}
    return {**described, **field.metadata}


def _parsed(hint: Any) -> tuple[type, bool, bool]:
    """Split a field's type into (scalar type, is a list, may be None)."""
    nullable = isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
    if nullable:
        (hint,) = (part for part in typing.get_args(hint) if part is not type(None))
    is_list = typing.get_origin(hint) is tuple
    scalar = typing.get_args(hint)[0] if is_list else hint
    if scalar not in _NAMES or (is_list and scalar is MethodText):
        raise TypeError(
            f"an option cannot have the type {hint};"
            " use int, float, str, bool, a tuple[..., ...] of one of them, or MethodText"
        )
    return scalar, is_list, nullable


def _checked(value: Any, field: Any, hint: Any) -> Any:
    scalar, is_list, nullable = _parsed(hint)
    if value is None and nullable:
        return None
    if not is_list:
        return _scalar(value, scalar, field)
    if not isinstance(value, list | tuple):
        raise ValueError(f"{field.name} is {value!r}; it must be a list of {_NAMES[scalar]}")
    if not _fits(len(value), field.metadata):
        number = _length(field.metadata)
        raise ValueError(f"{field.name} is {value!r}; it must be a list of {number} values")
    items = tuple(_scalar(item, scalar, field) for item in value)
    if field.metadata.get("unique") and len(set(items)) < len(items):
        raise ValueError(f"{field.name} is {value!r}; it must not list anything twice")
    return items


def _scalar(given: Any, kind: Any, field: Any) -> Any:
    if kind is MethodText:
        return method_text(given)
    value = _as_float(given) if kind is float else given
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{field.name} is {value!r}; it must be of type {_NAMES[kind]}")
    choices = field.metadata.get("choices")
    if choices is not None and value not in choices:
        allowed = ", ".join(map(str, choices))
        hint = nearest(value, [str(choice) for choice in choices])
        raise ValueError(f"{field.name} is {value!r}; allowed: {allowed}{hint}")
    if kind in (int, float) and not _within(value, field.metadata):
        raise ValueError(f"{field.name} is {value!r}; it must be {_range(field.metadata)}")
    return value


def _as_float(given: Any) -> Any:
    """What a whole number or a fraction means; all else as it is."""
    if isinstance(given, str) and _FRACTION.fullmatch(given):
        above, below = given.split("/")
        return int(above) / int(below)
    whole = isinstance(given, int) and not isinstance(given, bool)
    return float(given) if whole and _is_finite(given) else given


def _conflicts(built: Any, fields: Sequence[Any]) -> list[str]:
    """What is wrong with options in view of each other."""
    idle = {field.name: _without_effect(built, field) for field in fields}
    conflicts = [text for field in fields for text in _above_limits(built, field, idle)]
    conflicts += [text for field in fields if not idle[field.name] for text in _above(built, field)]
    for field in fields:
        if getattr(built, field.name) != field.default and (because := idle[field.name]):
            settings = " and ".join(because)
            conflicts.append(f"{field.name} has no effect with {settings}; leave it out")
    return conflicts


def _above_limits(built: Any, field: Any, idle: Mapping[str, list[str]]) -> list[str]:
    """What is wrong with one option in view of those that limit it, where both have an effect."""
    limits = {
        relation: field.metadata[relation] for relation in _RELATIONS if relation in field.metadata
    }
    value = getattr(built, field.name)
    return [
        f"{field.name} is {value!r}; it must be {relation.replace('_', ' ')} {other},"
        f" {getattr(built, other)!r}"
        for relation, other in limits.items()
        if not (idle[field.name] or idle[other])
        and not _RELATIONS[relation](value, getattr(built, other))
    ]


def _above(built: Any, field: Any) -> list[str]:
    """What is wrong with one option by the bounds that values of others set."""
    value, bounds = getattr(built, field.name), field.metadata.get("le_where", {})
    limits = {other: bounds[other].get(str(getattr(built, other))) for other in bounds}
    return [
        f"{field.name} is {value!r}; it must be <= {limit:g} with {other}: {getattr(built, other)}"
        for other, limit in limits.items()
        if limit is not None and value is not None and value > limit
    ]


def _without_effect(built: Any, field: Any) -> list[str]:
    """The settings because of which an option has no effect; empty if it has one."""
    only_with, unless = (field.metadata.get(name, {}) for name in ("only_with", "unless"))
    if unless and all(_allows(unless, other, built) for other in unless):
        return [f"{other}: {getattr(built, other)}" for other in unless]
    alternatives = [only_with] if isinstance(only_with, Mapping) else only_with
    unmet = [
        [f"{other}: {getattr(built, other)}" for other in each if not _allows(each, other, built)]
        for each in alternatives
    ]
    return list(dict.fromkeys(text for texts in unmet for text in texts)) if all(unmet) else []


def _allows(needed: Mapping[str, Any], other: str, built: Any) -> bool:
    allowed = needed[other]
    return getattr(built, other) in (allowed if isinstance(allowed, list | tuple) else [allowed])


def _within(value: float, metadata: Mapping[str, Any]) -> bool:
    return (
        _is_finite(value)
        and ("ge" not in metadata or value >= metadata["ge"])
        and ("gt" not in metadata or value > metadata["gt"])
        and ("le" not in metadata or value <= metadata["le"])
        and ("lt" not in metadata or value < metadata["lt"])
    )


def _fits(items: int, metadata: Mapping[str, Any]) -> bool:
    return metadata.get("min_items", 0) <= items <= metadata.get("max_items", math.inf)


def _length(metadata: Mapping[str, Any]) -> str:
    least, most = metadata.get("min_items"), metadata.get("max_items")
    if least == most:
        return str(least)
    bounds = {"at least": least, "at most": most}
    return " and ".join(f"{words} {bound}" for words, bound in bounds.items() if bound is not None)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False


def _range(metadata: Mapping[str, Any]) -> str:
    limits = [f"{sign} {metadata[name]:.10g}" for name, sign in _BOUNDS.items() if name in metadata]
    return " and ".join(limits) or "a finite number"


def _unknown(name: str, allowed: list[str]) -> str:
    listed = ", ".join(allowed) or "none"
    return f"unknown option {name!r}; allowed: {listed}{nearest(name, allowed)}"
