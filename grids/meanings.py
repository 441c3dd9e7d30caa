"""What null means for an option that derives its value from another option of its entry.

`means` names that other option, with a number for each of its values, or with the share of its
number: `{"norm": {"linf": 0.5, "l2": 2}}`, `{"epsilon": 0.25}`. One value then has one spelling:
written out it is left out of a cell, as a default is.
"""

from collections.abc import Mapping, Sequence

from grids.options import Option, Value


def without_meant(options: Sequence[Option], given: Mapping[str, Value]) -> dict[str, Value]:
    """The given options of an entry without those that only write out what null means.

    Args:
        options: all of the entry.
        given: checked values; the others are at their defaults.
    """
    settings = {option.name: option.default for option in options} | dict(given)
    meant = {option.name: meaning(option, options, settings) for option in options if option.means}
    redundant = {name for name, value in meant.items() if value == settings[name]}
    return {name: None if name in redundant else value for name, value in given.items()}


def meanings(options: Sequence[Option], settings: Mapping[str, Value]) -> dict[str, Value]:
    """What null means for those options of an entry that are null in these settings."""
    found = {
        option.name: meaning(option, options, settings)
        for option in options
        if option.means and settings[option.name] is None
    }
    return {name: value for name, value in found.items() if value is not None}


def meaning(option: Option, options: Sequence[Option], settings: Mapping[str, Value]) -> Value:
    """What null means for an option under these settings; None where that is not declared."""
    for other, rule in (option.means or {}).items():
        value = settings[other]
        if isinstance(rule, Mapping):
            return rule.get(str(value))
        if value is None:
            [source] = (one for one in options if one.name == other)
            value = meaning(source, options, settings)
        return rule * value if isinstance(value, int | float) else None
    return None


def explained(option: Option) -> str:
    """The help of an option, with what null means for it."""
    words = [
        ", ".join(
            f"{_shown(number, option)} with {other}: {of}" for of, number in sorted(rule.items())
        )
        if isinstance(rule, Mapping)
        else f"{rule:g} of {other}"
        for other, rule in (option.means or {}).items()
    ]
    return "; null: ".join([option.help, *words])


def _shown(number: float, option: Option) -> str:
    """A number, as a fraction where people count it in parts."""
    if option.parts is None or round(number * option.parts) / option.parts != number:
        return f"{number:g}"
    return f"{round(number * option.parts)}/{option.parts}"
