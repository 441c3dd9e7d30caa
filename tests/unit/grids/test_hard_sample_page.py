"""What docs/studies/hard_samples.md says of studies, costs, flags and tests is true."""

import re
from pathlib import Path

import pytest

from grids import recipe
from grids.catalogue import Catalogue
from grids.finding import STUDIES, shipped_studies
from grids.grid import load

ROOT = STUDIES.parents[1]
PAGE = (ROOT / "docs" / "studies" / "hard_samples.md").read_text()

FLAGS = [
    "batch-size",
    "test-batch-size",
    "multiplier",
    "epochs",
    "fp16",
    "lr",
    "momentum",
    "no-cuda",
    "seed",
    "log-interval",
    "optimizer",
    "lr_s",
    "data",
    "decay_frequency",
    "l1",
    "valid_split",
    "resume",
    "start-epoch",
    "model",
    "l2",
    "iters",
    "save-features",
    "bench",
    "max-threads",
    "gpu",
    "root_path",
    "data_dir",
    "data_path",
    "save_model",
    "task",
    "p_data",
    "data_retrain",
    "norm",
    "train_eps",
    "train_step",
    "train_gamma",
    "train_randinit",
    "test_eps",
    "test_step",
    "test_gamma",
    "test_randinit",
    "team_name",
    "project_name",
    "experiment_name",
    "wandb",
    "sparse",
    "fix",
    "sparse_init",
    "method",
    "growth",
    "death",
    "redistribution",
    "death-rate",
    "density",
    "update_frequency",
    "decay-schedule",
    "momentum_reset",
    "init-prune-epoch",
    "final-prune-epoch",
]
"""All of main_ad_att.py, in the order of its help."""

NEVER_READ = [
    "test-batch-size",
    "decay_frequency",
    "l1",
    "valid_split",
    "resume",
    "start-epoch",
    "save-features",
    "bench",
    "data_dir",
    "data_retrain",
    "redistribution",
    "decay-schedule",
]

FORWARD_PASSES = {"adversarial": 23}
"""Of a training step per image; 3 where nothing attacks."""


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, headings left out."""
    found = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in found]


COMMAND_LINE = [row for row in rows(section("From the released command line")) if "--" in row[0]]


def test_every_flag_is_there_once_with_its_mark() -> None:
    named = [flag for row in COMMAND_LINE for flag in re.findall(r"`--([\w-]+)`", row[0])]
    assert named == FLAGS
    marked = [row[0].split("`")[1][2:] for row in COMMAND_LINE if "†" in row[0]]
    assert marked == NEVER_READ


def test_every_field_that_a_flag_becomes_exists(shipped: Catalogue) -> None:
    options = {
        kind: {option.name for entry in shipped.entries(kind) for option in entry.options}
        for kind in ("dataset", "method", "scenario", "probe")
    }
    options |= {"recipe": set(recipe.OPTIONS), "robust": options["probe"]}
    fields = [
        pair for row in COMMAND_LINE for pair in re.findall(r"`(\w+)\.(\w+)(?:: \S+)?`", row[1])
    ]
    assert len(fields) > 20
    assert [pair for pair in fields if pair[1] not in options[pair[0]]] == []


def test_the_runs_of_the_readme_are_a_grid_of_two_cells(shipped: Catalogue, tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    path = tmp_path / "readme.yaml"
    path.write_text(text)
    cells = load(path, shipped).cells
    found = {(cell.dataset.name, cell.model.name, cell.method.name) for cell in cells}
    assert found == {("cifar10", "vgg16", "set"), ("cifar100", "resnet18", "set")}
    for cell in cells:
        fields = shipped.fields(cell)
        assert (cell.seed, cell.density, cell.data_ratio) == (15, "0.2", "0.5")
        assert (fields["scenario.steps"], fields["method.update_every"]) == (10, 704)
        assert fields["recipe.rotation"] == (15 if cell.dataset.name == "cifar100" else 0)


OTHER_PAGES = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if path.name != "hard_samples.md"
)

COSTS = {row[0].strip("`"): row[1:] for row in rows(section("Running")) if len(row) == 4}


def test_every_study_is_listed_with_its_cost() -> None:
    studies = {name for name in shipped_studies() if f"{name}_ci" in shipped_studies()}
    listed = COSTS.keys() - {"study", "---"}
    assert listed <= studies
    assert not {name for name in studies - listed if f"`{name}`" not in OTHER_PAGES}
    assert {name for name in studies if f"`{name}`" in section("The studies")} == set(
        COSTS
    ) & studies


@pytest.mark.parametrize("name", [name for name in COSTS if name in shipped_studies()])
def test_its_cost_is_what_its_cells_come_to(name: str, shipped: Catalogue) -> None:
    cells, trained, trainings = COSTS[name]
    found = load(name, shipped).cells
    assert int(cells) == len(found)
    own = sum(
        float(cell.data_ratio) * FORWARD_PASSES.get(cell.scenario.name, 3) / 3 for cell in found
    )
    scoring = int(trained) - int(cells)
    assert float(trainings) == pytest.approx(own + scoring, abs=0.05)


def test_the_tests_that_are_named_exist() -> None:
    golden = re.findall(r"`(test_\w+\.py)`", section("Golden numbers"))
    paths = re.findall(r"`(\w+(?:/\w+)*/test_\w+\.py)`", PAGE)
    assert len(golden) > 10
    assert len(paths) > 30
    named = {ROOT / "tests" / path for path in [*paths, *(f"golden/{name}" for name in golden)]}
    assert [path for path in sorted(named) if not path.is_file()] == []
