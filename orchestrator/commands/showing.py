"""What plan, run and retry write: a plan, what a run came to, what was handed to a scheduler."""

from typing import TYPE_CHECKING, Any

from orchestrator.commands.arguments import command, duration, megabytes, tell, write
from orchestrator.commands.forecasting import forecast_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from grids.cell import Cell
    from orchestrator.planning.forecast import Forecast
    from orchestrator.planning.packing import Pack
    from orchestrator.planning.request import Planned
    from orchestrator.running.detached import HandedOver
    from orchestrator.running.launching import Result
    from orchestrator.seeds.deciding import Decision

_SIGNS = {
    "new": "+", "done": "=", "failed": "!", "other code": "~", "again": "^", "running": ">",
    "blocked": "x",
}  # fmt: skip
_SHOWN_LABELS = 5
_SHOWN_QUESTIONS = 12


def say_what_is_left_alone(planned: "Planned") -> None:
    """Write which cells a run does not touch though they are not of this code, or not done."""
    from orchestrator.planning.plan import Standing

    counts = planned.plan.counts()
    if counts[Standing.OTHER_CODE] and not planned.request.rerun_stale:
        tell(f"{counts[Standing.OTHER_CODE]} cells keep answers of other code (--stale rerun)")
    if counts[Standing.RUNNING]:
        tell(f"{counts[Standing.RUNNING]} cells are being trained by another run: left to it")


def say_missing_data(planned: "Planned") -> None:
    """Write what a run would be refused for: data that is not there."""
    from orchestrator.planning.data import check_data
    from orchestrator.planning.request import RequestError

    try:
        check_data(planned)
    except RequestError as error:
        tell(f"a run would be refused: {error}")


def show_handed_over(handed: "HandedOver", *, backend: str, store: "Path") -> None:
    """Write what was queued, and how to follow it."""
    grid = handed.submission.grid
    if not handed.jobs and not handed.left:
        write(f"{grid}: nothing to submit")
        return
    listed = list(handed.jobs.values())
    more = f" and {len(listed) - _SHOWN_LABELS} more" if len(listed) > _SHOWN_LABELS else ""
    numbers = ", ".join(listed[:_SHOWN_LABELS]) + more
    write(
        f"{grid}, run {handed.submission.number}: {handed.cells} cells in {handed.packs} packs "
        f"handed to {backend} as {'job' if len(handed.jobs) == 1 else 'jobs'} {numbers}"
    )
    if handed.left:
        tell(f"{handed.refusal}\n{handed.left} cells are left: the next run submits them")
    write(f"  follow them:  {command('status', grid, '--watch', store=store)}")


def show_plan(planned: "Planned", expected: "Forecast | None") -> None:
    """Write a plan for a person, with what it is expected to take."""
    counts = planned.plan.counts()
    told = [f"{_SIGNS[word]}{counts[word]} {word}" for word in counts if counts[word]]
    removed = planned.removed
    told += [f"-{len(removed.cells)} removed"] if removed.cells else []
    others = sum(entry.produced_for for entry in planned.plan.cells)
    needed = f" and {others} that they need" if others else ""
    write(f"{planned.grid.name}: {len(planned.grid.cells)} cells{needed} ({planned.source})")
    write(f"  {'  '.join(told)}")
    if removed.in_flight:
        write(f"  {len(removed.in_flight)} of the removed cells wait or run: run --prune ends them")
    for line in _seed_lines(planned.seeds):
        write(f"  {line}")
    waves = [(cells, planned.packs(cells)) for cells in planned.plan.waves()]
    for number, (cells, packs) in enumerate(waves, start=1):
        write(f"  {_wave_line(planned, number, cells, packs)}")
    if not waves:
        write("  nothing to train")
    for line in forecast_lines(expected, pilot=any(_pilot_cells(packs) for _, packs in waves)):
        write(f"  {line}")
    for line in (*_artifact_lines(planned), *_probe_lines(planned)):
        write(f"  {line}")
    for line in _reasons(planned):
        write(f"  {line}")
    if counts["failed"] and not planned.request.retry:  # type: ignore[index]
        again = command("retry", planned.request.grid, store=planned.request.store)
        write(f"  failed cells are trained again by: {again}")


def _seed_lines(seeds: "Decision | None") -> list[str]:
    """What a rule for seeds came to, and how its questions stand, unless they are many."""
    from orchestrator.seeds.telling import lines_on

    return [] if seeds is None else lines_on(seeds, _SHOWN_QUESTIONS)


def _reasons(planned: "Planned") -> list[str]:
    """Why cells are blocked or trained again; many that share a reason are told of as one."""
    labels: dict[tuple[str, str], list[str]] = {}
    for entry in planned.plan.cells:
        if entry.reason:
            shared = labels.setdefault((_SIGNS[entry.standing], entry.reason), [])
            shared.append(entry.cell.label())
    lines = []
    for (sign, reason), named in labels.items():
        if len(named) > _SHOWN_LABELS:
            named = [f"{named[0]} and {len(named) - 1} more"]
        lines += [f"{sign} {name}: {reason}" for name in named]
    return lines


