"""Hostile SQL: nothing outside the views is read, nothing anywhere is written.

Each statement is refused, and the folder that holds the store is afterwards what it was. A file
beside the store holds a word that no answer and no message may show.
"""

import hashlib
import os
import signal
import threading
from pathlib import Path

import duckdb
import pytest

from orchestrator.answers.confinement import _CATALOGUE
from orchestrator.answers.query import QueryError, connect, run_query
from orchestrator.store import Store
from tests.support.asked import asked_store

WORD = "hush4711"

WRITING = [
    "COPY results TO '{out}'",
    "COPY (SELECT 1) TO '{out}' (FORMAT parquet)",
    "EXPLAIN ANALYZE COPY results TO '{out}'",
    "EXPLAIN ANALYZE COPY results TO '{part}'",
    "EXPLAIN (ANALYZE) COPY results TO '{out}'",
    "EXPLAIN COPY results TO '{out}'",
    "/* */ EXPLAIN ANALYZE COPY results TO '{out}'",
    "-- a\nEXPLAIN ANALYZE COPY results TO '{out}'",
    "WITH t AS (COPY results TO '{out}') FROM t",
    "WITH t AS (COPY results TO '{part}') SELECT * FROM results",
    "EXPLAIN ANALYZE WITH t AS (COPY results TO '{out}') FROM t",
    "SELECT * FROM (WITH t AS (COPY results TO '{out}') FROM t)",
    "SELECT (WITH t AS (COPY results TO '{out}') SELECT count(*) FROM t)",
    "DESCRIBE (WITH t AS (COPY results TO '{out}') FROM t)",
    "WITH t AS (INSERT INTO results SELECT * FROM results RETURNING 1) FROM t",
    "WITH t AS (DELETE FROM results RETURNING 1) FROM t",
    "WITH t AS (UPDATE results SET seed = 1 RETURNING 1) FROM t",
    "EXPORT DATABASE '{out}'",
    "IMPORT DATABASE '{out}'",
    "ATTACH '{out}' AS other",
    "ATTACH '{out}' AS other (TYPE sqlite)",
    "DETACH parts",
    "USE parts",
    "CREATE TABLE t AS FROM results",
    "CREATE OR REPLACE VIEW results AS SELECT 1",
    "CREATE MACRO leak() AS TABLE FROM read_text('{secret}')",
    "CREATE SECRET s (TYPE s3)",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "EXPLAIN ANALYZE CREATE TABLE t AS FROM results",
    "INSERT INTO results SELECT * FROM results",
    "DELETE FROM results",
    "UPDATE results SET seed = 1",
    "MERGE INTO results USING cells ON (true) WHEN MATCHED THEN DELETE",
    "DROP VIEW results",
    "ALTER VIEW results RENAME TO r",
    "TRUNCATE results",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN TRANSACTION",
    "SELECT write_log('x', level := 'error')",
    "SELECT nextval('s')",
    "SELECT setval('s', 1)",
]
READING = [
    "FROM '{secret}'",
    'FROM "{secret}"',
    "FROM results, '{secret}'",
    "SELECT * FROM results JOIN '{secret}' ON true",
    "SELECT * FROM results WHERE seed IN (SELECT content FROM read_text('{secret}'))",
    "SELECT (SELECT content FROM read_text('{secret}'))",
    "SELECT [x FOR x IN (SELECT list(content) FROM read_text('{secret}'))]",
    "SELECT 1 LIMIT (SELECT count(*) FROM read_text('{secret}'))",
    "SELECT 1 ORDER BY (SELECT content FROM read_text('{secret}'))",
    "SELECT count(*) FILTER (EXISTS (FROM read_text('{secret}')))",
    "SELECT 1 FROM results QUALIFY (SELECT content FROM read_text('{secret}')) = ''",
    "FROM results UNION ALL SELECT * FROM read_csv('{secret}')",
    "WITH t AS MATERIALIZED (FROM read_text('{secret}')) FROM t",
    "WITH RECURSIVE t AS (SELECT 1 UNION ALL FROM read_text('{secret}')) FROM t",
    'WITH "{secret}" AS (SELECT 1) SELECT * FROM (FROM "{secret}"), read_text(\'{secret}\')',
    "FROM (PIVOT read_csv('{secret}') ON a IN (1) USING count(*))",
    "FROM (DESCRIBE FROM read_csv('{secret}'))",
    "SUMMARIZE FROM '{secret}'",
    "DESCRIBE '{secret}'",
    "EXPLAIN ANALYZE FROM read_text('{secret}')",
    "SELECT * FROM results, LATERAL (FROM read_text('{secret}'))",
    "FROM read_csv('{secret}')",
    "FROM read_csv_auto('{secret}')",
    "FROM READ_CSV('{secret}')",
    "FROM main.read_csv('{secret}')",
    "FROM system.main.read_text('{secret}')",
    "FROM read_blob('{secret}')",
    "FROM read_json('{secret}')",
    "FROM read_ndjson_objects('{secret}')",
    "FROM read_parquet('{part}')",
    "FROM parquet_scan('{part}')",
    "FROM parquet_metadata('{part}')",
    "FROM parquet_schema('{part}')",
    "FROM parquet_kv_metadata('{part}')",
    "FROM read_duckdb('{secret}')",
    "FROM sniff_csv('{secret}')",
    "FROM glob('{folder}/*')",
    "FROM glob('/etc/*')",
    "FROM sqlite_scan('{secret}', 't')",
    "FROM postgres_scan('', '', '')",
    "FROM read_text('https://example.org/')",
    "FROM 's3://bucket/x.parquet'",
    "FROM query('FROM read_text(''{secret}'')')",
    "FROM query_table('{secret}')",
    "FROM query_table(['results'])",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{secret}'')'))",
    "SELECT json_deserialize_sql(json_serialize_sql('SELECT 1'))",
    "FROM histogram('{secret}', 'a')",
    "FROM arrow_scan(1, 2, 3)",
    "FROM python_arrow_scan()",
    "FROM pandas_scan(1)",
    "FROM seq_scan('results')",
    "SELECT getenv('HOME')",
    "SELECT current_setting('home_directory')",
    "SELECT main.current_setting('threads')",
    "SELECT 'threads'.current_setting()",
    "SELECT list_transform(['threads'], lambda x: current_setting(x))",
    "SELECT getvariable('x')",
    "FROM duckdb_settings()",
    "FROM duckdb_secrets()",
    "FROM duckdb_databases()",
    "FROM duckdb_views()",
    "FROM duckdb_functions()",
    "FROM duckdb_extensions()",
    "FROM duckdb_temporary_files()",
    "FROM which_secret('s3://x', 's3')",
    "FROM duckdb_tables",
    "FROM sqlite_master",
    "FROM information_schema.tables",
    "FROM pg_catalog.pg_class",
    "FROM parts.folded_results",
    "FROM parts.main.fresh_results",
    "FROM memory.main.results",
    "FROM pragma_database_list",
    "FROM pragma_version()",
    "WITH a AS (WITH pg_settings AS (SELECT 1 AS k) FROM pg_settings) FROM pg_settings",
    "WITH a AS (WITH Duckdb_Views AS (SELECT 1) SELECT 1) FROM duckdb_views",
    "FROM (WITH sqlite_master AS (SELECT 1) SELECT 1), sqlite_master",
    "SELECT (WITH duckdb_databases AS (SELECT 1) SELECT 1) FROM duckdb_databases",
    "SHOW ALL TABLES",
    "SHOW DATABASES",
    "SHOW TABLES FROM parts",
    "CALL pragma_version()",
    "CALL enable_logging()",
    "FROM enable_logging()",
    "FROM register_external_resource('x')",
]
SETTING = [
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET memory_limit = '1TB'",
    "SET temp_directory = '{folder}'",
    "SET VARIABLE x = 1",
    "RESET enable_external_access",
    "PRAGMA enable_external_access",
    "PRAGMA database_list",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{secret}'",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DEALLOCATE p",
    "SELECT set_config('threads', '1', false)",
    "SELECT 1; COPY results TO '{out}'",
    "SELECT 1;;; INSTALL httpfs",
    "",
    ";",
    "PIVOT results ON density USING avg(seed)",
    "SELECT sleep_ms(1000000)",
    "SELECT pg_sleep(1000)",
]


