"""What the submissions of a store say of cells and packs, as tables for queries."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from grids.cell import COMPONENTS, Cell
from orchestrator.answers.views import ASKED, CELLS, MANIFESTS
from orchestrator.store.layout import Store
from orchestrator.store.records import canonical_json
from orchestrator.store.schema import schema_of
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.jobs import current_places, read_batches
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import (
    Submission,
    manifests_of,
    submissions_of,
    submitted_grids,
)
from orchestrator.watching.states import State

if TYPE_CHECKING:
    import pyarrow as pa

_FROM_RECIPE = ("epochs", "batch", "optimizer", "lr", "precision")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The submissions of a store, every one of every grid.

    Attributes:
        submissions: By grid, the newest of each grid last.
    """

    submissions: tuple[Submission, ...]

    def table(self) -> "pa.Table":
        """One row per cell: which grids ask for it now, and which need it for another cell."""
        import pyarrow as pa

        last = {one.grid: one for one in self.submissions}.values()
        grids = _by_cell((one.grid, ids_of(one.cells)) for one in last)
        needed = _by_cell((one.grid, ids_of(one.producers)) for one in last)
        cells = dict.fromkeys(
            cell
            for one in self.submissions
            for listed in (one.cells, one.producers)
            for cell in ids_of(listed)
        )
        columns = {
            "cell": list(cells),
            "grids": [grids.get(cell, []) for cell in cells],
            "needed_by": [needed.get(cell, []) for cell in cells],
        }
        return pa.table(columns, schema=schema_of(ASKED))

    def pending(self, wanted: Collection[str], asked: "pa.Table") -> "pa.Table":
        """Rows of the view `cells` for those of the wanted cells, which have no record."""
        import pyarrow as pa

        found: dict[str, Cell] = {}
        for listed in (cells for one in self.submissions for cells in (one.cells, one.producers)):
            for place, cell in enumerate(ids_of(listed)):
                if cell in wanted and cell not in found:
                    found[cell] = listed[place]
        said = {row["cell"]: row for row in asked.to_pylist() if row["cell"] in found}
        rows = [{**said[cell.id], **_row(cell)} for cell in found.values()]
        return pa.Table.from_pylist(rows, schema=schema_of(CELLS))


NOTHING_ASKED = Asked(submissions=())
"""What a store without a submission asks."""


def read_asked(store: Store) -> Asked:
    """Read the submissions; StoreError when one is damaged."""
    grids = submitted_grids(store)
    return Asked(submissions=tuple(one for grid in grids for one in submissions_of(store, grid)))


def manifest_table(store: Store) -> "pa.Table":
    """What the submissions say of their packs: one row per pack of each.

    Raises:
        StoreError: When a submission or a manifest is damaged.
    """
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    for one in read_asked(store).submissions:
        earlier = {(row["grid"], row["pack"]): row for row in rows}
        for row in _manifest_rows(store, one):
            before = earlier.get((row["grid"], row["pack"]))
            if before is not None:
                before["until"] = row["submitted_at"]
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=schema_of(MANIFESTS))


def _by_cell(listed: Iterable[tuple[str, Iterable[str]]]) -> dict[str, list[str]]:
    """Cell id to the grids that list it."""
    found: dict[str, list[str]] = {}
    for grid, cells in listed:
        for cell in cells:
            found.setdefault(cell, []).append(grid)
    return found


def _row(cell: Cell) -> dict[str, Any]:
    """What the view `cells` shows of a cell at which no attempt has ended."""
    settings = cell.settings()
    row: dict[str, Any] = {name: settings[name] for name in _FROM_RECIPE}
    for name in COMPONENTS:
        component = getattr(cell, name)
        row[name] = component.name
        row[f"{name}_options"] = canonical_json(dict(component.options))
    return row | {
        "cell": cell.id,
        "state": State.PENDING.value,
        "density": float(cell.density),
        "density_text": cell.density,
        "data_ratio": float(cell.data_ratio),
        "data_ratio_text": cell.data_ratio,
        "recipe": canonical_json(settings),
        "seed": cell.seed,
        "attempts": 0,
        "failures": 0,
        "canonical": cell.canonical_json(),
    }


def _manifest_rows(store: Store, submission: Submission) -> Iterator[dict[str, Any]]:
    grid, number = submission.grid, submission.number
    places = current_places(read_batches(store, grid, number))
    moment = datetime.fromisoformat(submission.submitted_at)
    for manifest in manifests_of(store, grid, number):
        job, element = places.get(manifest.pack, (None, None))
        yield {
            **_said(manifest),
            "submitted_at": moment,
            "job": job,
            "element": element,
        }


def _said(manifest: Manifest) -> Mapping[str, Any]:
    same = ("pack", "grid", "number", "backend", "device", "slots", "threads", "engine", "code")
    return {
        **{name: getattr(manifest, name) for name in same},
        "cells": len(ids_of(manifest.cells)),
        "expected_seconds": manifest.seconds,
    }
