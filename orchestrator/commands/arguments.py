"""Arguments that several commands share, and how commands write."""

import contextlib
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

STORE_VARIABLE = "SPARSESWEEP_STORE"
"""Environment variable that stands for `--store`."""

StoreFolder = Annotated[
    Path, typer.Option("--store", envvar=STORE_VARIABLE, help="Folder of the results.")
]
GridFile = Annotated[
    str, typer.Argument(metavar="GRID", help="A grid file, or the name of a shipped study.")
]
SubmittedGrid = Annotated[
    str | None,
    typer.Argument(metavar="[GRID]", help="A grid that was run; by default the last one."),
]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a cell field, seeds or probes: density=0.05,0.1. Repeatable.",
    ),
]
Slots = Annotated[
    int | None,
    typer.Option(
        "--slots", "-j", min=1, help="Workers at a time; by default cores / recipe.threads."
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root", envvar="SPARSESWEEP_DATA", help="Folder of datasets read from files."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, for scripts.")]
DEFAULT_STORE = Path("results")
_FEW_HOURS = 0.01  # below which hours are told in seconds


class OutputError(ValueError):
    """A file that was asked for cannot be written; the message says which and why."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell in one message when what is done in this block cannot write `path`.

    Raises:
        OutputError: For any error of the file system.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def tame(text: str) -> str:
    """The text with its lines and tabs, and all else that a terminal would obey escaped."""
    from grids.problems import printable

    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def write(text: str = "") -> None:
    """Write a line, or several, to standard output; what comes from records is escaped."""
    typer.echo(tame(text))


def tell(text: str) -> None:
    """Write a line, or several, to standard error: what is not the answer itself."""
    typer.echo(tame(text), err=True)


def deliver(content: str | bytes, output: Path | None) -> None:
    """Write a whole answer to standard output, or to a file where one is named.

    A terminal gets text without what it would obey; a pipe and a file get it as it is. Whoever
    reads the file meanwhile sees the old one or the new one.

    Raises:
        OutputError: When the file cannot be written.
    """
    from orchestrator.store.publishing import replace

    if output is None:
        if isinstance(content, str) and sys.stdout.isatty():
            content = tame(content)
        typer.echo(content, nl=False, color=True)  # as it is: else escapes in data would be cut out
        return
    data = content.encode() if isinstance(content, str) else content
    with writing(output):
        if output.exists() and not output.is_file():
            output.write_bytes(data)  # a pipe or a device, which must not be replaced by a file
        else:
            replace(output.resolve(), data)
    tell(f"wrote {output}")


def command(*words: str, store: Path) -> str:
    """A command of ours as it is typed, quoted, for the store that this one is about."""
    about = () if store == DEFAULT_STORE else ("--store", str(store))
    return shlex.join(["sparsesweep", *words, *about])


def json_text(content: Any) -> str:
    """Plain data as JSON for people and scripts, with a line's end."""
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def write_json(content: Any) -> None:
    """Write plain data as JSON to standard output."""
    typer.echo(json_text(content), nl=False)


def megabytes(size: float) -> str:
    """A size in bytes for people."""
    return f"{size / 1e6:.1f} MB"


def hours(value: float) -> str:
    """Hours for people, with three digits: "0.0123", "1.85", "412"; "1.3 s" for few seconds."""
    if 0 < value < _FEW_HOURS:
        return f"{value * 3600:.2g} s"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def device_time(value: float, between: tuple[float, float] | None = None) -> str:
    """Device-hours for people, few of them as seconds: "1.9 (1.2 to 3.4) device-seconds".

    Args:
        value: Device-hours.
        between: The interval that is told with them.
    """
    few = 0 < value < _FEW_HOURS
    factor, unit = (3600, "device-seconds") if few else (1, "device-hours")
    first, *ends = (
        f"{factor * one:.3g}" if factor * one < 1000 else f"{factor * one:,.0f}"
        for one in (value, *(between or ()))
    )
    return f"{first} ({' to '.join(ends)}) {unit}" if ends else f"{first} {unit}"


def duration(seconds: float | None) -> str:
    """A duration for people: "3.2 s", "12 min", "5.4 h", or "unknown"."""
    if seconds is None:
        return "unknown"
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
