"""Finding a grid by path or by the name of a shipped study."""

from pathlib import Path

from grids.problems import GridError, nearest

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
    path = Path(given)
    if "\0" not in given and path.is_file():
        return path
    if given in shipped_studies():
        return STUDIES / f"{given}.yaml"
    if "\0" not in given and path.is_dir():
        raise GridError(f"'{given}' is a folder; allowed: a grid file or a shipped study")
    studies = shipped_studies()
    message = f"no grid file '{given}', and no shipped study of that name"
    raise GridError(f"{message}; studies: {', '.join(studies)}", nearest(path.stem, studies))
