"""Methods that stand in options of other methods, as `source` of `retrain`: read and judged.

They are written and checked like the method of a cell. What they need beside a catalogue, how they
are kept and told, is in `grids.method_texts`.
"""

from typing import Any

from grids.catalogue import Catalogue, Entry
from grids.cell import Component
from grids.method_texts import NAME, method_text
from grids.options import Value
from grids.problems import Collector, GridError, Where, show
from grids.reading import Node


def read_method(node: Node, what: str, catalogue: Catalogue, problems: Collector) -> str | None:
    """The text of the method that a node writes by name or as a mapping with its options.

    Args:
        node: What was written.
        what: Names the option in messages: "method.source of retrain".
        catalogue: What there is.
        problems: Where every mistake is noted, at its own place; the answer is then None.
    """
    before = len(problems)
    component = _read(node, what, catalogue, problems)
    if component is None or len(problems) > before:
        return None
    return method_text(component.canonical())


def check_method(given: object, what: str, catalogue: Catalogue) -> str:
    """As `read_method`, of plain data; a mistake is a `GridError`."""
    problems = Collector()
    text = read_method(_node(given), what, catalogue, problems)
    if text is None:
        first = problems.problems[0]
        raise GridError(first.message, first.hint)
    return text


def refuse_unfit(entry: Entry, what: str) -> None:
    """Raise `GridError` for a method that leaves no structure which another network could have."""
    if reason := entry.traits.get("no_structure"):
        raise GridError(f"{what} is {entry.name}, which {reason}")


def _read(node: Node, what: str, catalogue: Catalogue, problems: Collector) -> Component | None:
    given = dict(node.value) if isinstance(node.value, dict) else {NAME: node}
    name = given.pop(NAME, None)
    if name is None or not isinstance(name.value, str):
        allowed = "a method by its name, or a mapping {name: ..., option: ...}"
        problems.add(node.where, f"{what} is {show(node.plain())}; allowed: {allowed}")
        return None
    try:
        entry = catalogue.entry("method", name.value)
        refuse_unfit(entry, what)
    except GridError as error:
        problems.add_error(name.where, error)
        return None
    component = entry.component(_options(entry, given, what, problems))
    for message in entry.conflicts(component):
        problems.add(node.where, f"{what}: {message}")
    return component


def _options(
    entry: Entry, given: dict[str, Node], what: str, problems: Collector
) -> dict[str, Value]:
    options: dict[str, Value] = {}
    for key, value in given.items():
        try:
            options[key] = entry.option(key).check(
                value.plain(), f"{key} of {entry.name} in {what}"
            )
        except GridError as error:
            problems.add_error(value.where, error)
    return options


def _node(plain: Any) -> Node:
    """Plain data as a node of no place."""
    if isinstance(plain, dict):
        return Node({key: _node(value) for key, value in plain.items()}, Where(""))
    if isinstance(plain, list):
        return Node(tuple(_node(item) for item in plain), Where(""))
    return Node(plain, Where(""))
