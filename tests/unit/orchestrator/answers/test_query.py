"""Queries: SQL over the store's views, which can read those and nothing else."""

from pathlib import Path

import pytest

from orchestrator.answers.query import QueryError, run_query
from orchestrator.store import Store, publish_batch
from orchestrator.store.compaction import compact
from tests.support.records import curve, failure, record


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two methods on three seeds, partly folded, partly hot; one cell failed, one ran twice."""
    store = Store.create(tmp_path_factory.mktemp("store"))
    first = [
        record(1, method=method, seed=seed, metrics={"test_accuracy": accuracy, "odd": 1.0})
        for method, accuracy in (("set", 0.8), ("rigl", 0.9))
        for seed in range(3)
    ]
    publish_batch(store, [(item, None) for item in first])
    compact(store)
    again = record(9, method="set", seed=0, curve=True, metrics={"test_accuracy": 0.1})
    publish_batch(store, [(again, curve()), (failure(2, seed=7), None)])
    return store


def test_folded_and_hot_records_are_one_table(store: Store) -> None:
    found = run_query(
        store,
        "SELECT method, count(*) AS n, avg(test_accuracy) AS mean FROM results "
        "WHERE state = 'COMPLETED' GROUP BY ALL ORDER BY ALL",
    )
    assert found.to_pylist() == [
        {"method": "rigl", "n": 3, "mean": pytest.approx(0.9)},
        {"method": "set", "n": 3, "mean": pytest.approx(0.8)},
    ]


def test_every_view_shows_only_what_answers_except_attempts(store: Store) -> None:
    counts = "SELECT (SELECT count(*) FROM {}) AS n"
    found = {
        view: run_query(store, counts.format(view)).to_pylist()[0]["n"]
        for view in ("results", "attempts", "metrics", "curves", "layers")
    }
    assert found == {"results": 7, "attempts": 8, "metrics": 6, "curves": 0, "layers": 6}


def test_options_and_times_can_be_asked_for(store: Store) -> None:
    found = run_query(
        store,
        "SELECT DISTINCT recipe->>'$.momentum' AS momentum, date_trunc('day', finished_at)::text "
        "AS day FROM results",
    )
    assert found.to_pylist() == [{"momentum": "0.9", "day": "2026-11-20 00:00:00+00"}]


@pytest.mark.parametrize(
    "sql", ["FROM results", "DESCRIBE curves", "SHOW TABLES", "EXPLAIN FROM results"]
)
def test_every_way_of_reading_is_allowed(store: Store, sql: str) -> None:
    assert run_query(store, sql).num_rows > 0


@pytest.mark.parametrize(
    "sql",
    [
        "DROP VIEW results",
        "CREATE TABLE t (a INT)",
        "DELETE FROM results",
        "INSERT INTO results SELECT * FROM results",
        "UPDATE results SET seed = 1",
        "COPY results TO 'out.csv'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET lock_configuration = false",
        "PRAGMA enable_profiling",
        "EXPORT DATABASE 'out'",
        "PREPARE q AS SELECT 1",
        "CALL pragma_version()",
    ],
)
def test_what_does_not_read_is_refused_by_name(store: Store, sql: str) -> None:
    with pytest.raises(QueryError, match=r"a query only reads: [A-Z_]+ is refused"):
        run_query(store, sql)


@pytest.mark.parametrize(
    "source",
    [
        "'{}'",
        "read_text('{}')",
        "read_csv('{}')",
        "read_parquet('{}')",
        "read_json('{}')",
        "glob('{}')",
        "parquet_metadata('{}')",
        "sqlite_scan('{}', 't')",
    ],
)
def test_no_file_can_be_read_not_even_those_of_the_store(
    store: Store, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [store.root / "store.json", store.table_path("results"), store.root / ".tmp" / "x"]
    monkeypatch.chdir(store.root)
    files[-1].parent.mkdir(exist_ok=True)
    files[-1].write_text("secret")
    for file in [*files, Path(".tmp/x")]:
        with pytest.raises(QueryError):
            run_query(store, f"SELECT * FROM {source.format(file)}")


def test_python_variables_are_no_tables(store: Store) -> None:
    import pyarrow as pa

    secret = pa.table({"a": [1]})
    assert secret.num_rows == 1
    with pytest.raises(QueryError, match="there is no view secret"):
        run_query(store, "SELECT * FROM secret")


def test_a_misspelt_view_or_column_gets_the_nearest_and_the_list(store: Store) -> None:
    for sql, near in (
        ("SELECT * FROM reslts", "results"),
        ("SELECT TETS_accuracy FROM results", "test_accuracy"),
        ("SELECT r.methd FROM results r", "method"),
    ):
        with pytest.raises(QueryError, match="cannot run the query") as caught:
            run_query(store, sql)
        text = str(caught.value)
        assert f"did you mean '{near}'?" in text
        assert "  metrics: cell, attempt, answers, metric, probe, value" in text


@pytest.mark.parametrize(("sql", "count"), [("", 0), ("-- nothing", 0), ("SELECT 1; SELECT 2", 2)])
def test_a_query_is_one_statement(store: Store, sql: str, count: int) -> None:
    with pytest.raises(QueryError, match=f"one statement, not {count}"):
        run_query(store, sql)


def test_a_mistake_in_the_data_is_one_message_too(store: Store) -> None:
    with pytest.raises(QueryError, match="Conversion Error: Could not convert string 'rigl'"):
        run_query(store, "SELECT method::int FROM results WHERE method = 'rigl'")
