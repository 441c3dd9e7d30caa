"""A small catalogue, and grids written on the spot."""

from collections.abc import Callable
from pathlib import Path

import pytest

from grids.catalogue import Catalogue
from grids.grid import Grid, load
from grids.problems import GridProblems

BASE = "base: {dataset: digits, model: mlp, method: rigl, density: 0.1}\n"
"""A complete grid of one cell, on the first line of a file."""


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Six methods, two datasets, two models: enough for every rule of a grid."""
    return Catalogue.from_json(Path(__file__).with_name("catalogue.json").read_text())


@pytest.fixture(scope="session")
def shipped() -> Catalogue:
    """The catalogue of the registries in this tree."""
    from trainer.describe import describe

    return Catalogue.from_json(describe())


@pytest.fixture
def base() -> str:
    return BASE


@pytest.fixture
def read(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Grid]:
    """Reads a text as the file grid.yaml, with the texts of `--set` after it."""
    monkeypatch.chdir(tmp_path)

    def read_text(text: str | bytes, *overrides: str) -> Grid:
        data = text.encode() if isinstance(text, str) else text
        Path("grid.yaml").write_bytes(data)
        return load("grid.yaml", catalogue, overrides)

    return read_text


@pytest.fixture
def labels(read: Callable[..., Grid]) -> Callable[..., list[str]]:
    """The labels of a grid's cells, in order."""
    return lambda *given: [cell.label() for cell in read(*given).cells]


@pytest.fixture
def mistakes(read: Callable[..., Grid]) -> Callable[..., list[str]]:
    """The lines told about a grid that has mistakes."""

    def told(*given: str) -> list[str]:
        with pytest.raises(GridProblems) as caught:
            read(*given)
        return str(caught.value).splitlines()

    return told
