"""Rules in the traits of the catalogue: when they hold, and names that options complete.

A rule is plain data. `{"when": {option: value}}` holds where all these options have these values,
or one of several where a value is a list; `{"unless": {...}}` where not all of them do, and
`{"unless": [{...}, ...]}` where that is so for each. A rule with neither always holds. A template
such as "rewind@{rewind_step}" names options whose values stand in it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from grids.artifacts import input_name
from grids.options import Value


def holds(rule: Mapping[str, Any], options: Mapping[str, Value]) -> bool:
    """Whether a rule holds under these options, defaults filled in."""
    when, unless = rule.get("when") or {}, rule.get("unless") or []
    exceptions = [unless] if isinstance(unless, Mapping) else unless
    return _all_equal(when, options) and not any(_all_equal(one, options) for one in exceptions)


def applies(trait: bool | Mapping[str, Any] | None, options: Mapping[str, Value]) -> bool:
    """Whether a trait is so under these options, defaults filled in: it is yes, no, or a rule.

    A trait that nothing declares is None, and is not so.
    """
    return holds(trait, options) if isinstance(trait, Mapping) else bool(trait)


def filled(template: object, options: Mapping[str, Value]) -> str:
    """A template, or a number, as text with the values of the options that it names."""
    return str(template).format_map(options)


def starts_from(trait: Sequence[Mapping[str, Any]] | None, options: Mapping[str, Value]) -> str:
    """The artifact whose weights a method trains on, by its trait `starts_from`; "" for none.

    The trait is a list of rules with a template as `artifact`, of which the first that holds is
    taken.
    """
    rules = trait or ()
    return next((filled(rule["artifact"], options) for rule in rules if holds(rule, options)), "")


def seeds_of(rule: Mapping[str, Any], options: Mapping[str, Value]) -> Sequence[int | None]:
    """The seeds of the cells that a rule in `needs` names; None alone for the cell's own."""
    if "seeds" not in rule:
        return (None,)
    first, count = (int(str(options[rule["seeds"][part]])) for part in ("first", "count"))
    return range(first, first + count)


def input_names(needs: Sequence[Mapping[str, Any]], options: Mapping[str, Value]) -> list[str]:
    """What a cell calls the artifacts that it needs, in the order of the rules and their seeds.

    `needs` is that trait of a method or scenario; `data_ratio` stands among the options.
    """
    return [
        input_name(filled(rule["artifact"], options), seed)
        for rule in needs
        if rule["artifact"] is not None and holds(rule, options)
        for seed in seeds_of(rule, options)
    ]


def _all_equal(values: Mapping[str, Any], options: Mapping[str, Value]) -> bool:
    return all(
        options[name] in value if isinstance(value, list | tuple) else options[name] == value
        for name, value in values.items()
    )
