"""The private images that the example packages of docs/extend.md read."""

from pathlib import Path

import numpy as np


def write_chips(root: Path, *, examples: int = 60, size: int = 8) -> Path:
    """Write `chips/train.npz` and `chips/test.npz` below a data root; three classes of squares."""
    folder = root / "chips"
    folder.mkdir(parents=True)
    for seed, part in enumerate(("train", "test")):
        draws = np.random.default_rng(seed)
        labels = np.arange(examples) % 3
        images = draws.integers(0, 80, (examples, 1, size, size), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[0, label : label + 4, label : label + 4] += 120
        np.savez(folder / f"{part}.npz", images=images, labels=labels)
    return root
