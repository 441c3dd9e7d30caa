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
from orchestrator.commands.carrying import ProfileFile
from orchestrator.provenance import plugins

if TYPE_CHECKING:
    from grids.catalogue import Catalogue, Entry

_JOB_SECONDS = 300.0
_MARKS = {"ok": "ok    ", "warning": "look  ", "broken": "BROKEN"}


def methods(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A method, dataset, model, ...")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="Only these: method, dataset, model, scenario, probe, ..."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List what a grid may name: methods, allocations, scenarios, datasets, models, probes."""
    from orchestrator.catalogue import load_catalogue

    catalogue = load_catalogue()
    entries = _listed(catalogue, kind)
    if name is not None:
        entries = _named(entries, kind or "name", name)
    if as_json:
        write_json([{"kind": kind, **entry.plain()} for kind, entry in entries])
    elif name is None:
        _list(entries)
    else:
        for kind, entry in entries:
            _describe(kind, entry, catalogue)


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


def doctor(
    store: StoreFolder = DEFAULT_STORE,
    profile: Annotated[
        str | None,
        typer.Option("--profile", help="Look at the cluster that this profile asks, too."),
    ] = None,
    profile_file: ProfileFile = None,
    submit: Annotated[
        bool, typer.Option("--submit", help="Send a tiny job there, and hear what its node says.")
    ] = False,
    wait: Annotated[
        float | None,
        typer.Option("--wait", min=1, help="Seconds to wait for that job; 300 by default."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Look for what keeps this machine from training; every finding comes with a fix.

    With a profile the cluster is looked at as well, and what it takes is kept for runs.
    """
    from orchestrator.doctor import examine, examine_profile
    from orchestrator.slurm.profiles import ProfileError, find_profile, profiles_path

    if (submit or wait is not None) and profile is None:
        raise ProfileError("--submit and --wait need --profile NAME: the cluster to send a job to")
    if wait is not None and not submit:
        raise ProfileError("--wait belongs to --submit: without it there is no job to wait for")
    file = profile_file if profile_file is not None else profiles_path()
    chosen = find_profile(profile, file) if profile is not None else None
    findings = examine(store)
    if chosen is not None:
        seconds = (wait if wait is not None else _JOB_SECONDS) if submit else None
        findings += examine_profile(store, chosen, file, seconds)
    if as_json:
        write_json([finding.plain() for finding in findings])
    else:
        for finding in findings:
            write(f"{_MARKS[finding.verdict]} {finding.subject}: {finding.found}")
            if finding.fix:
                write(f"       {finding.fix}")
    raise typer.Exit(int(any(finding.verdict == "broken" for finding in findings)))


def _listed(catalogue: "Catalogue", kind: str | None) -> list[tuple[str, "Entry"]]:
    from grids.catalogue import ENTRIES

    kinds = ENTRIES if kind is None else (kind,)
    return [(kind, entry) for kind in kinds for entry in catalogue.entries(kind)]


def _named(entries: list[tuple[str, "Entry"]], what: str, name: str) -> list[tuple[str, "Entry"]]:
    from grids.problems import unknown

    found = [(kind, entry) for kind, entry in entries if entry.name == name]
    if not found:
        raise unknown(what, name, {entry.name for _, entry in entries})
    return found


def _list(entries: list[tuple[str, "Entry"]]) -> None:
    width = max((len(entry.name) for _, entry in entries), default=0)
    last = ""
    for kind, entry in entries:
        if kind != last:
            write(f"{kind}:" if not last else f"\n{kind}:")
            last = kind
        origin = f" [{_origin(entry)}]" if entry.distribution else ""
        write(f"  {entry.name:<{width}}  {entry.summary}{origin}")
    write("\nsparsesweep methods NAME shows the options of one of them")


def _describe(kind: str, entry: "Entry", catalogue: "Catalogue") -> None:
    from grids.legality import densities_in_words, legal_models
    from grids.meanings import explained
    from grids.storages import storages_in_words

    write(f"{kind} {entry.name}: {entry.summary}")
    source = entry.traits.get("source")
    if source:
        write(f"  source: {source}")
    if entry.distribution:
        write(f"  from: {_origin(entry)}")
    if kind == "method":
        models = legal_models(entry, catalogue)
        write(f"  models: {'any' if models is None else ', '.join(models)}")
        write(f"  densities: {densities_in_words(entry)}")
        write(f"  storage: {storages_in_words(entry)}")
    if not entry.options:
        write("  no options")
    for option in entry.options:
        write(f"  {option.name}: {option.allowed()}, default {_shown(option.default)}")
        if option.help:
            write(f"      {explained(option)}")
    for metric in entry.traits.get("metrics", ()):
        write(f"  gives {metric['name']}: {metric['unit']}, {metric['better']} is better")
        write(f"      {metric['help']}")


def _origin(entry: "Entry") -> str:
    """The user's distribution that brings an entry, with its version."""
    return f"{entry.distribution} {dict(plugins())[entry.distribution]}"


def _shown(value: Any) -> str:
    from grids.problems import show

    return show(value)
