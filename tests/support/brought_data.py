"""Small data of the kinds that people bring: a CSV file, a folder of images, a MATLAB file."""

import random
from pathlib import Path

import numpy as np
from PIL import Image


def write_csv(path: Path, rows: int = 60, classes: int = 3, header: bool = True) -> None:
    """Gaussian features and a label in words, as the last column."""
    draws = random.Random(0)
    lines = ["width,height,weight,kind"] if header else []
    for row in range(rows):
        numbers = [f"{draws.gauss(row % classes, 1):.3f}" for _ in range(3)]
        lines.append(",".join([*numbers, f"kind {row % classes}"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def write_image(path: Path, size: tuple[int, int], seed: int, mode: str = "RGB") -> None:
    """Random pixels of a width and a height, in the format of the name's suffix."""
    channels = {"RGB": (3,), "L": ()}[mode]
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], *channels), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_image_folder(folder: Path, parts: tuple[str, ...] = ("train",), each: int = 10) -> None:
    """Images of 12 x 10 pixels: as many of each of the classes `ant` and `bee` in each part."""
    seed = 0
    for part in parts:
        for name in ("ant", "bee"):
            for number in range(each):
                seed += 1
                write_image(folder / part / name / f"{number:02}.png", (12, 10), seed)


def write_brought(name: str, root: Path) -> None:
    """What the default options of a dataset that a person brings read, below a data root."""
    if name == "csv":
        write_csv(root / "table.csv")
    if name == "image_folder":
        write_image_folder(root / "images")
