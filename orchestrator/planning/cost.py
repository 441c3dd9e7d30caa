"""What a cell costs: seconds and memory per kind of cell, learned from finished attempts.

A kind is the part of a cell that decides its cost: method, dataset, model and the recipe without
the numbers that only move the optimizer. Seeds, densities and learning rates share a kind.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Any

from grids.cell import Cell
from grids.options import Value
from grids.recipe import PER_CELL
from orchestrator.store.index import CellState

Shape = tuple[str, str, str, str, str]
"""Dataset, model, data ratio, scenario and structural recipe: what the cells of a pack share."""

Kind = tuple[Shape, str]
"""A shape, and the name of a method."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one cell of a kind is expected to take.

    Attributes:
        seconds: Wall seconds of one worker, its share where cells are stacked.
        stacked_mb: MiB that one more cell adds to a stack; None where cells run singly.
    """

    seconds: float
    stacked_mb: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Medians of what was measured, per kind and per shape (the kind without the method)."""

    by_kind: Mapping[Kind, Cost]
    by_shape: Mapping[Shape, Cost]

    def of(self, cell: Cell) -> Cost | None:
        """The cost of a cell: of its kind, else of its shape, else None: nothing was measured."""
        kind = kind_of(cell)
        return self.by_kind.get(kind) or self.by_shape.get(kind[0])

    def total(self, cells: Sequence[Cell]) -> float | None:
        """Seconds of one worker for all these cells; None when one of them was never measured."""
        costs = [self.of(cell) for cell in cells]
        known = [cost.seconds for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None


NOTHING_MEASURED = Costs(by_kind={}, by_shape={})
"""What is known of an empty store."""


def shape_of(cell: Cell) -> Shape:
    """What the cells of one pack must have in common with this one."""
    return (
        cell.dataset.canonical_json(),
        cell.model.canonical_json(),
        cell.data_ratio,
        cell.scenario.canonical_json(),
        _structure(cell.recipe),
    )


def kind_of(cell: Cell) -> Kind:
    """What decides what a cell costs."""
    return shape_of(cell), cell.method.name


def kind_of_state(state: CellState) -> Kind:
    """The kind of a cell that a store holds: that of `kind_of`, from its canonical form."""
    # The seed moves no cost, and stands behind all that does: most cells share a text without it.
    return _kind_of_text(state.text.rpartition(',"seed":')[0] + "}")


def learn(states: Iterable[CellState]) -> Costs:
    """Medians over the completed cells of a store."""
    by_kind: dict[Kind, list[CellState]] = defaultdict(list)
    by_shape: dict[Shape, list[CellState]] = defaultdict(list)
    for state in states:
        if state.completed and state.answer.seconds is not None:
            kind = kind_of_state(state)
            by_kind[kind].append(state)
            by_shape[kind[0]].append(state)
    return Costs(
        by_kind={kind: _cost(found) for kind, found in by_kind.items()},
        by_shape={shape: _cost(found) for shape, found in by_shape.items()},
    )


def _cost(states: Sequence[CellState]) -> Cost:
    stacked = [
        state.answer.memory_mb / state.answer.stack_width
        for state in states
        if state.answer.memory_mb and (state.answer.stack_width or 1) > 1
        if state.answer.stack_width
    ]
    return Cost(
        seconds=median(state.answer.seconds or 0.0 for state in states),
        stacked_mb=median(stacked) if stacked else None,
    )


@lru_cache(maxsize=32768)
def _kind_of_text(text: str) -> Kind:
    plain: dict[str, Any] = json.loads(text)
    recipe = plain.get("recipe", {})
    shape = (
        _text(plain["dataset"]),
        _text(plain["model"]),
        plain.get("data_ratio", "1"),
        _text(plain.get("scenario", "clean")),
        _text({name: value for name, value in recipe.items() if name not in PER_CELL}),
    )
    return shape, _name(plain["method"])


@lru_cache(maxsize=4096)
def _structure(recipe: tuple[tuple[str, Value], ...]) -> str:
    return _text({name: value for name, value in recipe if name not in PER_CELL})


def _name(component: str | Mapping[str, Any]) -> str:
    return component if isinstance(component, str) else component["name"]


def _text(plain: object) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))