def test_every_relation_of_duckdb_has_one_of_the_names_that_are_refused() -> None:
    own = "SELECT view_name FROM duckdb_views() WHERE internal AND schema_name IN (?, ?)"
    found = duckdb.execute(own, ["main", "pg_catalog"]).fetchall()
    assert len(found) > 30
    assert [name for (name,) in found if not name.startswith(_CATALOGUE)] == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store and a file that is nobody's business."""
    made = tmp_path_factory.mktemp("hostile")
    asked_store(made / "results")
    (made / "secret.csv").write_text(f"a,b\n{WORD},{WORD}\n")
    return made


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, with its digest."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def filled(sql: str, folder: Path) -> str:
    """A statement with the paths of this folder in it."""
    part = next((folder / "results" / "tables" / "_gen").glob("*.results.parquet"))
    places = {"out": folder / "out", "secret": folder / "secret.csv", "part": part}
    for name, path in {**places, "folder": folder}.items():
        sql = sql.replace(f"{{{name}}}", str(path))
    return sql


@pytest.mark.parametrize("sql", [*WRITING, *READING, *SETTING])
def test_it_is_refused_and_leaves_no_trace(
    sql: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = contents(folder)
    with pytest.raises(QueryError) as caught:
        run_query(Store.open(folder / "results"), filled(sql, folder))
    assert WORD not in str(caught.value)
    assert contents(folder) == before


@pytest.mark.parametrize("sql", [sql for sql in (*WRITING, *READING, *SETTING) if "{" in sql])
def test_duckdb_alone_would_neither_read_the_file_nor_write_one(
    sql: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    monkeypatch.chdir(folder)
    before = contents(folder)
    connection = connect(Store.open(folder / "results"), sql)
    try:
        answer = str(connection.execute(filled(sql, folder)).fetchall())
    except duckdb.Error as error:
        answer = str(error)
    assert WORD not in answer
    assert contents(folder) == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(100000000000), results",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
        "SELECT count(*) FROM results a, results b, range(100000000) c, range(100000000) d",
    ],
)
def test_a_query_without_end_can_be_interrupted(sql: str, folder: Path) -> None:
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run_query(Store.open(folder / "results"), sql)
    timer.join()


