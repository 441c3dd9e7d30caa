"""Stores for tests of the report: made by the store's own functions, without training anything."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grids.cell import Cell, Component
from orchestrator.report.material import ReportRequest, gather
from orchestrator.report.rendering import render
from orchestrator.slurm.cluster import Slurm
from orchestrator.store.layout import Store
from orchestrator.store.records import Record, publish_batch, timestamp
from orchestrator.submissions.submission import (
    Submission,
    find_submission,
    publish_submission,
)
from tests.support.records import NOON, PROVENANCE

METHODS = (Component(name="dense"), Component(name="static"), Component(name="rigl"))
TEXT = "name: digits\ndescription: Which method keeps its accuracy?\nbase: {dataset: digits}\n"
EVIL = "</script><script>window.hacked = 1</script>"
EVIL_ERROR = "<img src=x onerror=window.hacked=2> ${7*7} \"double\" 'single' &amp; {{ 7*7 }}"
EVIL_TEXT = (
    "name: digits\n"
    f"description: 'Is <b>it</b> shown? {EVIL}'\n"
    "base: {dataset: digits, recipe: {epochs: 2}}\n"
)
FAILURE = {
    "type": "RuntimeError",
    "message": "loss is nan",
    "traceback": 'Traceback:\n  File "run.py", line 12, in step\nRuntimeError: loss is nan',
    "signature": "f00d",
    "phase": "training",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a cell: its state ("PENDING" leaves no record), and what made it."""

    state: str = "COMPLETED"
    error: dict[str, str] = field(default_factory=lambda: dict(FAILURE))
    made_by: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def done(cell: Cell) -> Outcome:
    """Every cell completed."""
    return Outcome()


def troubled(cell: Cell) -> Outcome:
    """static at 0.05 fails, gmp at seed 2 fails with hostile words, rigl at seed 2 waits."""
    if cell.method.name == "static" and cell.density == "0.05":
        return Outcome(state="FAILED")
    if cell.method.name == "gmp" and cell.seed == 2:
        evil = {**FAILURE, "message": EVIL_ERROR, "traceback": f"</pre>{EVIL}", "signature": "e"}
        return Outcome(state="OUT_OF_MEMORY", error=evil)
    if cell.method.name == "rigl" and cell.seed == 2:
        return Outcome(state="PENDING")
    return Outcome()


def cells_of(
    methods: Sequence[Component] = METHODS,
    densities: Sequence[str] = ("0.05", "0.1"),
    seeds: int = 3,
) -> tuple[Cell, ...]:
    """Methods by densities by seeds; dense once per seed."""
    return tuple(
        Cell(
            method=method,
            density=density,
            dataset=Component(name="digits"),
            model=Component(name="mlp"),
            recipe=(("epochs", 2),),
            seed=seed,
        )
        for method in methods
        for density in (("1",) if method.name == "dense" else densities)
        for seed in range(seeds)
    )


def report_store(
    folder: Path,
    cells: Sequence[Cell],
    outcome: Callable[[Cell], Outcome] = done,
    *,
    grid: str = "digits",
    text: str = TEXT,
    overrides: tuple[str, ...] = (),
) -> Store:
    """A store with one submission of these cells and what came of them."""
    store = Store.create(folder)
    submission = Submission(
        grid=grid, number=1, source=f"/somewhere/{grid}.yaml", text=text, overrides=overrides,
        backend="inline", slots=1, data_root=None, code="c0de", submitted_at=timestamp(NOON),
        cells=cells,
    )  # fmt: skip
    publish_submission(store, submission)
    found = [(place, cell, outcome(cell)) for place, cell in enumerate(cells)]
    ended = [(_record(*one), None) for one in found if one[2].state != "PENDING"]
    if ended:
        publish_batch(store, ended)
    return store


def page_of(store: Store, asked: ReportRequest | None = None) -> str:
    """The report of the last grid of a store, as of noon."""
    submission = find_submission(store, None)
    return render([gather(store, submission, Slurm(), asked or ReportRequest(), at=NOON)])


def accuracy(cell: Cell) -> float:
    """A plausible test accuracy: worse with fewer weights, and different for each seed."""
    method = 0.002 * len(cell.method.name) * (1 + cell.seed % 2)
    return 0.97 - 0.01 * (1 - float(cell.density)) - 0.001 * cell.seed - method


def _record(place: int, cell: Cell, outcome: Outcome) -> Record:
    completed = outcome.state == "COMPLETED"
    metrics = {"test_accuracy": accuracy(cell), "test_loss": 0.1, "density": float(cell.density)}
    recipe = {f"recipe.{name}": value for name, value in cell.settings().items()}
    options = {f"method.{name}": value for name, value in cell.method.options}
    return Record(
        cell=cell.id,
        attempt=f"20261120T120000.{place:06d}Z-00000000",
        state=outcome.state,
        canonical=cell.canonical(),
        fields={
            "method": cell.method.name, **options, "density": cell.density, "allocation": "erk",
            "scenario": "clean", "dataset": "digits", "data_ratio": "1", "model": "mlp", **recipe,
            "seed": cell.seed,
        },
        started_at=timestamp(NOON + place),
        finished_at=timestamp(NOON + place + 1),
        metrics={**metrics, **outcome.metrics} if completed else {},
        error=None if completed else outcome.error,
        provenance={**PROVENANCE, "grid": "digits", **outcome.made_by},
    )  # fmt: skip