def _artifact_lines(planned: "Planned") -> list[str]:
    sizes = planned.artifact_sizes()
    lines = []
    if sizes.here:
        lines.append(f"artifacts: {_counted(sizes.here)} here, {megabytes(sizes.here_bytes)}")
    if sizes.missing:
        then = ", removed once consumed" if planned.grid.artifacts.consumed == "remove" else ""
        expected = "size unknown" if sizes.missing_bytes is None else megabytes(sizes.missing_bytes)
        lines.append(f"artifacts: {_counted(sizes.missing)} to be left, {expected}{then}")
    return lines


def _probe_lines(planned: "Planned") -> list[str]:
    asked, due = planned.plan.probes()
    left = f"; to be measured: {_counted(due)}" if due else ""
    return [f"probes: {_counted(asked)} asked for{left}"] if asked else []


def _counted(names: "Mapping[str, int]") -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(names.items()))


def plain_plan(planned: "Planned", expected: "Forecast | None") -> dict[str, Any]:
    """A plan as plain data, for scripts, with what it is expected to take."""
    return {
        "grid": planned.grid.name,
        "source": str(planned.source),
        "cells": len(planned.grid.cells),
        "counts": {str(word): count for word, count in planned.plan.counts().items()},
        "slots": planned.slots,
        "seeds": planned.seeds.plain() if planned.seeds is not None else None,
        "removed": list(planned.removed.cells),
        "removed_in_flight": list(planned.removed.in_flight),
        "artifacts": _plain_artifacts(planned),
        "probes": dict(zip(("asked", "to_measure"), planned.plan.probes(), strict=True)),
        "forecast": None if expected is None else expected.plain(),
        "waves": [_plain_wave(planned, cells) for cells in planned.plan.waves()],
    }


def _plain_artifacts(planned: "Planned") -> dict[str, Any]:
    sizes = planned.artifact_sizes()
    return {
        "here": dict(sizes.here),
        "here_bytes": sizes.here_bytes,
        "missing": dict(sizes.missing),
        "missing_bytes": sizes.missing_bytes,
    }


def _plain_wave(planned: "Planned", cells: "Sequence[Cell]") -> dict[str, Any]:
    packs = planned.packs(cells)
    return {
        "cells": [cell.id for cell in cells],
        "packs": len(packs),
        "pilot": _pilot_cells(packs),
        "seconds": _wall_seconds(packs, planned.slots),
    }


def _wave_line(
    planned: "Planned", number: int, cells: "Sequence[Cell]", packs: "Sequence[Pack]"
) -> str:
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


def show_result(result: "Result", store: "Path") -> None:
    """Write what a run came to, for a person who named the store so."""
    grid, total = result.submission.grid, len(result.submission.cells)
    write(
        f"{grid}: {result.completed} of {total} cells have results; "
        f"{result.trained} trained in {duration(result.seconds)}"
    )
    cells = [*result.submission.cells, *result.submission.producers]
    labels = {cell.id: cell.label() for cell in cells}
    for line in _seed_lines(result.seeds):
        write(f"  {line}")
    for failure in result.failures:
        tell(f"\n{len(failure.cells)} {failure.state}: {failure.text}")
        _tell_cells(failure.cells, labels)
        tell(f"  read why:  {command('logs', failure.cells[0], store=store)}")
    _tell_what_helps(result, store)
    for lost in result.lost:
        tell(f"\n{len(lost.cells)} LOST with pack {lost.pack}: {lost.error or 'its worker died'}")
        _tell_cells(lost.cells, labels)
        for line in lost.log:
            tell(f"  | {line}")
    if result.lost:
        tell("the same command again trains them")
    for reason in result.blocked:
        tell(f"BLOCKED {reason}")
    if result.halted:
        tell(f"\nHALTED, the rest was not begun: {result.halted}")
    if result.stopped:
        tell("stopped; finished cells are kept, and the next run goes on where this one was")


def _tell_what_helps(result: "Result", store: "Path") -> None:
    """Write what may be done about cells that failed; not every failure is worth a retry."""
    from orchestrator.watching.states import RETRIED, State

    states = {str(failure.state) for failure in result.failures}
    if states & set(RETRIED):
        tell(f"  try again: {command('retry', result.submission.source, store=store)}")
    if State.INVALID in states:
        tell("  INVALID would be so again: change the recipe or the method of these cells")


def _tell_cells(cells: tuple[str, ...], labels: dict[str, str]) -> None:
    for cell in cells[:_SHOWN_LABELS]:
        tell(f"  {cell} {labels.get(cell, '')}")
    if len(cells) > _SHOWN_LABELS:
        tell(f"  and {len(cells) - _SHOWN_LABELS} more")
