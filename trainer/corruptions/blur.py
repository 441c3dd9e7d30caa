"""Blur: pixels are mixed with those around them.

Parameters of severities 1 to 5: hendrycks/robustness, make_cifar_c.py and make_tinyimagenet_c.py.
"""

import numpy as np

from trainer.corruptions.corruption import Corruption, Images, single
from trainer.corruptions.filters import disk_kernel, gaussian, motion, zoomed
from trainer.corruptions.streams import Streams

_ZOOM_STEP = 0.01


def defocus_blur(images: Images, streams: Streams, radius: float, alias: float) -> Images:
    """A lens out of focus: every pixel becomes a smooth disk of ``radius`` pixels."""
    from scipy import ndimage

    kernel = disk_kernel(radius, alias)[None, :, :, None]
    blurred: Images = ndimage.correlate(images, kernel, mode="mirror")
    return blurred


def glass_blur(
    images: Images, streams: Streams, sigma: float, reach: float, rounds: float
) -> Images:
    """Frosted glass: pixels are replaced by near ones, between two Gaussian filters.

    From the last row and column to the first, a pixel takes the value that then stands at most
    ``reach`` above or left, or ``reach`` - 1 below or right of it. The published generator means to
    swap the two, but its swap of array views copies; so the published arrays hold copies, and so
    does this.

    Args:
        images: the batch.
        streams: the samples' draws.
        sigma: standard deviation of both filters, in pixels.
        reach, rounds: how far a value may move, and how often all are moved.
    """
    far, height, width = int(reach), *images.shape[1:3]
    shape = (int(rounds), height, width, 2)
    moves = streams.draw("moves", lambda draw: draw.integers(-far, far, shape))
    mixed = np.trunc(gaussian(images, sigma) * 255) / 255
    every = np.arange(len(images))
    for turn in range(int(rounds)):
        for row in range(height - far, far, -1):
            for column in range(width - far, far, -1):
                down, right = moves[:, turn, row, column].T
                mixed[:, row, column] = mixed[every, row + down, column + right]
    return gaussian(mixed, sigma)


def motion_blur(images: Images, streams: Streams, radius: float, sigma: float) -> Images:
    """A moving camera: a one-sided Gaussian along a line at -45 to 45 degrees."""
    degrees = streams.draw("angle", lambda draw: draw.uniform(-45, 45))
    return motion(images, degrees, radius, sigma)


def zoom_blur(images: Images, streams: Streams, stop: float) -> Images:
    """A camera moving forward: the mean of the image and of its zooms from 1 to ``stop``."""
    factors = np.arange(1, stop, _ZOOM_STEP).tolist()
    return (images + len(factors) * zoomed(images, tuple(factors))) / (len(factors) + 1)


def gaussian_blur(images: Images, streams: Streams, sigma: float) -> Images:
    """A Gaussian filter of standard deviation ``sigma`` pixels."""
    return gaussian(images, sigma)


DEFOCUS_BLUR = Corruption(
    apply=defocus_blur,
    columns=("radius", "alias"),
    small=((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1), (2, 0.1)),
    large=((0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1), (3.5, 0.1)),
    draws=False,
)
GLASS_BLUR = Corruption(
    apply=glass_blur,
    columns=("sigma", "reach", "rounds"),
    small=((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2), (0.55, 1, 2)),
    large=((0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2), (1.1, 2, 3)),
)
MOTION_BLUR = Corruption(
    apply=motion_blur,
    columns=("radius", "sigma"),
    small=((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5), (10, 3)),
    large=((10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3), (14, 3.5)),
)
ZOOM_BLUR = Corruption(
    apply=zoom_blur,
    columns=("stop",),
    least_side=9,  # an enlargement of 6 % does not fill another pixel of 8
    small=single(1.06, 1.11, 1.16, 1.21, 1.26, 1.31),
    large=single(1.06, 1.11, 1.16, 1.21, 1.26, 1.31),
    draws=False,
)
GAUSSIAN_BLUR = Corruption(
    apply=gaussian_blur,
    columns=("sigma",),
    small=single(0.4, 0.6, 0.7, 0.8, 1, 1.2),
    large=single(0.5, 0.75, 1, 1.25, 1.5, 1.75),
    draws=False,
)
