"""merge, compare, repro, clean: what is done with whole stores, and doing a cell again."""

from pathlib import Path
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
    from orchestrator.keeping.merging import Addition, Merge

DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Show what would be done, and do nothing.")
]


def merge(
    sources: Annotated[
        list[Path], typer.Argument(metavar="FROM", help="Stores to copy from; only read.")
    ],
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="STORE", help="The store to copy into; by default --store."),
    ] = None,
    artifacts: Annotated[
        bool, typer.Option("--artifacts", help="Copy what cells left for others as well.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Copy what other stores hold into one: records, curves, grids and code.

    What is there already is left alone, so it can be repeated, and goes on where it was
    interrupted. Ends with 0; with 2, and nothing written, where one id stands for two cells.
    """
    from orchestrator.keeping.merging import merge as merge_stores
    from orchestrator.keeping.merging import plan_merge

    planned = plan_merge(sources, store if into is None else into, artifacts=artifacts)
    if not dry_run:
        merge_stores(planned)
    if as_json:
        write_json({**planned.plain(), "done": not dry_run})
        return
    _show_merge(planned, done=not dry_run)


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
    if found.busy:
        write(f"  left alone: {found.busy} packs that run or wait")
    if found.unfinished:
        write(f"  left alone: {found.unfinished} packs with cells that have no results")


def _show_merge(planned: "Merge", *, done: bool) -> None:
    for addition in planned.additions:
        write(f"{addition.source.root}: {_told(addition)}")
        for path in addition.damaged:
            tell(f"left out {path}: it is damaged")
    grids = sorted({asked.grid for asked in planned.joining})
    if grids:
        write(f"{len(planned.joining)} submissions of {', '.join(grids)}")
    if planned.nothing:
        write(f"{planned.into} holds all of it already")
    else:
        write(f"{'merged' if done else 'would be merged'} into {planned.into}")


def _told(addition: "Addition") -> str:
    parts = [
        f"{len(addition.attempts)} new attempts, {addition.known} known; "
        f"{addition.cells} new cells; {megabytes(addition.bytes)}"
    ]
    if addition.artifacts:
        size = sum(artifact.size for artifact in addition.artifacts)
        parts.append(f"{len(addition.artifacts)} artifacts, {megabytes(size)}")
    if addition.shared:
        size = sum(file.bytes for file in addition.shared)
        parts.append(f"{len(addition.shared)} shared files, {megabytes(size)}")
    if addition.code:
        parts.append(f"code {', '.join(addition.code)}")
    return "; ".join(parts)
