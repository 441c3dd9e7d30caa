"""SQL over a store: read-only, over its views and nothing else.

DuckDB gets the tables as Arrow datasets, of which it decodes the columns that a query needs; it
opens no file itself, and none can be reached from a query. `confinement` says what a query may be.
"""

import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from grids.problems import nearest, printable, show
from orchestrator.answers.asked import NOTHING_ASKED, manifest_table, read_asked
from orchestrator.answers.confinement import Refused, check_reads
from orchestrator.answers.views import (
    MANIFESTS,
    SHOWN_TABLES,
    VIEWS,
    cells_view,
    packs_view,
    table_view,
)
from orchestrator.store import Store, StoreError
from orchestrator.store.live import LiveTable, live_tables
from orchestrator.store.schema import TABLES, arrow_schema, schema_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_MEMORY = "40%"  # of the machine, or of what the job may use
_SETTINGS = (
    "TimeZone = 'UTC'",
    "temp_directory = ''",  # which could be read and written even without external access
    f"memory_limit = '{_MEMORY}'",
    "enable_external_access = false",
    "lock_configuration = true",
)
_PARTS, _MAIN = "parts", "memory"
_BATCH = 100_000  # rows of an answer that are fetched at a time
_JOINED = {"cells": ("results",), "packs": ("results",)}
_UNKNOWN = re.compile(r'with name "?([^\s"]+)"? does not exist|[Cc]olumn(?: named)? "([^"]+)"')


class QueryError(StoreError):
    """A query cannot be run; the message says why and what there is to ask."""


def run_query(store: Store, sql: str) -> "pa.Table":
    """The answer to one SQL query.

    Raises:
        QueryError: When the query is not one reading statement, DuckDB refuses it, or its answer
            is larger than the memory that a query may use.
        StoreError: When the store is damaged.
    """
    import duckdb

    _check_text(sql)
    connection = _opened()
    try:
        check_reads(connection, sql, VIEWS)
        _fill(connection, store, sql)
        return _answer(connection, sql)
    except Refused as refused:
        raise QueryError(f"{refused}\n{_offer()}") from None
    except duckdb.Error as error:
        raise QueryError(_explained(str(error))) from None
    finally:
        connection.close()


def _check_text(sql: str) -> None:
    try:
        sql.encode()
    except UnicodeEncodeError as error:  # bytes of a command line that are no text
        raise QueryError(
            f"the query is not UTF-8 text: character {error.start + 1} of it, after "
            f"{show(sql[: error.start][-30:])}, cannot be read"
        ) from None


def list_views() -> "pa.Table":
    """Every column of every view: view, column, kind, unit and meaning, in order."""
    import pyarrow as pa

    rows = [
        {
            "view": view,
            "column": column.name,
            "kind": column.kind,
            "unit": column.unit,
            "meaning": column.meaning,
        }
        for view, columns in VIEWS.items()
        for column in columns
    ]
    return pa.Table.from_pylist(rows)


def connect(store: Store, sql: str) -> "duckdb.DuckDBPyConnection":
    """A locked DuckDB connection that sees the views of VIEWS as they are now, and nothing else.

    Only views whose name occurs in `sql` have rows: the others cost time that nobody asked for.
    What is done to the connection never reaches the store.

    Raises:
        StoreError: When the store is damaged.
    """
    connection = _opened()
    _fill(connection, store, sql)
    return connection


def _opened() -> "duckdb.DuckDBPyConnection":
    import duckdb

    return duckdb.connect(config={"python_enable_replacements": "false"})


def _fill(connection: "duckdb.DuckDBPyConnection", store: Store, sql: str) -> None:
    """Add the views, and lock the connection."""
    named = {view for view in VIEWS if view in sql.lower()}
    _run(connection, f"ATTACH ':memory:' AS {_PARTS}")
    _add_tables(connection, store, named)
    _add_cells(connection, store, filled="cells" in named)
    _add_packs(connection, store, filled="packs" in named)
    for setting in _SETTINGS:
        _run(connection, f"SET {setting}")


