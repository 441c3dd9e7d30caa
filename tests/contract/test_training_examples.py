"""What plans know of the size of a run is what the data say."""

from dataclasses import replace

import pytest

from grids.catalogue import Catalogue
from grids.cell import Component
from orchestrator.planning.run_length import total_steps, training_examples
from tests.support.cells import make_cell, sources_of
from tests.support.image_sets import use_small_traits
from trainer.data import DATASETS
from trainer.describe import describe
from trainer.workload import load_workload

KNOWN = [name for name in DATASETS.names() if "class_sizes" in DATASETS.get(name).traits]


FRACTIONS = (("test_fraction", 0.31), ("val_fraction", 0.13))
OTHER_CUTS = (("split", "published"), ("split", "set_code"))


@pytest.fixture
def data_root(name, image_roots, monkeypatch):
    """Where a dataset's files lie: small ones in place of published ones."""
    if not DATASETS.get(name).traits["files"]:
        return None
    use_small_traits(name, image_roots(name), monkeypatch)
    return image_roots(name)


@pytest.mark.parametrize("ratio", ["1", "0.5", "0.13"])
@pytest.mark.parametrize("options", [(), FRACTIONS, OTHER_CUTS], ids=["default", "other", "cut"])
@pytest.mark.parametrize("name", KNOWN)
def test_the_training_split_has_the_size_that_plans_count_with(name, options, ratio, data_root):
    catalogue = Catalogue.from_json(describe())
    choices = {option.name: option.choices for option in catalogue.entry("dataset", name).options}
    own = tuple(
        (option, value)
        for option, value in options
        if option in choices and (option != "split" or value in choices[option])
    )
    cell = make_cell("dense", "1", dataset=name, data_ratio=ratio, epochs=3, batch=7)
    cell = replace(cell, dataset=Component(name=name, options=own))
    workload = load_workload(cell, sources_of(cell, data_root), "cpu")
    assert training_examples(cell, catalogue) == len(workload.bundle.train)
    assert total_steps(cell, catalogue) == workload.total_steps


@pytest.mark.parametrize("split", ["cut", "published"])
def test_a_scenario_that_ranks_keeps_as_many(split, image_roots, monkeypatch):
    root = image_roots("cifar10")
    use_small_traits("cifar10", root, monkeypatch)
    cell = make_cell("dense", "1", dataset="cifar10", data_ratio="0.5")
    own = (("split", split),) if split == "published" else ()
    cell = replace(cell, dataset=Component(name="cifar10", options=own))
    ranked = replace(cell, scenario=Component(name="el2n", options=(("keep", "random"),)))
    sizes = [
        len(load_workload(one, sources_of(one, root), "cpu").bundle.train) for one in (cell, ranked)
    ]
    assert sizes == [training_examples(ranked, Catalogue.from_json(describe()))] * 2


def test_uneven_classes_of_a_made_up_set_are_counted_too():
    catalogue = Catalogue.from_json(describe())
    made = Component(name="synthetic", options=(("classes", 7), ("examples", 100)))
    cell = replace(make_cell("dense", "1", dataset="synthetic"), dataset=made)
    workload = load_workload(cell, None, "cpu")
    assert training_examples(cell, catalogue) == len(workload.bundle.train)
