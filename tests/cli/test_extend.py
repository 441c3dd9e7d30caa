"""A package of a person's own: dataset, model, scenario and probe, as docs/extend.md has them."""

import json
import re
from pathlib import Path

import pytest

from tests.support.chips import write_chips
from tests.support.console import sparsesweep
from tests.support.environments import EXAMPLES, ROOT, Environment

pytestmark = pytest.mark.timeout(240)
slow = pytest.mark.slow

SOURCE = EXAMPLES / "ourlab"
GUIDE = (ROOT / "docs" / "extend.md").read_text()

GRID = """\
name: ours
base:
  dataset: chips
  model: {name: separable, channels: [4, 8]}
  scenario: {name: label_noise, share: 0.1}
  recipe: {epochs: 3, batch: 16}
axes: {method: [dense, set], density: [0.5]}
seeds: 1
probes: [{name: weight_norms, every: 2}]
"""

BROKEN = """\
from sparse.registry import nothing_of_that_name
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the examples' package installed."""
    environment = Environment(tmp_path_factory.mktemp("environment"))
    environment.install(SOURCE)
    return environment


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the private images."""
    return write_chips(tmp_path_factory.mktemp("data"))


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "ours.yaml"
    path.write_text(GRID)
    return path


@pytest.fixture(scope="module")
def trained(environment: Environment, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of the grid."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "ours.yaml").write_text(GRID)
    environment.sparsesweep(folder, "run", "ours.yaml", "--backend", "inline", "--data-root", root)
    return folder


def missing_of(environment: Environment, grid: Path, root: Path) -> set[str]:
    """The ids of the cells that a plan would train."""
    said = environment.sparsesweep(grid.parent, "plan", grid, "--json", "--data-root", root)
    return {cell for wave in json.loads(said)["waves"] for cell in wave["cells"]}


def rows_of(environment: Environment, folder: Path, query: str) -> list[dict[str, object]]:
    """The rows of a query."""
    said = environment.sparsesweep(folder, "query", query, "--format", "json")
    rows: list[dict[str, object]] = json.loads(said)
    return rows


@slow
def test_the_reference_lists_each_with_its_package_and_describes_its_options(
    environment: Environment, tmp_path: Path
) -> None:
    listed = environment.sparsesweep(tmp_path, "methods")
    assert re.findall(r"^  (\w+) .* \[ourlab 1\.0\]$", listed, re.MULTILINE) == [
        "label_noise", "chips", "separable", "weight_norms",
    ]  # fmt: skip
    described = environment.sparsesweep(tmp_path, "methods", "label_noise", "--kind", "scenario")
    assert described.splitlines()[:3] == [
        "scenario label_noise: wrong training labels, right ones elsewhere",
        "  from: ourlab 1.0",
        "  share: a number >= 0 and < 1, default 0.2",
    ]
    [probe] = json.loads(environment.sparsesweep(tmp_path, "methods", "weight_norms", "--json"))
    assert (probe["kind"], probe["distribution"]) == ("probe", "ourlab")


@slow
def test_a_grid_of_them_is_planned(environment: Environment, grid: Path, root: Path) -> None:
    said = environment.sparsesweep(grid.parent, "plan", grid, "--data-root", root)
    assert said.startswith("ours: 2 cells")


@slow
def test_a_grid_of_them_is_trained_and_recorded(environment: Environment, trained: Path) -> None:
    rows = rows_of(environment, trained, "SELECT * FROM results")
    assert [row["method"] for row in rows] == ["dense", "set"]
    for row in rows:
        assert row["state"] == "COMPLETED"
        assert (row["dataset"], row["model"], row["scenario"]) == (
            "chips", "separable", "label_noise",
        )  # fmt: skip
        assert json.loads(str(row["scenario_options"])) == {"noise_seed": 0, "share": 0.1}
        assert json.loads(str(row["plugins"])) == ["ourlab 1.0"]


@slow
def test_the_probe_of_the_grid_measured_at_its_epochs_and_at_the_end(
    environment: Environment, trained: Path
) -> None:
    points = rows_of(environment, trained, "SELECT cell, epoch, other FROM curves ORDER BY epoch")
    metrics = rows_of(environment, trained, "SELECT cell, value FROM metrics WHERE probe NOTNULL")
    assert len(metrics) == 2
    for metric in metrics:
        own = [point for point in points if point["cell"] == metric["cell"]]
        curve = {point["epoch"]: json.loads(str(point["other"])) for point in own}
        assert set(curve[1.0].values()) == {None}
        assert [len(curve[epoch]) for epoch in (2.0, 3.0)] == [6, 6]
        assert metric["value"] == curve[3.0].pop("weight_norm")
        assert metric["value"] == pytest.approx(sum(v**2 for v in curve[3.0].values()) ** 0.5)


@slow
def test_raised_semantics_give_new_cells_and_leave_the_old_results_to_the_old_ones(
    grid: Path, root: Path, tmp_path: Path
) -> None:
    environment = Environment(tmp_path / "edited")
    source = environment.install(SOURCE, editable=True) / "ourlab" / "chips.py"
    environment.sparsesweep(tmp_path, "run", grid, "--backend", "inline", "--data-root", root)
    rows, text = rows_of(environment, tmp_path, "SELECT cell FROM results"), source.read_text()
    assert missing_of(environment, grid, root) == set()
    source.write_text(text.replace("needs_root=True", "needs_root=True, semantics=2"))
    raised = missing_of(environment, grid, root)
    assert len(raised) == len(rows) == 2
    assert raised.isdisjoint({row["cell"] for row in rows})
    source.write_text(text)
    assert missing_of(environment, grid, root) == set()


@slow
def test_a_package_that_cannot_be_loaded_is_named_again_and_again_until_it_can(
    tmp_path: Path,
) -> None:
    environment = Environment(tmp_path / "broken")
    source = environment.install(SOURCE, editable=True) / "ourlab" / "separable.py"
    text = source.read_text()
    source.write_text(BROKEN + text)
    for _ in range(2):
        done = environment.run(tmp_path, "methods", "--kind", "model")
        assert done.returncode == 0
        assert "the model plug-in 'separable' of ourlab failed: ImportError(" in done.stderr
        assert "ourlab" not in done.stdout
    source.write_text(text)
    assert "  separable  " in environment.sparsesweep(tmp_path, "methods", "--kind", "model")


def test_without_the_package_its_names_are_unknown(grid: Path, root: Path) -> None:
    said = sparsesweep("plan", grid, "--data-root", root)
    assert said.code == 2
    for name in ("dataset 'chips'", "model 'separable'", "scenario 'label_noise'"):
        assert f"unknown {name}; allowed: " in said.err


@pytest.mark.parametrize("name", ["chips", "separable"])
def test_the_dataset_and_the_model_have_30_lines(name: str) -> None:
    text = (SOURCE / "ourlab" / f"{name}.py").read_text()
    assert len([line for line in text.splitlines() if line.strip()]) <= 30


def test_the_guide_shows_every_file_whole() -> None:
    files = [SOURCE / "pyproject.toml", *sorted(SOURCE.rglob("*.py"))]
    absent = [path.name for path in files if f"\n{path.read_text()}```" not in GUIDE]
    assert (len(files), absent) == (6, ["__init__.py"])


@slow
def test_the_grid_of_the_guide_is_planned(
    environment: Environment, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "ours.yaml").write_text(GUIDE.partition("```yaml\n")[2].partition("```")[0])
    said = environment.sparsesweep(tmp_path, "plan", "ours.yaml", "--data-root", root)
    assert said.startswith("ours: 30 cells")
