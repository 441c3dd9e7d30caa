"""What plans know of the size of a run is what the data say."""

from dataclasses import replace

import pytest

from grids.catalogue import Catalogue
from grids.cell import Component
from orchestrator.planning.run_length import total_steps, training_examples
from tests.support.cells import make_cell
from trainer.data import DATASETS
from trainer.describe import describe
from trainer.workload import load_workload

KNOWN = [name for name in DATASETS.names() if "class_sizes" in DATASETS.get(name).traits]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.from_json(describe())


@pytest.mark.parametrize("ratio", ["1", "0.5", "0.13"])
@pytest.mark.parametrize("options", [(), (("test_fraction", 0.31), ("val_fraction", 0.07))])
@pytest.mark.parametrize("name", KNOWN)
def test_the_training_split_has_the_size_that_plans_count_with(name, options, ratio, catalogue):
    cell = make_cell("dense", "1", dataset=name, data_ratio=ratio, epochs=3, batch=7)
    cell = replace(cell, dataset=Component(name=name, options=options))
    workload = load_workload(cell, None, "cpu")
    assert training_examples(cell, catalogue) == len(workload.bundle.train)
    assert total_steps(cell, catalogue) == workload.total_steps


def test_uneven_classes_of_a_made_up_set_are_counted_too(catalogue):
    made = Component(name="synthetic", options=(("classes", 7), ("examples", 100)))
    cell = replace(make_cell("dense", "1", dataset="synthetic"), dataset=made)
    workload = load_workload(cell, None, "cpu")
    assert training_examples(cell, catalogue) == len(workload.bundle.train)
