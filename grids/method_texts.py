"""Methods as texts: what an option of the type "method" holds in a cell.

A method at its defaults is its name, `rigl`; with options it is canonical JSON of its name and of
those that differ from their defaults: `{"drop_fraction":0.2,"name":"set"}`. Equal texts are equal
methods. Names and options are compared with the catalogue in `grids.inner_methods`.
"""

import json
from collections.abc import Mapping
from typing import Any

from grids.problems import show

METHOD = "method"
"""The type of an option that holds a method."""

NAME = "name"


def method_text(given: object) -> str:
    """The text of a method given by its name, as a mapping, or as such a text.

    Raises:
        TypeError: for what is neither.
    """
    plain = plain_method(given) if isinstance(given, str) else given
    if isinstance(plain, str):
        return plain
    if not isinstance(plain, Mapping) or not isinstance(plain.get(NAME), str):
        raise TypeError
    try:
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise TypeError from error
    return text if len(plain) > 1 else str(plain[NAME])


def plain_method(text: str) -> str | dict[str, Any]:
    """What a text stands for: a name, or a mapping of a name and options."""
    if not text.startswith("{"):
        return text
    try:
        plain = json.loads(text)
    except ValueError:
        return text
    return plain if isinstance(plain.get(NAME), str) else text


def method_words(text: str) -> str:
    """A text as people are told of it: `set(drop_fraction=0.2)`; any other text as it is."""
    plain = plain_method(text)
    if isinstance(plain, str):
        return plain
    options = [f"{name}={_word(plain[name])}" for name in sorted(plain) if name != NAME]
    return f"{plain[NAME]}({', '.join(options)})" if options else str(plain[NAME])


def _word(value: Any) -> str:
    return method_words(value) if isinstance(value, str) else show(value)
