"""The table of all cells, as plain data that the page's script sorts, filters and shows."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.answers.measurements import in_percent
from orchestrator.answers.naming import fields_in
from orchestrator.answers.results import Answer, text_of
from orchestrator.report.causes import Cause
from orchestrator.report.commands import about_store
from orchestrator.report.material import ReportMaterial
from orchestrator.report.panels import SEED, axis_names, varying_fields
from orchestrator.report.progress import kind_of
from orchestrator.store.index import CellState

Kind = Literal["text", "number", "state", "cell"]

_MOST_CHOICES = 60  # a select with more is slower to read than the box for text
_MOST_FIELDS = 8
_CONTEXT = ("test_loss", "realised_density")
_ONLY_IF_SEVERAL = ("attempts", "host")
_UNSAFE = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of the table of cells.

    Attributes:
        key: Name by which a filter is set.
        label: Its head, with the unit.
        kind: How it is shown and sorted.
        digits: Decimals of a number; None for as many as it has.
        choices: Whether there are so few values that one can be chosen.
        values: One per cell, in grid order; None where there is none.
    """

    key: str
    label: str
    kind: Kind
    digits: int | None = None
    choices: bool = False
    values: tuple[Any, ...]


def columns_of(material: ReportMaterial, causes: Sequence[Cause]) -> tuple[Column, ...]:
    """The columns of the table of cells; those that would say nothing are left out."""
    answers = material.answers.answers
    columns = [
        _text("state", "state", [material.states[answer.cell] for answer in answers], "state"),
        *_named(material),
        *_fields(material),
        *(_measured(answers, name) for name in _measurements(material)),
        *_spent(material),
        _cause(material, causes),
        _text("cell", "cell", [answer.cell for answer in answers], "cell"),
    ]
    return tuple(column for column in columns if _says_something(column, material))


def embedded(material: ReportMaterial, columns: Sequence[Column]) -> str:
    """The table as JSON that can stand inside a script element, whatever is in it.

    Its keys: "columns" (key, label, kind, digits, choices), "rows" (one list per cell), "kinds"
    (state to its colour) and "repeat" (the command for a cell, before and after its id).
    """
    before, _, after = about_store(material, "repro", "CELL").partition("CELL")
    content = {
        "columns": [
            {
                "key": column.key,
                "label": column.label,
                "kind": column.kind,
                "digits": column.digits,
                "choices": column.choices,
            }
            for column in columns
        ],
        "rows": list(zip(*(column.values for column in columns), strict=True)),
        "kinds": {state: kind_of(state) for state in sorted(set(material.states.values()))},
        "repeat": [before, after],
    }
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.translate(_UNSAFE)


def _says_something(column: Column, material: ReportMaterial) -> bool:
    """Whether a column is worth its room: where and how often a cell ran only if that differs."""
    if column.key in ("state", "cell", material.rows, material.columns):
        return True
    if column.key in _ONLY_IF_SEVERAL:
        return len(set(column.values)) > 1
    return any(value is not None for value in column.values)


def _named(material: ReportMaterial) -> list[Column]:
    axes = (material.rows, material.columns)
    names = axis_names(material.answers, *axes)
    return [_of_texts(path, texts) for path, texts in zip(axes, names, strict=True)]


def _fields(material: ReportMaterial) -> list[Column]:
    """The other fields that vary; options that a name already tells are left out."""
    told = {*fields_in(material.rows), *fields_in(material.columns)}
    paths = [
        path
        for path in varying_fields(material.answers)
        if path not in told and path.partition(".")[0] not in told and path != SEED
    ]
    answers = material.answers.answers
    return [
        _of_texts(
            path,
            [text_of(answer.fields[path]) if path in answer.fields else None for answer in answers],
        )
        for path in [*paths[:_MOST_FIELDS], *([SEED] if SEED not in told else [])]
    ]


def _of_texts(key: str, texts: Sequence[str | None]) -> Column:
    """A column of numbers where all texts are numbers, else of texts."""
    try:
        numbers = [None if text is None else _number(text) for text in texts]
    except ValueError:
        return _text(key, key, texts)
    few = len(set(texts)) <= _MOST_CHOICES
    return Column(key=key, label=key, kind="number", choices=few, values=tuple(numbers))


def _number(text: str) -> float | int:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _text(key: str, label: str, values: Sequence[str | None], kind: Kind = "text") -> Column:
    few = len(set(values)) <= _MOST_CHOICES and kind != "cell"
    return Column(key=key, label=label, kind=kind, choices=few, values=tuple(values))


def _measurements(material: ReportMaterial) -> list[str]:
    return list(dict.fromkeys([*material.asked.values, *_CONTEXT]))


def _measured(answers: Sequence[Answer], name: str) -> Column:
    percent = in_percent(name)
    return Column(
        key=name,
        label=f"{name.replace('_', ' ')}{' (%)' if percent else ''}",
        kind="number",
        digits=2 if percent else 4,
        values=tuple(_value(answer.metrics or {}, name, percent) for answer in answers),
    )


def _value(metrics: Mapping[str, float], name: str, percent: bool) -> float | str | None:
    """A measurement as strict JSON holds it; what is not finite as text."""
    value = metrics.get(name)
    if value is None:
        return None
    return round(value * (100 if percent else 1), 6) if math.isfinite(value) else str(value)


def _spent(material: ReportMaterial) -> list[Column]:
    states = [material.index.get(answer.cell) for answer in material.answers.answers]
    entries = [state.answer if state else None for state in states]
    return [
        Column(
            key="seconds",
            label="seconds",
            kind="number",
            digits=1,
            values=tuple(_seconds(entry.seconds) if entry else None for entry in entries),
        ),
        Column(
            key="attempts",
            label="attempts",
            kind="number",
            choices=True,
            values=tuple(_attempts(state) for state in states),
        ),
        _text("host", "host", [entry.host if entry else None for entry in entries]),
    ]


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _attempts(state: CellState | None) -> int:
    return len(state.entries) if state else 0


def _cause(material: ReportMaterial, causes: Sequence[Cause]) -> Column:
    names = {cell: cause.name for cause in causes for cell in cause.cells}
    return _text("failure", "failure", [names.get(a.cell) for a in material.answers.answers])
