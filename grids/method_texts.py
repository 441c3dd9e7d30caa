"""Methods as texts: what an option of the type "method" holds in a cell.

A method at its defaults is its name, `rigl`; with options it is canonical JSON of its name and of
those that differ from their defaults: `{"drop_fraction":0.2,"name":"set"}`. Equal texts are equal
methods. Names and options are compared with the catalogue in `grids.components`.
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
        ValueError: for what is neither.
    """
    plain = plain_method(given) if isinstance(given, str) else given
    if not isinstance(plain, Mapping) or not isinstance(plain.get(NAME), str):
        raise ValueError(f"{show(given)} is no method: give its name, or a mapping with its name")
    try:
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{show(given)} is no method: {error}") from error
    return text if len(plain) > 1 else str(plain[NAME])


def plain_method(text: str) -> dict[str, Any]:
    """The mapping of a name and options that a text stands for; other texts are names."""
    plain = _read(text) if text.startswith("{") else None
    return plain if plain and isinstance(plain.get(NAME), str) else {NAME: text}


def method_words(text: str) -> str:
    """A text as people are told of it: `set(drop_fraction=0.2)`; any other text as it is."""
    plain = plain_method(text)
    options = [f"{name}={_word(plain[name])}" for name in sorted(plain) if name != NAME]
    return f"{plain[NAME]}({', '.join(options)})" if options else str(plain[NAME])


def _read(text: str) -> dict[str, Any] | None:
    try:
        plain: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return plain


def _word(value: Any) -> str:
    return method_words(value) if isinstance(value, str) else show(value)
