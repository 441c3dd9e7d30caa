"""Submissions: what was asked for, each time a grid was run, kept beside its results.

A submission keeps the grid file as given and its resolved cells, so that `status`, `table` and the
others answer for exactly these cells without reading the grid or loading the catalogue again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grids.artifacts import ArtifactWishes, check_name
from grids.cell import Cell
from grids.problems import GridError, nearest
from grids.seed_rules import SeedRule
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_all
from orchestrator.submissions.cell_lists import from_plain, ids_of, to_plain
from orchestrator.submissions.cell_probes import NO_PROBES, CellProbes
from orchestrator.submissions.manifest import Manifest

SUBMISSION_VERSION = 3
"""Version of the format of `submission.json`."""

SUBMISSION_FILE = "submission.json"
"""Name of the file that holds a submission, in its folder; it appears last."""

GRID_FILE = "grid.yaml"
"""Name of the grid file as given, beside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """One run of a grid.

    Attributes:
        grid: Name of the grid.
        number: 1, 2, ... for each grid name.
        source: Absolute path of the grid file.
        text: The grid file as given.
        overrides: The `--set` arguments.
        backend: Name of the backend that carried it.
        slots: Workers at a time.
        data_root: Folder of the datasets that are read from files, or None.
        code: Hash of the code.
        submitted_at: When, from `records.timestamp`.
        cells: The cells of the grid, in grid order.
        producers: Cells that are not of the grid but that some of its cells need.
        address: Address of the Ray cluster that carried it, or None.
        gpus: GPUs of each pack, or a fraction of one; 0 for none.
        profile: Name of the profile that says how to ask a scheduler for resources, or None.
        needs: Cell id to the ids of its producers, where there are any.
        inputs: Cell id to the artifacts it needs, by the names of its inputs
            (`grids.artifacts.input_name`), with the ids of the cells that leave them.
        artifacts: What the grid wants of artifacts.
        losses: Cell id to how many workers in a row it had lost before, where there are any.
        again: Id of each cell that has results and is trained again to the number of attempts at it
            that had ended before.
        probes: What is asked to be measured of each cell.
        metrics: The metrics of these probes: name, unit, better end and meaning of each.
        forecast: What it was expected to take when it was submitted, as plain data (see
            `orchestrator.planning.forecast`); empty where nothing was to be trained or said.
        seed_rule: The rule by which its cells have these seeds and further ones may follow, or
            None.
        max_device_hours: What it may use of GPUs, or without any of workers; None for no bound.
    """

    grid: str
    number: int
    source: str
    text: str
    overrides: tuple[str, ...]
    backend: str
    slots: int
    data_root: str | None
    code: str
    submitted_at: str
    cells: Sequence[Cell]
    producers: Sequence[Cell] = ()
    address: str | None = None
    gpus: float = 0.0
    profile: str | None = None
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    artifacts: ArtifactWishes = field(default_factory=ArtifactWishes)
    losses: Mapping[str, int] = field(default_factory=dict)
    again: Mapping[str, int] = field(default_factory=dict)
    probes: CellProbes = NO_PROBES
    metrics: Sequence[Mapping[str, str]] = ()
    forecast: Mapping[str, Any] = field(default_factory=dict)
    seed_rule: SeedRule | None = None
    max_device_hours: float | None = None

    def awaits(self, cell: str, index: Mapping[str, CellState]) -> bool:
        """Whether a cell of the submission has still to come to its results, or to new ones.

        Args:
            cell: The id of the cell.
            index: What the store holds now, by cell id.
        """
        if cell not in index or not index[cell].completed:
            return True
        return index[cell].attempts <= self.again.get(cell, 0)

    def asks_the_same(self, other: "Submission") -> bool:
        """Whether the other submission is of the same file, the same cells and probes."""
        return (
            self.source == other.source
            and self.text == other.text
            and list(ids_of(self.cells)) == list(ids_of(other.cells))
            and self.probes == other.probes
            and self.seed_rule == other.seed_rule
        )


def publish_submission(store: Store, submission: Submission) -> None:
    """Put a submission into the store; its file appears last.

    Raises:
        StoreError: When it cannot be written, or a submission with that number exists: another run
            began just now.
    """
    folder = store.submission(submission.grid, submission.number)
    content = {
        "schema": SUBMISSION_VERSION,
        **{name: getattr(submission, name) for name in _PLAIN},
        "again": dict(submission.again),
        "cells": to_plain(submission.cells),
        "producers": to_plain(submission.producers),
        "artifacts": asdict(submission.artifacts),
        "probes": submission.probes.plain(),
        "metrics": [dict(metric) for metric in submission.metrics],
        "forecast": dict(submission.forecast),
        "seed_rule": submission.seed_rule.plain() if submission.seed_rule is not None else None,
        "max_device_hours": submission.max_device_hours,
        "text_sha256": hashlib.sha256(submission.text.encode()).hexdigest(),
    }
    data = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    try:
        ours = publish_all(
            [(folder / GRID_FILE, submission.text.encode()), (folder / SUBMISSION_FILE, data)]
        )
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {error.strerror}") from error
    if not all(ours):
        raise StoreError(f"{folder} exists: another run of {submission.grid} began just now")


_PLAIN = (
    "grid", "number", "source", "overrides", "backend", "slots", "data_root", "code",
    "submitted_at", "address", "gpus", "profile", "needs", "inputs",
    "losses",
)  # fmt: skip


