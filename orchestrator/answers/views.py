"""The views that a query sees: their columns, and the SQL that makes them from a store's tables.

Four show the tables; `attempts` is all of `results`; `cells` and `packs` join them with what the
submissions say (`asked`).
"""

from collections.abc import Mapping, Sequence

from orchestrator.store.schema import TABLES, Column, Kind

SHOWN_TABLES: Mapping[str, str] = {
    "results": "results",
    "attempts": "results",
    "metrics": "metrics",
    "curves": "curves",
    "layers": "layers",
}
"""View to the table it shows. `attempts` shows every row, all others only rows that answer."""


def _columns(*columns: tuple[str, Kind, str, str]) -> tuple[Column, ...]:
    return tuple(
        Column(name=name, kind=kind, unit=unit, meaning=meaning, origin="folding", key=name)
        for name, kind, unit, meaning in columns
    )


def _results(*names: str) -> tuple[Column, ...]:
    """Columns of the table results that a view repeats."""
    known = {column.name: column for column in TABLES["results"]}
    return tuple(known[name] for name in names)


def _options(component: str, what: str) -> tuple[Column, ...]:
    meaning = f"Options of the {what} that are not at their defaults."
    return _columns((f"{component}_options", "json", "", meaning))


CELLS: tuple[Column, ...] = (
    *_results("cell"),
    *_columns(
        ("state", "text", "", "State of the answering attempt; PENDING while none has ended."),
        ("grids", "texts", "", "Grids whose last submission asks for the cell."),
        ("needed_by", "texts", "", "Grids whose last submission needs it for another cell."),
    ),
    *_results("method"),
    *_options("method", "method"),
    *_results("density", "density_text", "allocation"),
    *_options("allocation", "allocation"),
    *_results("scenario"),
    *_options("scenario", "scenario"),
    *_results("dataset"),
    *_options("dataset", "data set"),
    *_results("data_ratio", "data_ratio_text", "model"),
    *_options("model", "network"),
    *_results("recipe", "epochs", "batch", "optimizer", "lr", "precision", "seed"),
    *_columns(
        ("attempts", "integer", "", "Attempts at the cell that have ended."),
        ("failures", "integer", "", "Those of them that did not complete."),
        ("attempt", "text", "", "The attempt that answers; null while none has ended."),
        ("finished_at", "time", "UTC", "When it ended."),
        ("error_type", "text", "", "Class of its failure; null when it completed."),
        ("error_message", "text", "", "What the failure said."),
        ("error_signature", "text", "", "Equal for failures of one cause."),
        ("canonical", "json", "", "The cell as its id was computed from it, defaults elided."),
    ),
)
"""Columns of the view `cells`: one row per cell of any submission or record."""

PACKS: tuple[Column, ...] = _columns(
    ("pack", "text", "", "Id of the pack; the same cells are the same pack."),
    ("grid", "text", "", "The grid it was submitted for."),
    ("number", "integer", "", "Number of the submission, from 1 for each grid."),
    ("submitted_at", "time", "UTC", "When the submission was made."),
    ("backend", "text", "", "The backend that carries it."),
    ("job", "text", "", "Name of the scheduler's job that carries it; null without a scheduler."),
    ("element", "integer", "", "Its element of that job, where the job is an array."),
    ("cells", "integer", "cells", "Cells in the pack."),
    ("finished", "integer", "cells", "Cells at which an attempt in the pack has ended."),
    ("completed", "integer", "cells", "Those that completed."),
    ("failed", "integer", "cells", "Those that did not."),
    ("expected_seconds", "real", "seconds", "Expected wall time of one of its cells, if known."),
    ("seconds", "real", "seconds", "Wall time charged to its attempts so far."),
    ("device_seconds", "real", "seconds", "Time of the device charged to them."),
    ("started_at", "time", "UTC", "When the first attempt in it began."),
    ("finished_at", "time", "UTC", "When the last attempt in it ended."),
    ("hosts", "texts", "", "Hosts that worked on it."),
    ("device", "text", "", "The device it asks for."),
    ("slots", "integer", "", "Workers that share a machine."),
    ("threads", "integer", "threads", "Threads of each worker."),
    ("engine", "text", "", "The engine to insist on, or auto."),
    ("code", "text", "", "Hash of the package tree at submission."),
)
"""Columns of the view `packs`: one row per pack of each submission."""

