"""Options that hold a method: texts that name it with its options.

A method at its defaults is its name, `rigl`; with options it is canonical JSON of its name and of
the options: `{"drop_fraction":0.2,"name":"set"}`.
"""

import json
from collections.abc import Mapping
from typing import Any


class MethodText(str):
    """The type of an option that holds a method; the value is an ordinary text."""


def method_text(given: object) -> str:
    """Return the text of a method given by its name, as a mapping, or as such a text.

    What is neither is a ValueError; whether there is such a method is not asked.
    """
    plain = plain_method(given) if isinstance(given, str) else given
    if not isinstance(plain, Mapping) or not isinstance(plain.get("name"), str):
        raise ValueError(f"{given!r} is no method: give its name, or a mapping with its name")
    try:
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{given!r} is no method: {error}") from error
    return text if len(plain) > 1 else str(plain["name"])


def plain_method(text: str) -> dict[str, Any]:
    """Return the mapping of name and options that a text stands for; other texts are names."""
    plain = _read(text) if text.startswith("{") else None
    return plain if plain and isinstance(plain.get("name"), str) else {"name": text}


def _read(text: str) -> dict[str, Any] | None:
    try:
        plain: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return plain
