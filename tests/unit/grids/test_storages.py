"""Cells that store their active weights alone: what they cannot be is told while a grid is read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from grids.catalogue import Catalogue
from grids.grid import load
from grids.problems import GridProblems
from grids.recipe import contradictions, defaults

SPARSE = "base: {dataset: digits, model: mlp, method: set, density: 0.1, recipe.storage: csr}\n"

Told = Callable[[str], list[str]]


@pytest.fixture
def cells(
    shipped: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    monkeypatch.chdir(tmp_path)

    def count(text: str, *overrides: str) -> int:
        Path("grid.yaml").write_text(text)
        return len(load("grid.yaml", shipped, overrides).cells)

    return count


@pytest.fixture
def told(cells: Callable[..., int]) -> Told:
    def lines(text: str) -> list[str]:
        with pytest.raises(GridProblems) as caught:
            cells(text)
        return [line.removeprefix("grid.yaml:") for line in str(caught.value).splitlines()]

    return lines


def with_base(**fields: str) -> str:
    base = {"dataset": "digits", "model": "mlp", "method": "set", "density": "0.1"} | fields
    lines = "".join(f"  {name}: {value}\n" for name, value in base.items())
    return f"base:\n{lines}  recipe.storage: csr\n"


@pytest.mark.parametrize("method", ["static", "set", "set_np", "{name: set, drop: magnitude}"])
@pytest.mark.parametrize("model", ["mlp", "lenet_300_100", "{name: mlp, activation: all_relu}"])
def test_what_can_be_truly_sparse_is_read(
    cells: Callable[..., int], method: str, model: str
) -> None:
    assert cells(with_base(method=method, model=model)) == 1


def test_the_storage_is_part_of_the_cell(shipped: Catalogue, cells: Callable[..., int]) -> None:
    assert cells(SPARSE, "recipe.storage=masked,csr") == 2


def test_what_cannot_be_is_told_at_the_line_of_the_storage(told: Told) -> None:
    assert told(with_base(method="rigl")) == [
        "6: recipe.storage is csr, but method rigl needs dense tensors; allowed: masked"
    ]
    assert told(with_base(model="convnet", dataset="{name: synthetic, image_size: 8}")) == [
        "6: recipe.storage is csr, but model convnet needs dense tensors; allowed: masked"
    ]
    assert told(with_base(allocation="snip")) == [
        "7: recipe.storage is csr, but allocation snip ranks dense weights; allowed: an allocation"
        " by shapes alone"
    ]
    [line] = told(with_base(scenario="{name: el2n}", data_ratio="0.5"))
    assert line.startswith("8: recipe.storage is csr, but scenario el2n needs other cells with")


@pytest.mark.parametrize(
    "method",
    [
        "{name: set, growth: gradient}",
        "{name: set, convention: set2018_scipy}",
        "{name: set_np, drop: taylor}",
        "{name: set_np, redistribution: momentum}",
    ],
)
def test_rules_that_look_at_gradients_or_dense_matrices_are_told(told: Told, method: str) -> None:
    [line] = told(with_base(method=method))
    assert "needs dense tensors with these options; allowed:" in line
    assert "drop: magnitude or signed or threshold, growth: random" in line


def test_a_perceptron_that_is_not_plain_is_told_with_what_would_be(told: Told) -> None:
    [line] = told(with_base(model="{name: mlp, batch_norm: true}"))
    assert "model mlp needs dense tensors with these options; allowed: activation: relu or" in line
    assert line.endswith("batch_norm: false, bias: true, skip: false")


def test_a_scenario_that_needs_no_other_cell_goes_with_it(cells: Callable[..., int]) -> None:
    scenario = "{name: el2n, keep: random}"
    assert cells(with_base(scenario=scenario, data_ratio="0.5")) == 1


def test_a_probe_of_dense_weights_is_told(told: Told) -> None:
    assert told(SPARSE + "probes: [effective, generalisation]\n") == [
        "2: probe effective looks at dense weights, and cells with recipe.storage csr have none;"
        " allowed: masked"
    ]


def test_other_cells_of_the_grid_do_not_matter(cells: Callable[..., int]) -> None:
    grid = SPARSE + "seeds: 2\naxes: {density: [0.1]}\n"
    assert cells(grid + "include: [{method: rigl, recipe.storage: masked}]\n") == 4


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("precision", "bf16", "sparse products are computed in fp32"),
        ("layout", "channels_last", "a perceptron's inputs have no layout"),
        (
            "clip_norm",
            1.0,
            "the norm counts gradients of inactive weights, which are not computed",
        ),
    ],
)
def test_recipe_fields_that_cannot_go_with_it(field: str, value: object, reason: str) -> None:
    recipe = defaults() | {"storage": "csr", field: value}
    given = {"bf16": "'bf16'", "channels_last": "'channels_last'", 1.0: "1.0"}[value]
    assert contradictions(recipe) == {
        field: f"is {given}, but with recipe.storage csr {reason}; leave it out"
    }
    assert contradictions(recipe | {"storage": "masked"}) == {}


def test_scores_of_single_examples_are_told_at_the_line_of_the_artifacts(
    told: Told, cells: Callable[..., int]
) -> None:
    assert told(SPARSE + "artifacts: {leave: [el2n@1e, grand@1e]}\n") == [
        "2: artifact grand@1e takes gradients of single examples, and cells with recipe.storage csr"
        " have none; allowed scores: el2n, margin, forgetting"
    ]
    assert cells(SPARSE + "artifacts: {leave: [el2n@1e, final]}\n") == 1
    masked = SPARSE.replace("csr", "masked")
    assert cells(masked + "artifacts: {leave: [grand@1e]}\n") == 1