def test_an_answer_that_fills_the_memory_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import orchestrator.answers.query as query

    settings = [s for s in query._SETTINGS if not s.startswith("memory_limit")]
    monkeypatch.setattr(query, "_SETTINGS", ("memory_limit = '60MB'", *settings))
    store = Store.open(folder / "results")
    with pytest.raises(QueryError, match=r"larger than .* GiB"):
        run_query(store, "FROM range(1000000000)")
    with pytest.raises(QueryError, match="Out of Memory"):
        run_query(store, "SELECT list(range) FROM range(1000000000)")
    assert len(run_query(store, "FROM range(100000)")) == 100_000
    assert not list(folder.rglob("*tmp*"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM results AS r, cells AS c WHERE r.cell = c.cell",
        "WITH a AS (FROM results), b AS (FROM a) SELECT count(*) FROM b",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) FROM t",
        "FROM results UNION ALL BY NAME FROM attempts",
        "PIVOT results ON density IN (0.1, 0.5) USING avg(test_accuracy) GROUP BY method",
        "UNPIVOT (SELECT cell, test_accuracy, test_loss FROM results) ON test_accuracy, test_loss",
        "SELECT g, count(*) FROM (SELECT unnest(grids) AS g FROM cells) GROUP BY ALL",
        "SELECT j.key, j.value FROM cells, json_each(cells.recipe) AS j",
        "SELECT * FROM results ASOF JOIN packs ON results.started_at >= packs.submitted_at",
        "SELECT COLUMNS('test_.*') FROM results USING SAMPLE 2 ROWS",
        "SELECT row_number() OVER (PARTITION BY method ORDER BY seed) AS n FROM cells QUALIFY n=1",
        "(FROM results) ORDER BY ALL LIMIT 1",
        "TABLE cells",
        "VALUES (1, 'a')",
        "SUMMARIZE results",
        "DESCRIBE packs",
        "SHOW TABLES",
        "EXPLAIN FROM results",
        "EXPLAIN ANALYZE SELECT count(*) FROM results",
        "EXPLAIN (FORMAT json) FROM results",
        "SELECT 'read_text(''x'')' AS text -- COPY results TO 'x'",
        "SELECT cell FROM Results WHERE Seed = 0;",
    ],
)
def test_honest_questions_are_answered(sql: str, folder: Path) -> None:
    assert len(run_query(Store.open(folder / "results"), sql)) > 0
