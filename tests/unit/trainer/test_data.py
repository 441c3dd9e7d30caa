"""Splits, scaling, ratios and the readers of real formats."""

import gzip
import struct

import pytest
import torch

from tests.support.cells import make_cell, sources_of
from trainer.data import DATASETS
from trainer.data.cutting import stratified_parts
from trainer.data.formats.idx_file import read_idx
from trainer.loading import load_bundle


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content = header + array.numpy().tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def image_folder(tmp_path):
    """Two parts in the true format: one plain with dashes, one gzipped."""
    draws = torch.Generator().manual_seed(0)
    folder = tmp_path / "letters"
    folder.mkdir()
    for part, count, suffix in (("train", 60, ""), ("t10k", 20, ".gz")):
        images = torch.randint(0, 256, (count, 6, 6), generator=draws, dtype=torch.uint8)
        labels = (torch.arange(count) % 4).byte()
        write_idx(folder / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte{suffix}", labels)
    return tmp_path


def test_parts_are_disjoint_complete_and_hold_each_class_in_proportion():
    targets = torch.arange(100) % 4
    rest, val, test = stratified_parts(targets, [0.2, 0.4], seed=1)
    assert sorted([*rest.tolist(), *val.tolist(), *test.tolist()]) == list(range(100))
    assert torch.bincount(targets[val]).tolist() == [5] * 4
    assert torch.bincount(targets[test]).tolist() == [10] * 4


def test_cells_of_all_seeds_share_their_splits():
    one, other = (load_bundle(make_cell(seed=seed), None, "cpu") for seed in (0, 1))
    assert one.test.inputs is other.test.inputs


def test_scaling_comes_from_the_training_split_alone():
    bundle = load_bundle(make_cell(), None, "cpu")
    torch.testing.assert_close(bundle.train.inputs.mean(0), torch.zeros(13), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        bundle.train.inputs.std(0, unbiased=False), torch.ones(13), atol=1e-5, rtol=0
    )
    assert bundle.test.inputs.mean(0).abs().max() > 1e-3


def test_digits_has_images_of_ten_classes_and_constant_pixels_stay_finite():
    bundle = load_bundle(make_cell(dataset="digits"), None, "cpu")
    assert (bundle.classes, bundle.input_shape) == (10, (1, 8, 8))
    assert [len(part) for part in (bundle.train, bundle.val, bundle.test)] == [1169, 269, 359]
    assert bundle.train.inputs.isfinite().all()


@pytest.mark.parametrize(
    ("name", "shape", "classes", "count"), [("breast_cancer", 30, 2, 569), ("wine", 13, 3, 178)]
)
def test_tables(name, shape, classes, count):
    bundle = load_bundle(make_cell(dataset=name), None, "cpu")
    assert (bundle.input_shape, bundle.classes) == ((shape,), classes)
    assert sum(len(part) for part in (bundle.train, bundle.val, bundle.test)) == count


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine"])
def test_the_files_hold_what_scikit_learn_s_loader_returns(name):
    import sklearn.datasets

    theirs = getattr(sklearn.datasets, f"load_{name}")()
    entry = DATASETS.get(name)
    ours = entry.target(entry.options(), None).train
    expected = torch.from_numpy(theirs.data).float()
    assert torch.equal(ours.inputs.flatten(1), expected)
    assert ours.targets.tolist() == theirs.target.tolist()


def test_smaller_data_ratios_are_subsets_of_larger_ones():
    def rows(ratio):
        # Unscaled order is the raw order, so a row is known by its nearest neighbour in the whole.
        bundle = load_bundle(make_cell(data_ratio=ratio), None, "cpu")
        return len(bundle.train), torch.bincount(bundle.train.targets)

    whole, half, tenth = rows("1"), rows("0.5"), rows("0.1")
    assert (whole[0], half[0], tenth[0]) == (81, 41, 8)
    assert (half[1] >= tenth[1]).all()


def test_idx_reads_both_spellings_of_both_parts(image_folder):
    cell = make_cell(dataset="idx", dataset_options={"folder": "letters"})
    bundle = load_bundle(cell, sources_of(cell, image_folder), "cpu")
    assert (bundle.classes, bundle.input_shape) == (4, (1, 6, 6))
    assert [len(part) for part in (bundle.train, bundle.val, bundle.test)] == [52, 8, 20]


def test_idx_says_where_it_looked(tmp_path):
    (tmp_path / "empty").mkdir()
    cell = make_cell(dataset="idx", dataset_options={"folder": "empty"})
    with pytest.raises(FileNotFoundError, match="no train-images-idx3-ubyte or t10k-images"):
        load_bundle(cell, sources_of(cell, tmp_path), "cpu")
    with pytest.raises(FileNotFoundError, match="--data-root"):
        load_bundle(cell, None, "cpu")


def test_half_a_part_is_refused_and_not_replaced_by_the_test_split(image_folder):
    (image_folder / "letters" / "train-labels-idx1-ubyte").unlink()
    cell = make_cell(dataset="idx", dataset_options={"folder": "letters"})
    with pytest.raises(FileNotFoundError, match="lacks train-labels-idx1-ubyte"):
        load_bundle(cell, sources_of(cell, image_folder), "cpu")


def test_idx_stays_below_the_data_root(image_folder):
    cell = make_cell(dataset="idx", dataset_options={"folder": "../elsewhere"})
    with pytest.raises(ValueError, match="leaves the data root"):
        load_bundle(cell, sources_of(cell, image_folder / "letters"), "cpu")


def test_idx_takes_the_root_itself_and_links_to_other_places(image_folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    (root / "linked").symlink_to(image_folder / "letters")
    for folder, given in ((root, "linked"), (image_folder / "letters", ".")):
        cell = make_cell(dataset="idx", dataset_options={"folder": given})
        assert len(load_bundle(cell, sources_of(cell, folder), "cpu").test) == 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"\x89PNG....", "not an IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "not an IDX file of unsigned bytes"),
        (b"\0\0\x08\x03\0\0", "cut short"),
        (b"\0\0\x08\x01\0\0\0\x05abc", r"3 bytes of data where shape \(5,\) needs 5"),
    ],
)
def test_a_file_that_is_not_idx_is_refused_with_its_name(content, message, tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_the_real_mnist_files(test_data):
    folder = test_data / "mnist10k"
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz")
    assert labels[:8].tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
    cell = make_cell(dataset="idx", dataset_options={"folder": "mnist10k"})
    bundle = load_bundle(cell, sources_of(cell, test_data), "cpu")
    assert sum(len(part) for part in (bundle.train, bundle.val, bundle.test)) == 10_000
    assert bundle.input_shape == (1, 28, 28)
