"""A package of a person's own: dataset, model, scenario and probe, as docs/extend.md has them."""

import json
import re
import subprocess
from pathlib import Path

import pyarrow.parquet
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
  recipe: {epochs: 2, batch: 16}
axes: {method: [dense, set], density: [0.5]}
seeds: 1
"""

PROBED = """
import json, sys
from pathlib import Path
from grids.cell import Cell, Component
from trainer.outcome import PackRequest
from trainer.run import run_pack

cell = Cell(
    method=Component(name="set"), density="0.5", dataset=Component(name="chips"),
    model=Component(name="separable", options=(("channels", (4, 8)),)),
    scenario=Component(name="label_noise"), recipe=(("batch", 16), ("epochs", 3)), seed=0,
)
probes = {cell.id: [{"name": "weight_norms", "every": 2}]}
run_pack([cell], publish=lambda outcome: print(json.dumps([outcome.metrics, outcome.curve])),
         request=PackRequest(data_root=Path(sys.argv[1]), probes=probes))
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


def missing_of(environment: Environment, grid: Path, root: Path) -> set[str]:
    """The ids of the cells that a plan would train."""
    said = environment.sparsesweep(grid.parent, "plan", grid, "--json", "--data-root", root)
    return {cell for wave in json.loads(said)["waves"] for cell in wave["cells"]}


def results_of(folder: Path) -> list[dict[str, object]]:
    """The rows of the table of results."""
    return pyarrow.parquet.read_table(folder / "results/tables/results.parquet").to_pylist()


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
def test_a_grid_of_them_is_planned_trained_and_recorded(
    environment: Environment, grid: Path, root: Path
) -> None:
    folder, data = grid.parent, ("--data-root", root)
    assert "2 cells" in environment.sparsesweep(folder, "plan", grid, *data)
    environment.sparsesweep(folder, "run", grid, "--backend", "inline", *data)
    rows = results_of(folder)
    assert [row["method"] for row in rows] == ["dense", "set"]
    for row in rows:
        assert row["state"] == "COMPLETED"
        assert (row["dataset"], row["model"], row["scenario"]) == (
            "chips", "separable", "label_noise",
        )  # fmt: skip
        assert json.loads(row["scenario_options"]) == {"noise_seed": 0, "share": 0.1}
        assert json.loads(row["plugins"]) == ["ourlab 1.0"]
        assert 0.0 <= row["test_accuracy"] <= 1.0


@slow
def test_the_probe_measures_at_its_epochs_and_at_the_end(
    environment: Environment, root: Path
) -> None:
    done = subprocess.run(
        [environment.python, "-c", PROBED, root],
        env=environment.variables(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    metrics, curve = json.loads(done.stdout)
    assert [value is not None for value in curve["weight_norm"]] == [False, True, True]
    assert metrics["weight_norm"] == curve["weight_norm"][-1] > 0
    layers = [name for name in curve if name.startswith("weight_norm.")]
    assert len(layers) == 5
    last = sum(curve[name][-1] ** 2 for name in layers) ** 0.5
    assert metrics["weight_norm"] == pytest.approx(last)


@slow
def test_raised_semantics_give_new_cells_and_leave_the_old_results_to_the_old_ones(
    grid: Path, root: Path, tmp_path: Path
) -> None:
    environment = Environment(tmp_path / "edited")
    source = environment.install(SOURCE, editable=True) / "ourlab" / "chips.py"
    environment.sparsesweep(tmp_path, "run", grid, "--backend", "inline", "--data-root", root)
    trained, text = {row["cell"] for row in results_of(tmp_path)}, source.read_text()
    assert missing_of(environment, grid, root) == set()
    source.write_text(text.replace("needs_root=True", "needs_root=True, semantics=2"))
    raised = missing_of(environment, grid, root)
    assert len(raised) == len(trained) == 2
    assert trained.isdisjoint(raised)
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