def read_submission(store: Store, grid: str, number: int) -> Submission:
    """One submission of a grid; StoreError when it is missing or damaged."""
    folder = store.submission(grid, number)
    try:
        content: dict[str, Any] = json.loads((folder / SUBMISSION_FILE).read_bytes())
        if content["schema"] != SUBMISSION_VERSION:
            raise StoreError(f"{folder} has format version {content['schema']!r}")
        plain = {name: content[name] for name in _PLAIN}
        if (plain["grid"], plain["number"]) != (grid, number):
            raise StoreError(f"{folder} holds run {plain['number']!r} of grid {plain['grid']!r}")
        plain["overrides"] = tuple(plain["overrides"])
        plain["needs"] = {cell: tuple(ids) for cell, ids in plain["needs"].items()}
        return Submission(
            **plain,
            text=(folder / GRID_FILE).read_text(encoding="utf-8"),
            cells=from_plain(content["cells"]),
            producers=from_plain(content["producers"]),
            artifacts=ArtifactWishes(
                leave=tuple(map(check_name, content["artifacts"]["leave"])),
                consumed=content["artifacts"]["consumed"],
            ),
            again=content.get("again", {}),
            probes=CellProbes.from_plain(content.get("probes", {})),
            metrics=tuple(content.get("metrics", ())),
            forecast=content.get("forecast", {}),
            seed_rule=_seed_rule(content.get("seed_rule")),
            max_device_hours=content.get("max_device_hours"),
        )
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {error.strerror}") from error
    except (KeyError, TypeError, json.JSONDecodeError, GridError) as error:
        raise StoreError(f"{folder / SUBMISSION_FILE} is damaged ({error})") from error


def _seed_rule(plain: Mapping[str, Any] | None) -> SeedRule | None:
    return SeedRule.from_plain(plain) if plain is not None else None


def last_submission(store: Store, grid: str) -> Submission | None:
    """The newest submission of a grid; None when it was never run."""
    numbers = _numbers(store, grid)
    return read_submission(store, grid, numbers[-1]) if numbers else None


def submissions_of(store: Store, grid: str) -> Iterator[Submission]:
    """Every submission of a grid, the newest last; StoreError when one is damaged."""
    return (read_submission(store, grid, number) for number in _numbers(store, grid))


def find_submission(store: Store, name_or_path: str | None) -> Submission:
    """The newest submission of a grid named by its name or its file; by default the last one run.

    Raises:
        StoreError: When there is none; the message lists the grids that were run.
    """
    grids = submitted_grids(store)
    if not grids:
        raise StoreError(f"no grid was run in the store {store.root} yet")
    if name_or_path is None:
        name = max(grids, key=lambda grid: _moment(store, grid))
    else:
        name = name_or_path if name_or_path in grids else _name_in(Path(name_or_path))
    found = last_submission(store, name) if name in grids else None
    if found is None:
        close = nearest(name, grids)
        listed = ", ".join(grids)
        raise StoreError(
            f"grid '{name_or_path}' was never run in {store.root}; run so far: {listed}"
            + (f"; {close}" if close else "")
        )
    return found


def submitted_grids(store: Store) -> list[str]:
    """The names of the grids that were run, sorted."""
    if not store.grids.is_dir():
        return []
    names = sorted(path.name for path in store.grids.iterdir() if path.is_dir())
    return [name for name in names if _numbers(store, name)]


def next_number(store: Store, grid: str) -> int:
    """The number of the next submission of a grid."""
    return max(store.submission_numbers(grid), default=0) + 1


def check_same_source(store: Store, grid: str, source: Path, text: str) -> None:
    """Refuse a second grid of the same name from another file.

    A file that was moved, or copied without a change, is the same grid.

    Raises:
        StoreError: When the name belongs to another file; the message names both and the way out.
    """
    last = last_submission(store, grid)
    if last is None or last.source == str(source):
        return
    if not Path(last.source).exists() or last.text == text:
        return
    raise StoreError(
        f"two grids are named '{grid}': this one is {source}, and the store {store.root} has "
        f"results of {last.source}. Write another `name:` into one of them, or give this one a "
        "store of its own with --store."
    )


def manifest_paths(store: Store, grid: str, number: int) -> list[Path]:
    """The files of a submission's manifests, by pack id; a file's stem is the id of its pack."""
    folder = store.pack_path(grid, number, "any").parent
    return sorted(folder.glob("[!.]*.json")) if folder.is_dir() else []


def manifests_of(store: Store, grid: str, number: int) -> list[Manifest]:
    """The manifests of a submission's packs, by pack id."""
    return [Manifest.read(path) for path in manifest_paths(store, grid, number)]


def _numbers(store: Store, grid: str) -> list[int]:
    """The numbers of whole submissions, ascending."""
    return [
        number
        for number in store.submission_numbers(grid)
        if (store.submission(grid, number) / SUBMISSION_FILE).exists()
    ]


def _moment(store: Store, grid: str) -> tuple[float, str]:
    """When a grid was last submitted; the file's own time, because reading it all takes longer."""
    newest = store.submission(grid, _numbers(store, grid)[-1]) / SUBMISSION_FILE
    return newest.stat().st_mtime, grid


def _name_in(path: Path) -> str:
    """The name of the grid in a file: its `name:`, else the file's own name."""
    if not path.is_file():
        return path.stem if path.suffix else str(path)
    from grids.problems import Collector
    from grids.reading import read_file, read_yaml

    document = read_yaml(read_file(path), str(path), Collector()).plain()
    named = document.get("name") if isinstance(document, dict) else None
    return named if isinstance(named, str) else path.stem
