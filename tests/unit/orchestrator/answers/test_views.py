"""The views of a query: one row per cell and per pack, also of those without a result."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestrator.answers.query import list_views, run_query
from orchestrator.answers.views import VIEWS
from orchestrator.store import Store
from orchestrator.store.compaction import compact
from orchestrator.store.schema import schema_of
from tests.support.asked import (
    BROKEN,
    DENSE,
    DONE,
    DROPPED,
    PACKS,
    RETRIED,
    WAITING,
    asked_store,
    fold_and_publish,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return asked_store(tmp_path / "results")


def rows(store: Store, sql: str) -> list[dict[str, Any]]:
    """The rows of an answer."""
    found: list[dict[str, Any]] = run_query(store, sql).to_pylist()
    return found


def by_cell(store: Store, columns: str) -> dict[str, tuple[Any, ...]]:
    """Cell id to these columns of the view cells."""
    found = rows(store, f"SELECT cell, {columns} FROM cells")
    return {row.pop("cell"): tuple(row.values()) for row in found}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_columns_and_types_that_are_said(store: Store, view: str) -> None:
    assert run_query(store, f"FROM {view}").schema.remove_metadata() == schema_of(VIEWS[view])
    empty = run_query(store, f"FROM {view} LIMIT 0").schema
    assert empty.remove_metadata() == schema_of(VIEWS[view])


def test_every_cell_of_any_submission_or_record_is_one_row(store: Store) -> None:
    assert by_cell(store, "state, attempts, failures, attempt IS NULL") == {
        DONE[0].id: ("COMPLETED", 1, 0, False),
        DONE[1].id: ("COMPLETED", 1, 0, False),
        BROKEN.id: ("FAILED", 1, 1, False),
        RETRIED.id: ("COMPLETED", 2, 1, False),
        WAITING.id: ("PENDING", 0, 0, True),
        DENSE.id: ("PENDING", 0, 0, True),
        DROPPED.id: ("PENDING", 0, 0, True),
    }


def test_cells_change_while_jobs_run_and_stay_when_they_are_folded(store: Store) -> None:
    fold_and_publish(store)
    assert by_cell(store, "state, attempts")[WAITING.id] == ("FAILED", 1)
    before = by_cell(store, "*")
    compact(store)
    assert by_cell(store, "*") == before


def test_who_asks_for_a_cell_is_what_its_last_submission_says(store: Store) -> None:
    said = by_cell(store, "grids, needed_by")
    assert said[DONE[0].id] == (["other", "small"], [])
    assert said[WAITING.id] == (["small"], [])
    assert said[DENSE.id] == ([], ["small"])
    assert said[DROPPED.id] == ([], [])


def test_fields_of_a_cell_are_the_same_before_and_after_it_ran(store: Store) -> None:
    columns = (
        "method, method_options, density, density_text, allocation, allocation_options, scenario, "
        "dataset, data_ratio, data_ratio_text, model, model_options, recipe, epochs, batch, "
        "optimizer, lr, precision, seed, canonical"
    )
    before = by_cell(store, columns)[WAITING.id]
    fold_and_publish(store)
    assert by_cell(store, columns)[WAITING.id] == before
    assert before[:6] == ("lth", "{}", 0.5, "0.5", "erk", "{}")
    assert before[11] == '{"hidden":[8,8]}'
    assert (before[13], before[-2]) == (3, 2)


def test_every_pack_of_each_submission_is_one_row(store: Store) -> None:
    columns = (
        "pack, grid, number, cells, finished, completed, failed, expected_seconds, seconds, job, "
        "element, hosts"
    )
    found = rows(store, f"SELECT {columns} FROM packs ORDER BY number, cells DESC, finished DESC")
    assert [tuple(row.values()) for row in found] == [
        (PACKS[0], "small", 1, 2, 1, 1, 0, 2.0, 2.5, None, None, ["node1"]),
        (PACKS[1], "small", 2, 2, 2, 1, 1, 2.0, 7.5, "ss-1234-a0", 0, ["node1"]),
        # The same pack again: what ended before the second submission is not its work.
        (PACKS[0], "small", 2, 2, 1, 1, 0, 2.0, 2.5, None, None, ["node1"]),
        (PACKS[2], "small", 2, 1, 0, 0, 0, 2.0, None, "ss-1234-a0", 1, []),
    ]


def test_views_can_be_joined(store: Store) -> None:
    sql = """
        SELECT packs.number, count(*) AS n, max(metrics.value) AS worst
        FROM packs JOIN attempts USING (pack) JOIN metrics USING (attempt)
        WHERE attempts.started_at >= packs.submitted_at GROUP BY ALL ORDER BY ALL
    """
    assert rows(store, sql)[-1] == {"number": 2, "n": 2, "worst": 4.0}


def test_only_the_views_are_listed(store: Store) -> None:
    assert [row["name"] for row in rows(store, "SHOW TABLES")] == sorted(VIEWS)


def test_the_list_of_views_says_what_every_column_means() -> None:
    listed = list_views()
    assert listed.schema.names == ["view", "column", "kind", "unit", "meaning"]
    assert len(listed) == sum(len(columns) for columns in VIEWS.values())
    assert min(len(text) for text in listed["meaning"].to_pylist()) > 5
    assert listed.slice(0, 1).to_pylist() == [
        {"view": "cells", "column": "cell", "kind": "text", "unit": "",
         "meaning": "Id of the cell: 16 hex digits."}
    ]  # fmt: skip


def test_a_store_without_anything_has_empty_views(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "empty")
    assert {view: len(run_query(store, f"FROM {view}")) for view in VIEWS} == dict.fromkeys(
        VIEWS, 0
    )
    assert isinstance(run_query(store, "SELECT 1 AS one"), pa.Table)
