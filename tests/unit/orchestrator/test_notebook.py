"""A store in a notebook: the same answers as the command line, as frames of three libraries."""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from grids.problems import GridError
from orchestrator.answers.query import QueryError
from orchestrator.answers.views import VIEWS
from orchestrator.notebook import Store
from orchestrator.store import StoreError
from orchestrator.submissions.submission import read_submission
from tests.support.asked import BROKEN, DONE, DROPPED, GRID, RETRIED, WAITING, asked_store

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("notebook") / "results"
    asked_store(folder)
    return Store(folder)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_a_method(store: Store, view: str) -> None:
    table = getattr(store, view)()
    assert isinstance(table, pa.Table)
    assert table.column_names == [column.name for column in VIEWS[view]]
    frame = getattr(store, view)(to="pandas")
    assert isinstance(frame, pd.DataFrame)
    assert frame.shape == table.shape
    other = getattr(store, view)(to="polars")
    assert isinstance(other, pl.DataFrame)
    assert other.shape == table.shape


def test_types_survive_in_pandas_and_polars(store: Store) -> None:
    frame = store.results(to="pandas").set_index("cell")
    assert frame.loc[DONE[1].id, "test_accuracy"] == pytest.approx(0.9)
    assert frame["started_at"].dt.tz is not None
    assert frame.loc[DONE[0].id, "started_at"] == datetime(2026, 11, 20, 11, 59, 10, tzinfo=UTC)
    cells = store.cells(to="polars")
    assert cells.schema["grids"] == pl.List(pl.String)
    asked = cells.filter(pl.col("cell") == DONE[0].id)["grids"].to_list()
    assert asked == [["other", "small"]]


def test_sql_is_answered_in_each_library(store: Store) -> None:
    sql = "SELECT state, count(*) AS n FROM cells GROUP BY ALL ORDER BY ALL"
    rows = [
        {"state": "COMPLETED", "n": 3}, {"state": "FAILED", "n": 1}, {"state": "PENDING", "n": 3},
    ]  # fmt: skip
    assert store.query(sql).to_pylist() == rows
    assert store.query(sql, to="pandas").to_dict("records") == rows
    assert store.query(sql, to="polars").to_dicts() == rows


def test_a_grid_that_is_run_anew_meanwhile_is_shown_as_it_was_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_submission(store._store, "small", 1)
    monkeypatch.setattr("orchestrator.notebook.find_submission", lambda *_: first)
    table = store.grid("small")
    assert table["cell"].to_pylist() == [*(cell.id for cell in DONE), DROPPED.id]
    assert table["state"].to_pylist() == ["COMPLETED", "COMPLETED", "PENDING"]


def test_a_grid_is_exactly_its_cells_in_its_order_with_results(store: Store) -> None:
    table = store.grid("small")
    assert table["cell"].to_pylist() == [cell.id for cell in GRID]
    assert dict(zip(table["cell"].to_pylist(), table["state"].to_pylist(), strict=True)) == {
        **{cell.id: "COMPLETED" for cell in (*DONE, RETRIED)},
        BROKEN.id: "FAILED",
        WAITING.id: "PENDING",
    }
    assert table["test_accuracy"].to_pylist() == [
        pytest.approx(0.8), pytest.approx(0.9), None, pytest.approx(0.9), None,
    ]  # fmt: skip
    assert table["sharpness"].to_pylist() == [3.0, 4.0, None, 4.0, None]  # of a probe
    waiting = table.slice(4).to_pylist()[0]
    assert (waiting["method"], waiting["density"], waiting["seed"]) == ("lth", 0.5, 2)
    assert waiting["attempt"] is None


def test_the_last_grid_run_is_the_default_and_others_have_names(store: Store) -> None:
    assert store.grid()["cell"].to_pylist() == store.grid("small")["cell"].to_pylist()
    assert len(store.grid("other", to="pandas")) == 1
    assert store.grids() == ["other", "small"]
    with pytest.raises(StoreError, match="did you mean 'small'"):
        store.grid("smal")


def test_mistakes_are_told_as_the_command_tells_them(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store at"):
        Store(tmp_path / "nothing")
    with pytest.raises(QueryError, match="did you mean 'results'"):
        store.query("FROM reslts")
    with pytest.raises(QueryError, match="only reads"):
        store.query("DROP VIEW results")
    with pytest.raises(GridError, match="unknown value of to 'panda'; allowed: arrow, pandas"):
        store.results(to="panda")  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_not_installed_is_told(
    store: Store, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(QueryError, match=f"to='{library}' needs {library}.*install it"):
        store.query("SELECT 1", to=library)  # type: ignore[arg-type]
    assert len(store.query("SELECT 1")) == 1


def test_it_says_which_store_it_is(store: Store) -> None:
    assert repr(store).startswith("Store('")


def test_the_examples_of_the_documents_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "query.md").read_text(encoding="utf-8")
    [example] = re.findall(r"## From Python\n\n```python\n(.*?)```", text, re.DOTALL)
    asked_store(tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    lines = example.splitlines()
    names: dict[str, object] = {}
    exec(compile("\n".join(lines[:3]), "query.md", "exec"), names)
    kinds = [type(eval(line, names)) for line in lines[3:]]
    assert kinds == [pa.Table, pd.DataFrame, pl.DataFrame]
