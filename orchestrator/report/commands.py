"""The commands that give the numbers of a report again, exactly as they are typed."""

import shlex
from collections.abc import Mapping, Sequence

from orchestrator.report.material import ReportMaterial
from orchestrator.report.panels import Panel


def again(material: ReportMaterial, verb: str, panel: Panel | None = None, *more: str) -> str:
    """The command that gives a table, a figure or statistics of a grid again.

    Args:
        material: What the report is of; its `where` and its store are told.
        verb: "table", "plot", ...
        panel: The part of the grid; None for all of it.
        more: Further words, unquoted.
    """
    where = {path: list(values) for path, values in material.asked.where.items()}
    for path, value in (panel.where if panel else {}).items():
        where[path] = [value]
    words = ["sparsesweep", verb, material.submission.grid, *more, *_conditions(where)]
    words += ["--allow-mixed"] if material.mixed else []
    return _line(words, material)


def about_store(material: ReportMaterial, *words: str) -> str:
    """A command that is about the store, or about one of its cells."""
    return _line(["sparsesweep", *words], material)


def _conditions(where: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        word for path, values in where.items() for word in ("--where", f"{path}={','.join(values)}")
    ]


def _line(words: Sequence[str], material: ReportMaterial) -> str:
    folder = material.asked.folder
    return shlex.join([*words, *(("--store", folder) if folder else ())])
