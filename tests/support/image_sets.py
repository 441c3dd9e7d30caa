"""Small image sets in the true formats of the published ones, and their traits to match.

The true sums belong to the true files, so a test that reads small files puts the sums and the
class sizes of those into the dataset's traits: data is replaced, and no code.
"""

import bz2
import gzip
import hashlib
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from trainer.data import DATASETS

TRAIN, TEST = 5, 2
"""Images of each class in the training and in the test part."""


def write_images(name: str, root: Path) -> None:
    """Write a small set of random images below a data root, in the format of a registered one."""
    _WRITERS[name](root)


def use_small_traits(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the traits of a registered set say what its small files below a root are."""
    traits = DATASETS.get(name).traits
    files = [
        {**_small(file, root), "holds": [_small(held, root) for held in file.get("holds", ())]}
        for file in traits["files"]
    ]
    monkeypatch.setitem(traits, "files", files)
    monkeypatch.setitem(traits, "class_sizes", [TRAIN] * len(traits["class_sizes"]))


def images_of(count: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random bytes (count, *shape)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels_of(classes: int, each: int) -> list[int]:
    """As many labels of each class, mixed."""
    return [label for _ in range(each) for label in range(classes)]


def write_idx(path: Path, array: np.ndarray) -> None:
    """An IDX file of bytes, gzipped where its name ends so."""
    content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content += array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)


def cifar_batch(label_key: str, labels: list[int], images: np.ndarray) -> bytes:
    """A batch as Python 2's cPickle wrote it with protocol 2; images are (n, 3072) bytes."""
    names = [_text(f"image_s_{number:06}.png") for number in range(len(labels))]
    numbers = [b"K" + bytes([label]) for label in labels]
    return (
        b"\x80\x02}q\x01("
        + _text("batch_label") + b"q\x02" + _text("testing batch 1 of 1") + b"q\x03"
        + _text(label_key) + b"q\x04" + _list(numbers)
        + _text("data") + b"q\x05" + array_pickle(images.shape, images.tobytes())
        + _text("filenames") + b"q\x06" + _list(names)
        + b"u."
    )  # fmt: skip


def array_pickle(
    shape: tuple[int, ...], content: bytes, *, kind: str = "u1", by_column: bool = False
) -> bytes:
    """How Python 2 pickled an array of bytes, to stand in a larger pickle."""
    sides = b"".join(b"J" + struct.pack("<i", side) for side in shape)
    return (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87R"
        b"q\x09(K\x01(" + sides + b"tcnumpy\ndtype\nq\x0a" + _text(kind) + b"K\x00K\x01\x87R"
        b"q\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + (b"\x88" if by_column else b"\x89")
        + b"T" + struct.pack("<i", len(content)) + content + b"tb"
    )  # fmt: skip


def usps_text(digits: list[int], images: np.ndarray) -> bytes:
    """LIBSVM's packed text of digits (0 to 9, written 1 to 10) and images (n, 256) in [-1, 1]."""
    lines = [
        f"{digit + 1} " + " ".join(f"{i}:{value:.3f}" for i, value in enumerate(image, 1))
        for digit, image in zip(digits, images, strict=True)
    ]
    return bz2.compress(("\n".join(lines) + "\n").encode())


def write_jpeg(path: Path, image: np.ndarray) -> None:
    """A JPEG of an image (h, w, 3), or of a grey one (h, w)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, "JPEG", quality=95)


def _text(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode("latin-1")


def _list(items: list[bytes]) -> bytes:
    # cPickle appends a thousand at a time.
    groups = [items[start : start + 1000] for start in range(0, len(items), 1000)]
    return b"]" + b"".join(b"(" + b"".join(group) + b"e" for group in groups)


def _small(file: Mapping[str, Any], root: Path) -> dict[str, Any]:
    path = root / file["path"]
    known = {key: value for key, value in file.items() if key != "bytes"}
    if path.is_file() and "made" not in file:
        known["md5"] = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return known


def _write_cifar(root: Path, folder: str, batches: list[str], test: str, key: str) -> None:
    (root / folder).mkdir(parents=True)
    classes = 10 if key == "labels" else 100
    for seed, name in enumerate([*batches, test]):
        labels = labels_of(classes, TEST if name == test else TRAIN // len(batches))
        content = cifar_batch(key, labels, images_of(len(labels), (3072,), seed))
        (root / folder / name).write_bytes(content)


def _write_mnist(root: Path, folder: str) -> None:
    for part, each in (("train", TRAIN), ("t10k", TEST)):
        labels = np.array(labels_of(10, each), np.uint8)
        images = images_of(len(labels), (28, 28), each)
        write_idx(root / folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(root / folder / f"{part}-labels-idx1-ubyte.gz", labels)


def _write_svhn(root: Path) -> None:
    for name, each in (("train_32x32.mat", TRAIN), ("test_32x32.mat", TEST)):
        labels = np.array(labels_of(10, each), np.uint8)[:, None]
        labels[labels == 0] = 10
        savemat(
            root / name,
            {"X": images_of(len(labels), (32, 32, 3)).transpose(1, 2, 3, 0), "y": labels},
        )


def _write_usps(root: Path) -> None:
    for name, each in (("usps.bz2", TRAIN), ("usps.t.bz2", TEST)):
        digits = labels_of(10, each)
        images = np.random.default_rng(each).uniform(-1, 1, (len(digits), 256))
        (root / name).write_bytes(usps_text(digits, images))


def _write_tiny(root: Path) -> None:
    folder = root / "tiny-imagenet-200"
    names = [f"n{number:08}" for number in range(200)][::-1]
    images = images_of(4, (64, 64, 3))
    for label, name in enumerate(names):
        for number in range(TRAIN):
            image = images[number % 4]
            path = folder / "train" / name / "images" / f"{name}_{number}.JPEG"
            write_jpeg(path, image[:, :, 0] if label == number == 0 else image)
    rows = [f"val_{i}.JPEG\t{name}\t0\t0\t62\t62\n" for i, name in enumerate(names)]
    for row in rows:
        write_jpeg(folder / "val" / "images" / row.split("\t")[0], images[0])
    (folder / "val" / "val_annotations.txt").write_text("".join(rows))
    (folder / "wnids.txt").write_text("\n".join(names) + "\n")


_BATCHES = [f"data_batch_{number}" for number in range(1, 6)]
_WRITERS: dict[str, Callable[[Path], None]] = {
    "cifar10": lambda root: _write_cifar(
        root, "cifar-10-batches-py", _BATCHES, "test_batch", "labels"
    ),
    "cifar100": lambda root: _write_cifar(
        root, "cifar-100-python", ["train"], "test", "fine_labels"
    ),
    "fashion_mnist": lambda root: _write_mnist(root, "FashionMNIST/raw"),
    "kmnist": lambda root: _write_mnist(root, "KMNIST/raw"),
    "mnist": lambda root: _write_mnist(root, "MNIST/raw"),
    "svhn": _write_svhn,
    "tinyimagenet": _write_tiny,
    "usps": _write_usps,
}
