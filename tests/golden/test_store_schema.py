"""The tables people build on: their columns are frozen, and documented one by one."""

import hashlib
import re
from pathlib import Path

import pytest

from orchestrator.answers.views import CELLS, PACKS, VIEWS
from orchestrator.store.schema import SCHEMA_VERSION, SORT_KEYS, TABLES, Column, arrow_schema
from tests.support.records import failure, record

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "columns.md"

FROZEN = {
    "results": (91, "307ead05d552c446"),
    "metrics": (6, "66ef5381bba197b5"),
    "curves": (13, "48c4c856b91f8e00"),
    "layers": (10, "086f4d74cc76d462"),
}


VIEWS_OF_THEIR_OWN = {"cells": CELLS, "packs": PACKS}
FROZEN_VIEWS = {"cells": (33, "63b7b67597218ea0"), "packs": (22, "3baf12bd637834ce")}


def documented(table: str, what: str = "Table") -> list[tuple[str, ...]]:
    """The (column, kind, unit, meaning) rows of a table's section in docs/columns.md."""
    section = DOCUMENT.read_text(encoding="utf-8").split(f"## {what} `{table}`")[1].split("## ")[0]
    return re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", section, re.MULTILINE)


def described(column: Column) -> tuple[str, ...]:
    return (column.name, column.kind, column.unit, column.meaning)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_documented_with_its_unit_and_meaning(table: str) -> None:
    assert documented(table) == [described(column) for column in TABLES[table]]


@pytest.mark.parametrize("view", VIEWS_OF_THEIR_OWN)
def test_every_column_of_a_view_is_documented(view: str) -> None:
    assert documented(view, "View") == [described(column) for column in VIEWS_OF_THEIR_OWN[view]]


@pytest.mark.parametrize("view", VIEWS_OF_THEIR_OWN)
def test_views_change_only_together_with_this_test(view: str) -> None:
    columns = [(column.name, column.kind) for column in VIEWS_OF_THEIR_OWN[view]]
    assert (len(columns), digest(repr(columns))) == FROZEN_VIEWS[view]


def test_every_view_is_described() -> None:
    text = DOCUMENT.with_name("query.md").read_text(encoding="utf-8")
    assert [view for view in VIEWS if f"| `{view}` |" not in text] == []


@pytest.mark.parametrize("table", TABLES)
def test_columns_change_only_together_with_this_test(table: str) -> None:
    columns = [(column.name, column.kind) for column in TABLES[table]]
    assert (len(columns), digest(repr(columns))) == FROZEN[table]


def test_records_change_only_together_with_this_test() -> None:
    assert SCHEMA_VERSION == 1
    assert digest(record(1).to_json() + failure(2).to_json()) == "ff454e72297a1ea8"


@pytest.mark.parametrize("table", TABLES)
def test_names_are_unique_and_rows_are_sorted_by_columns_that_exist(table: str) -> None:
    names = arrow_schema(table).names
    assert len(set(names)) == len(names)
    assert set(SORT_KEYS[table]) <= set(names)
    assert set(SORT_KEYS[table]) >= {"cell", "attempt"}


def digest(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:16]
