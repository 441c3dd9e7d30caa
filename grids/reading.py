"""The strict YAML reader: a grid file becomes nodes, and every node knows where it was written.

It reads the parser's events itself, so that nothing is ever constructed from a tag, duplicate keys
are mistakes, and aliases cannot blow up: `MAX_VALUES` and `MAX_DEPTH` bound what a file stands for.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from grids.options import Scalar
from grids.problems import Collector, GridProblems, Problem, Where, show
from grids.scalars import plain_scalar

MAX_BYTES = 4_000_000
"""Largest grid file that is read."""
MAX_VALUES = 200_000
"""Most values a file may stand for, each alias counted as often as it is used."""
MAX_DEPTH = 20
"""Deepest nesting of lists and mappings."""

# The C parser is about ten times faster; its events are the same.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MERGE_HINT = "YAML 1.2 has no merge keys: write the fields out, or put what is shared in base"


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place: a scalar, a tuple of nodes, or a dict of nodes by key.

    The place of a mapping's entry is that of its key. `size` counts the values inside, aliases as
    often as they are used; `height` counts the levels below.
    """

    value: "Scalar | tuple[Node, ...] | dict[str, Node]"
    where: Where
    size: int = 1
    height: int = 0

    def plain(self) -> Any:
        """The value as plain Python data."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


def read_file(path: Path) -> str:
    """The text of a grid file. Raises `GridProblems` when it is too large or not UTF-8."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        reason = error.strerror or str(error)
        raise GridProblems([Problem(f"cannot be read: {reason}", Where(str(path)))]) from None
    if data is None:
        raise GridProblems([Problem(f"is larger than {MAX_BYTES:,} bytes", Where(str(path)))])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        where = Where(str(path), line)
        raise GridProblems([Problem(message, where, "save the file as UTF-8")]) from None


def read_yaml(text: str, source: str, problems: Collector) -> Node:
    """The one document of a YAML text as a tree of nodes.

    Mistakes after which reading can go on (a duplicate key, a tag) are noted in `problems`; for
    those after which it cannot (syntax, too deep, too many values) `GridProblems` is raised with
    everything noted so far.
    """
    return _read(text, lambda line: Where(source, line), problems)


def read_inline(text: str, flag: str, problems: Collector) -> Node:
    """Like `read_yaml`, for a text given by a flag: every node's place is the flag."""
    return _read(text, lambda line: Where(flag), problems)


def _read(text: str, locate: Callable[[int], Where], problems: Collector) -> Node:
    reader = _Reader(yaml.parse(text, Loader=_LOADER), locate, problems)
    try:
        return reader.document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        for place, message, hint in _syntax_problems(text, line, error.problem or str(error)):
            problems.add(locate(place), message, hint)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = show(chr(error.character))
        problems.add(locate(line), f"not YAML: the character {character} is not allowed")
    except _Stop:
        pass
    raise GridProblems(problems.problems)


def _syntax_problems(text: str, line: int, problem: str) -> Iterator[tuple[int, str, str]]:
    """The places and messages of a syntax error: every tab that indents, else the parser's own."""
    tabs = [
        number
        for number, content in enumerate(text.splitlines(), start=1)
        if "\t" in content[: len(content) - len(content.lstrip())]
    ]
    for number in tabs:
        yield number, "a tab is used to indent", "YAML allows spaces only"
    if not tabs:
        yield line, f"not YAML: {problem}", ""


def _height(nodes: Iterable[Node]) -> int:
    return 1 + max((node.height for node in nodes), default=0)


class _Stop(Exception):
    """Reading cannot go on; the reason is noted already."""


class _Reader:
    """Turns parser events into nodes, in one pass."""

    def __init__(
        self, events: Iterator[Any], locate: Callable[[int], Where], problems: Collector
    ) -> None:
        self._events = events
        self._locate = locate
        self._problems = problems
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node:
        """The only document of the stream; an empty stream is one null."""
        node = Node(None, self._locate(1))
        count = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                count += 1
                if count > 1:
                    where = self._place(event)
                    self._fail(where, "a second document starts here", "one file holds one grid")
                node = self._node(next(self._events), 1)
        return node

    def _node(self, event: Any, depth: int) -> Node:
        where = self._place(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), where, depth)
        self._check_depth(depth, where)
        if event.tag is not None:
            hint = "a grid is plain data"
            self._problems.add(where, f"the tag {show(event.tag)} is not allowed", hint)
        if isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(where, depth)
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(where, depth)
        else:
            node = Node(plain_scalar(event.value) if event.implicit[0] else event.value, where)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _place(self, event: Any) -> Where:
        return self._locate(event.start_mark.line + 1)

    def _alias(self, name: str, where: Where, depth: int) -> Node:
        if name not in self._anchors:
            self._fail(where, f"the alias *{name} has no finished anchor &{name} above it")
        node = self._anchors[name]
        self._check_depth(depth + node.height, where)
        return replace(node, where=where)

    def _check_depth(self, depth: int, where: Where) -> None:
        if depth > MAX_DEPTH:
            self._fail(where, f"lists and mappings are nested deeper than {MAX_DEPTH} levels")

    def _sequence(self, where: Where, depth: int) -> Node:
        items: list[Node] = []
        size = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
            size = self._grown(size, items[-1])
        return Node(tuple(items), where, size, _height(items))

    def _mapping(self, where: Where, depth: int) -> Node:
        entries: dict[str, Node] = {}
        size = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, depth)
            place = self._place(event)
            node = replace(self._node(next(self._events), depth + 1), where=place)
            size = self._grown(size, node)
            if key in entries:
                first = entries[key].where
                message = f"the key {show(key)} is given twice; first in {first}"
                self._problems.add(place, message)
            elif key == "<<":
                self._problems.add(place, "the key '<<' is not allowed", MERGE_HINT)
            elif key is not None:
                entries[key] = node
        return Node(entries, where, size, _height(entries.values()))

    def _key(self, event: Any, depth: int) -> str | None:
        """The text of a key; None, with the problem noted, for a list or a mapping."""
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        key = self._node(event, depth + 1).plain()
        if isinstance(key, str):
            return key
        self._problems.add(self._place(event), f"the key {show(key)} is not a text")
        return None

    def _grown(self, size: int, node: Node) -> int:
        size += node.size
        if size > MAX_VALUES:
            message = f"the file stands for more than {MAX_VALUES:,} values"
            self._fail(node.where, message, "aliases count as often as they are used")
        return size

    def _fail(self, where: Where, message: str, hint: str = "") -> None:
        self._problems.add(where, message, hint)
        raise _Stop
