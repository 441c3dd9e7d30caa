"""Rules in the traits of the catalogue: when they hold, and names that options complete.

A rule is plain data. `{"when": {option: value}}` holds where all these options have these values,
or one of several where a value is a list; `{"unless": {...}}` where not all of them do, and
`{"unless": [{...}, ...]}` where that is so for each. A rule with neither always holds. A template
such as "rewind@{rewind_step}" names options whose values stand in it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from grids.options import Value


def holds(rule: Mapping[str, Any], options: Mapping[str, Value]) -> bool:
    """Whether a rule holds under these options, defaults filled in."""
    when, unless = rule.get("when") or {}, rule.get("unless") or []
    exceptions = [unless] if isinstance(unless, Mapping) else unless
    return _all_equal(when, options) and not any(_all_equal(one, options) for one in exceptions)


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


def _all_equal(values: Mapping[str, Any], options: Mapping[str, Value]) -> bool:
    return all(
        options[name] in value if isinstance(value, list | tuple) else options[name] == value
        for name, value in values.items()
    )
