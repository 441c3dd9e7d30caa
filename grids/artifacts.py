"""The artifacts that cells leave besides their results: their names, and what a grid wants of them.

`final` holds the weights and masks of a cell at its end, `rewind@500` as they were after optimizer
step 500, `rewind@2e` at the end of epoch 2. The weights before the first step are made again from
the seed and are never an artifact. `el2n@10e` and its like hold a score of every training example.

What follows from no cell, such as corrupted data, is addressed by its recipe: everything that its
content follows from, as plain data.

A cell that needs one artifact of several cells tells them apart by their seeds: its input
`el2n@10e#3` is the `el2n@10e` of the cell with seed 3.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grids.problems import Collector, GridError, show, unknown
from grids.reading import Node

FINAL = "final"
"""Name of the artifact with the weights and masks at the end."""

SCORES = ("el2n", "grand", "margin", "forgetting")
"""The kinds of scores of training examples (`trainer/scores.py`)."""

_TAKEN = ("rewind", *SCORES)

ARTIFACTS = (FINAL, *(f"{kind}@STEP" for kind in _TAKEN))
"""The names that an artifact can have, as messages list them.

STEP is an integer from 1 that counts optimizer steps, or with an `e` behind it epochs.
"""

PATTERN = rf"final|({'|'.join(_TAKEN)})@[1-9][0-9]*e?"
"""The same as a regular expression."""

CONSUMED = ("keep", "remove")
"""What becomes of an artifact once every cell that needs it has its results."""

_KEYS = ("leave", "consumed")


def check_name(given: str, what: str = "artifact") -> str:
    """The name itself; `GridError` when no artifact is called so. `what` is for the message."""
    if re.fullmatch(PATTERN, given):
        return given
    error = unknown(what, given, ARTIFACTS)
    if given in ("rewind@0", "rewind@0e"):
        raise GridError(error.message, "what a cell begins with is made again from its seed")
    raise error


def recipe_hash(recipe: Mapping[str, Any]) -> str:
    """The 32 hex digits that name the file of a recipe: a hash of its canonical JSON."""
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def kind_of(name: str) -> str:
    """What an artifact holds: "final", "rewind", or one of `SCORES`."""
    return name.partition("@")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """When an artifact is taken.

    Attributes:
        count: After so many optimizer steps or epochs of the run, at least 1.
        epochs: Whether it counts epochs.
    """

    count: int
    epochs: bool

    def step(self, steps_per_epoch: int) -> int:
        """The optimizer step after which it is taken."""
        return self.count * steps_per_epoch if self.epochs else self.count


def moment_of(name: str) -> Moment | None:
    """When an artifact of this name is taken; None for one of the end."""
    _, taken, moment = name.partition("@")
    if not taken:
        return None
    return Moment(count=int(moment.removesuffix("e")), epochs=moment.endswith("e"))


def input_name(artifact: str, seed: int | None) -> str:
    """What a cell calls an artifact that it needs of the cell with a seed, or of one cell only."""
    return artifact if seed is None else f"{artifact}#{seed}"


def artifact_of(given: str) -> str:
    """The artifact's own name in that of an input."""
    return given.partition("#")[0]


def check_input(given: str) -> str:
    """The name of an input itself; `GridError` when no input is called so."""
    if not re.fullmatch(r"[^#]*(#(0|[1-9][0-9]*))?", given):
        raise unknown("artifact", given, ARTIFACTS)
    check_name(artifact_of(given))
    return given


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
