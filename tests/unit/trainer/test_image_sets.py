"""What the readers of published image sets make of files of the true format."""

import bz2
import gzip
import struct

import numpy as np
import pytest
import torch
from scipy.io import savemat

from tests.support.cells import make_cell, sources_of
from tests.support.image_sets import (
    cifar_batch,
    images_of,
    use_small_traits,
    usps_text,
    write_images,
)
from trainer.data import DATASETS
from trainer.data.cifar import read_batch
from trainer.data.formats.idx_file import parse_idx
from trainer.data.svhn import read_digits
from trainer.data.usps import read_scans
from trainer.loading import load_bundle


@pytest.fixture
def root_of(tmp_path, monkeypatch):
    """A function that writes a small set below a new data root and returns that."""

    def write(name):
        write_images(name, tmp_path)
        use_small_traits(name, tmp_path, monkeypatch)
        return tmp_path

    return write


def read(name, root, **options):
    entry = DATASETS.get(name)
    return entry.target(entry.options(**options), root)


def test_cifar_pixels_lie_plane_by_plane_and_row_by_row():
    flat = np.zeros((2, 3072), np.uint8)
    flat[1, 0], flat[1, 33], flat[1, 1024 + 2], flat[1, 2048 + 31 * 32] = 11, 22, 33, 44
    split = read_batch(cifar_batch("labels", [3, 9], flat), "batch", "labels", 10)
    assert split.targets.tolist() == [3, 9]
    assert split.inputs.dtype == torch.uint8
    places = [(0, 0, 0), (0, 1, 1), (1, 0, 2), (2, 31, 0)]
    assert [int(split.inputs[1][place]) for place in places] == [11, 22, 33, 44]
    assert int(split.inputs.sum()) == 110


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (cifar_batch("labels", [3], images_of(1, (3071,))), "no `data` of 3072 bytes per image"),
        (
            cifar_batch("labels", [3], images_of(2, (3072,))),
            "no `labels` with a number from 0 to 9",
        ),
        (cifar_batch("labels", [10], images_of(1, (3072,))), "no `labels` with a number from 0 to"),
        (cifar_batch("fine_labels", [1], images_of(1, (3072,))), "no `labels` with a number"),
    ],
)
def test_a_batch_that_is_not_cifar_s_is_refused_with_its_name(content, said):
    with pytest.raises(ValueError, match=f"data_batch_3: holds {said}"):
        read_batch(content, "data_batch_3", "labels", 10)


def test_cifar10_joins_its_five_batches_in_order(root_of):
    root = root_of("cifar10")
    raw = read("cifar10", root)
    first, last = (images_of(10, (3072,), seed).reshape(10, 3, 32, 32) for seed in (0, 4))
    assert np.array_equal(raw.train.inputs[:10], first)
    assert np.array_equal(raw.train.inputs[-10:], last)
    assert np.array_equal(
        raw.test.inputs[:10], images_of(20, (3072,), 5).reshape(-1, 3, 32, 32)[:10]
    )
    assert (raw.train.part, raw.test.part, raw.classes) == ("train", "test", 10)
    assert (raw.pixel_max, raw.scaling) == (255, "channel")


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [
        ("cifar10", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
        ("cifar100", (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
        ("tinyimagenet", (0.4802, 0.4481, 0.3975), (0.2302, 0.2265, 0.2262)),
    ],
)
def test_the_moments_are_the_published_ones_unless_those_of_the_data_are_asked_for(
    name, mean, deviation, root_of
):
    root = root_of(name)
    cell = make_cell(dataset=name)
    normalise = load_bundle(cell, sources_of(cell, root), "cpu").normalise
    assert normalise.shift.flatten().tolist() == pytest.approx(mean)
    assert (1 / normalise.scale).flatten().tolist() == pytest.approx(deviation)
    assert read(name, root, moments="data").moments is None


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_published_split_holds_out_the_last_tenth(name, root_of):
    root = root_of(name)
    raw = read(name, root, split="published")
    whole = read(name, root).train
    cut = len(whole) * 9 // 10
    assert raw.train.ids.tolist() == list(range(cut))
    assert raw.val.ids.tolist() == list(range(cut, len(whole)))
    assert torch.equal(raw.val.inputs, whole.inputs[cut:])
    assert raw.subset == "published"


def test_an_option_that_the_published_split_would_ignore_is_an_error(root_of):
    options = {"split": "published", "val_fraction": 0.2}
    cell = make_cell(dataset="cifar10", dataset_options=options)
    with pytest.raises(ValueError, match="val_fraction has no effect with split: published"):
        load_bundle(cell, sources_of(cell, root_of("cifar10")), "cpu")


def test_all_missing_files_are_named_at_once(root_of):
    root = root_of("cifar10")
    for name in ("data_batch_2", "test_batch"):
        (root / "cifar-10-batches-py" / name).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        read("cifar10", root)
    missing = "cifar-10-batches-py/data_batch_2, cifar-10-batches-py/test_batch"
    remedy = f"run `sparsesweep data fetch cifar10 --data-root {root}`"
    assert str(caught.value) == f"dataset cifar10: {root} lacks {missing}; {remedy}"


def test_a_wrong_sum_is_told_with_both_sums(root_of):
    root = root_of("cifar100")
    path = root / "cifar-100-python" / "train"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="cifar-100-python/train: the MD5 sum is") as caught:
        read("cifar100", root)
    expected = DATASETS.get("cifar100").traits["files"][0]["holds"][0]["md5"]
    assert f"the published file of dataset cifar100 has {expected}" in str(caught.value)


def test_a_data_root_that_is_no_folder_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"dataset mnist: .*nowhere is not a folder"):
        read("mnist", tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
def test_the_mnist_family_is_read_packed_or_plain(name, root_of):
    root = root_of(name)
    packed = read(name, root)
    for path in root.rglob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    plain = read(name, root)
    assert packed.train.inputs.shape == (50, 1, 28, 28)
    assert np.array_equal(packed.train.inputs[:, 0], images_of(50, (28, 28), 5))
    for ours, theirs in ((packed.train, plain.train), (packed.test, plain.test)):
        assert torch.equal(ours.inputs, theirs.inputs)
        assert torch.equal(ours.targets, theirs.targets)


def test_a_set_that_is_not_complete_is_told_by_its_classes(root_of, monkeypatch):
    root = root_of("kmnist")
    sizes = [6, 4, *[5] * 8]
    monkeypatch.setitem(DATASETS.get("kmnist").traits, "class_sizes", sizes)
    with pytest.raises(ValueError, match="class 0 has 5 training images where 6 were published"):
        read("kmnist", root)


def test_a_gzip_file_that_ends_early_is_an_error_that_names_it():
    content = gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 3) + b"abc")
    assert parse_idx(content, "labels.gz").tolist() == [97, 98, 99]
    for broken in (content[:-9], content[3:], b""):
        with pytest.raises(ValueError, match=r"^labels\.gz: "):
            parse_idx(broken, "labels.gz")


