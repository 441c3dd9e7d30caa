"""sparsesweep stats: what it shows, and what it refuses with the nearest name."""

import json
from pathlib import Path

import pytest

from orchestrator.store.layout import Store
from orchestrator.submissions.submission import publish_submission
from tests.support.console import sparsesweep
from tests.support.grids import a_grid, publish_results
from tests.support.runs import a_submission


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dense, and two methods at two densities, each with five seeds."""
    opened = Store.create(tmp_path_factory.mktemp("stats") / "results")
    cells = a_grid(methods=["set", "rigl"], densities=["0.1", "0.5"], seeds=5)
    publish_results(opened, cells)
    publish_submission(opened, a_submission("digits", 1, cells))
    return opened.root


def test_all_is_compared_with_dense_unless_told_otherwise(store: Path) -> None:
    said = sparsesweep("stats", "--store", store)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Test accuracy, difference to dense at density 1 in percentage poi")
    assert "over the 4 contrasts of this table" in said.out
    assert "the signed-rank test can give no p below 0.0625" in said.out
    assert "Average ranks by test accuracy over 2 blocks of density" in said.out
    assert max(len(line) for line in said.out.splitlines() if line[:5] != "note:") <= 120


def test_it_is_written_as_it_is_shown(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "stats.tex"
    shown = sparsesweep("stats", "digits", "--store", store, "--format", "latex")
    written = sparsesweep("stats", "--store", store, "--format", "latex", "-o", file)
    assert (written.code, written.out) == (0, "")
    assert file.read_text() == shown.out


def test_another_row_measurement_and_test_can_be_asked_for(store: Path) -> None:
    said = sparsesweep(
        "stats", "--store", store, "--against", "set", "--where", "density=0.1,0.5",
        "--value", "test_loss", "--test", "wilcoxon", "--confidence", "0.9", "--format", "json",
    )  # fmt: skip
    content = json.loads(said.out)
    assert (content["against"], content["value"], content["better"]) == (
        "set", "test_loss", "lower"
    )  # fmt: skip
    assert (content["test"], content["confidence"]) == ("wilcoxon", 0.9)
    assert [each["reference"] for each in content["contrasts"]] == [["set", "0.1"], ["set", "0.5"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--against", "dence"], "no row 'dence': no cell has it as method; rows: dense, set"),
        (["--rows", "density", "--columns", "method"], "no cell has it as density; rows: 1, 0.1,"),
        (["--against", "set"], "not there at 1, nor in one column only, but at 0.1, 0.5; take"),
        (["--value", "test_acuracy"], "did you mean 'test_accuracy'?"),
        (["--columns", "densty"], "did you mean 'density'?"),
        (["--format", "jsn"], "did you mean 'json'?"),
        (["--test", "wilcoxn"], "did you mean 'wilcoxon'?"),
        (["--confidence", "95"], "confidence 95 is not between 0.5 and 0.9999, such as 0.95"),
        (["--confidence", "0.99999999999999"], "99999999999999 is not between 0.5 and 0.9999"),
        (["--where", "method=dense"], "there is no row to compare with dense"),
    ],
)  # fmt: skip
def test_mistakes_are_told(store: Path, arguments: list[str], message: str) -> None:
    said = sparsesweep("stats", "--store", store, *arguments)
    assert (said.code, said.out) == (2, "")
    assert message in said.err
