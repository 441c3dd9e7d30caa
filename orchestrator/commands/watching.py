"""status, logs, why, cancel: how far a grid is, what its workers said, and ending them."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    Json,
    StoreFolder,
    SubmittedGrid,
    command,
    duration,
    write,
    write_json,
)
from orchestrator.commands.forecasting import budget_line, outturn_line

if TYPE_CHECKING:
    from orchestrator.store.layout import Store
    from orchestrator.watching.status import GridStatus

_NOT_FINISHED = 75
_SHOWN_LABELS = 5
_SHOWN_PACKS = 10
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 120.0  # seconds between two looks: a controller is not hammered
_CELL = re.compile(r"[0-9a-f]{3,16}")


def status(
    grid: SubmittedGrid = None,
    store: StoreFolder = DEFAULT_STORE,
    as_json: Json = False,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="End with 0 all done, 1 failures, 75 not finished yet."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again and again, until nothing is left to do.")
    ] = False,
) -> None:
    """Show how many cells of a grid are in which state, and what runs or failed."""
    from orchestrator.store.layout import Store

    opened = Store.open(store)
    found, due = _look(opened, grid)
    if as_json:
        write_json({**found.plain(), "seeds_due": due})
    else:
        _show(found, due, store)
    wait = _FIRST_WAIT
    while watch and (found.unfinished or due):
        time.sleep(wait)
        before = found.counts, due
        found, due = _look(opened, grid)
        changed = (found.counts, due) != before
        wait = _FIRST_WAIT if changed else min(wait * 1.5, _LONGEST_WAIT)
        if changed:
            _show(found, due, store)
    if exit_code:
        raise typer.Exit(_NOT_FINISHED if found.unfinished or due else int(found.failed))


def cancel(
    names: Annotated[
        list[str],
        typer.Argument(metavar="GRID|CELL...", help="A grid that was run, or ids of cells."),
    ],
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """End what waits or runs of a grid, in all its submissions, or single cells."""
    from orchestrator.slurm.cluster import Slurm
    from orchestrator.store.layout import Store
    from orchestrator.submissions.submission import find_submission, submitted_grids
    from orchestrator.watching.cancelling import cancel_cells, cancel_grid, find_cells

    opened, scheduler = Store.open(store), Slurm()
    known = submitted_grids(opened)
    cells = [name for name in names if name not in known and _CELL.fullmatch(name)]
    if cells:
        done = cancel_cells(opened, find_cells(opened, cells, scheduler), scheduler)
        write(f"{len(done.cells)} cells cancelled, {len(done.jobs)} jobs ended")
    for name in (name for name in names if name not in cells):
        grid = find_submission(opened, name).grid
        done = cancel_grid(opened, grid, scheduler)
        write(
            f"{grid}: {done.submissions} submissions told to stop, {len(done.jobs)} jobs ended; "
            f"{len(done.cells)} cells were waiting or running"
        )


def why(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A cell's id or its first digits.")],
    store: StoreFolder = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Explain the state of a cell: its records, its jobs, its worker, the end of its log."""
    from orchestrator.slurm.cluster import Slurm
    from orchestrator.store.layout import Store
    from orchestrator.watching.evidence import explain_cell

    found = explain_cell(Store.open(store), cell, Slurm())
    if as_json:
        write_json(found.plain())
        return
    write(f"{found.cell} {found.label}: {found.state}")
    for line in found.lines:
        write(f"  {line}")
    for line in found.log:
        write(f"  | {line}")


def logs(
    name: Annotated[
        str,
        typer.Argument(metavar="CELL|GRID", help="A cell's id or its first digits, or a grid."),
    ],
    store: StoreFolder = DEFAULT_STORE,
    paths: Annotated[bool, typer.Option("--paths", help="Write the files' names only.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the log of the newest attempt at a cell, or of every pack of a grid's last run."""
    from orchestrator.store.layout import Store
    from orchestrator.watching.logs import find_logs, tail

    found = find_logs(Store.open(store), name)
    for path in found:
        if paths:
            write(str(path))
            continue
        write(f"==> {path} <==")
        write(path.read_text(encoding="utf-8", errors="replace").rstrip("\n"))
    if follow:
        for path, text in tail(found):
            write(f"{path.parent.name}: {text}" if len(found) > 1 else text)


def _look(store: "Store", grid: str | None) -> "tuple[GridStatus, int]":
    """How far a grid is; once it is done, also how many more cells its rule for seeds asks for."""
    from orchestrator.slurm.cluster import Slurm
    from orchestrator.submissions.submission import find_submission
    from orchestrator.watching.status import grid_status

    submission = find_submission(store, grid)
    found = grid_status(store, submission, Slurm())
    if found.unfinished or submission.seed_rule is None:
        return found, 0
    from orchestrator.seeds.telling import cells_due, decision_on

    return found, cells_due(decision_on(store, submission), submission)


def _show(found: "GridStatus", due: int, store: Path) -> None:
    counts = "  ".join(f"{count} {state}" for state, count in found.counts.items())
    write(f"{found.grid}, run {found.number}: {sum(found.counts.values())} cells")
    write(f"  {counts}")
    for evidence, packs in found.packs.items():
        write(f"  {packs} {'pack' if packs == 1 else 'packs'}: {evidence}")
    if found.outturn is not None and not found.unfinished:
        line = outturn_line(found.outturn)
        if line:
            write(f"  {line}")
    if found.budget_hours is not None:
        write(f"  {budget_line(found.budget_hours, found.used_hours)}")
    if found.halted:
        write(f"  HALTED, nothing more is begun: {found.halted}")
    if due:
        write(f"  {due} cells with further seeds are due: the last job submits them, or a run")
    for pack in found.running[:_SHOWN_PACKS]:
        share = f"step {pack.step}/{pack.total_steps} of {pack.label}" if pack.total_steps else ""
        write(
            f"  > pack {pack.pack} on {pack.host}: {pack.cells_done} of {pack.cells_total} cells "
            f"{share}, heard {duration(found.age(pack))} ago"
        )
    if len(found.running) > _SHOWN_PACKS:
        write(f"  > and {len(found.running) - _SHOWN_PACKS} packs more")
    for failure in found.failures:
        write(f"  ! {len(failure.cells)} {failure.state}: {failure.text}")
        _write_cells(failure.cells, found.labels)
        write(f"    read why: {command('logs', failure.cells[0], store=store)}")


def _write_cells(cells: tuple[str, ...], labels: Mapping[str, str]) -> None:
    for cell in cells[:_SHOWN_LABELS]:
        write(f"    {cell} {labels.get(cell, '')}")
    if len(cells) > _SHOWN_LABELS:
        write(f"    and {len(cells) - _SHOWN_LABELS} more")
