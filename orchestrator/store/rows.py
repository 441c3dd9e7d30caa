"""From a record to the rows of the tables, and from a row back to the cell's fields.

Nothing of a record is lost on the way: what has no column, or does not fit its column's type,
goes as JSON into the column `other` of its row.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NoReturn

from orchestrator.store.layout import SCHEMA_VERSION
from orchestrator.store.measured import Output, outputs
from orchestrator.store.records import Curve, Record, canonical_json, json_number
from orchestrator.store.schema import TABLES, Column, Kind, Origin

Row = dict[str, Any]

_COLUMNS: dict[Origin, list[Column]] = {}
for _entry in TABLES["results"]:
    _COLUMNS.setdefault(_entry.origin, []).append(_entry)
_COMPONENTS = tuple(column.key for column in _COLUMNS["options"])
_METRICS = frozenset(column.key for column in _COLUMNS["metric"])
_CURVE_VALUES = (
    "epoch", "step", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "density", "lr",
)  # fmt: skip
_LAYER_VALUES = {
    column.name: column.kind
    for column in TABLES["layers"]
    if column.name not in ("answers", "other")
}


def result_row(record: Record) -> Row:
    """The row of table `results` for a record; `answers` is left to folding."""
    row: Row = {"schema": SCHEMA_VERSION}
    other: dict[str, Row] = {}
    for origin, values in _parts(record).items():
        fitting, rest = _fitted(origin, values)
        row |= fitting
        if rest:
            other[origin] = rest
    row["other"] = canonical_json(other) if other else None
    return row


def fields_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The flat fields of the cell in a row of table `results`: "method", "recipe.lr", "seed", ...

    Args:
        row: At least the columns that come from fields, and `other`.
    """
    fields = {
        column.key: row[column.name]
        for column in _COLUMNS["field"]
        if _holds(column) and row.get(column.name) is not None
    }
    for column in _COLUMNS["options"]:
        options = json.loads(row.get(column.name) or "{}")
        fields |= {f"{column.key}.{name}": value for name, value in options.items()}
    return fields | json.loads(row.get("other") or "{}").get("field", {})


def outputs_of(row: Mapping[str, Any]) -> dict[Output, float]:
    """The measurements in a row of table `results`, or the one in a row of table `metrics`."""
    if "metric" in row:
        return {(row["metric"], row["probe"]): row["value"]}
    return {
        (column.key, None): row[column.name]
        for column in _COLUMNS["metric"]
        if row[column.name] is not None
    }


def metric_rows(record: Record) -> Iterator[Row]:
    """Rows of table `metrics`: the measurements without a column of their own."""
    for (name, probe), value in outputs(record).items():
        if name not in _METRICS:
            yield {**_name(record), "metric": name, "probe": probe, "value": value}


def curve_columns(record: Record, curve: Curve) -> dict[str, list[Any]]:
    """Columns of table `curves`, one value per point; a long table is built faster by columns."""
    length = max((len(values) for values in curve.values()), default=0)
    known: dict[str, list[Any]] = {
        name: list(curve.get(name, [None] * length)) for name in _CURVE_VALUES
    }
    return {
        "cell": [record.cell] * length,
        "attempt": [record.attempt] * length,
        "point": list(range(length)),
        **known,
        "step": [_whole(step) for step in known["step"]],
        "other": _other_points({k: v for k, v in curve.items() if k not in known}, length),
    }


def layer_rows(record: Record) -> Iterator[Row]:
    """Rows of table `layers`: one per sparse layer."""
    for position, layer in enumerate(record.layers):
        row = _long_row({**_name(record), "position": position}, _LAYER_VALUES, layer)
        if row.get("total") and row.get("active") is not None:
            row.setdefault("density", row["active"] / row["total"])
        yield row


def _parts(record: Record) -> dict[Origin, Row]:
    options: dict[str, Row] = {component: {} for component in _COMPONENTS}
    fields: Row = {}
    for path, value in record.fields.items():
        component, dot, option = path.partition(".")
        if dot and component in options:
            options[component][option] = value
        else:
            fields[path] = value
    return {
        "record": {column.key: getattr(record, column.key) for column in _COLUMNS["record"]},
        "options": options,
        "field": fields | {f"recipe.{name}": value for name, value in options["recipe"].items()},
        "metric": {name: record.metrics[name] for name in _METRICS & record.metrics.keys()},
        "error": dict(record.error or {}),
        "provenance": dict(record.provenance),
    }


def _fitted(origin: Origin, values: Row) -> tuple[Row, Row]:
    """What goes into the columns of this origin, and what is left over."""
    row: Row = {}
    refused: set[str] = set()
    for name, key, fit, holds in _FITTING[origin]:
        value = values.get(key, _ABSENT)
        if value is _ABSENT:
            continue
        try:
            row[name] = None if value is None else fit(value)
        except (TypeError, ValueError):
            if holds:
                refused.add(key)
    held = _HELD[origin]
    rest = {
        key: value
        for key, value in values.items()
        if (key not in held or key in refused) and not _repeats_the_recipe(origin, key)
    }
    return row, rest


def _repeats_the_recipe(origin: Origin, key: str) -> bool:
    return origin == "field" and key.startswith("recipe.")


def _holds(column: Column) -> bool:
    """Whether a column from the fields holds its value exactly, and is not only derived."""
    return column.origin != "field" or not (column.kind == "real" or "." in column.key)


def _other_points(unknown: Curve, length: int) -> list[str | None]:
    if not unknown:
        return [None] * length
    columns = [[json_number(value) for value in values] for values in unknown.values()]
    return [
        canonical_json(dict(zip(unknown, point, strict=True)))
        for point in zip(*columns, strict=True)
    ]


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and value.is_integer() else None


def _long_row(row: Row, kinds: Mapping[str, Kind], values: Mapping[str, Any]) -> Row:
    other: Row = {}
    for name, value in values.items():
        if name not in kinds or name in row:
            other[name] = value
            continue
        try:
            row[name] = _fit(kinds[name], value)
        except (TypeError, ValueError):
            other[name] = value
    row["other"] = canonical_json(other) if other else None
    return row


def _name(record: Record) -> Row:
    return {"cell": record.cell, "attempt": record.attempt}


def _fit(kind: Kind, value: Any) -> Any:
    """`value` as a column of this kind takes it; TypeError or ValueError where it cannot."""
    return None if value is None else _FITS[kind](value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _refuse(value)


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else _refuse(value)


def _real(value: Any) -> float:
    return _refuse(value) if isinstance(value, bool) else float(value)


def _integer(value: Any) -> int:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    return int(value) if fits and abs(value) < 2**63 else _refuse(value)


def _refuse(value: Any) -> NoReturn:
    raise TypeError(f"{value!r} does not fit")


_FITS: Mapping[Kind, Callable[[Any], Any]] = {
    "text": _text,
    "json": canonical_json,
    "integer": _integer,
    "real": _real,
    "boolean": _boolean,
    "time": datetime.fromisoformat,
    "texts": lambda values: [_text(value) for value in values],
    "integers": lambda values: [_integer(value) for value in values],
}

_FITTING: Mapping[Origin, list[tuple[str, str, Callable[[Any], Any], bool]]] = {
    origin: [(column.name, column.key, _FITS[column.kind], _holds(column)) for column in columns]
    for origin, columns in _COLUMNS.items()
}
_HELD: Mapping[Origin, frozenset[str]] = {
    origin: frozenset(column.key for column in columns if _holds(column))
    for origin, columns in _COLUMNS.items()
}
_ABSENT = object()
