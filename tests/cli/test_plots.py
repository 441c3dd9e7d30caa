"""plot on the command line: every kind of figure, drawn from one small grid that was trained."""

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.plots.kinds import KINDS
from tests.support.console import sparsesweep

GRID = """\
name: shown
base:
  dataset: {name: synthetic_images, examples: 300, size: 8}
  model: {name: convnet, channels: [4]}
  recipe: {epochs: 2, batch: 50}
axes:
  method: [dense, static, set]
  density: [0.2, 0.5]
seeds: 2
artifacts: {leave: [final]}
probes: [{name: robust, steps: 2, every: 0, examples: 32}, emergence]
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the grid, trained."""
    folder = tmp_path_factory.mktemp("plots")
    (folder / "shown.yaml").write_text(GRID)
    run = sparsesweep(
        "run", folder / "shown.yaml", "--backend", "inline", "--store", folder / "results"
    )
    assert run.code == 0, run.err
    return folder / "results"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_from_one_store_with_equal_bytes(
    kind: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = "shown.svg" if kind == "density" else f"shown_{kind}.svg"
    drawn = sparsesweep("plot", "shown", "--kind", kind, "--store", store)
    assert drawn.err == f"wrote {named}\n"
    again = sparsesweep("plot", "--kind", kind, "--store", store, "--output", "again.svg")
    assert again.code == 0
    text = Path(named).read_text()
    assert Path("again.svg").read_text() == text
    assert "<!-- set -->" in text


def test_choices_reach_the_figure(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.svg"
    told = sparsesweep(
        "plot", "--store", store, "--output", target, "--kind", "curves", "--value", "train_loss",
        "--where", "density=0.2,1", "--by", "seed", "--facet", "method", "--facet", "density",
        "--confidence", "0.9", "--y-log", "--width", "column",
    )  # fmt: skip
    assert told.err == f"wrote {target}\n"
    text = target.read_text()
    for shown in ("method = set,", "density = 0.2", "train loss", "One seed."):
        assert f"<!-- {shown} -->" in text
    assert 'width="241.2pt"' in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--kind", "curve"], "there is no kind 'curve' of figure"),
        (["--kind", "curves", "--x", "seed"], "a figure of kind curves has no --x"),
        (["--kind", "curves", "--value", "accuracy"], "no cell has a curve 'accuracy'"),
        (["--facet", "sed"], "no cell has a field 'sed'"),
        (["--width", "poster"], "--width poster: write column, page, or inches"),
        (
            ["--x", "dataset", "--facet", "density"],
            "dataset = synthetic_images is no number",
        ),
        (["--x", "seed"], "density is 0.2, 0.5"),
    ],
)
def test_what_cannot_be_drawn_is_one_message_and_no_file(
    arguments: list[str], expected: str, store: Path, tmp_path: Path
) -> None:
    told = sparsesweep("plot", "--store", store, "--output", tmp_path / "a.svg", *arguments)
    assert told.code == 2
    assert expected in told.err
    assert "Traceback" not in told.err
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link_and_a_pipe_gets_the_whole_file(store: Path, tmp_path: Path) -> None:
    link, real, pipe = (tmp_path / f"{name}.svg" for name in ("link", "real", "pipe"))
    real.write_text("old")
    link.symlink_to(real)
    assert sparsesweep("plot", "--store", store, "-o", link).code == 0
    assert link.is_symlink()
    os.mkfifo(pipe)
    read = tmp_path / "read"
    with read.open("wb") as file, subprocess.Popen(["cat", pipe], stdout=file):
        assert sparsesweep("plot", "--store", store, "-o", pipe).code == 0
    assert pipe.is_fifo()
    assert read.read_bytes().rstrip().endswith(b"</svg>")
    assert real.read_bytes().rstrip().endswith(b"</svg>")
