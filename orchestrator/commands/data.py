"""data fetch, data list, data check: the files that datasets are read from."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.arguments import (
    DataRoot,
    Json,
    megabytes,
    tell,
    write,
    write_json,
    writing,
)
from orchestrator.commands.carrying import ProfileFile

if TYPE_CHECKING:
    from orchestrator.datasets.checking import Finding
    from orchestrator.datasets.fetching import Fetched
    from orchestrator.datasets.sources import DataFile, Source

data = typer.Typer(
    name="data",
    help="Fetch, list and check the files that datasets are read from.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

OfProfile = Annotated[
    str | None, typer.Option("--profile", help="Take the data_root of this cluster's profile.")
]


@data.command("fetch")
def fetch_data(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Datasets; `data list` has their names.")
    ],
    data_root: DataRoot = None,
    profile: OfProfile = None,
    profile_file: ProfileFile = None,
    here: Annotated[
        bool, typer.Option("--here", help="Download even inside a job of the cluster.")
    ] = False,
) -> None:
    """Download, verify and unpack what is not there yet. For a login node."""
    from orchestrator.catalogue import load_catalogue
    from orchestrator.datasets.fetching import fetch
    from orchestrator.datasets.sources import pick, refuse_brought

    _refuse_in_a_job(here)
    sources = refuse_brought(pick(load_catalogue(), names))
    root = _needed_root(data_root, profile, profile_file)
    done = []
    for source in sources:
        with writing(root):
            done.append(fetch(source, root, tell))
        _say_fetched(done[-1], root)
    _say_by_hand([file for one in done for file in one.failed], root)
    complete = sum(one.complete for one in done)
    write(f"{complete} of {len(done)} here, {megabytes(sum(one.bytes for one in done))} downloaded")
    raise typer.Exit(int(complete < len(done)))


@data.command("list")
def list_data(
    data_root: DataRoot = None,
    profile: OfProfile = None,
    profile_file: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """List what can be fetched: its size, whether it is here, its folder below the data root."""
    from orchestrator.catalogue import load_catalogue
    from orchestrator.datasets.sources import all_sources

    root = _root(data_root, profile, profile_file)
    rows = [_row(source, root) for source in all_sources(load_catalogue())]
    if as_json:
        write_json({"data_root": None if root is None else str(root), "sources": rows})
        return
    write(f"data root: {'not named' if root is None else root}")
    shown = [("name", "size", "here", "folder"), *(_shown(row) for row in rows)]
    widths = [max(len(line[at]) for line in shown) for at in range(4)]
    for line in shown:
        cells = (f"{text:<{width}}" for text, width in zip(line, widths, strict=True))
        write("  ".join(cells).rstrip())


@data.command("check")
def check_data(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Datasets; by default all."),
    ] = None,
    data_root: DataRoot = None,
    profile: OfProfile = None,
    profile_file: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Read all files of datasets, compare their sums, and say what a run would say.

    Ends with 1 when a file is damaged, or one of a dataset that was named is missing.
    """
    from orchestrator.catalogue import load_catalogue
    from orchestrator.datasets.checking import absence, examine
    from orchestrator.datasets.sources import pick

    sources = pick(load_catalogue(), names or ())
    root = _needed_root(data_root, profile, profile_file)
    found = {}
    for source in sources:
        with _reading(root):
            found[source.name] = examine(source, root, sums=True)
    if as_json:
        write_json({name: [one.plain() for one in findings] for name, findings in found.items()})
    else:
        for source in sources:
            _write_check(source, found[source.name], absence(source, root))
    raise typer.Exit(int(any(_is_wrong(findings, bool(names)) for findings in found.values())))


@contextlib.contextmanager
def _reading(root: Path) -> Iterator[None]:
    from orchestrator.datasets.sources import DataError

    try:
        yield
    except OSError as error:
        raise DataError(f"cannot read {error.filename or root}: {error.strerror}") from error


def _refuse_in_a_job(here: bool) -> None:
    from orchestrator.datasets.sources import DataError
    from orchestrator.provenance import job

    if job() is not None and not here:
        raise DataError(
            f"this is inside job {job()}: fetch data on the login node, or say --here if this "
            "node may download"
        )


def _root(given: Path | None, profile: str | None, profile_file: Path | None) -> Path | None:
    """The data root: of the flag or the environment, else of the profile that was named."""
    from orchestrator.slurm.profiles import find_profile

    if given is not None or profile is None:
        return given
    root = find_profile(profile, profile_file).data_root
    return None if root is None else Path(root)


def _needed_root(given: Path | None, profile: str | None, profile_file: Path | None) -> Path:
    from orchestrator.datasets.sources import DataError

    root = _root(given, profile, profile_file)
    if root is None:
        raise DataError(
            "say where the data is, or shall be: --data-root FOLDER, SPARSESWEEP_DATA, or "
            "--profile NAME of a profile with data_root"
        )
    if root.exists() and not root.is_dir():
        raise DataError(f"--data-root {root}: that is not a folder")
    return root


def _say_fetched(done: "Fetched", root: Path) -> None:
    for reason in done.failures:
        tell(f"{done.name}: {reason}")
    if not done.complete:
        return
    steps = []
    if done.downloaded:
        steps.append(f"downloaded {', '.join(done.downloaded)} ({megabytes(done.bytes)})")
    if done.unpacked:
        steps.append(f"unpacked {', '.join(done.unpacked)}")
    if done.made:
        steps.append(f"made {', '.join(done.made)}")
    write(f"{done.name}: {'; '.join(steps) if steps else f'is in {root} already'}")


def _say_by_hand(failed: "Sequence[DataFile]", root: Path) -> None:
    if failed:
        tell("without a network, bring these files by hand and run the same command again:")
    for file in failed:
        size = f", {file.bytes:,} bytes" if file.bytes is not None else ""
        algorithm, published = file.sum or ("", "")
        tell(f"  {file.url}\n    to {file.below(root)}  ({algorithm} {published}{size})")


def _row(source: "Source", root: Path | None) -> dict[str, Any]:
    from orchestrator.datasets.checking import examine, is_complete

    row = {"name": source.name, "summary": source.summary, "brought_by_you": not source.files}
    if not source.files:
        return {**row, "bytes": None, "here": None, "folder": None}
    here = None if root is None else is_complete(examine(source, root, sums=False))
    return {**row, "bytes": source.bytes, "here": here, "folder": source.folder}


def _shown(row: dict[str, Any]) -> tuple[str, str, str, str]:
    if row["brought_by_you"]:
        return row["name"], "", "", "brought by you"
    size = "unknown" if row["bytes"] is None else megabytes(row["bytes"])
    return row["name"], size, {True: "yes", False: "no", None: ""}[row["here"]], row["folder"]


def _write_check(source: "Source", findings: "Sequence[Finding]", absent: str) -> None:
    from orchestrator.datasets.checking import counted

    if not source.files:
        write(f"{source.name}: brought by you, nothing to compare with")
        return
    write(f"{source.name}: {counted(len(findings))}")
    for finding in findings:
        write(f"  {finding.told}")
    if source.dataset:
        write(f"  a run would {f'be refused: {absent}' if absent else 'read it'}")


def _is_wrong(findings: "Sequence[Finding]", named: bool) -> bool:
    from orchestrator.datasets.checking import Condition

    fine = {Condition.PRESENT} if named else {Condition.PRESENT, Condition.MISSING}
    return any(finding.condition not in fine for finding in findings)
