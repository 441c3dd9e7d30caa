"""clean: what finished cells need no more, shown first, and freed where that is said."""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    Json,
    StoreFolder,
    SubmittedGrid,
    megabytes,
    tell,
    write,
    write_json,
)

if TYPE_CHECKING:
    from orchestrator.keeping.cleaning import Cleaning


_SHOWN = 8  # folders


def clean(
    grid: SubmittedGrid = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The whole store, not one grid; with abandoned files.")
    ] = False,
    artifacts: Annotated[
        bool, typer.Option("--artifacts", help="Free what all its consumers have used as well.")
    ] = False,
    code: Annotated[
        bool, typer.Option("--code", help="Free kept code that nothing names as well.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Free it; else it is only shown.")
    ] = False,
    as_json: Json = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Show what finished cells need no more, checkpoints and logs, and with --yes free it.

    Records, curves, tables and whatever runs, waits or is unfinished are never touched. Ends with
    0; with 2 where it shall free something in a store that may only be read.
    """
    from orchestrator.keeping.cleaning import clean as free
    from orchestrator.keeping.cleaning import plan_cleaning
    from orchestrator.slurm.cluster import Slurm
    from orchestrator.store.layout import Store, StoreError
    from orchestrator.submissions.submission import find_submission

    if everything and grid is not None:
        raise StoreError(f"--all is the whole store: leave the grid {grid} out, or --all")
    opened = Store.open(store)
    name = None if everything else find_submission(opened, grid).grid
    found = plan_cleaning(opened, name, Slurm(), artifacts=artifacts, code=code)
    if not as_json:
        _show_cleaning(found, name)
    freed = free(found) if yes else None
    if as_json:
        write_json({**(freed or found).plain(), "freed": yes})
    elif freed is not None:
        write(f"freed {megabytes(sum(piece.bytes for piece in freed.pieces))}")
    elif found.pieces:
        write("nothing was freed: --yes frees it")
    if not opened.writable and not as_json:
        tell(f"you may only read the store at {opened.root}: nobody can free it from here")


def _show_cleaning(found: "Cleaning", grid: str | None) -> None:
    write(f"{grid or found.store.root}: {'' if found.pieces else 'nothing to free'}".rstrip(": "))
    for kind, (files, size) in found.sizes().items():
        write(f"  {kind}: {files} files, {megabytes(size)}")
    folders = [path.relative_to(found.store.root) for path in found.folders()]
    for folder in folders[:_SHOWN]:
        write(f"    {folder}")
    if len(folders) > _SHOWN:
        write(f"    and {len(folders) - _SHOWN} more folders")
    if found.busy:
        write(f"  left alone: {found.busy} packs that run or wait")
    if found.unfinished:
        write(f"  left alone: {found.unfinished} packs with cells that have no results")
