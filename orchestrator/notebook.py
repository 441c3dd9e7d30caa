"""A store in a notebook: its views, SQL and the cells of a grid as Arrow, pandas or Polars.

from orchestrator.notebook import Store

results = Store("results").results(to="pandas")
"""

import os
from typing import TYPE_CHECKING, Any, Literal

from grids.problems import unknown
from orchestrator.answers.query import QueryError, run_query
from orchestrator.answers.results import select
from orchestrator.answers.views import VIEWS
from orchestrator.store import layout
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.submission import Submission, find_submission, submitted_grids

if TYPE_CHECKING:
    import pyarrow as pa

Library = Literal["arrow", "pandas", "polars"]
"""What a frame is made for: a `pyarrow.Table`, a `pandas.DataFrame` or a `polars.DataFrame`."""

_LIBRARIES = ("arrow", "pandas", "polars")
_NOT_OF_A_CELL = ("answers", "schema")


class Store:
    """The results of a store, asked from Python; nothing in it is ever written.

    Every call reads what is there by then, also while jobs run. docs/columns.md describes the
    columns. Methods raise StoreError or QueryError, which are ValueErrors with one message, for
    what the command line refuses.

    Args:
        folder: The folder of the store.

    Raises:
        StoreError: When there is no store.
    """

    def __init__(self, folder: str | os.PathLike[str] = "results") -> None:
        self._store = layout.Store.open(folder)

    def __repr__(self) -> str:
        """As it is made."""
        return f"Store({str(self._store.root)!r})"

    def query(self, sql: str, *, to: Library = "arrow") -> Any:
        """The answer to one SELECT over the views.

        Raises:
            QueryError: When it cannot be run, or `to` is a library that is not installed.
        """
        return _framed(run_query(self._store, sql), to)

    def results(self, *, to: Library = "arrow") -> Any:
        """One row per cell that has a record: the attempt that answers for it."""
        return self._view("results", to)

    def attempts(self, *, to: Library = "arrow") -> Any:
        """One row per attempt, with the columns of `results`."""
        return self._view("attempts", to)

    def cells(self, *, to: Library = "arrow") -> Any:
        """One row per cell of any submission or record, those without a result included."""
        return self._view("cells", to)

    def metrics(self, *, to: Library = "arrow") -> Any:
        """One row per cell and measurement that has no column in `results`."""
        return self._view("metrics", to)

    def curves(self, *, to: Library = "arrow") -> Any:
        """One row per cell and point of its training curve."""
        return self._view("curves", to)

    def layers(self, *, to: Library = "arrow") -> Any:
        """One row per cell and sparse layer."""
        return self._view("layers", to)

    def packs(self, *, to: Library = "arrow") -> Any:
        """One row per pack of each submission."""
        return self._view("packs", to)

    def grids(self) -> list[str]:
        """The names of the grids that were run, sorted."""
        return submitted_grids(self._store)

    def grid(self, name: str | None = None, *, to: Library = "arrow") -> Any:
        """The cells of a grid with their results: exactly its cells, in its order, none left out.

        The columns are those of `results` for the attempt that answers, then one for each further
        measurement that the grid asks for. A cell without a record has the state PENDING and null
        for all that was not measured.

        Args:
            name: Name or file of the grid; by default the last one that was run.
            to: What to make of it.

        Raises:
            StoreError: When no such grid was run.
        """
        submission = find_submission(self._store, name)
        return _framed(_with_further(self._store, submission, self._rows_of(submission)), to)

    def _view(self, view: str, to: Library) -> Any:
        return self.query(f"SELECT * FROM {view}", to=to)

    def _rows_of(self, submission: Submission) -> "pa.Table":
        """A row for each cell of a submission, in its order."""
        import pyarrow as pa

        known = {column.name for column in VIEWS["cells"]}
        names = [c.name for c in VIEWS["results"] if c.name not in _NOT_OF_A_CELL]
        from_cells = {"cell", "state"}
        values = [
            f"cells.{name}" if name in from_cells
            else f"coalesce(results.{name}, cells.{name}) AS {name}" if name in known
            else f"results.{name}"
            for name in names
        ]  # fmt: skip
        ids = ids_of(submission.cells)
        every = f"SELECT {', '.join(values)} FROM cells LEFT JOIN results USING (cell)"
        asked = f" WHERE list_contains(cells.grids, '{_quoted(submission.grid)}')"
        places: dict[str, int] = {}
        # A newer submission, made just now, may no longer ask for some of these cells.
        for sql in (every + asked, every):
            rows = run_query(self._store, sql)
            places = {cell: place for place, cell in enumerate(rows["cell"].to_pylist())}
            if places.keys() >= set(ids):
                break
        order = [places[cell] for cell in ids]
        return rows.take(pa.array(order, pa.int64()))


def _with_further(store: layout.Store, submission: Submission, rows: "pa.Table") -> "pa.Table":
    """Append a column for each measurement without one that the grid asks for."""
    import pyarrow as pa

    answers = select(
        store,
        submission.cells,
        allow_mixed=True,
        probes=submission.probes,
        metrics=submission.metrics,
    )
    values = [answer.metrics or {} for answer in answers.answers]
    for name in answers.metric_names():
        if name not in rows.column_names:
            column = [found.get(name) for found in values]
            rows = rows.append_column(name, pa.array(column, pa.float64()))
    return rows


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _framed(table: "pa.Table", to: Library) -> Any:
    if to not in _LIBRARIES:
        raise unknown("value of to", to, _LIBRARIES)
    try:
        return {"arrow": _arrow, "pandas": _pandas, "polars": _polars}[to](table)
    except ModuleNotFoundError as error:
        raise QueryError(
            f"to={to!r} needs {to}, which cannot be imported ({error}); install it, or leave "
            "`to` out for an Arrow table"
        ) from error


def _arrow(table: "pa.Table") -> "pa.Table":
    return table


def _pandas(table: "pa.Table") -> Any:
    import pandas  # noqa: F401  # without it, Arrow's message would not say what is missing

    return table.to_pandas()


def _polars(table: "pa.Table") -> Any:
    import polars

    return polars.from_arrow(table)
