"""SQL over a store: read-only, over its tables and nothing else.

The store's tables are handed to DuckDB in memory. No file, setting or extension can be reached
from a query, and a query is one statement that reads.
"""

import re
import textwrap
from typing import TYPE_CHECKING

from grids.problems import nearest
from orchestrator.store import Store, StoreError
from orchestrator.store.reading import read_tables
from orchestrator.store.schema import TABLES

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

VIEWS: dict[str, str] = {
    "results": "results",
    "attempts": "results",
    "metrics": "metrics",
    "curves": "curves",
    "layers": "layers",
}
"""View to the table it shows. `attempts` shows every row, all others only rows that answer."""

_SETTINGS = (
    "TimeZone = 'UTC'",
    "temp_directory = ''",  # which could be read and written even without external access
    "enable_external_access = false",
    "lock_configuration = true",
)
_READING = {"SELECT", "EXPLAIN"}
_UNKNOWN = re.compile(r'with name "?([^\s"]+)"? does not exist|[Cc]olumn(?: named)? "([^"]+)"')


class QueryError(StoreError):
    """A query cannot be run; the message says why and what there is to ask."""


def connect(store: Store) -> "duckdb.DuckDBPyConnection":
    """A DuckDB connection that sees the store's views, as they are now, and nothing else.

    The views are those of VIEWS; docs/results.md describes their columns. What is done to the
    connection never reaches the store.

    Raises:
        StoreError: When the store is damaged.
    """
    import duckdb
    import pyarrow.compute as pc

    tables = read_tables(store).tables
    connection = duckdb.connect(config={"python_enable_replacements": "false"})
    for view, name in VIEWS.items():
        table = tables[name]
        connection.register(
            view, table if view == "attempts" else table.filter(pc.field("answers"))
        )
    for setting in _SETTINGS:
        connection.execute(f"SET {setting}")
    return connection


def run_query(store: Store, sql: str) -> "pa.Table":
    """The answer to one SQL query.

    Raises:
        QueryError: When the query is not one reading statement, or DuckDB refuses it.
        StoreError: When the store is damaged.
    """
    import duckdb

    connection = connect(store)
    try:
        _check_reads(connection, sql)
        return connection.sql(sql).to_arrow_table()
    except duckdb.Error as error:
        raise QueryError(_explained(str(error))) from None
    finally:
        connection.close()


def _check_reads(connection: "duckdb.DuckDBPyConnection", sql: str) -> None:
    kinds = [statement.type.name for statement in connection.extract_statements(sql)]
    if len(kinds) != 1:
        raise QueryError(f"a query is one statement, not {len(kinds)}\n{_offer()}")
    if kinds[0] not in _READING:
        raise QueryError(
            f"a query only reads: {kinds[0]} is refused, begin with SELECT, FROM, WITH, "
            f"DESCRIBE, SUMMARIZE or EXPLAIN\n{_offer()}"
        )


def _explained(message: str) -> str:
    reason, _, rest = message.partition("\n")
    excerpt = rest[rest.find("LINE ") :].rstrip() if "LINE " in rest else ""
    lines = [f"cannot run the query: {reason}", excerpt, _hint(message)]
    return "\n".join([line for line in lines if line] + [_offer()])


def _hint(message: str) -> str:
    """The view or column nearest to the one that DuckDB does not know, as a question."""
    found = _UNKNOWN.search(message)
    if found is None:
        return ""
    view, column = found.groups()
    known = VIEWS if view else sorted({c.name for t in TABLES.values() for c in t})
    return nearest(view or column, known)


def _offer() -> str:
    lines = ["views and their columns (attempts has those of results, and every attempt):"]
    for view, columns in TABLES.items():
        names = ", ".join(column.name for column in columns)
        lines += textwrap.wrap(
            f"{view}: {names}", 100, initial_indent="  ", subsequent_indent="    "
        )
    return "\n".join(lines)
