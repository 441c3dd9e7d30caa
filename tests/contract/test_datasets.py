"""What every dataset must be, whoever wrote it: a new file is tested by being registered.

Datasets with published files are read from small files of the true format, which
`tests/support/image_sets.py` writes.
"""

import shutil

import pytest
import torch

from grids.catalogue import Catalogue
from orchestrator.datasets.checking import absence
from orchestrator.datasets.sources import pick
from tests.support.brought_data import write_brought
from tests.support.cells import make_cell, sources_of
from tests.support.image_sets import use_small_traits
from trainer.data import DATASETS
from trainer.describe import describe
from trainer.loading import load_bundle

OPTIONS = {
    "idx": {"folder": "mnist10k"},
    "asu": {"file": "asu/lung_small"},
    # The published moments are not those of random images.
    "cifar10": {"moments": "data"},
    "cifar100": {"moments": "data"},
    "tinyimagenet": {"moments": "data"},
}

PUBLISHED = [name for name in DATASETS.names() if DATASETS.get(name).traits["files"]]
SUMMED = [name for name in PUBLISHED if name != "tinyimagenet"]  # thousands of files, one sum


def load(name, root):
    cell = make_cell(dataset=name, dataset_options=OPTIONS.get(name, {}))
    return load_bundle(cell, sources_of(cell, root), "cpu")


@pytest.fixture(params=DATASETS.names())
def bundle(request, image_roots, monkeypatch, tmp_path):
    name, root = request.param, None
    if name in PUBLISHED:
        root = image_roots(name)
        use_small_traits(name, root, monkeypatch)
    elif name in ("csv", "image_folder"):
        root = tmp_path
        write_brought(name, root)
    elif DATASETS.get(name).traits["needs_root"]:
        root = request.getfixturevalue("test_data")
    return load(name, root)


def test_every_split_is_inputs_and_integer_targets_of_known_shape(bundle):
    for split in (bundle.train, bundle.val, bundle.test):
        kind = torch.float32 if bundle.normalise is None else torch.uint8
        assert split.inputs.dtype == kind
        assert split.targets.dtype == split.ids.dtype == torch.int64
        assert split.inputs.shape == (len(split), *bundle.input_shape)
        assert len(split) > 0
        assert bundle.standardised(split.inputs).isfinite().all()


def test_targets_are_class_numbers_and_training_knows_them_all(bundle):
    assert bundle.train.targets.unique().tolist() == list(range(bundle.classes))
    for split in (bundle.val, bundle.test):
        assert set(split.targets.unique().tolist()) <= set(range(bundle.classes))


def test_no_example_is_in_two_splits(bundle):
    splits = (bundle.train, bundle.val, bundle.test)
    named = [(split.part, number) for split in splits for number in split.ids.tolist()]
    assert len(named) == len(set(named)) == sum(len(split) for split in splits)


def test_training_inputs_are_centred(bundle):
    inputs = bundle.standardised(bundle.train.inputs)
    assert abs(float(inputs.mean())) < 1e-3
    assert float(inputs.std()) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("name", PUBLISHED)
def test_absent_files_are_named_with_the_folder_and_the_remedy(name, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        load(name, tmp_path)
    said = str(caught.value)
    assert said.startswith(f"dataset {name}: {tmp_path} lacks ")
    assert said.endswith(f"; run `sparsesweep data fetch {name} --data-root {tmp_path}`")
    with pytest.raises(FileNotFoundError, match=f"dataset {name} reads files.*--data-root"):
        load(name, None)


@pytest.mark.parametrize("name", PUBLISHED)
def test_planning_and_reading_agree_on_what_is_there(name, image_roots, tmp_path, monkeypatch):
    use_small_traits(name, image_roots(name), monkeypatch)
    [source] = pick(Catalogue.from_json(describe()), [name])
    assert absence(source, image_roots(name)) == ""
    remedy = f"run `sparsesweep data fetch {name} --data-root {tmp_path}`"
    assert absence(source, tmp_path).endswith(remedy)


@pytest.mark.parametrize("name", SUMMED)
def test_a_file_that_is_not_the_published_one_is_refused(name, image_roots, tmp_path, monkeypatch):
    root = tmp_path / "root"
    shutil.copytree(image_roots(name), root)
    use_small_traits(name, root, monkeypatch)
    path = max(files_below(root), key=lambda file: file.stat().st_size)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match=r"the MD5 sum is [0-9a-f]{32}; the published") as caught:
        load(name, root)
    assert str(caught.value).startswith(f"{path}: ")
    assert f"run `sparsesweep data fetch {name} --data-root {root}`" in str(caught.value)


def files_below(root):
    return [path for path in root.rglob("*") if path.is_file()]
