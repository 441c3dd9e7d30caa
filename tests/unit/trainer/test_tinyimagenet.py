"""TinyImageNet: decoding its folder, keeping what was decoded, and the published cut."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.image_sets import images_of, use_small_traits, write_images, write_jpeg
from trainer.data import DATASETS, MAKERS
from trainer.data.tinyimagenet import keep_decoded, published_order

IMAGES, LABELS = "tiny-imagenet-200.images.npy", "tiny-imagenet-200.labels.npy"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    write_images("tinyimagenet", root)
    return root


@pytest.fixture
def root(written, tmp_path, monkeypatch):
    """A data root of one's own, with the folder of 200 classes, 5 images each."""
    use_small_traits("tinyimagenet", written, monkeypatch)
    return shutil.copytree(written, tmp_path / "root")


def read(root, **options):
    entry = DATASETS.get("tinyimagenet")
    return entry.target(entry.options(**options), root)


def test_images_are_decoded_and_numbered_by_folder_and_named_by_the_list_of_classes(root):
    raw = read(root)
    assert (raw.train.inputs.shape, raw.train.inputs.dtype) == ((1000, 3, 64, 64), torch.uint8)
    # The list has the classes from last to first, the folders are counted by their names.
    assert raw.train.targets[:10].tolist() == [199] * 5 + [198] * 5
    path = root / "tiny-imagenet-200" / "train" / "n00000001" / "images" / "n00000001_2.JPEG"
    with Image.open(path) as image:
        expected = np.asarray(image).transpose(2, 0, 1)
    assert np.array_equal(raw.train.inputs[7], expected)
    assert (len(raw.test), raw.test.part, raw.classes) == (200, "test", 200)
    # val_0 to val_199 show classes 0 to 199 and are counted by their names: val_1 before val_10.
    assert raw.test.targets[:4].tolist() == [0, 1, 10, 100]


def test_grey_images_become_three_equal_channels(root):
    read_images = read(root).train.inputs
    grey = images_of(4, (64, 64, 3))[0, :, :, 0]
    own = read_images[995]
    assert torch.equal(own[0], own[1])
    assert torch.equal(own[0], own[2])
    assert np.corrcoef(own[0].flatten(), grey.flatten())[0, 1] > 0.9
    assert not torch.equal(read_images[996][0], read_images[996][1])


def test_what_was_decoded_once_is_read_without_the_folder(root):
    decoded = read(root)
    assert keep_decoded(root) == root / LABELS
    assert sorted(path.name for path in root.iterdir()) == ["tiny-imagenet-200", IMAGES, LABELS]
    assert np.load(root / IMAGES).shape == (1200, 3, 64, 64)
    shutil.rmtree(root / "tiny-imagenet-200")
    kept = read(root)
    for ours, theirs in ((decoded.train, kept.train), (decoded.test, kept.test)):
        assert torch.equal(ours.inputs, theirs.inputs)
        assert torch.equal(ours.targets, theirs.targets)
        assert ours.part == theirs.part


def test_fetching_knows_what_to_keep_and_what_keeps_it():
    archive, kept = DATASETS.get("tinyimagenet").traits["files"]
    assert (archive["unpack"], kept) == (True, {"path": LABELS, "made": True})
    assert MAKERS.get("tinyimagenet").target is keep_decoded


def test_images_whose_labels_were_not_kept_yet_count_for_nothing(root):
    np.save(root / IMAGES, np.zeros((3, 3, 64, 64), np.uint8))
    assert len(read(root).train) == 1000


@pytest.mark.parametrize(
    ("name", "array"),
    [
        (IMAGES, np.zeros((1199, 3, 64, 64), np.uint8)),
        (IMAGES, np.zeros((1200, 3, 64, 64), np.int8)),
        (LABELS, np.zeros((1200,), np.uint8)),
        (LABELS, np.full((2, 1200), 200, np.uint8)),
        (LABELS, np.array([{"an": "object"}], dtype=object)),
    ],
)
def test_kept_arrays_that_are_broken_are_refused_and_never_unpickled(name, array, root):
    keep_decoded(root)
    np.save(root / name, array, allow_pickle=True)
    with pytest.raises(ValueError, match="not the decoded images") as caught:
        read(root)
    assert str(caught.value).startswith(str(root / name))
    assert str(caught.value).endswith(f"remove {root / LABELS}")


def test_an_incomplete_folder_is_told_by_its_class_and_never_kept(root):
    (root / "tiny-imagenet-200" / "train" / "n00000003" / "images" / "n00000003_4.JPEG").unlink()
    for reading in (read, keep_decoded):
        with pytest.raises(ValueError, match="class 196 has 4 training images where 5 were"):
            reading(root)
    assert [path.name for path in root.iterdir()] == ["tiny-imagenet-200"]


def broken_jpeg(folder):
    path = folder / "train" / "n00000000" / "images" / "n00000000_1.JPEG"
    path.write_bytes(path.read_bytes()[:300])
    return ValueError, rf"{path}: not a whole JPEG"


def large_jpeg(folder):
    path = folder / "val" / "images" / "val_7.JPEG"
    write_jpeg(path, np.zeros((64, 65, 3), np.uint8))
    return ValueError, rf"{path}: 65 x 64 pixels, not 64 x 64"


def absent_jpeg(folder):
    path = folder / "val" / "images" / "val_7.JPEG"
    path.unlink()
    return FileNotFoundError, str(path)


def unknown_class(folder):
    path = folder / "val" / "val_annotations.txt"
    path.write_text("val_0.JPEG\tn99999999\t0\t0\t62\t62\n")
    return ValueError, rf"{path}: 'val_0.JPEG.*names no image and its class"


def repeated_class(folder):
    path = folder / "wnids.txt"
    path.write_text("n00000000\n" * 200)
    return ValueError, rf"{path}: names 1 classes, not 200"


@pytest.mark.parametrize(
    "damage", [broken_jpeg, large_jpeg, absent_jpeg, unknown_class, repeated_class]
)
def test_a_damaged_folder_is_an_error_that_names_the_file(damage, root):
    error, said = damage(root / "tiny-imagenet-200")
    with pytest.raises(error, match=said):
        read(root)


def test_the_published_cut_is_the_permutation_of_seed_10():
    order = published_order(100_000)
    assert order[:5].tolist() == [33226, 64804, 39763, 51270, 9698]
    assert int(order[90_000:].sum()) == 500_161_349
    assert torch.equal(order.sort().values, torch.arange(100_000))


def test_the_published_cut_leaves_numpy_s_global_generator_alone(root):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it must stay as it is
    raw = read(root, split="published")
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    order = np.random.RandomState(10).permutation(1000)
    assert raw.train.ids.tolist() == order[:900].tolist()
    assert raw.val.ids.tolist() == order[900:].tolist()
    assert torch.equal(raw.val.inputs, read(root).train.inputs[raw.val.ids])
