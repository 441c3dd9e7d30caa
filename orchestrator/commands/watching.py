"""status, logs: how far a grid is, and what its workers said. Both read the store only."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    Json,
    StoreFolder,
    SubmittedGrid,
    duration,
    write,
    write_json,
)

if TYPE_CHECKING:
    from orchestrator.status import GridStatus

_NOT_FINISHED = 75
_SHOWN_LABELS = 5


def status(
    grid: SubmittedGrid = None,
    store: StoreFolder = DEFAULT_STORE,
    as_json: Json = False,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="End with 0 all done, 1 failures, 75 not finished yet."),
    ] = False,
) -> None:
    """Show how many cells of a grid are in which state, and what runs or failed."""
    from orchestrator.status import grid_status
    from orchestrator.store.layout import Store
    from orchestrator.submission import find_submission

    opened = Store.open(store)
    found = grid_status(opened, find_submission(opened, grid))
    if as_json:
        write_json(found.plain())
    else:
        _show(found)
    if exit_code:
        raise typer.Exit(_NOT_FINISHED if found.unfinished else int(bool(found.failures)))


def logs(
    name: Annotated[
        str,
        typer.Argument(metavar="CELL|GRID", help="A cell's id or its first digits, or a grid."),
    ],
    store: StoreFolder = DEFAULT_STORE,
    paths: Annotated[bool, typer.Option("--paths", help="Write the files' names only.")] = False,
) -> None:
    """Show the log of the newest attempt at a cell, or of every pack of a grid's last run."""
    from orchestrator.logs import find_logs
    from orchestrator.store.layout import Store

    for path in find_logs(Store.open(store), name):
        if paths:
            write(str(path))
            continue
        write(f"==> {path} <==")
        write(path.read_text(encoding="utf-8", errors="replace").rstrip("\n"))


def _show(found: "GridStatus") -> None:
    counts = "  ".join(f"{count} {state}" for state, count in found.counts.items())
    write(f"{found.grid}, run {found.number}: {sum(found.counts.values())} cells")
    write(f"  {counts}")
    for pack in found.running:
        share = f"step {pack.step}/{pack.total_steps} of {pack.label}" if pack.total_steps else ""
        write(
            f"  > pack {pack.pack} on {pack.host}: {pack.cells_done} of {pack.cells_total} cells "
            f"{share}, heard {duration(found.age(pack))} ago"
        )
    for failure in found.failures:
        write(f"  ! {len(failure.cells)} {failure.state}: {failure.type}: {failure.message}")
        _write_cells(failure.cells, found.labels)
        write(f"    read why: sparsesweep logs {failure.cells[0]}")


def _write_cells(cells: tuple[str, ...], labels: dict[str, Any]) -> None:
    for cell in cells[:_SHOWN_LABELS]:
        write(f"    {cell} {labels.get(cell, '')}")
    if len(cells) > _SHOWN_LABELS:
        write(f"    and {len(cells) - _SHOWN_LABELS} more")
