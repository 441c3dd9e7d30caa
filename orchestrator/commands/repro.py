"""repro: a cell made again from the code that made it, compared number by number."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    DataRoot,
    Json,
    StoreFolder,
    duration,
    tell,
    write,
    write_json,
)

if TYPE_CHECKING:
    from orchestrator.keeping.differences import Difference
    from orchestrator.keeping.remaking import Reproduced
    from orchestrator.keeping.reproducing import Reproduction

_SHOWN = 20


def repro(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A cell's id or its first digits.")],
    present_code: Annotated[
        bool,
        typer.Option("--with-present-code", help="Train it with the code as it is now."),
    ] = False,
    trust_code: Annotated[
        bool,
        typer.Option("--trust-code", help="Execute code from the store that is not this program."),
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

    The store is not changed. Code in it that is not this program's is executed with --trust-code
    only: trust whoever wrote it. Ends with 0 when all numbers are the same, or when others were to
    be expected; with 1 when equal bits were promised and did not come, or the cell failed; with 130
    when interrupted.
    """
    import tempfile

    from orchestrator.keeping.remaking import ReproductionFailed, make_again
    from orchestrator.keeping.reproducing import plan_reproduction
    from orchestrator.store.layout import Store

    planned = plan_reproduction(
        Store.open(store), cell, present_code=present_code, trust_code=trust_code,
        data_root=data_root, device=device,
    )  # fmt: skip
    if not as_json:
        _show_plan(planned)
    try:
        with tempfile.TemporaryDirectory(prefix="sparsesweep-repro-") as folder:
            done = make_again(planned, Path(folder) / "store" if keep is None else keep)
    except ReproductionFailed as failure:
        tell(str(failure))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if as_json:
        write_json(_plain_reproduction(planned, done))
    else:
        _show_reproduced(planned, done)
    raise typer.Exit(0 if done.holds else 1)


def _show_plan(planned: "Reproduction") -> None:
    """Write what a cell is made from, before it is begun."""
    target, record = planned.target, planned.target.record
    write(f"{record.cell} {target.cell.label()}: attempt {record.attempt}")
    if planned.kept:
        write(f"  code: {record.provenance.get('code')}, from {planned.code}")
    if planned.foreign:
        write(f"  executes code from {planned.code}, which is not this program's")
    for change in planned.changes:
        write(f"  {change.name}: {change.then} then, {change.now} now")
    for brought in planned.brought:
        write(f"  begins with {brought.name} of {brought.written.record.cell}, copied")
    for making in planned.makings[:-1]:
        names = ", ".join(making.leaves)
        write(f"  begins with {names} of {making.record.cell}, made again: it was removed")
    write(f"  {_promise(planned.exact, planned)}")
    write(f"  training again; it took {duration(planned.seconds)}")


def _show_reproduced(planned: "Reproduction", done: "Reproduced") -> None:
    """Write what came of it."""
    found = done.differences
    if found.same:
        write(f"identical: all {found.compared} numbers are equal to the last bit")
    else:
        broken = "NOT REPRODUCED" if done.exact else "other numbers"
        write(f"{broken}: {len(found.differing)} of {found.compared} numbers differ")
    for one in found.differing[:_SHOWN]:
        write(f"  {one.name}: {one.then} then, {one.now} now{_change(one)}")
    if len(found.differing) > _SHOWN:
        write(f"  and {len(found.differing) - _SHOWN} more")
    for names, where in ((found.only_then, "the record"), (found.only_now, "the new run")):
        if names:
            write(f"  only in {where}: {', '.join(names)}")


def _plain_reproduction(planned: "Reproduction", done: "Reproduced") -> dict[str, Any]:
    """All of it as plain data, for scripts."""
    record = planned.target.record
    return {
        "cell": record.cell,
        "attempt": record.attempt,
        "code_kept": planned.kept,
        "changes": {c.name: {"then": c.then, "now": c.now} for c in planned.changes},
        "made_again": [making.record.cell for making in planned.makings[:-1]],
        "exact": done.exact,
        "same": done.differences.same,
        **done.differences.plain(),
    }


def _promise(exact: bool, planned: "Reproduction") -> str:
    if exact:
        return "equal bits are promised: the exact tier, and all that decides them is the same"
    if planned.target.record.provenance.get("tier") != "exact":
        return "no equal bits are promised: the cell is not of the exact tier"
    return "no equal bits are promised: what decides them is not the same"


def _change(one: "Difference") -> str:
    return "" if one.change is None else f" ({one.change:+.6g})"
