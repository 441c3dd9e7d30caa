"""table and plot on the command line: what they write where, and paths that cannot be written."""

from pathlib import Path

import pytest

from tests.support.console import sparsesweep

GRID = """\
name: small
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1, batch: 256}
axes:
  method: [static, set]
  density: [0.1, 0.5]
seeds: 2
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a small grid that was run."""
    folder = tmp_path_factory.mktemp("answering")
    (folder / "small.yaml").write_text(GRID)
    done = sparsesweep(
        "run", folder / "small.yaml", "--backend", "inline", "--store", folder / "results"
    )
    assert done.code == 0, done.err
    return folder / "results"


def test_a_table_is_written_as_it_is_shown(store: Path, tmp_path: Path) -> None:
    shown = sparsesweep("table", "--store", store, "--format", "markdown")
    path = tmp_path / "table.md"
    written = sparsesweep("table", "--store", store, "--format", "markdown", "--output", path)
    assert (written.code, written.out, written.err) == (0, "", f"wrote {path}\n")
    assert path.read_text() == shown.out


def test_a_plot_is_named_after_its_grid_unless_told_otherwise(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sparsesweep("plot", "--store", store).err == "wrote small.svg\n"
    assert sparsesweep("plot", "--store", store, "--output", "figures/one.png").code == 0
    assert (tmp_path / "small.svg").read_text().startswith("<?xml")
    assert (tmp_path / "figures" / "one.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_of_a_kind_that_does_not_exist_is_told(store: Path, tmp_path: Path) -> None:
    told = sparsesweep("plot", "--store", store, "--output", tmp_path / "plot.gif")
    assert told.code == 2
    assert "no figure has the suffix '.gif'" in told.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("command", "name"), [("table", "t.txt"), ("plot", "p.svg")])
def test_a_path_that_cannot_be_written_is_told(
    command: str, name: str, store: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / name
    told = sparsesweep(command, "--store", store, "--output", path)
    assert told.code == 2
    assert told.err.startswith(f"cannot write {path}: ")
    assert len(told.err.splitlines()) == 1
