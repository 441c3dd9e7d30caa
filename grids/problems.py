"""How a mistake in a grid is told: where it is, what was given, what is allowed, nearest match."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class GridError(ValueError):
    """One mistake, without a place: raised by checks that do not know where a value was written.

    `hint` is a separate closing remark, usually the nearest match.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Where:
    """A place a person can go to: a file and its line (from 1), or a flag (line 0)."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        source = printable(self.source)
        return f"{source}:{self.line}" if self.line else source


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake and its place; its text is one line."""

    message: str
    where: Where
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}"
        return f"{text}; {self.hint}" if self.hint else text


class GridProblems(GridError):
    """Every mistake found in a grid, in the order of the file, flags last; one line each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        distinct = dict.fromkeys(problems)
        self.problems = sorted(distinct, key=lambda p: (p.where.line == 0, p.where.line))
        super().__init__("\n".join(map(str, self.problems)))


class Collector:
    """Gathers problems while checking goes on, so that a person sees all of them at once."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self.problems = list(problems)

    def add(self, where: Where, message: str, hint: str = "") -> None:
        """Note one problem."""
        self.problems.append(Problem(message, where, hint))

    def add_error(self, where: Where, error: GridError) -> None:
        """Note a mistake that a check raised, at the place where its value was written."""
        self.add(where, error.message, error.hint)

    def __len__(self) -> int:
        return len(self.problems)

    def raise_any(self) -> None:
        """Raise `GridProblems` with everything noted so far, if there is anything."""
        if self.problems:
            raise GridProblems(self.problems)


def nearest(given: object, allowed: Iterable[str]) -> str:
    """The remark "did you mean 'x'?" for the allowed name closest to `given`, or nothing."""
    by_lower_case = {name.lower(): name for name in allowed}
    close = difflib.get_close_matches(str(given).lower(), by_lower_case, n=1)
    return f"did you mean '{by_lower_case[close[0]]}'?" if close else ""


def unknown(what: str, given: str, allowed: Iterable[str], of: str = "") -> GridError:
    """The error for a name that is not among the allowed ones (`of` says whose names they are)."""
    names = sorted(allowed)
    whose = f" of {of}" if of else ""
    listed = ", ".join(names) or "none"
    return GridError(
        f"unknown {what} {show(given)}{whose}; allowed: {listed}", nearest(given, names)
    )


def show(value: object, limit: int = 60) -> str:
    """A given value as a person would write it in YAML, shortened to `limit` characters."""
    text = _shown(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def printable(text: str) -> str:
    """The text on one line: line breaks and what else cannot be seen are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{printable(value)}'"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {show(entry)}' for key, entry in value.items())}}}"
    return str(value)
