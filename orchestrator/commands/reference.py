"""methods, schema, doctor: what may be written in a grid, and whether this machine can run it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    Json,
    StoreFolder,
    tell,
    write,
    write_json,
    writing,
)

if TYPE_CHECKING:
    from grids.catalogue import Catalogue, Entry

_MARKS = {"ok": "ok    ", "warning": "look  ", "broken": "BROKEN"}


def methods(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A method, dataset, model, ...")
    ] = None,
    as_json: Json = False,
) -> None:
    """List what a grid may name: methods, allocations, scenarios, datasets, models."""
    from orchestrator.catalogue import load_catalogue

    catalogue = load_catalogue()
    entries = _named(catalogue, name) if name is not None else _all(catalogue)
    if as_json:
        write_json([{"kind": kind, **entry.plain()} for kind, entry in entries])
    elif name is None:
        _list(entries)
    else:
        for kind, entry in entries:
            _describe(kind, entry)


def schema(
    path: Annotated[
        Path | None, typer.Option("--write", metavar="FILE", help="Write it to a file instead.")
    ] = None,
) -> None:
    """Show the JSON schema of grid files, for editors."""
    from grids.schema import schema_text
    from orchestrator.catalogue import load_catalogue

    text = schema_text(load_catalogue())
    if path is None:
        typer.echo(text, nl=False)
        return
    with writing(path):
        path.write_text(text, encoding="utf-8")
    tell(f"wrote {path}")


def doctor(store: StoreFolder = DEFAULT_STORE, as_json: Json = False) -> None:
    """Look for what keeps this machine from training; every finding comes with a fix."""
    from orchestrator.doctor import examine

    findings = examine(store)
    if as_json:
        write_json([finding.plain() for finding in findings])
    else:
        for finding in findings:
            write(f"{_MARKS[finding.verdict]} {finding.subject}: {finding.found}")
            if finding.fix:
                write(f"       {finding.fix}")
    raise typer.Exit(int(any(finding.verdict == "broken" for finding in findings)))


def _all(catalogue: "Catalogue") -> list[tuple[str, "Entry"]]:
    from grids.catalogue import KINDS

    return [(kind, entry) for kind in KINDS for entry in catalogue.entries(kind)]


def _named(catalogue: "Catalogue", name: str) -> list[tuple[str, "Entry"]]:
    from grids.problems import unknown

    everything = _all(catalogue)
    found = [(kind, entry) for kind, entry in everything if entry.name == name]
    if not found:
        raise unknown("name", name, {entry.name for _, entry in everything})
    return found


def _list(entries: list[tuple[str, "Entry"]]) -> None:
    width = max(len(entry.name) for _, entry in entries)
    last = ""
    for kind, entry in entries:
        if kind != last:
            write(f"{kind}:" if not last else f"\n{kind}:")
            last = kind
        write(f"  {entry.name:<{width}}  {entry.summary}")
    write("\nsparsesweep methods NAME shows the options of one of them")


def _describe(kind: str, entry: "Entry") -> None:
    write(f"{kind} {entry.name}: {entry.summary}")
    source = entry.traits.get("source")
    if source:
        write(f"  source: {source}")
    if not entry.options:
        write("  no options")
    for option in entry.options:
        write(f"  {option.name}: {option.allowed()}, default {_shown(option.default)}")
        if option.help:
            write(f"      {option.help}")


def _shown(value: Any) -> str:
    from grids.problems import show

    return show(value)