def _add_tables(
    connection: "duckdb.DuckDBPyConnection", store: Store, named: Collection[str]
) -> None:
    """Make the views that show a table."""
    import pyarrow as pa

    shown = {SHOWN_TABLES[view] for view in named if view in SHOWN_TABLES}
    joined = {table for view in named for table in _JOINED.get(view, ())}
    live = live_tables(store, sorted(shown | joined))
    parts: dict[str, Any] = {}
    for name in TABLES:
        empty = arrow_schema(name).empty_table()
        table = live.get(name, LiveTable(folded=None, replaced=(), fresh=empty))
        parts[f"folded_{name}"] = empty if table.folded is None else table.folded
        parts[f"fresh_{name}"] = table.fresh
    replaced = next((table.replaced for table in live.values()), ())
    parts["replaced"] = pa.table({"cell": pa.array(replaced, pa.string())})
    _add_parts(connection, parts)
    for view in SHOWN_TABLES:
        _run(connection, table_view(view, _PARTS, changed=bool(replaced)))


def _add_cells(connection: "duckdb.DuckDBPyConnection", store: Store, *, filled: bool) -> None:
    submissions = read_asked(store) if filled else NOTHING_ASKED
    asked = submissions.table()
    _add_parts(connection, {"asked": asked})
    new = f"SELECT cell FROM {_PARTS}.asked ANTI JOIN attempts USING (cell)"
    pending = submissions.pending({cell for (cell,) in _run(connection, new)}, asked)
    _add_parts(connection, {"pending": pending})
    _run(connection, cells_view(_PARTS))


def _add_packs(connection: "duckdb.DuckDBPyConnection", store: Store, *, filled: bool) -> None:
    manifests = manifest_table(store) if filled else schema_of(MANIFESTS).empty_table()
    _add_parts(connection, {"manifests": manifests})
    _run(connection, packs_view(_PARTS))


def _add_parts(connection: "duckdb.DuckDBPyConnection", parts: Mapping[str, Any]) -> None:
    """Add tables to the database beside the one that queries see and list."""
    _run(connection, f"USE {_PARTS}")
    for name, rows in parts.items():
        connection.from_arrow(rows).create_view(name)
    _run(connection, f"USE {_MAIN}")


def _run(connection: "duckdb.DuckDBPyConnection", sql: str) -> Sequence[tuple[Any, ...]]:
    rows: Sequence[tuple[Any, ...]] = connection.execute(sql).fetchall()
    return rows


def _answer(connection: "duckdb.DuckDBPyConnection", sql: str) -> "pa.Table":
    """Run a query beside this thread, which Ctrl-C can then reach at any moment."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_fetched, connection, sql)
        try:
            return running.result()
        except KeyboardInterrupt:
            while not running.done():  # one that comes before the query has begun is forgotten
                connection.interrupt()
                wait([running], timeout=0.05)
            raise


def _fetched(connection: "duckdb.DuckDBPyConnection", sql: str) -> "pa.Table":
    """Run a query and take its answer piece by piece, so that it cannot fill the memory."""
    import pyarrow as pa

    limit = _bytes(connection)
    reader = connection.sql(sql).to_arrow_reader(_BATCH)
    batches, size = [], 0
    for batch in reader:
        size += batch.nbytes
        if size > limit:
            raise Refused(
                f"the answer is larger than {limit / 2**30:.1f} GiB, which is what a query may "
                "use on this machine; ask for fewer columns or rows, or for an aggregate"
            )
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=reader.schema)


def _bytes(connection: "duckdb.DuckDBPyConnection") -> int:
    """The memory that the connection may use."""
    limit = "SELECT parse_formatted_bytes(current_setting('memory_limit'))"
    return int(_run(connection, limit)[0][0])


def _explained(message: str) -> str:
    reason, _, rest = message.partition("\n")
    excerpt = rest[rest.find("LINE ") :].rstrip() if "LINE " in rest else ""
    lines = [f"cannot run the query: {reason}", *excerpt.split("\n"), _hint(message)]
    # A message may quote the data, which a terminal must not obey.
    return "\n".join([printable(line) for line in lines if line] + [_offer()])


def _hint(message: str) -> str:
    """The view or column nearest to the one that DuckDB does not know, as a question."""
    found = _UNKNOWN.search(message)
    if found is None:
        return ""
    view, column = found.groups()
    known = VIEWS if view else sorted({c.name for columns in VIEWS.values() for c in columns})
    return nearest(view or column, known)


def _offer() -> str:
    lines = ["views and their columns (`sparsesweep query` says what they mean):"]
    for view, columns in VIEWS.items():
        names = ", ".join(column.name for column in columns)
        if view == "attempts":
            names = "as results, and every attempt"
        lines += textwrap.wrap(
            f"{view}: {names}", 100, initial_indent="  ", subsequent_indent="    "
        )
    return "\n".join(lines)
