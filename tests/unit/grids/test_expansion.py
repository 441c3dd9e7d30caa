"""Axes, zip, include and seeds: which cells a grid stands for, and in which order."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grids.catalogue import Catalogue
from grids.finding import STUDIES
from grids.grid import Grid, load
from grids.options import Option, Value

Read = Callable[..., Grid]
Labels = Callable[..., list[str]]

SHARED = "base: {dataset: digits, model: mlp}\n"


def test_a_base_alone_is_one_cell_per_seed(labels: Labels, base: str) -> None:
    assert labels(base) == ["rigl density=0.1 seed=0"]
    assert labels(base + "seeds: 2") == ["rigl density=0.1 seed=0", "rigl density=0.1 seed=1"]


def test_seeds_may_be_listed(labels: Labels, base: str) -> None:
    assert labels(base + "seeds: [7, 3]") == ["rigl density=0.1 seed=7", "rigl density=0.1 seed=3"]


def test_axes_multiply_in_the_order_of_the_file_seeds_fastest(labels: Labels) -> None:
    text = SHARED + "axes: {method: [set, rigl], density: [0.2, 0.1]}\nseeds: 2\n"
    assert labels(text) == [
        "set density=0.2 seed=0",
        "set density=0.2 seed=1",
        "set density=0.1 seed=0",
        "set density=0.1 seed=1",
        "rigl density=0.2 seed=0",
        "rigl density=0.2 seed=1",
        "rigl density=0.1 seed=0",
        "rigl density=0.1 seed=1",
    ]


def test_dense_is_one_cell_per_seed_not_one_per_density(labels: Labels) -> None:
    text = SHARED + "axes: {method: [dense, set], density: [0.1, 0.2]}\nseeds: 2\n"
    assert labels(text) == [
        "dense seed=0",
        "dense seed=1",
        "set density=0.1 seed=0",
        "set density=0.1 seed=1",
        "set density=0.2 seed=0",
        "set density=0.2 seed=1",
    ]


def test_an_ignored_allocation_collapses_too(read: Read) -> None:
    text = SHARED + "axes: {method: [snip, set], allocation: [erk, uniform], density: [0.1]}\n"
    cells = [(cell.method.name, cell.allocation.name) for cell in read(text).cells]
    assert cells == [("snip", "erk"), ("set", "erk"), ("set", "uniform")]


def test_an_allocation_counts_where_an_option_makes_it_count(read: Read) -> None:
    methods = "[{name: gmp, scope: layer}, gmp]"
    text = SHARED + f"axes: {{method: {methods}, density: [0.1], allocation: [uniform]}}\n"
    cells = [(str(cell.method), cell.allocation.name) for cell in read(text).cells]
    assert cells == [("gmp(scope=layer)", "uniform"), ("gmp", "erk")]


def test_a_density_collapses_where_the_allocation_decides_it(read: Read) -> None:
    epsilons = "{name: er_epsilon, epsilon: 5}, er_epsilon"
    text = SHARED + (
        f"axes: {{method: [set, snip], allocation: [{epsilons}, erk], density: [0.1, 0.2]}}\n"
    )
    cells = [(c.method.name, str(c.allocation), c.density) for c in read(text).cells]
    assert cells == [
        ("set", "er_epsilon(epsilon=5.0)", "1"),
        ("set", "er_epsilon", "1"),
        ("set", "erk", "0.1"),
        ("set", "erk", "0.2"),
        ("snip", "erk", "0.1"),  # which ignores the allocation, so its density counts
        ("snip", "erk", "0.2"),
    ]


def test_no_density_is_needed_where_every_allocation_decides_it(read: Read) -> None:
    text = SHARED + "axes: {method: [set, dense], allocation: [er_epsilon]}\n"
    cells = [(c.method.name, c.allocation.name, c.density) for c in read(text).cells]
    assert cells == [("set", "er_epsilon", "1"), ("dense", "erk", "1")]


def test_a_zip_group_advances_together(read: Read, base: str) -> None:
    text = base + "zip:\n- {model: [{name: mlp, hidden: [64]}, convnet], recipe.lr: [0.1, 0.01]}\n"
    text = text.replace("model: mlp, ", "")
    cells = [(str(cell.model), cell.get("recipe.lr")) for cell in read(text).cells]
    assert cells == [("mlp(hidden=[64])", 0.1), ("convnet", 0.01)]


def test_zip_groups_and_axes_multiply_axes_first(read: Read, base: str) -> None:
    text = base + (
        "zip:\n- {recipe.lr: [0.1, 0.2], recipe.epochs: [1, 2]}\naxes: {recipe.batch: [8, 16]}\n"
    )
    paths = ("recipe.batch", "recipe.lr", "recipe.epochs")
    cells = [tuple(cell.get(path) for path in paths) for cell in read(text).cells]
    assert cells == [(8, 0.1, 1), (8, 0.2, 2), (16, 0.1, 1), (16, 0.2, 2)]


def test_recipes_merge_over_base_field_by_field(read: Read) -> None:
    text = (
        "base:\n  dataset: digits\n  model: mlp\n  method: static\n  density: 0.1\n"
        "  recipe: {epochs: 5, batch: 8}\n  recipe.weight_decay: 0\n"
        "axes:\n  recipe: [{optimizer: adam, lr: 0.001}, {lr: 0.2}]\n"
    )
    recipes = [dict(cell.recipe) for cell in read(text).cells]
    assert recipes == [
        {"batch": 8, "epochs": 5, "lr": 0.001, "optimizer": "adam", "weight_decay": 0.0},
        {"batch": 8, "epochs": 5, "lr": 0.2, "weight_decay": 0.0},
    ]


def test_an_option_reaches_the_methods_that_have_it(labels: Labels) -> None:
    text = SHARED + (
        "axes:\n  method: [static, set, {name: rigl, update_every: 7}]\n  density: [0.1]\n"
    )
    text = text.replace("model: mlp", "model: mlp, method.update_every: 50")
    assert labels(text) == [
        "static density=0.1 seed=0",
        "set(update_every=50) density=0.1 seed=0",
        "rigl(update_every=7) density=0.1 seed=0",
    ]


def test_an_option_s_axis_multiplies_only_the_methods_that_have_it(labels: Labels) -> None:
    text = SHARED + (
        "axes: {method: [static, rigl], method.update_every: [50, 100], density: [0.1]}\n"
    )
    assert labels(text) == [
        "static density=0.1 seed=0",
        "rigl(update_every=50) density=0.1 seed=0",
        "rigl density=0.1 seed=0",
    ]


def test_a_recipe_field_reaches_the_cells_in_which_it_has_effect(read: Read, base: str) -> None:
    text = base + "axes: {recipe.optimizer: [sgd, adam], recipe.momentum: [0, 0.5]}\n"
    recipes = [dict(cell.recipe) for cell in read(text).cells]
    assert recipes == [{"momentum": 0.0}, {"momentum": 0.5}, {"optimizer": "adam"}]


def test_values_written_differently_are_one_cell(read: Read, base: str) -> None:
    variants = [
        "axes: {recipe.lr: [1], density: [0.10], recipe.epochs: [10]}",
        "axes: {recipe.lr: [1.0], density: [.1], recipe.epochs: [10]}",
        "axes: {recipe.lr: [1e0], density: [1e-1], recipe.epochs: [0o12]}",
    ]
    text = base.replace(", density: 0.1", "")
    assert len({read(text + variant).cells[0].id for variant in variants}) == 1


def test_included_cells_are_base_with_some_fields_changed(labels: Labels) -> None:
    text = (
        "base: {dataset: digits, model: mlp, method: set, density: 0.5}\n"
        "axes: {recipe.lr: [0.1]}\ninclude:\n- {density: 0.01}\n- {method: dense}\n"
    )
    assert labels(text) == ["set density=0.5 seed=0", "set density=0.01 seed=0", "dense seed=0"]


def test_a_grid_of_nothing_but_include_has_only_those_cells(labels: Labels) -> None:
    text = SHARED + "include:\n- {method: dense}\n- {method: set, density: 0.1}\nseeds: 2\n"
    assert labels(text) == [
        "dense seed=0",
        "dense seed=1",
        "set density=0.1 seed=0",
        "set density=0.1 seed=1",
    ]


def test_semantics_above_one_reach_the_cells_that_use_the_component(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    methods = [
        replace(entry, semantics=2 if entry.name == "rigl" else 1) for entry in catalogue.methods
    ]
    allocations = [replace(entry, semantics=3) for entry in catalogue.allocations]
    raised = replace(catalogue, methods=tuple(methods), allocations=tuple(allocations))
    path = tmp_path / "grid.yaml"
    path.write_text(SHARED + "axes: {method: [rigl, snip], density: [0.1]}\n")
    rigl, snip = load(path, raised).cells
    assert rigl.semantics == (("allocation", 3), ("method", 2))
    assert snip.semantics == ()


def test_a_value_is_checked_once_however_many_cells_hold_it(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[object] = []
    check = Option.check

    def counting(option: Option, given: object, what: str | None = None) -> Value:
        checked.append(given)
        return check(option, given, what)

    monkeypatch.setattr(Option, "check", counting)
    axes = "axes: {method: [set], density: [0.1], recipe.lr: [1, 2, 3], recipe.batch: [8, 16]}\n"
    assert len(read(SHARED + axes + "seeds: 100\n").cells) == 600
    assert sorted(checked, key=str) == [1, 16, 2, 3, 8]


def test_reading_grids_needs_neither_torch_nor_a_validation_library() -> None:
    code = "import sys, grids.grid, grids.schema; print(*sys.modules)"
    root = STUDIES.parents[1]
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert {"torch", "pydantic", "numpy"}.isdisjoint(shown.stdout.split())
    assert "grids.grid" in shown.stdout.split()
