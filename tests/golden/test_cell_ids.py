"""Frozen ids: they name records on disk, so what is below may be added to but never changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from grids import recipe
from grids.cell import Cell

FROZEN = {
    "714bd17276bce832": {
        "dataset": "digits",
        "density": "1",
        "method": "dense",
        "model": "mlp",
        "seed": 0,
    },
    "8c91705d3790b6f2": {
        "dataset": "digits",
        "density": "0.05",
        "method": {"name": "rigl", "update_every": 50},
        "model": {"name": "mlp", "hidden": [256, 256]},
        "recipe": {"epochs": 5, "lr": 1.0},
        "seed": 3,
    },
    "b0dcb4b22e85044e": {
        "allocation": {"name": "er", "power": 0.5},
        "data_ratio": "0.25",
        "dataset": {"name": "idx", "folder": "caf\u00e9"},
        "density": "0.0000001",
        "method": {"name": "gmp", "scope": "layer", "stop": 0.8},
        "model": {"name": "convnet", "norm": True, "dropout": None},
        "recipe": {
            "clip_norm": 1e-05,
            "milestones": [0.5, 0.9],
            "nesterov": True,
            "optimizer": "adam",
        },
        "scenario": {"name": "corrupted", "severity": 3},
        "seed": 4294967295,
        "semantics": {"method": 2, "recipe": 3},
    },
}
"""Canonical cells by their ids."""

RECIPE_DEFAULTS = Path(__file__).with_name("recipe_defaults.json")


@pytest.mark.parametrize(("frozen", "canonical"), FROZEN.items())
def test_the_id_of_a_canonical_cell_never_changes(frozen: str, canonical: dict[str, Any]) -> None:
    cell = Cell.from_canonical(canonical)
    assert cell.id == frozen
    assert cell.canonical() == canonical


def test_a_recipe_default_changes_only_with_the_semantics_of_the_recipe() -> None:
    frozen = json.loads(RECIPE_DEFAULTS.read_text())
    current = json.loads(json.dumps(recipe.defaults()))
    if frozen["semantics"] == recipe.SEMANTICS:
        changed = {name for name, value in frozen["defaults"].items() if current.get(name) != value}
        assert not changed, "old ids would get a new meaning: raise grids.recipe.SEMANTICS"
    assert {"semantics": recipe.SEMANTICS, "defaults": current} == frozen, (
        "a field was added or the semantics raised: write the new defaults to recipe_defaults.json"
    )
