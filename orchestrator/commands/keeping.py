"""merge, compare, repro, clean: what is done with whole stores, and doing a cell again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    DataRoot,
    Json,
    StoreFolder,
    SubmittedGrid,
    deliver,
    megabytes,
    tell,
    write,
    write_json,
)
from orchestrator.commands.asking import Output, Value, Where, conditions
from orchestrator.commands.reproduced import plain_reproduction, show_plan, show_reproduced

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


def compare(
    first: Annotated[
        str,
        typer.Argument(metavar="A", help="A store, a grid that was run, or a certain run: GRID@2."),
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="What to compare it with.")],
    grid: Annotated[
        str | None,
        typer.Option("--grid", metavar="GRID", help="Of stores, compare the cells of this grid."),
    ] = None,
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary", metavar="FIELD", help="It differs by design; else inferred. Repeatable."
        ),
    ] = [],  # noqa: B006 - typer reads the default, nobody changes it
    value: Value = "test_accuracy",
    where: Where = [],  # noqa: B006
    output_format: Annotated[
        str, typer.Option("--format", metavar="text|markdown|csv|json", help="How to write it.")
    ] = "text",
    output: Output = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Compare two stores, grids or runs: what changed, by how much, and is it noise.

    Ends with 0; with 1 when both measured a cell of which equal bits are promised, and got others.
    """
    from orchestrator.keeping.comparing import compare as compare_sides
    from orchestrator.keeping.comparison_text import render
    from orchestrator.keeping.sides import read_side

    kept = conditions(where)
    one, other = (read_side(given, store, grid, kept) for given in (first, second))
    found = compare_sides(one, other, value=value, vary=vary)
    deliver(render(found, output_format), output)
    raise typer.Exit(1 if found.broken else 0)


def repro(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A cell's id or its first digits.")],
    present_code: Annotated[
        bool,
        typer.Option("--with-present-code", help="Train it with the code as it is now."),
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="FOLDER", help="Keep the store that it is trained in."),
    ] = None,
    data_root: DataRoot = None,
    device: Annotated[
        str | None,
        typer.Option("--device", help="The torch device; by default the one that was used."),
    ] = None,
    as_json: Json = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Train a cell again with the code that made it, and compare every number with its record.

    The store is not changed. Ends with 0 when all numbers are the same, or when others were to be
    expected; with 1 when equal bits were promised and did not come, or the cell failed; with 130
    when interrupted.
    """
    import tempfile

    from orchestrator.keeping.remaking import ReproductionFailed, make_again
    from orchestrator.keeping.reproducing import plan_reproduction
    from orchestrator.store.layout import Store

    planned = plan_reproduction(
        Store.open(store), cell, present_code=present_code, data_root=data_root, device=device
    )
    if not as_json:
        show_plan(planned)
    try:
        with tempfile.TemporaryDirectory(prefix="sparsesweep-repro-") as folder:
            done = make_again(planned, Path(folder) / "store" if keep is None else keep)
    except ReproductionFailed as failure:
        tell(str(failure))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if as_json:
        write_json(plain_reproduction(planned, done))
    else:
        show_reproduced(planned, done)
    raise typer.Exit(0 if done.holds else 1)


def _show_merge(planned: "Merge", *, done: bool) -> None:
    for addition in planned.additions:
        write(f"{addition.source.root}: {_told(addition)}")
        for path in addition.damaged:
            tell(f"left out {path}: it is damaged")
    grids = sorted({asked.grid for asked in planned.joining})
    if grids:
        count = len(planned.joining)
        write(f"{count} {'submission' if count == 1 else 'submissions'} of {', '.join(grids)}")
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
