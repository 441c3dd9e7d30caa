"""The generalisation study's twin with truly sparse cells beside the masked ones of it."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import sparsesweep

SET_NP = ("{name: set_np, budget: keep}", "{name: set_np, budget: shrink, score: out}")
ON_DIGITS = (
    "dataset=digits", "recipe.batch=32", "recipe.lr=0.1", "recipe.epochs=3", "seeds=1",
    f"method=static,set,{SET_NP[0]},{SET_NP[1]}",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twin on digits, trained with both storages."""
    folder = tmp_path_factory.mktemp("twin") / "results"
    said = sparsesweep(
        "run", "generalization_ci", "--backend", "inline", "--store", folder, *flags("masked,csr")
    )
    assert said.code == 0, said.out + said.err
    assert "16 of 16 cells have results" in said.out
    return folder


def flags(storages: str) -> list[str]:
    settings = (*ON_DIGITS, f"recipe.storage={storages}")
    return [word for setting in settings for word in ("--set", setting)]


def asked(store: Path, query: str) -> list[dict[str, Any]]:
    said = sparsesweep("query", query, "--format", "json", "--store", store)
    assert said.code == 0, said.err
    return json.loads(said.out)


def pairs(store: Path, columns: str, table: str = "results") -> list[tuple[Any, Any]]:
    """Rows of masked and truly sparse cells that differ in nothing but the storage."""
    rows = asked(
        store,
        f"select {columns}, recipe ->> 'storage' as storage, row_number() over (partition by"
        f" recipe ->> 'storage' order by method, method_options, dataset_options) as n"
        f" from {table} order by n, storage desc",
    )
    found = [list(rows) for _, rows in groupby(rows, key=lambda row: row["n"])]
    assert len(found) == 8
    assert all([row["storage"] for row in pair] == ["masked", "csr"] for pair in found)
    return [(one, other) for one, other in found]


def test_every_truly_sparse_cell_ends_with_the_structure_of_its_masked_twin(store: Path) -> None:
    columns = "method, engine, alive_neurons, explored_rate, topology_updates, realised_density"
    for one, other in pairs(store, columns):
        assert (one.pop("engine"), other.pop("engine")) == ("stack", "csr")
        del one["storage"], other["storage"]
        assert one == other


def test_its_curve_is_that_of_its_twin(store: Path) -> None:
    for one, other in pairs(store, "test_accuracy, test_loss, val_loss, train_loss"):
        assert other["test_accuracy"] == one["test_accuracy"]
        for loss in ("test_loss", "val_loss", "train_loss"):
            assert other[loss] == pytest.approx(one[loss], abs=1e-4)


def test_it_is_answered_when_it_is_asked_again(store: Path) -> None:
    said = sparsesweep("plan", "generalization_ci", "--store", store, *flags("csr"), "--json")
    assert json.loads(said.out)["counts"]["new"] == 0


def test_the_dense_cells_of_the_study_cannot_be_truly_sparse() -> None:
    said = sparsesweep("plan", "generalization_ci", "--set", "recipe.storage=csr")
    assert said.code == 2
    assert "recipe.storage is csr, but method dense needs dense tensors; allowed:" in said.err
