"""Registered models made small, so that tests of all of them are quick."""

from collections.abc import Mapping
from typing import Any

SMALL: Mapping[str, tuple[Mapping[str, Any], int]] = {
    "lenet5": ({}, 20),
    "preact_resnet18": ({"widths": (8, 16, 24, 32)}, 8),
    "resnet18": ({"widths": (8, 16, 24, 32)}, 8),
    "resnet34": ({"widths": (8, 16, 24, 32)}, 8),
    "resnet50": ({"widths": (8, 12, 20, 32)}, 8),
    "vgg16": ({"widths": (8, 16, 16, 24, 24, 32, 32)}, 32),
    "vgg16_bn": ({"widths": (8, 16, 16, 24, 24)}, 16),
    "vgg19_bn": ({"widths": (8, 16, 16, 24, 24)}, 16),
    "vit": ({"widths": (32, 16, 64), "depth": 2, "heads": 2}, 8),
    "wrn_22_2": ({"widths": (8, 16, 24, 32)}, 8),
    "wrn_28_10": ({"widths": (8, 16, 24, 32)}, 8),
    "wrn_34_10": ({"widths": (8, 16, 24, 32)}, 8),
}
"""Options of a small network of each kind, and the side of the images that it takes.

A model that is not named here is small enough as it is, and takes images of 8 x 8.
"""


def small_options(name: str) -> dict[str, Any]:
    """The options that make a model small."""
    return dict(SMALL[name][0]) if name in SMALL else {}


def image_side(name: str) -> int:
    """The side in pixels of images that the small model takes."""
    return SMALL[name][1] if name in SMALL else 8


def image_task(name: str, **others: Any) -> dict[str, Any]:
    """Options of the data set `synthetic` that make images for the small model, of one channel."""
    side = image_side(name)
    return {"features": side * side, "image_size": side, **others}
