"""What every dataset must be, whoever wrote it: a new file is tested by being registered."""

import pytest
import torch

from tests.support.cells import make_cell, sources_of
from trainer.data import DATASETS
from trainer.loading import load_bundle

OPTIONS = {"idx": {"folder": "mnist10k"}}


@pytest.fixture(params=DATASETS.names())
def bundle(request):
    name = request.param
    root = None
    if DATASETS.get(name).traits["needs_root"]:
        root = request.getfixturevalue("test_data")
    cell = make_cell(dataset=name, dataset_options=OPTIONS.get(name, {}))
    return load_bundle(cell, sources_of(cell, root), "cpu")


def test_every_split_is_float_inputs_and_integer_targets_of_known_shape(bundle):
    for split in (bundle.train, bundle.val, bundle.test):
        assert split.inputs.dtype == torch.float32
        assert split.targets.dtype == torch.int64
        assert split.inputs.shape == (len(split), *bundle.input_shape)
        assert split.inputs.isfinite().all()


def test_targets_are_class_numbers_and_training_knows_them_all(bundle):
    assert bundle.train.targets.unique().tolist() == list(range(bundle.classes))
    for split in (bundle.val, bundle.test):
        assert set(split.targets.unique().tolist()) <= set(range(bundle.classes))


def test_training_inputs_are_centred(bundle):
    assert abs(float(bundle.train.inputs.mean())) < 1e-3
    assert float(bundle.train.inputs.std()) == pytest.approx(1.0, abs=0.1)
