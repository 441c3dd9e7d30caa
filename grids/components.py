"""Components as a grid writes them: a name, or a mapping `{name: ..., option: ...}`.

Methods, datasets and the like are written so, probes too, and the methods that stand in options of
others, as `source` of `retrain`. How these are kept and told is in `grids.method_texts`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from grids.catalogue import Catalogue, Entry
from grids.method_texts import METHOD, NAME, method_text
from grids.options import Option, Value
from grids.problems import Collector, GridError, Where, show
from grids.reading import Node

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A component as it was written: its entry, where that is named, and what its options get.

    All of `options` are options of the entry; their values are not checked yet.
    """

    entry: Entry
    where: Where
    options: Mapping[str, Node]


def read_component(
    node: Node, kind: str, what: str, catalogue: Catalogue, problems: Collector
) -> Written | None:
    """What a node writes by name or as a mapping; None for what names no entry.

    Args:
        node: What was written.
        kind: That of the entry: "method", "probe", ...
        what: Names the component in messages: "method.source of retrain".
        catalogue: What there is.
        problems: Where every mistake is noted, at its own place. An option that the entry does not
            have is left out.
    """
    given = dict(node.value) if isinstance(node.value, dict) else {NAME: node}
    name = given.pop(NAME, None)
    if name is None or not isinstance(name.value, str):
        allowed = "a name, or a mapping {name: ..., option: ...}"
        problems.add(node.where, f"{what} is {show(node.plain())}; allowed: {allowed}")
        return None
    try:
        entry = catalogue.entry(kind, name.value)
    except GridError as error:
        problems.add_error(name.where, error)
        return None
    known = {key: value for key, value in given.items() if _has(entry, key, value.where, problems)}
    return Written(entry=entry, where=name.where, options=known)


def read_options(
    written: Written, told: Callable[[str], str], catalogue: Catalogue, problems: Collector
) -> dict[str, Value]:
    """The checked values of the options of a component.

    `told` says how messages name an option; every mistake is noted in `problems`, and the option
    then has its default.
    """
    return {
        name: read_value(written.entry.option(name), node, told(name), catalogue, problems)
        for name, node in written.options.items()
    }


def read_value(
    option: Option, node: Node, what: str, catalogue: Catalogue, problems: Collector
) -> Value:
    """The value that a node gives to an option; its default after a mistake, which is noted."""
    if option.type == METHOD:
        text = read_method(node, what, catalogue, problems)
        return option.default if text is None else text
    try:
        return option.check(node.plain(), what)
    except GridError as error:
        problems.add_error(node.where, error)
        return option.default


def read_method(node: Node, what: str, catalogue: Catalogue, problems: Collector) -> str | None:
    """The text of the method that a node writes for an option; None after a mistake.

    One is a method that leaves no structure which another network could have.
    """
    before = len(problems)
    written = read_component(node, "method", what, catalogue, problems)
    if written is None:
        return None
    entry = written.entry
    if reason := entry.traits.get("no_structure"):
        problems.add(written.where, f"{what} is {entry.name}, which {reason}")
        return None
    options = read_options(written, lambda o: f"{o} of {entry.name} in {what}", catalogue, problems)
    component = entry.component(options)
    for message in entry.conflicts(component):
        problems.add(node.where, f"{what}: {message}")
    return None if len(problems) > before else method_text(component.canonical())


def check_method(given: object, what: str, catalogue: Catalogue) -> str:
    """As `read_method`, of plain data; a mistake is a `GridError`."""
    return of_plain(given, lambda node, problems: read_method(node, what, catalogue, problems))


def of_plain(given: object, read: Callable[[Node, Collector], T | None]) -> T:
    """What is read of plain data instead of a file; the first mistake is a `GridError`."""
    problems = Collector()
    found = read(_node(given), problems)
    for first in problems.problems:
        raise GridError(first.message, first.hint)
    assert found is not None, "what is not read is a mistake"
    return found


def _has(entry: Entry, name: str, where: Where, problems: Collector) -> bool:
    try:
        entry.option(name)
    except GridError as error:
        problems.add_error(where, error)
        return False
    return True


def _node(plain: Any) -> Node:
    """Plain data as a node of no place."""
    if isinstance(plain, Mapping):
        return Node({key: _node(value) for key, value in plain.items()}, Where(""))
    if isinstance(plain, list | tuple):
        return Node(tuple(_node(item) for item in plain), Where(""))
    return Node(plain, Where(""))
