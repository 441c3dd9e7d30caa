"""What can be fetched, as the real catalogue has it."""

import inspect

import pytest

from grids.problems import GridError
from orchestrator.catalogue import load_catalogue
from orchestrator.datasets.sources import DataError, all_sources, pick, refuse_brought
from trainer.data import MAKERS


def test_published_sets_and_archives_are_sources_and_brought_ones_are_told_apart() -> None:
    sources = {source.name: source for source in all_sources(load_catalogue())}
    published = {name for name, source in sources.items() if source.files and source.dataset}
    assert published >= {
        "cifar10", "cifar100", "tinyimagenet", "mnist", "fashion_mnist", "kmnist", "svhn", "usps",
    }  # fmt: skip
    assert {name for name, source in sources.items() if not source.dataset} == {
        "cifar10_c", "cifar100_c",
    }  # fmt: skip
    assert {name for name, source in sources.items() if not source.files} >= {
        "asu", "csv", "idx", "image_folder",
    }  # fmt: skip
    assert "digits" not in sources


@pytest.mark.parametrize(
    ("name", "folder", "size"),
    [
        ("cifar10", "cifar-10-batches-py", 170_498_071),
        ("cifar10_c", "CIFAR-10-C", 2_918_471_680),
        ("cifar100_c", "CIFAR-100-C", 2_918_473_216),
        ("tinyimagenet", "tiny-imagenet-200", 248_100_043),
        ("mnist", "MNIST/raw", 11_594_722),
        ("svhn", ".", 246_316_178),
    ],
)
def test_folder_and_size_of_what_is_fetched(name: str, folder: str, size: int) -> None:
    [source] = pick(load_catalogue(), [name])
    assert (source.folder, source.bytes) == (folder, size)


def test_what_makes_files_is_registered_as_a_function_of_the_data_root() -> None:
    made = {
        source.name: [file.path for file in source.made]
        for source in all_sources(load_catalogue())
        if source.made
    }
    assert made == {"tinyimagenet": ["tiny-imagenet-200.labels.npy"]}
    assert MAKERS.names() == ("tinyimagenet",)
    maker = MAKERS.get("tinyimagenet").target
    assert list(inspect.signature(maker).parameters) == ["data_root"]


def test_names_are_picked_once_and_unknown_ones_are_refused() -> None:
    catalogue = load_catalogue()
    assert [one.name for one in pick(catalogue, ["mnist", "cifar10", "mnist"])] == [
        "mnist", "cifar10",
    ]  # fmt: skip
    with pytest.raises(GridError, match="did you mean 'cifar10'"):
        pick(catalogue, ["cifar-10"])
    with pytest.raises(DataError, match="dataset wine needs no files"):
        pick(catalogue, ["wine"])
    with pytest.raises(DataError, match="dataset asu, csv is brought by you"):
        refuse_brought(pick(catalogue, ["asu", "csv"]))
