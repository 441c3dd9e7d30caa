"""A table as it is laid out, before a format writes it: headings, lines, contents of entries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.answers.marks import Mark


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What stands in one row and one column.

    Attributes:
        text: What is read: "93.98 ± 0.73", "93.98 ± 0.73 (3 of 5)", "failed", "-", or nothing.
        best: Whether it is the best of its column.
        mark: Whether it differs significantly from the reference.
        value: The unrounded mean, for sorting; None where there is none.
        counts: How many seeds and cells stand behind it: "n", "missing", "failed", ...
    """

    text: str = ""
    best: bool = False
    mark: Mark | None = None
    value: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading:
    """A heading over one column, or over several that share it."""

    text: str
    span: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadLine:
    """One line of headings.

    Attributes:
        stub: What stands over the names of the rows.
        headings: What stands over the columns, from the left.
    """

    stub: tuple[str, ...]
    headings: tuple[Heading, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One row.

    Attributes:
        stub: Its name, one part by each field of the rows.
        shared: How many of the outer parts are those of the line above.
        contents: What stands in its columns.
    """

    stub: tuple[str, ...]
    shared: int
    contents: tuple[Content, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """Its name without the parts that are those of the line above."""
        return tuple("" if place < self.shared else part for place, part in enumerate(self.stub))


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """All that a format writes.

    Attributes:
        caption: One or more sentences.
        notes: Footnotes, without a full stop.
        best: What an entry that is best is best of, in words; nothing where none is marked.
        head: Lines of headings, the last of which has one heading for every column.
        lines: The rows.
    """

    caption: str
    notes: tuple[str, ...]
    best: str
    head: tuple[HeadLine, ...]
    lines: tuple[Line, ...]

    @property
    def stubs(self) -> int:
        """How many columns the names of the rows take."""
        return len(self.head[-1].stub)

    @property
    def columns(self) -> int:
        """How many columns of entries there are."""
        return len(self.head[-1].headings)


def headings(parts: Sequence[Sequence[str]], level: int) -> tuple[Heading, ...]:
    """The headings of one level over columns that are named by these parts.

    Neighbours share a heading where they agree in this part and in all outer ones; the innermost
    level has one for every column.
    """
    found: list[Heading] = []
    for place, name in enumerate(parts):
        alike = place > 0 and parts[place - 1][: level + 1] == name[: level + 1]
        if alike and level < len(name) - 1:
            found[-1] = Heading(text=name[level], span=found[-1].span + 1)
        else:
            found.append(Heading(text=name[level], span=1))
    return tuple(found)


def shared_parts(above: Sequence[str] | None, name: Sequence[str]) -> int:
    """How many of the outer parts a name shares with that of the row above; never all."""
    if above is None:
        return 0
    for place in range(len(name) - 1):
        if above[place] != name[place]:
            return place
    return len(name) - 1


def plain(text: str) -> str:
    """A text of one line: what cannot be printed becomes a question mark, a line end a space."""
    return "".join(_printable(character) for character in text)


def spans(line: Iterable[Heading]) -> Iterable[tuple[int, int]]:
    """The first and the last column, from 0, of every heading over more than one."""
    first = 0
    for heading in line:
        if heading.span > 1:
            yield first, first + heading.span - 1
        first += heading.span


def _printable(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() else "?"
