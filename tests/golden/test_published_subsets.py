"""The data volumes of the released code of the hard-sample study, through the loading path.

CIFAR of its full size is written once: the files are of the true format, the images are blank.
"""

import numpy as np
import pytest

from grids.catalogue import Catalogue
from orchestrator.planning.run_length import training_examples
from tests.support.cells import make_cell, sources_of
from tests.support.image_sets import cifar_batch
from trainer.data import DATASETS
from trainer.describe import describe
from trainer.workload import load_workload

STEPS = {"1": 352, "0.5": 176, "0.3": 106}
"""Steps of an epoch with batches of 128."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("cifar")
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    batch = cifar_batch(
        "labels", [n % 10 for n in range(10_000)], np.zeros((10_000, 3072), np.uint8)
    )
    (folder / "test_batch").write_bytes(batch)
    for number in range(1, 6):
        (folder / f"data_batch_{number}").hardlink_to(folder / "test_batch")
    return root


@pytest.fixture
def workload_of(root, monkeypatch):
    files = [{"path": "cifar-10-python.tar.gz"}]
    monkeypatch.setitem(DATASETS.get("cifar10").traits, "files", files)

    def load(ratio):
        shape = {"dataset_options": {"split": "published"}, "model": "convnet", "batch": 128}
        cell = make_cell("dense", "1", dataset="cifar10", data_ratio=ratio, **shape, epochs=1)
        catalogue = Catalogue.from_json(describe())
        return load_workload(cell, sources_of(cell, root), "cpu"), training_examples(
            cell, catalogue
        )

    return load


def test_the_kept_images_are_the_published_ones_and_nested(workload_of):
    kept = {ratio: workload_of(ratio)[0].bundle.train.ids for ratio in ("0.5", "0.3")}
    first = [41598, 26343, 24434, 33891, 8915, 18831, 37927, 11572]
    assert kept["0.5"][:8].tolist() == first
    assert int(kept["0.5"].sum()) == 505_472_168
    assert int(kept["0.3"].sum()) == 303_081_924
    assert kept["0.3"].tolist() == kept["0.5"][: len(kept["0.3"])].tolist()


@pytest.mark.parametrize("ratio", STEPS)
def test_an_epoch_has_the_published_number_of_steps(ratio, workload_of):
    workload, planned = workload_of(ratio)
    assert workload.total_steps == STEPS[ratio]
    assert len(workload.bundle.train) == planned
    assert (len(workload.bundle.val), len(workload.bundle.test)) == (5_000, 10_000)
