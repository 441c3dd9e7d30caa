"""The `artifacts:` of a grid file: what its cells leave behind besides their results."""

from collections.abc import Sequence
from dataclasses import dataclass

from grids.problems import Collector, show, unknown
from grids.reading import Node

ARTIFACTS = ("final",)
"""Names of the artifacts that a cell can leave; `final` holds its weights and masks at the end."""

CONSUMED = ("keep", "remove")
"""What becomes of an artifact once every cell that needs it has its results."""

_KEYS = ("leave", "consumed")


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactWishes:
    """What a grid wants of artifacts.

    Attributes:
        leave: Names of those that every cell of the grid leaves, needed or not.
        consumed: "keep", or "remove" those that were left only because other cells need them.
    """

    leave: tuple[str, ...] = ()
    consumed: str = "keep"


def read_artifacts(node: Node, problems: Collector) -> ArtifactWishes:
    """The `artifacts:` of a grid file; every mistake is noted in `problems`."""
    if node.value is None:
        return ArtifactWishes()
    if not isinstance(node.value, dict):
        message = f"artifacts is {show(node.plain())}; allowed: a mapping of {', '.join(_KEYS)}"
        problems.add(node.where, message, "write leave: [final] under it")
        return ArtifactWishes()
    for key, value in node.value.items():
        if key not in _KEYS:
            error = unknown("key of artifacts", key, _KEYS)
            problems.add(value.where, error.message, error.hint)
    return ArtifactWishes(
        leave=_leave(node.value.get("leave"), problems),
        consumed=_consumed(node.value.get("consumed"), problems),
    )


def _leave(node: Node | None, problems: Collector) -> tuple[str, ...]:
    if node is None:
        return ()
    if not isinstance(node.value, tuple):
        message = f"leave is {show(node.plain())}; allowed: a list of {', '.join(ARTIFACTS)}"
        problems.add(node.where, message, f"write [{node.value}]" if node.value else "")
        return ()
    return tuple(
        dict.fromkeys(
            _one_of("artifact to leave", item, ARTIFACTS, problems) for item in node.value
        )
    )


def _consumed(node: Node | None, problems: Collector) -> str:
    return CONSUMED[0] if node is None else _one_of("value of consumed", node, CONSUMED, problems)


def _one_of(what: str, node: Node, allowed: Sequence[str], problems: Collector) -> str:
    if isinstance(node.value, str) and node.value in allowed:
        return node.value
    error = unknown(what, str(node.plain()), allowed)
    problems.add(node.where, error.message, error.hint)
    return allowed[0]
