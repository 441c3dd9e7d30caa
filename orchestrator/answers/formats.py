"""The answer to a query as text or bytes: for people, for spreadsheets and for programs.

Types survive: times are ISO 8601 in UTC, lists are JSON, and JSON in a column stays the text that
it is. JSON has no NaN and no infinity, so they are the texts "nan", "inf" and "-inf", which
`float()` reads. What comes from data never reaches a terminal raw.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from grids.problems import printable
from orchestrator.answers.query import QueryError
from orchestrator.store.records import json_number

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = "table"
BINARY = "parquet"

SUFFIXES: Mapping[str, str] = {
    ".csv": "csv", ".json": "json", ".md": "markdown", ".parquet": BINARY, ".txt": TEXT,
}  # fmt: skip
"""Ending of a file's name to the format that is written into it when none is named."""


def rendered(table: "pa.Table", form: str) -> bytes:
    """A table in one of the FORMATS.

    Raises:
        QueryError: When two columns share a name and the format could keep only one of them.
    """
    return FORMATS[form](table)


def _as_table(table: "pa.Table") -> bytes:
    """Aligned columns; numbers with six digits, to the right."""
    lines = _lines(table)
    right = [_is_number(column.type) for column in table.columns]
    widths = [max(len(line[at]) for line in lines) for at in range(table.num_columns)]
    padded = [
        "  ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]
    return _encoded(padded)


def _as_markdown(table: "pa.Table") -> bytes:
    head, *rows = [[text.replace("|", "\\|") for text in line] for line in _lines(table)]
    rule = ["---:" if _is_number(column.type) else "---" for column in table.columns]
    return _encoded([f"| {' | '.join(line)} |" for line in (head, rule, *rows)])


def _as_csv(table: "pa.Table") -> bytes:
    """Comma-separated, every digit; null is empty."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(table.column_names)
    columns = [[_exact(value) for value in column.to_pylist()] for column in table.columns]
    writer.writerows(zip(*columns, strict=True))
    return sink.getvalue().encode()


def _as_json(table: "pa.Table") -> bytes:
    """A list with one object per row."""
    _check_names(table)
    columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    rows = [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]
    return json.dumps(rows, allow_nan=False).encode() + b"\n"


def _as_parquet(table: "pa.Table") -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_names(table)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, version="2.6", compression="zstd")
    return bytes(sink.getvalue())


FORMATS: Mapping[str, Callable[["pa.Table"], bytes]] = {
    TEXT: _as_table,
    "csv": _as_csv,
    "json": _as_json,
    BINARY: _as_parquet,
    "markdown": _as_markdown,
}
"""Name of a format to the function that writes a table in it."""


def _lines(table: "pa.Table") -> list[list[str]]:
    """The names of the columns, then every row, for people to read."""
    columns = [[_shown(value) for value in column.to_pylist()] for column in table.columns]
    names = list(map(printable, table.column_names))
    return [names, *map(list, zip(*columns, strict=True))]


def _encoded(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _shown(value: Any) -> str:
    """A value for people."""
    text = f"{value:.6g}" if isinstance(value, float) else _exact(value)
    return text if text.isprintable() else printable(text)


def _exact(value: Any) -> str:
    """A value as text, with all its digits; null is empty."""
    plain = _plain(value)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, float):
        return json_number(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, list | tuple):  # a tuple is an entry of a map
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, date | time | timedelta | Decimal):
        return str(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _moment(value: datetime) -> str:
    """ISO 8601, a moment with a zone in UTC."""
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _is_number(kind: "pa.DataType") -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _check_names(table: "pa.Table") -> None:
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise QueryError(
            f"two columns are called {', '.join(map(printable, twice))}; "
            "give them names of their own: SELECT x AS first, y AS second"
        )
