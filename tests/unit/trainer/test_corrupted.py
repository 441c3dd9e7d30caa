"""The corrupted scenario: whose images are corrupted how, and where the arrays come from."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sparse.options import build_options
from tests.support.cells import component, make_cell, sources_of, train, train_reported
from tests.support.image_sets import use_small_traits, write_images
from trainer import loading
from trainer.corruptions import corrupt, mixed_names
from trainer.corruptions.arrays import Originals
from trainer.data.bundle import RawData, Split
from trainer.data.cutting import cut
from trainer.loading import load_bundle
from trainer.scenarios.corrupted import Corrupted, CorruptedOptions
from trainer.shared import TemporaryFiles
from trainer.sources import Sources

SMALL = {"examples": 120, "size": 8, "classes": 4, "noise": 0.05}


class Recorded(TemporaryFiles):
    """Shared files that remember what was asked of them, and what had to be made."""

    def __init__(self):
        super().__init__()
        self.asked, self.made = [], []

    def file(self, recipe, make):
        def noted(path):
            self.made.append(dict(recipe))
            make(path)

        self.asked.append(dict(recipe))
        return super().file(recipe, noted)


def cell_of(dataset="synthetic_images", dataset_options=None, data_ratio="1", seed=0, **options):
    own = dataset_options if dataset_options is not None else SMALL
    cell = make_cell("dense", "1", dataset=dataset, data_ratio=data_ratio, seed=seed)
    return replace(cell, dataset=component(dataset, own), scenario=component("corrupted", options))


def bundle_of(cell, shared=None, root=None):
    sources = replace(sources_of(cell, root), shared=shared or TemporaryFiles())
    return load_bundle(cell, sources, "cpu")


def as_images(inputs):
    return inputs.permute(0, 2, 3, 1).contiguous().numpy()


def transformed(splits, shared=None, root=None, dataset="cifar10", **options):
    built = build_options(CorruptedOptions, options, "scenario corrupted")
    sources = Sources(
        dataset=component(dataset, {}), data_root=root, shared=shared or TemporaryFiles()
    )
    return Corrupted(built).transform(splits, sources)


def test_every_split_is_corrupted_alike_and_the_clean_ones_stay_beside():
    damaged = bundle_of(cell_of(corruption="shot_noise", severity=2, corruption_seed=3))
    clean = load_bundle(replace(cell_of(), scenario=component("clean", {})), None, "cpu")
    for name in ("train", "val", "test"):
        before, after = getattr(clean, name), getattr(damaged, name)
        assert torch.equal(before.ids, after.ids)
        expected = corrupt(
            as_images(before.inputs), before.ids.numpy(),
            corruption="shot_noise", severity=2, seed=3, part="train",
        )  # fmt: skip
        np.testing.assert_array_equal(as_images(after.inputs), expected)
        assert torch.equal(before.targets, after.targets)
    assert torch.equal(damaged.extra["clean_val"].inputs, clean.val.inputs)
    assert torch.equal(damaged.extra["clean_test"].inputs, clean.test.inputs)


def test_the_normalisation_is_that_of_the_corrupted_images():
    damaged = bundle_of(cell_of(corruption="brightness"))
    pixels = damaged.train.inputs.double() / 255
    torch.testing.assert_close(
        damaged.normalise.shift.double().flatten(), pixels.mean((0, 2, 3)), atol=1e-6, rtol=0
    )


def test_a_share_of_the_data_takes_its_images_from_the_array_of_the_whole():
    shared = Recorded()
    options = {"corruption": "snow", "corruption_seed": 12}
    whole = bundle_of(cell_of(**options), shared)
    part = bundle_of(cell_of(**options, data_ratio="0.3"), shared)
    assert len(part.train) < len(whole.train)
    rows = torch.searchsorted(whole.train.ids, part.train.ids)
    assert torch.equal(part.train.inputs, whole.train.inputs[rows])
    assert len(shared.asked) == 2
    assert len(shared.made) == 1
    assert shared.made[0].items() >= {
        "dataset": "synthetic_images", "part": "train",
        "corruption": "snow", "severity": 5, "seed": 12,
    }.items()  # fmt: skip


def test_other_images_are_another_array():
    shared = Recorded()
    for other in ({}, {"data_seed": 1}, {"val_fraction": 0.3}):
        bundle_of(cell_of(dataset_options={**SMALL, **other}, corruption_seed=11), shared)
    # How the same images are cut into splits makes no difference.
    assert [recipe["images"] for recipe in shared.made] == [
        shared.asked[0]["images"], shared.asked[1]["images"],
    ]  # fmt: skip
    assert shared.asked[0]["images"] == shared.asked[2]["images"]


def test_mixed_draws_a_corruption_for_every_example_by_its_id():
    damaged = bundle_of(cell_of(corruption="mixed", severity=3))
    ids = damaged.test.ids.numpy()
    names = mixed_names(ids, 0, "train")
    assert len(set(names)) > 5
    clean = as_images(damaged.extra["clean_test"].inputs)
    for row, name in enumerate(names):
        one = slice(row, row + 1)
        alone = corrupt(clean[one], ids[one], corruption=name, severity=3, seed=0, part="train")
        np.testing.assert_array_equal(as_images(damaged.test.inputs[one]), alone)


def test_grey_images_with_another_white_become_bytes():
    damaged = bundle_of(cell_of("digits", {}, corruption="contrast", severity=1))
    clean = damaged.extra["clean_test"]
    assert damaged.test.inputs.dtype == torch.uint8
    assert clean.inputs.dtype == torch.float32  # as read, in sixteenths
    bytes_of = np.rint(as_images(clean.inputs) * 255).astype(np.uint8)
    expected = corrupt(
        bytes_of, clean.ids.numpy(), corruption="contrast", severity=1, seed=0, part="train"
    )
    np.testing.assert_array_equal(as_images(damaged.test.inputs), expected)


def test_a_part_that_is_cut_out_of_order_keeps_its_ids():
    images = torch.randint(0, 256, (12, 1, 8, 8), dtype=torch.uint8)
    whole = Split(inputs=images, targets=torch.arange(12) % 2, part="train")
    order = torch.tensor([5, 0, 11, 7, 2, 9, 1, 4, 10, 3, 8, 6])
    raw = RawData(
        train=whole.take(order[:9]), val=whole.take(order[9:]), classes=2, scaling="global",
        test=Split(inputs=images[:3] // 2, targets=torch.zeros(3, dtype=torch.int64), part="test"),
        pixel_max=255.0,
    )  # fmt: skip
    shared = Recorded()
    done = transformed(cut(raw), shared, corruption="gaussian_noise", severity=1)
    assert [recipe["part"] for recipe in shared.made] == ["test", "train"]
    noisy = corrupt(
        as_images(images), np.arange(12), corruption="gaussian_noise", severity=1, seed=0,
        part="train",
    )  # fmt: skip
    np.testing.assert_array_equal(as_images(done.train.inputs), noisy[order[:9]])
    np.testing.assert_array_equal(as_images(done.val.inputs), noisy[order[9:]])
    tested = corrupt(
        as_images(images[:3] // 2), np.arange(3), corruption="gaussian_noise", severity=1, seed=0,
        part="test",
    )  # fmt: skip
    np.testing.assert_array_equal(as_images(done.test.inputs), tested)


def test_splits_of_their_own_that_name_no_parts_are_corrupted_each_from_its_own_images():
    """As a plug-in returns them: three files, each read from its first example on."""
    draws = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8, generator=draws)
    own = {"train": images[:12], "val": images[12:15], "test": images[15:]}
    made = {
        name: Split(inputs=each, targets=torch.arange(len(each)) % 2) for name, each in own.items()
    }
    shared = Recorded()
    raw = RawData(**made, classes=2, scaling="global")
    done = transformed(cut(raw), shared, corruption="contrast", severity=2)
    assert [recipe["part"] for recipe in shared.made] == ["test", "train", "val"]
    for name, each in own.items():
        expected = corrupt(
            as_images(each), np.arange(len(each)), corruption="contrast", severity=2, seed=0,
            part=name,
        )  # fmt: skip
        np.testing.assert_array_equal(as_images(getattr(done, name).inputs), expected)
        assert not torch.equal(getattr(done, name).inputs, each)


def test_images_that_share_a_number_are_never_taken_for_each_other():
    images = torch.zeros((3, 1, 8, 8), dtype=torch.uint8)
    one = Split(inputs=images, targets=torch.zeros(3, dtype=torch.int64), part="train")
    with pytest.raises(ValueError, match="mine: 6 images of part train have 3 ids"):
        Originals.of("mine", [one, one], 255.0)


def test_cells_train_to_the_same_bits_alone_and_together():
    one, other = (cell_of(corruption="fog", severity=2, seed=seed) for seed in (0, 1))
    together, alone = train(one, other), train(one)
    assert together[one.id].state == "COMPLETED"
    assert together[one.id].metrics == alone[one.id].metrics
    assert {"clean_test_accuracy", "clean_val_accuracy"} <= alone[one.id].metrics.keys()


def test_an_interrupted_cell_goes_on_with_the_same_images(tmp_path):
    cell = cell_of(corruption="glass_blur", corruption_seed=5)
    whole = train(cell)[cell.id]
    polls = iter(range(1000))
    _, report = train_reported(
        cell, checkpoint_folder=tmp_path, should_stop=lambda: next(polls) >= 8
    )
    assert report.stopped
    loading._load.cache_clear()  # another process would make the images anew
    rest = train(cell, resume_from=sorted(tmp_path.glob("*.pt")))[cell.id]
    assert rest.resumed_step > 0
    assert (rest.metrics, rest.curve) == (whole.metrics, whole.curve)


def test_the_real_mnist_files(test_data):
    cell = cell_of("idx", {"folder": "mnist10k"}, data_ratio="0.1", corruption="defocus_blur")
    damaged = bundle_of(cell, root=test_data)
    clean = damaged.extra["clean_test"].inputs
    assert damaged.test.inputs.shape == clean.shape
    # A blur keeps the light and takes the edges: neighbours differ less.
    (light, edges), (clean_light, clean_edges) = [
        (float(values.float().mean()), float(values.float().diff(dim=3).abs().mean()))
        for values in (damaged.test.inputs, clean)
    ]
    assert light == pytest.approx(clean_light, rel=0.02)
    assert edges < 0.8 * clean_edges


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"corruption": "snou"}, "did you mean 'snow'"),
        ({"severity": 7}, "severity"),
        ({"severity": 6, "test_arrays": "published"}, "test_arrays"),
        ({"corruption": "mixed", "test_arrays": "published"}, "test_arrays"),
        ({"corruption": "contrast", "corruption_seed": 1}, "corruption_seed has no effect with"),
    ],
)
def test_options_that_cannot_be_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        build_options(CorruptedOptions, options, "scenario corrupted")


def test_data_without_images_is_refused():
    with pytest.raises(ValueError, match="dataset wine has no images"):
        bundle_of(cell_of("wine", {}))


def test_saturate_is_refused_on_grey_images():
    with pytest.raises(ValueError, match="saturate acts on colour; these images are grey"):
        bundle_of(cell_of("digits", {}, corruption="saturate"))


def test_there_are_published_arrays_of_cifar_only():
    with pytest.raises(ValueError, match=r"not of dataset synthetic_images; allowed: cifar10, cif"):
        bundle_of(cell_of(test_arrays="published"))


def write_published(root: Path, name: str, labels: np.ndarray, corruption: str) -> np.ndarray:
    """Arrays in the published form for this many test images; returns the images."""
    folder = root / name
    folder.mkdir()
    images = np.random.default_rng(7).integers(0, 256, (5 * len(labels), 32, 32, 3), dtype=np.uint8)
    np.save(folder / f"{corruption}.npy", images)
    np.save(folder / "labels.npy", np.tile(labels, 5).astype(np.uint8))
    return images


@pytest.fixture(params=[("cifar10", "CIFAR-10-C", 10), ("cifar100", "CIFAR-100-C", 100)])
def published(request, tmp_path, monkeypatch):
    """A small CIFAR with its published arrays of fog: (dataset, root, folder, images)."""
    dataset, folder, classes = request.param
    write_images(dataset, tmp_path)
    use_small_traits(dataset, tmp_path, monkeypatch)
    labels = np.tile(np.arange(classes), 2)
    return dataset, tmp_path, tmp_path / folder, write_published(tmp_path, folder, labels, "fog")


def published_bundle(published, **options):
    dataset, root, *_ = published
    cell = cell_of(dataset, {}, corruption="fog", test_arrays="published", **options)
    return bundle_of(cell, root=root)


def test_published_arrays_are_read_by_severity(published):
    images = published[3]
    count = len(images) // 5
    bundle = published_bundle(published, severity=2)
    np.testing.assert_array_equal(as_images(bundle.test.inputs), images[count : 2 * count])
    # Training images are published by nobody: they are generated.
    assert bundle.val.part == "train"
    assert "clean_test" in bundle.extra


def test_published_labels_must_be_those_of_the_test_images(published):
    labels = np.load(published[2] / "labels.npy")
    labels[len(labels) // 5 * 2 + 1] += 1
    np.save(published[2] / "labels.npy", labels)
    with pytest.raises(ValueError, match=r"labels.npy: 1 of \d+ labels differ.*first in row"):
        published_bundle(published, severity=3)
    assert len(published_bundle(published, severity=4).test)


def test_absent_arrays_are_named(published):
    (published[2] / "fog.npy").unlink()
    (published[2] / "labels.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"no .*fog\.npy and no .*labels\.npy"):
        published_bundle(published)


@pytest.mark.parametrize("shape", [(20, 32, 32, 3), (100, 32, 32, 1)])
def test_arrays_of_another_shape_are_refused(published, shape):
    np.save(published[2] / "fog.npy", np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=r"fog\.npy: holds uint8 of shape"):
        published_bundle(published)


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("form", ["pickle", "npy"])
def test_nothing_in_an_array_is_executed(published, form):
    path, trace = published[2] / "fog.npy", published[1] / "executed"
    if form == "pickle":
        path.write_bytes(pickle.dumps(Bomb(trace)))
    else:
        np.save(path, np.array([Bomb(trace)] * 3, dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"fog\.npy: "):
        published_bundle(published)
    assert not trace.exists()
