"""merge: what other stores hold, copied into one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    Json,
    StoreFolder,
    megabytes,
    tell,
    write,
    write_json,
)

if TYPE_CHECKING:
    from orchestrator.keeping.adding import Addition
    from orchestrator.keeping.merging import Merge

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
    from orchestrator.slurm.cluster import Slurm

    target = store if into is None else into
    planned = plan_merge(sources, target, artifacts=artifacts, scheduler=Slurm())
    if not dry_run:
        merge_stores(planned)
    if as_json:
        write_json({**planned.plain(), "done": not dry_run})
        return
    _show_merge(planned, done=not dry_run)


def _show_merge(planned: "Merge", *, done: bool) -> None:
    for addition in planned.additions:
        write(f"{addition.source.root}: {_told(addition)}")
        for path in addition.damaged:
            tell(f"left out {path}: it is damaged")
    grids = sorted({asked.grid for asked in planned.joining})
    if grids:
        count = len(planned.joining)
        write(f"{count} {'submission' if count == 1 else 'submissions'} of {', '.join(grids)}")
    for grid in sorted({asked.grid for asked in planned.waiting}):
        tell(
            f"left out the submissions of {grid}: a run of it is at work in {planned.into}, and "
            "would no longer be seen by status; merge again when it has ended"
        )
    if planned.nothing:
        write(f"{planned.into} holds all {'else' if planned.waiting else 'of it'} already")
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
