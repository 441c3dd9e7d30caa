"""The artifacts that cells leave besides their results: their names, and what a grid wants of them.

`final` holds the weights and masks of a cell at its end, `rewind@500` as they were after optimizer
step 500. The weights before the first step are made again from the seed and are never an artifact.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grids.problems import Collector, GridError, show, unknown
from grids.reading import Node

FINAL = "final"
"""Name of the artifact with the weights and masks at the end."""

ARTIFACTS = (FINAL, "rewind@STEP")
"""The names that an artifact can have, as messages list them; STEP is an integer from 1."""

PATTERN = r"final|rewind@[1-9][0-9]*"
"""The same as a regular expression."""

CONSUMED = ("keep", "remove")
"""What becomes of an artifact once every cell that needs it has its results."""

_KEYS = ("leave", "consumed")


def check_name(given: str, what: str = "artifact") -> str:
    """The name itself; `GridError` when no artifact is called so. `what` is for the message."""
    if re.fullmatch(PATTERN, given):
        return given
    error = unknown(what, given, ARTIFACTS)
    if given == "rewind@0":
        raise GridError(error.message, "what a cell begins with is made again from its seed")
    raise error


def rewind_step(name: str) -> int | None:
    """The optimizer step after which an artifact is taken; None for one of the end."""
    kind, _, step = name.partition("@")
    return int(step) if kind == "rewind" else None


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
    return tuple(dict.fromkeys(_name(item, problems) for item in node.value))


def _name(node: Node, problems: Collector) -> str:
    try:
        return check_name(str(node.plain()), "artifact to leave")
    except GridError as error:
        problems.add_error(node.where, error)
        return FINAL


def _consumed(node: Node | None, problems: Collector) -> str:
    return CONSUMED[0] if node is None else _one_of("value of consumed", node, CONSUMED, problems)


def _one_of(what: str, node: Node, allowed: Sequence[str], problems: Collector) -> str:
    if isinstance(node.value, str) and node.value in allowed:
        return node.value
    error = unknown(what, str(node.plain()), allowed)
    problems.add(node.where, error.message, error.hint)
    return allowed[0]
