"""plan, run, retry: what there is to do, and doing it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    DataRoot,
    GridFile,
    Json,
    Overrides,
    Slots,
    StoreFolder,
    duration,
    tell,
    write,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grids.cell import Cell
    from orchestrator.backends.base import Backend
    from orchestrator.launching import Result
    from orchestrator.packing import Pack
    from orchestrator.planning import Planned, Request

_SIGNS = {
    "new": "+", "done": "=", "failed": "!", "other code": "~", "running": ">", "blocked": "x",
}  # fmt: skip
_SHOWN_LABELS = 5

Stale = Annotated[
    str,
    typer.Option("--stale", metavar="keep|rerun", help="What to do with answers of other code."),
]
BackendName = Annotated[
    str | None,
    typer.Option("--backend", help="ray or inline; by default the grid's last one, else ray."),
]
Address = Annotated[
    str | None,
    typer.Option("--address", help="A running Ray cluster: host:port, or auto."),
]


def plan(
    grid: GridFile,
    overrides: Overrides = [],  # noqa: B006 - typer reads the default, nobody changes it
    store: StoreFolder = DEFAULT_STORE,
    slots: Slots = None,
    data_root: DataRoot = None,
    stale: Stale = "keep",
    as_json: Json = False,
) -> None:
    """Show what a run would train. Reads only."""
    from orchestrator.planning import plan_request

    planned = plan_request(_request(grid, overrides, store, slots, data_root, stale))
    if as_json:
        write_json(_plain_plan(planned))
    else:
        _show_plan(planned)


def run(
    grid: GridFile,
    backend: BackendName = None,
    address: Address = None,
    overrides: Overrides = [],  # noqa: B006
    store: StoreFolder = DEFAULT_STORE,
    slots: Slots = None,
    data_root: DataRoot = None,
    stale: Stale = "keep",
) -> None:
    """Train what is missing; what is done, or failed before, is left as it is."""
    _launch(_request(grid, overrides, store, slots, data_root, stale), backend, address)


def retry(
    grid: GridFile,
    states: Annotated[
        list[str],
        typer.Option("--class", metavar="STATE", help="States to train again. Repeatable."),
    ] = ["FAILED", "OUT_OF_MEMORY"],  # noqa: B006
    backend: BackendName = None,
    address: Address = None,
    overrides: Overrides = [],  # noqa: B006
    store: StoreFolder = DEFAULT_STORE,
    slots: Slots = None,
    data_root: DataRoot = None,
) -> None:
    """Train the failed cells of a grid again, and what is missing."""
    from grids.problems import unknown
    from orchestrator.states import FAILURES

    for state in states:
        if state not in FAILURES:
            raise unknown("class of failures (--class)", state, FAILURES)
    request = _request(grid, overrides, store, slots, data_root, "keep", retry=tuple(states))
    _launch(request, backend, address)


def _request(
    grid: str,
    overrides: list[str],
    store: Path,
    slots: int | None,
    data_root: Path | None,
    stale: str,
    retry: tuple[str, ...] = (),
) -> "Request":
    from grids.problems import unknown
    from orchestrator.planning import Request

    if stale not in ("keep", "rerun"):
        raise unknown("value of --stale", stale, ("keep", "rerun"))
    return Request(
        grid=grid,
        overrides=tuple(overrides),
        store=store,
        slots=slots,
        data_root=data_root,
        rerun_stale=stale == "rerun",
        retry=retry,
    )


def _launch(request: "Request", backend: str | None, address: str | None) -> None:
    from orchestrator.backends import get_backend
    from orchestrator.launching import launch
    from orchestrator.planning import plan_request
    from orchestrator.progress import make_display

    planned = plan_request(request)
    carrier = get_backend(_backend_name(planned, backend), address=address)
    planned = _with_slots_of(carrier, planned)
    _say_what_is_left_alone(planned)
    result = launch(
        planned,
        carrier,
        display=make_display,
        on_stop=lambda: tell("\nstopping: saving unfinished cells (Ctrl-C again to stop at once)"),
    )
    _show_result(result, total=len(planned.grid.cells))
    raise typer.Exit(result.exit_code)


def _with_slots_of(carrier: "Backend", planned: "Planned") -> "Planned":
    """The plan for as many workers as the backend has; more asked for is a mistake."""
    from orchestrator.backends.base import BackendError
    from orchestrator.planning import this_machine

    most = carrier.max_workers
    if most is None or planned.slots <= most:
        return planned
    if planned.request.slots is not None:
        raise BackendError(
            f"--slots is {planned.slots}; allowed with the {carrier.name} backend: {most}, "
            "because it runs one pack at a time"
        )
    return replace(planned, capacity=this_machine(most))


def _backend_name(planned: "Planned", asked: str | None) -> str:
    from orchestrator.backends.base import choose_name
    from orchestrator.planning import existing_store
    from orchestrator.submission import last_submission

    store = existing_store(planned.request.store)
    last = last_submission(store, planned.grid.name) if store is not None else None
    name = choose_name(asked, last.backend if last is not None else None)
    if asked is None and last is not None:
        tell(f"backend {name}, as in the last run of {planned.grid.name}")
    return name


def _say_what_is_left_alone(planned: "Planned") -> None:
    from orchestrator.plan import Standing

    counts = planned.plan.counts()
    if counts[Standing.OTHER_CODE] and not planned.request.rerun_stale:
        tell(f"{counts[Standing.OTHER_CODE]} cells keep answers of other code (--stale rerun)")
    if counts[Standing.RUNNING]:
        tell(f"{counts[Standing.RUNNING]} cells are being trained by another run: left to it")


def _show_plan(planned: "Planned") -> None:
    counts = planned.plan.counts()
    told = [f"{_SIGNS[word]}{counts[word]} {word}" for word in counts if counts[word]]
    write(f"{planned.grid.name}: {len(planned.grid.cells)} cells ({planned.source})")
    write(f"  {'  '.join(told)}")
    waves = planned.plan.waves()
    for number, cells in enumerate(waves, start=1):
        write(f"  {_wave_line(planned, number, cells)}")
    if not waves:
        write("  nothing to train")
    for entry in planned.plan.cells:
        if entry.reason:
            write(f"  x {entry.cell.label()}: {entry.reason}")
    if counts["failed"] and not planned.request.retry:  # type: ignore[index]
        write(f"  failed cells are trained again by: sparsesweep retry {planned.request.grid}")


def _plain_plan(planned: "Planned") -> dict[str, Any]:
    return {
        "grid": planned.grid.name,
        "source": str(planned.source),
        "cells": len(planned.grid.cells),
        "counts": {str(word): count for word, count in planned.plan.counts().items()},
        "slots": planned.slots,
        "waves": [_plain_wave(planned, cells) for cells in planned.plan.waves()],
    }


def _plain_wave(planned: "Planned", cells: "Sequence[Cell]") -> dict[str, Any]:
    packs = planned.packs(cells)
    return {
        "cells": [cell.id for cell in cells],
        "packs": len(packs),
        "pilot": _pilot_cells(packs),
        "seconds": _wall_seconds(packs, planned.slots),
    }


def _wave_line(planned: "Planned", number: int, cells: "Sequence[Cell]") -> str:
    packs = planned.packs(cells)
    pilot = _pilot_cells(packs)
    if pilot:
        later = len(cells) - sum(len(pack.cells) for pack in packs)
        return (
            f"wave {number}: {len(cells)} cells on {planned.slots} slots, unknown how long: first "
            f"a pilot of {pilot} cells, by whose seconds and memory {later} others are then packed"
        )
    return (
        f"wave {number}: {len(cells)} cells in {len(packs)} packs on {planned.slots} slots, "
        f"{duration(_wall_seconds(packs, planned.slots))}"
    )


def _pilot_cells(packs: "Sequence[Pack]") -> int:
    return sum(len(pack.cells) for pack in packs if pack.pilot)


def _wall_seconds(packs: "Sequence[Pack]", slots: int) -> float | None:
    """Expected duration of packs, the longest first, on the slots; None with a pilot among them."""
    free = [0.0] * slots
    for pack in packs:
        if pack.seconds is None:
            return None
        free.sort()
        free[0] += pack.seconds
    return max(free)


def _show_result(result: "Result", *, total: int) -> None:
    grid = result.submission.grid
    write(
        f"{grid}: {result.completed} of {total} cells have results; "
        f"{result.trained} trained in {duration(result.seconds)}"
    )
    labels = {cell.id: cell.label() for cell in result.submission.cells}
    for failure in result.failures:
        tell(f"\n{len(failure.cells)} {failure.state}: {failure.type}: {failure.message}")
        _tell_cells(failure.cells, labels)
        tell(f"  read why:  sparsesweep logs {failure.cells[0]}")
    if result.failures:
        tell(f"  try again: sparsesweep retry {result.submission.source}")
    for lost in result.lost:
        tell(f"\n{len(lost.cells)} LOST with pack {lost.pack}: {lost.error or 'its worker died'}")
        _tell_cells(lost.cells, labels)
        for line in lost.log:
            tell(f"  | {line}")
    if result.lost:
        tell("the same command again trains them")
    for reason in result.blocked:
        tell(f"BLOCKED {reason}")
    if result.stopped:
        tell("stopped; finished cells are kept, and the next run goes on where this one was")


def _tell_cells(cells: tuple[str, ...], labels: dict[str, str]) -> None:
    for cell in cells[:_SHOWN_LABELS]:
        tell(f"  {cell} {labels.get(cell, '')}")
    if len(cells) > _SHOWN_LABELS:
        tell(f"  and {len(cells) - _SHOWN_LABELS} more")
