"""report on the command line: what it writes where, and what it refuses."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.console import sparsesweep

GRID = """\
name: small
description: Does it stay small?
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1, batch: 256}
axes:
  method: [dense, static, set]
  density: [0.1, 0.5]
seeds: 2
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a small grid that was run."""
    folder = tmp_path_factory.mktemp("reporting")
    (folder / "small.yaml").write_text(GRID)
    done = sparsesweep(
        "run", folder / "small.yaml", "--backend", "inline", "--store", folder / "results"
    )
    assert done.code == 0, done.err
    return folder / "results"


def test_a_report_is_one_file_in_the_folder_where_it_was_asked_for(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = sparsesweep("report", "--store", store)
    assert (done.code, done.out, done.err) == (0, "", "wrote report.html\n")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert "Does it stay small?" in (tmp_path / "report.html").read_text()


def test_a_report_names_the_commands_that_give_its_numbers_again(
    store: Path, tmp_path: Path
) -> None:
    page = tmp_path / "of" / "small.html"
    assert sparsesweep("report", "small", "--store", store, "-o", page).code == 0
    text = page.read_text()
    line = "sparsesweep table small --rows method --columns density --value test_accuracy"
    assert f"<code>{line} --against dense --best --store {store}</code>" in text
    assert f"<code>sparsesweep status small --store {store}</code>" in text


def test_measurements_are_named_as_for_a_table_or_one_by_one(store: Path, tmp_path: Path) -> None:
    pages = []
    for words in (
        ["--value", "test_loss,test_accuracy"],
        ["--value", "test_loss", "--value", "test_accuracy"],
    ):
        path = tmp_path / f"{len(pages)}.html"
        assert sparsesweep("report", *words, "--store", store, "-o", path).code == 0
        pages.append(path.read_text())
    for page in pages:
        assert page.index("--value test_loss") < page.index("--value test_accuracy")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--value", "test_acuracy"], "no cell has a measurement 'test_acuracy'"),
        (["--rows", "methods"], "no cell has a field 'methods'"),
        (["--where", "density=0.3"], "no cell has density = 0.3"),
        (["--rows", "method", "--columns", "method"], "rows and columns are both method"),
        (["smal"], "grid 'smal' was never run"),
    ],
)
def test_what_does_not_occur_is_told_and_nothing_is_written(
    wrong: list[str], told: str, store: Path, tmp_path: Path
) -> None:
    said = sparsesweep("report", *wrong, "--store", store, "-o", tmp_path / "page.html")
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_told(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = sparsesweep("report", "--store", store, "-o", tmp_path / "file" / "page.html")
    assert said.code == 2
    assert said.err.startswith(f"cannot write {tmp_path / 'file' / 'page.html'}: ")


def test_a_link_stays_a_link_and_a_pipe_gets_the_whole_file(store: Path, tmp_path: Path) -> None:
    link, real, pipe = (tmp_path / f"{name}.html" for name in ("link", "real", "pipe"))
    real.write_text("old")
    link.symlink_to(real)
    assert sparsesweep("report", "--store", store, "-o", link).code == 0
    assert link.is_symlink()
    os.mkfifo(pipe)
    read = tmp_path / "read"
    with read.open("wb") as file, subprocess.Popen(["cat", pipe], stdout=file):
        assert sparsesweep("report", "--store", store, "-o", pipe).code == 0
    assert pipe.is_fifo()
    assert read.read_bytes().rstrip().endswith(b"</html>")
    assert real.read_bytes().rstrip().endswith(b"</html>")
