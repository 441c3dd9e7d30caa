"""Formats of an answer: types survive, and a terminal gets nothing to obey."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.answers.formats import FORMATS, SUFFIXES, rendered
from orchestrator.answers.query import QueryError

MOMENT = datetime(2026, 11, 20, 12, 0, 0, 250, tzinfo=UTC)
TABLE = pa.table(
    {
        "text": ["a", 'say "x", |y|\n\x1b[31mred\u202e', None],
        "real": [0.1 + 0.2, float("nan"), float("-inf")],
        "whole": pa.array([2**62, None, -1], pa.int64()),
        "yes": [True, False, None],
        "when": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", tz="UTC")),
        "list": [["p", "q"], [], None],
        "json": ['{"a":[1,2]}', None, "{}"],
    }
)


def test_a_table_for_people_is_aligned_and_escaped() -> None:
    lines = rendered(TABLE, "table").decode().split("\n")
    assert lines[0].split() == TABLE.column_names
    assert lines[1].split() == [
        "a", "0.3", "4611686018427387904", "true", "2026-11-20T12:00:00.000250Z", '["p",', '"q"]',
        '{"a":[1,2]}',
    ]  # fmt: skip
    assert '"x", |y|\\n\\x1b[31mred\\u202e' in lines[2]
    assert len(lines) == 5
    assert lines[0].index("real") + len("real") == lines[1].index("0.3") + len("0.3")


def test_markdown_keeps_a_cell_in_its_column() -> None:
    head, rule, first, second, _ = rendered(TABLE, "markdown").decode().splitlines()
    assert head == "| text | real | whole | yes | when | list | json |"
    assert rule == "| --- | ---: | ---: | --- | --- | --- | --- |"
    assert first.count(" | ") == second.count(" | ") == 6
    assert '| say "x", \\|y\\|\\n' in second


def test_csv_holds_every_digit_and_reads_back() -> None:
    head, first, second, third = csv.reader(io.StringIO(rendered(TABLE, "csv").decode()))
    assert head == TABLE.column_names
    assert float(first[1]) == 0.1 + 0.2
    assert first[2:] == [
        "4611686018427387904", "true", "2026-11-20T12:00:00.000250Z", '["p", "q"]', '{"a":[1,2]}',
    ]  # fmt: skip
    assert second[:3] == ['say "x", |y|\n\x1b[31mred\u202e', "nan", ""]
    assert third[1] == "-inf"


def test_json_is_strict_and_keeps_lists_and_numbers() -> None:
    first, second, third = json.loads(
        rendered(TABLE, "json"), parse_constant=lambda name: pytest.fail(name)
    )
    assert first["real"] == 0.1 + 0.2
    assert first["list"] == ["p", "q"]
    assert first["when"] == "2026-11-20T12:00:00.000250Z"
    assert json.loads(first["json"]) == {"a": [1, 2]}
    assert (second["real"], second["whole"], second["yes"]) == ("nan", None, False)
    assert third["real"] == "-inf"
    assert b"\x1b" not in rendered(TABLE, "json")


def test_parquet_is_the_table() -> None:
    found = pq.read_table(pa.BufferReader(rendered(TABLE, "parquet")))
    assert found.schema == TABLE.schema
    assert found["when"].to_pylist() == TABLE["when"].to_pylist()
    assert rendered(TABLE, "parquet") == rendered(TABLE, "parquet")


def test_structures_dates_and_decimals_are_written_too() -> None:
    table = pa.table(
        {
            "struct": [{"a": float("nan"), "b": [MOMENT]}],
            "day": [date(2026, 11, 20)],
            "exact": [Decimal("0.10")],
            "bytes": [b"\x00\xff"],
            "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        }
    )
    assert json.loads(rendered(table, "json")) == [
        {
            "struct": {"a": "nan", "b": ["2026-11-20T12:00:00.000250Z"]},
            "day": "2026-11-20",
            "exact": "0.10",
            "bytes": "00ff",
            "map": [["k", 1]],
        }
    ]
    assert rendered(table, "csv").decode().count("\n") == 2


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_two_columns_of_one_name_are_told(form: str) -> None:
    twice = pa.table([[1], [2]], names=["n", "n"])
    with pytest.raises(QueryError, match="two columns are called n"):
        rendered(twice, form)
    assert rendered(twice, "csv") == b"n,n\n1,2\n"


@pytest.mark.parametrize("form", FORMATS)
def test_an_answer_without_a_row_is_written(form: str) -> None:
    empty = TABLE.slice(0, 0)
    assert rendered(empty, form)
    assert set(SUFFIXES.values()) == set(FORMATS)


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown"])
def test_a_large_answer_is_written_in_pieces_that_join_without_a_seam(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rendered(TABLE, form)
    monkeypatch.setattr("orchestrator.answers.formats._PIECE", 2)
    assert rendered(TABLE, form) == whole


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown"])
def test_a_time_that_has_no_text_is_a_mistake_and_no_fault(form: str) -> None:
    forever = pa.table({"end": pa.array([2**63 - 1], pa.timestamp("us"))})
    with pytest.raises(QueryError, match=r"column end is beyond the years 1 to 9999.*VARCHAR"):
        rendered(forever, form)
    far = pa.table({"day": pa.array([[35_000_000]], pa.list_(pa.date32()))})
    with pytest.raises(QueryError, match="column day is beyond"):
        rendered(far, form)
    assert pq.read_table(io.BytesIO(rendered(forever, "parquet"))).num_rows == 1


def test_a_text_that_does_not_fit_in_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(value: object) -> str:
        raise MemoryError

    monkeypatch.setattr("orchestrator.answers.formats._exact", full)
    with pytest.raises(QueryError, match=r"3 rows of 7 columns, does not fit in memory as csv"):
        rendered(TABLE, "csv")
