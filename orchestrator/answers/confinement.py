"""What a query may be: one statement that reads the views, by its own parse and nothing else.

DuckDB itself is locked: no file, no extension, no setting (`query.connect`). This is the other
wall. The statement is parsed by DuckDB, and every table and function in it must be one that only
computes; whatever is not known to be harmless is refused.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from grids.problems import nearest

if TYPE_CHECKING:
    import duckdb

_SOURCES = {
    "BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "SHOW_REF",
    "PIVOT",
}  # fmt: skip
_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLE_FUNCTIONS = {"generate_series", "json_each", "json_tree", "range", "repeat", "unnest"}
_REFUSED_FUNCTIONS = {
    "current_setting", "currval", "getenv", "getvariable", "json_deserialize_sql",
    "json_execute_serialized_sql", "nextval", "pg_sleep", "set_config", "setval", "sleep_ms",
    "write_log",
}  # fmt: skip
_CATALOGUE = ("duckdb_", "pg_", "pragma_", "sqlite_")  # how DuckDB's own relations begin
_EXPLAIN = re.compile(r"\s*EXPLAIN\b(\s*ANALYZE\b)?(\s*\([^()]*\))?", re.IGNORECASE)
_BEGINNINGS = "begin with SELECT, FROM, WITH, DESCRIBE, SUMMARIZE or EXPLAIN"


class Refused(ValueError):
    """A query does something else than reading the views; the message says what."""


def check_reads(connection: "duckdb.DuckDBPyConnection", sql: str, views: Collection[str]) -> None:
    """Refuse a query that is not one statement that reads these views.

    Args:
        connection: Where it shall run; only its parser is used.
        sql: The query.
        views: The tables that it may name, beside those it defines itself.

    Raises:
        Refused: With what it does.
        duckdb.Error: When it cannot be parsed.
    """
    kinds = [statement.type.name for statement in connection.extract_statements(sql)]
    if len(kinds) != 1:
        raise Refused(f"a query is one statement, not {len(kinds)}")
    if kinds[0] not in ("SELECT", "EXPLAIN"):
        raise Refused(f"a query only reads: {kinds[0]} is refused, {_BEGINNINGS}")
    explained = _EXPLAIN.match(sql) if kinds[0] == "EXPLAIN" else None
    tree = _parsed(connection, sql[explained.end() :] if explained else sql)
    defined = {node["key"].lower() for node in _nodes(tree) if _is_definition(node)}
    for node in _nodes(tree):
        _check_source(node, defined | set(views), views)
        _check_function(node)


def _parsed(connection: "duckdb.DuckDBPyConnection", sql: str) -> Any:
    """The statement as DuckDB's parser understands it."""
    found = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
    tree = json.loads(found[0][0])
    if tree["error"]:
        raise Refused(
            f"a query only reads: this is refused, {_BEGINNINGS}; no comment may stand before "
            "EXPLAIN, and PIVOT needs its values: PIVOT ... ON density IN (0.1, 0.5)"
        )
    return tree


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in a parsed statement."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _is_definition(node: Mapping[str, Any]) -> bool:
    """Whether this is one of the tables of a WITH."""
    value = node.get("value")
    return isinstance(node.get("key"), str) and isinstance(value, dict) and "query_node" in value


def _check_source(node: Mapping[str, Any], known: Collection[str], views: Collection[str]) -> None:
    """Refuse what rows are taken from, unless it is a view, a computation or a subquery."""
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in _NODES:  # such as WITH t AS (COPY ... TO ...)
        raise Refused(f"a query only reads: {kind.partition('_')[0]} is refused")
    if "sample" not in node or "class" in node or "from_table" in node:
        return
    if kind not in _SOURCES:
        raise Refused(f"a query only reads the views: {kind} is refused")
    if kind == "BASE_TABLE":
        path = node["qualified_name"]["path"]
        if len(path) == 1 and path[0].lower().startswith(_CATALOGUE):
            # Even as a table of a WITH: where that is out of scope, the name is DuckDB's again.
            raise Refused(f"a query only reads the views: {path[0]} is a name of DuckDB's own")
        if len(path) != 1 or path[0].lower() not in known:
            name = ".".join(path)
            close = nearest(name, sorted(views))
            raise Refused(f"cannot run the query: there is no view {name}\n{close}".rstrip())
    if kind == "SHOW_REF":
        elsewhere = node["catalog_name"] or node["schema_name"]
        if elsewhere or node["table_name"] not in ("", '"tables"'):
            raise Refused("a query only reads the views: write SHOW TABLES or DESCRIBE results")


def _check_function(node: Mapping[str, Any]) -> None:
    name = str(node.get("function_name", "")).lower()
    if name in _REFUSED_FUNCTIONS:
        raise Refused(f"a query only reads the views: {name}() is refused")
    if node.get("type") == "TABLE_FUNCTION":
        called = str(node["function"].get("function_name", "")).lower()
        if called not in _TABLE_FUNCTIONS:
            raise Refused(f"a query only reads the views: {called}() is refused")