VIEWS: Mapping[str, Sequence[Column]] = {
    "cells": CELLS,
    **{view: TABLES[table] for view, table in SHOWN_TABLES.items()},
    "packs": PACKS,
}
"""View to its columns, as docs/columns.md describes them."""

ASKED: tuple[Column, ...] = tuple(
    column for column in CELLS if column.name in ("cell", "grids", "needed_by")
)
"""Columns of the table `asked`: every cell of a submission."""

MANIFESTS: tuple[Column, ...] = (
    *(
        column
        for column in PACKS
        if column.name
        in (
            "pack", "grid", "number", "submitted_at", "backend", "job", "element", "cells",
            "expected_seconds", "device", "slots", "threads", "engine", "code",
        )
    ),
    *_columns(("until", "time", "UTC", "When the grid submitted the same pack again.")),
)  # fmt: skip
"""Columns of the table `manifests`: what submissions say of their packs."""

_COMPONENTS = ("method", "allocation", "scenario", "dataset", "model")


def table_view(view: str, parts: str, *, changed: bool) -> str:
    """The SQL of a view that shows a table.

    Args:
        view: One of SHOWN_TABLES.
        parts: The database that holds `folded_<table>`, `fresh_<table>` and `replaced`.
        changed: Whether there are rows in `fresh_<table>`.
    """
    table = SHOWN_TABLES[view]
    rows = f"FROM {parts}.folded_{table}"
    if changed:
        rows += (
            f" WHERE cell NOT IN (SELECT cell FROM {parts}.replaced)"
            f" UNION ALL FROM {parts}.fresh_{table}"
        )
    where = "" if view == "attempts" else " WHERE answers"
    return f"CREATE VIEW {view} AS SELECT * FROM ({rows}){where}"


def cells_view(parts: str) -> str:
    """The SQL of the view `cells`, over `results`, `attempts` and the tables of `asked`."""
    made = {
        "grids": "coalesce(asked.grids, [])",
        "needed_by": "coalesce(asked.needed_by, [])",
        "attempts": "ended.attempts",
        "failures": "ended.failures",
        **{f"{name}_options": _given_options(name) for name in _COMPONENTS},
    }
    values = ", ".join(f"{made.get(c.name, f'results.{c.name}')} AS {c.name}" for c in CELLS)
    return f"""
        CREATE VIEW cells AS
        WITH ended AS (
            SELECT cell, count(*) AS attempts, count(*) FILTER (state <> 'COMPLETED') AS failures
            FROM attempts GROUP BY cell
        )
        SELECT {values} FROM results JOIN ended USING (cell)
            LEFT JOIN {parts}.asked AS asked USING (cell)
        UNION ALL SELECT {", ".join(column.name for column in CELLS)} FROM {parts}.pending
            WHERE cell NOT IN (SELECT cell FROM ended)
    """


def packs_view(parts: str) -> str:
    """The SQL of the view `packs`, over `attempts` and `manifests`."""
    made = {
        "finished": "count(DISTINCT a.cell)",
        "completed": "count(DISTINCT a.cell) FILTER (a.state = 'COMPLETED')",
        "failed": (
            "count(DISTINCT a.cell) - count(DISTINCT a.cell) FILTER (a.state = 'COMPLETED')"
        ),
        "seconds": "sum(a.seconds)",
        "device_seconds": "sum(a.device_seconds)",
        "started_at": "min(a.started_at)",
        "finished_at": "max(a.finished_at)",
        "hosts": "coalesce(list(DISTINCT a.host ORDER BY a.host) FILTER (a.host IS NOT NULL), [])",
    }
    values = ", ".join(f"{made.get(c.name, f'm.{c.name}')} AS {c.name}" for c in PACKS)
    grouped = ", ".join(f"m.{column.name}" for column in MANIFESTS)
    return f"""
        CREATE VIEW packs AS
        SELECT {values} FROM {parts}.manifests AS m LEFT JOIN attempts AS a
            ON a.pack = m.pack AND a.grid = m.grid
            AND a.started_at >= m.submitted_at AND (m.until IS NULL OR a.started_at < m.until)
        GROUP BY {grouped}
    """


def _given_options(component: str) -> str:
    """SQL for the options in the canonical form: a name, or a mapping with name and options."""
    path = f"results.canonical, '$.{component}'"
    return (
        f"CASE json_type({path}) WHEN 'OBJECT' THEN "
        f"CAST(json_merge_patch(json_extract({path}), '{{\"name\": null}}') AS VARCHAR) "
        "ELSE '{}' END"
    )
