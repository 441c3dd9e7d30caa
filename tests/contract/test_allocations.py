"""What every registered allocation promises in a run; a new one gets these for free."""

import dataclasses
import json
from pathlib import Path

import pytest

from sparse.allocation import target_count
from sparse.allocations import ALLOCATIONS
from sparse.methods import METHODS
from tests.support.cells import component, make_cell, result, train
from tests.support.methods import allocation_names

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "methods" / "README.md"
TASK = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
OF_METHODS = sorted(set(allocation_names(scores=True)) & set(METHODS.names()))


def cell_of(method, allocation="erk", model="mlp", seed=0, **options):
    cell = make_cell(
        method, seed=seed, options=options, model=model, dataset_options=TASK, epochs=1
    )
    if ALLOCATIONS.get(allocation).traits["ignores"]:
        cell = dataclasses.replace(cell, density="1")
    return dataclasses.replace(cell, allocation=component(allocation, {}))


def active(outcome):
    assert outcome.state == "COMPLETED", outcome.error
    return {layer["layer"]: layer["active"] for layer in outcome.layers}


@pytest.mark.parametrize("name", ALLOCATIONS.names())
def test_declares_every_trait_in_plain_data(name):
    entry = ALLOCATIONS.get(name)
    traits = json.loads(json.dumps(dict(entry.traits)))
    assert set(traits) == {"ignores", "scores", "source"}
    assert traits["ignores"] in ([], [{"field": "density", "when": None}])
    assert type(traits["scores"]) is bool
    assert traits["source"]


@pytest.mark.parametrize("name", ALLOCATIONS.names())
def test_has_a_row_in_the_table_that_names_every_option(name):
    text = (
        DOCUMENT.read_text(encoding="utf-8").partition("## Allocations\n")[2].partition("\n## ")[0]
    )
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}`")]
    options = row.split(" | ")[-1]
    for field in dataclasses.fields(ALLOCATIONS.get(name).options):
        assert f"`{field.name}` {field.default:g}" in options


@pytest.mark.parametrize("model", ["mlp", "convnet"])
@pytest.mark.parametrize("name", ALLOCATIONS.names())
def test_a_run_keeps_the_target_and_some_of_every_layer(name, model):
    cell = cell_of("static", name, model)
    outcome = train(cell)[cell.id]
    sizes = {layer["layer"]: layer["total"] for layer in outcome.layers}
    found = active(outcome)
    assert all(1 <= found[layer] <= sizes[layer] for layer in sizes)
    if cell.density != "1":
        assert sum(found.values()) == target_count("0.3", sum(sizes.values()))


@pytest.mark.parametrize("model", ["mlp", "convnet"])
@pytest.mark.parametrize("name", OF_METHODS)
def test_static_with_the_counts_of_a_method_keeps_as_many_as_that_method(name, model):
    method, static = cell_of(name, model=model), cell_of("static", name, model)
    assert active(train(static)[static.id]) == active(train(method)[method.id])


@pytest.mark.parametrize("name", allocation_names(scores=True))
def test_a_cell_is_the_same_alone_and_among_others(name):
    cells = [cell_of("set", name, seed=seed) for seed in range(3)]
    together = train(*cells)
    for cell in cells:
        assert result(train(cell)[cell.id]) == result(together[cell.id])
