"""Where the tables and keys of a TOML file stand, so that mistakes are told with their line."""

import re
import tomllib
from functools import cached_property
from typing import Any

from grids.problems import Where

_PLACE = re.compile(r" \(at line (\d+), column \d+\)")


class Places:
    """The places of the tables and keys of a TOML text, which its parser does not tell.

    Args:
        text: A text that is TOML.
        source: The file it comes from.
    """

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source

    def of(self, *path: str) -> Where:
        """The place of a key or a table, given by all its names; else of what it would stand in."""
        while path and path not in self._lines:
            path = path[:-1]
        return Where(self._source, self._lines.get(path, 0))

    @cached_property
    def _lines(self) -> dict[tuple[str, ...], int]:
        """From 1, by all the names; looked for when the first mistake is told, and not before."""
        found: dict[tuple[str, ...], int] = {}
        lines = self._text.split("\n")
        table: tuple[str, ...] = ()
        for index, line in enumerate(lines):
            names = _names(line)
            # Where the lines before it make no whole text, this is a line inside a value.
            if not names or not _is_whole("\n".join(lines[:index])):
                continue
            header = line.lstrip().startswith("[")
            path = names if header else (*table, *names)
            table = path if header else table
            for length in range(1, len(path) + 1):
                found.setdefault(path[:length], index + 1)
        return found


def not_toml(error: tomllib.TOMLDecodeError, source: str) -> str:
    """The message for a file that is not TOML, with its line where the parser knows it."""
    place = _PLACE.search(str(error))
    where = Where(source, int(place[1]) if place else 0)
    return f"{where}: not TOML: {_PLACE.sub('', str(error))}"


def _names(line: str) -> tuple[str, ...]:
    """The names that a line gives to a table or to a value; empty for any other line."""
    text = line if line.lstrip().startswith("[") else f"{line.partition('=')[0]}= 0"
    try:
        content: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return ()
    names = []
    while isinstance(content, dict) and content:
        [(name, content)] = content.items()
        names.append(name)
    return tuple(names)


def _is_whole(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
