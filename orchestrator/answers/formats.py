"""The answer to a query as text or bytes: for people, for spreadsheets and for programs.

Types survive: times are ISO 8601 in UTC, lists are JSON, and JSON in a column stays the text that
it is. JSON has no NaN and no infinity, so they are the texts "nan", "inf" and "-inf", which
`float()` reads. What comes from data never reaches a terminal raw.
"""

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from grids.problems import printable
from orchestrator.answers.query import QueryError
from orchestrator.store.records import json_number

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
_PIECE = 65_536  # rows that are Python's objects at a time

TEXT = "table"
BINARY = "parquet"

SUFFIXES: Mapping[str, str] = {
    ".csv": "csv", ".json": "json", ".md": "markdown", ".parquet": BINARY, ".txt": TEXT,
}  # fmt: skip
"""Ending of a file's name to the format that is written into it when none is named."""


def rendered(table: "pa.Table", form: str) -> bytes:
    """A table in one of the FORMATS.

    Raises:
        QueryError: When two columns share a name and the format could keep only one of them, a
            time is beyond the years that text is made for, or the text does not fit in memory.
    """
    try:
        return b"".join(FORMATS[form](table))
    except MemoryError:
        raise QueryError(
            f"the answer, {table.num_rows:,} rows of {table.num_columns} columns, does not fit in "
            f"memory as {form}; ask for fewer, or write it with --output FILE.parquet"
        ) from None


def _as_table(table: "pa.Table") -> Iterator[bytes]:
    """Aligned columns; numbers with six digits, to the right."""
    right = [_is_number(column.type) for column in table.columns]
    widths = [0] * table.num_columns
    for lines in _lines(table):
        columns = zip(*lines, strict=True)
        widths = [max(wide, *map(len, texts)) for wide, texts in zip(widths, columns, strict=True)]
    for lines in _lines(table):
        yield _encoded(_aligned(line, widths, right) for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return "  ".join(
        text.rjust(width) if number else text.ljust(width)
        for text, width, number in zip(line, widths, right, strict=True)
    ).rstrip()


def _as_markdown(table: "pa.Table") -> Iterator[bytes]:
    rule = ["---:" if _is_number(column.type) else "---" for column in table.columns]
    for at, lines in enumerate(_lines(table)):
        escaped = [[text.replace("|", "\\|") for text in line] for line in lines]
        if at == 0:
            escaped.append(rule)  # below the names of the columns, which are the first piece
        yield _encoded(f"| {' | '.join(line)} |" for line in escaped)


def _as_csv(table: "pa.Table") -> Iterator[bytes]:
    """Comma-separated, every digit; null is empty."""
    for rows in itertools.chain([[table.column_names]], _rows(table, _exact)):
        sink = io.StringIO(newline="")
        csv.writer(sink, lineterminator="\n").writerows(rows)
        yield sink.getvalue().encode()


def _as_json(table: "pa.Table") -> Iterator[bytes]:
    """A list with one object per row."""
    _check_names(table)
    yield b"["
    for at, rows in enumerate(_rows(table, _plain)):
        named = [dict(zip(table.column_names, row, strict=True)) for row in rows]
        yield (", " if at else "").encode() + json.dumps(named, allow_nan=False)[1:-1].encode()
    yield b"]\n"


def _as_parquet(table: "pa.Table") -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_names(table)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, version="2.6", compression="zstd")
    yield bytes(sink.getvalue())


FORMATS: Mapping[str, Callable[["pa.Table"], Iterator[bytes]]] = {
    TEXT: _as_table,
    "csv": _as_csv,
    "json": _as_json,
    BINARY: _as_parquet,
    "markdown": _as_markdown,
}
"""Name of a format to the function that writes a table in it, piece by piece."""


def _lines(table: "pa.Table") -> Iterator[Sequence[Sequence[str]]]:
    """The names of the columns, then every row, for people to read, in pieces."""
    yield [list(map(printable, table.column_names))]
    yield from _rows(table, _shown)


def _rows(table: "pa.Table", written: Callable[[Any], T]) -> Iterator[list[tuple[T, ...]]]:
    """Every row with its values as they are written, in pieces that fit in memory as objects."""
    for start in range(0, table.num_rows, _PIECE):
        piece = table.slice(start, _PIECE)
        columns = [
            [written(value) for value in _values(name, column)]
            for name, column in zip(piece.column_names, piece.columns, strict=True)
        ]
        yield list(zip(*columns, strict=True))


def _values(name: str, column: "pa.ChunkedArray") -> list[Any]:
    """The values of a column as Python has them."""
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError) as error:  # such as 'infinity'::timestamp
        raise QueryError(
            f"a value of the column {printable(name)} is beyond the years 1 to 9999, or finer than "
            f"microseconds ({error}); ask for it as text: CAST(... AS VARCHAR), or write parquet"
        ) from None
    return values


def _encoded(lines: Iterable[str]) -> bytes:
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