def mat(tmp_path, **variables):
    savemat(tmp_path / "x.mat", variables)
    return (tmp_path / "x.mat").read_bytes()


def test_svhn_axes_are_turned_and_its_ten_is_a_zero(tmp_path):
    images = np.zeros((32, 32, 3, 2), np.uint8)
    images[4, 5, 2, 1] = 77
    split = read_digits(mat(tmp_path, X=images, y=np.array([[10], [9]], np.uint8)), "x.mat")
    assert split.targets.tolist() == [0, 9]
    assert (split.inputs.shape, split.inputs.dtype) == ((2, 3, 32, 32), torch.uint8)
    assert (int(split.inputs[1, 2, 4, 5]), int(split.inputs.sum())) == (77, 77)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"X": np.zeros((32, 32, 3, 2), np.uint8)}, "lacks the variable y"),
        ({"X": np.zeros((32, 32, 3, 2)), "y": np.ones((2, 1))}, "X is float64"),
        ({"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.ones((3, 1))}, "y does not hold"),
        ({"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.zeros((2, 1))}, "y does not hold"),
    ],
)
def test_a_matlab_file_that_is_not_svhn_s_is_refused(variables, said, tmp_path):
    with pytest.raises(ValueError, match=rf"^train_32x32\.mat: {said}"):
        read_digits(mat(tmp_path, **variables), "train_32x32.mat")


@pytest.mark.parametrize("content", [b"", b"MATLAB", bytes(200)])
def test_what_is_no_matlab_file_is_refused(content):
    with pytest.raises(ValueError, match=r"^test_32x32\.mat: not a MATLAB 5 file"):
        read_digits(content, "test_32x32.mat")


def test_usps_values_become_bytes_and_its_labels_start_at_zero():
    images = np.full((3, 256), -1.0)
    images[0, 17], images[1, 0], images[2, 255] = 1.0, 0.0, 0.498
    split = read_scans(usps_text([9, 0, 4], images), "usps.bz2")
    assert split.targets.tolist() == [9, 0, 4]
    assert (split.inputs.shape, split.inputs.dtype) == ((3, 1, 16, 16), torch.uint8)
    values = [split.inputs[0, 0, 1, 1], split.inputs[1, 0, 0, 0], split.inputs[2, 0, 15, 15]]
    assert [int(value) for value in values] == [255, 128, 191]
    assert int(split.inputs.sum()) == 255 + 128 + 191


def test_a_usps_line_may_leave_values_of_zero_out():
    split = read_scans(bz2.compress(b"3 1:-1 256:1\n"), "usps.bz2")
    assert split.inputs.flatten().tolist() == [0, *[128] * 254, 255]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("11 1:0", "not a label from 1 to 10"),
        ("1 1:0 2", "not a label from 1 to 10 and pairs"),
        ("1 257:0", r"an index outside 1 to 256 or a value outside \[-1, 1\]"),
        ("1 0:0", "an index outside 1 to 256"),
        ("1 1:2", "a value outside"),
        ("1 1:nan", "a value outside"),
        ("", "not a label from 1 to 10"),
        ("one", "could not convert"),
    ],
)
def test_a_usps_line_that_is_wrong_is_told_with_its_number(line, said):
    with pytest.raises(ValueError, match=rf"^usps\.t\.bz2: line 2: .*{said}"):
        read_scans(bz2.compress(f"1 1:0.5\n{line}\n".encode()), "usps.t.bz2")


def test_what_is_not_packed_with_bzip2_is_refused():
    with pytest.raises(ValueError, match=r"^usps\.bz2: not a text packed with bzip2"):
        read_scans(b"1 1:0.5\n", "usps.bz2")
