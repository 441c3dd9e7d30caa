"""What repro writes: what a cell is made again from, and what came of it."""

from typing import TYPE_CHECKING, Any

from orchestrator.commands.arguments import duration, write

if TYPE_CHECKING:
    from orchestrator.keeping.differences import Difference
    from orchestrator.keeping.remaking import Reproduced
    from orchestrator.keeping.reproducing import Reproduction

_SHOWN = 20


def show_plan(planned: "Reproduction") -> None:
    """Write what a cell is made from, before it is begun."""
    target, record = planned.target, planned.target.record
    write(f"{record.cell} {target.cell.label()}: attempt {record.attempt}")
    if planned.kept:
        write(f"  code: {record.provenance.get('code')}, from {planned.code}")
    for change in planned.changes:
        write(f"  {change.name}: {change.then} then, {change.now} now")
    for brought in planned.brought:
        write(f"  begins with {brought.name} of {brought.written.record.cell}, copied")
    for making in planned.makings[:-1]:
        names = ", ".join(making.leaves)
        write(f"  begins with {names} of {making.record.cell}, made again: it was removed")
    write(f"  {_promise(planned.exact, planned)}")
    write(f"  training again; it took {duration(planned.seconds)}")


def show_reproduced(planned: "Reproduction", done: "Reproduced") -> None:
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


def plain_reproduction(planned: "Reproduction", done: "Reproduced") -> dict[str, Any]:
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
