"""Finding a grid by path or by the name of a shipped study."""

import os
from pathlib import Path

from grids.problems import GridError, nearest, show

STUDIES = Path(__file__).parent / "studies"
"""The folder of the shipped studies."""


def shipped_studies() -> list[str]:
    """The names of the shipped studies, sorted."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def find_study(name_or_path: str | Path) -> Path:
    """The file of a grid: an existing file, else the shipped study of that name.

    Raises `GridError` with the nearest study name when there is neither.
    """
    given = str(name_or_path)
    studies = shipped_studies()
    # os.path, unlike pathlib, answers False for names that no file can have.
    if os.path.isfile(given):
        return Path(given)
    if given in studies:
        return STUDIES / f"{given}.yaml"
    if os.path.isdir(given):
        raise GridError(f"{show(given)} is a folder; allowed: a grid file or a shipped study")
    message = f"no grid file {show(given)}, and no shipped study of that name"
    raise GridError(f"{message}; studies: {', '.join(studies)}", nearest(Path(given).stem, studies))
