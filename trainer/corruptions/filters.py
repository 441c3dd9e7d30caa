"""Filters that several corruptions share. All of them treat every image of a batch on its own.

Images are (n, height, width, channels). Nothing here is a matrix product: the order in which a
library adds up must not depend on the batch. SciPy is loaded where it is used: most workers corrupt
nothing.
"""

import functools
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainer.corruptions.corruption import Images

if TYPE_CHECKING:
    from scipy import sparse

NEGLIGIBLE = 1e-5
"""Taps of a line kernel that together weigh less are left out: they change no byte."""

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in a grey value (ITU-R BT.601)."""


def gaussian(images: Images, sigma: float, *, border: str = "nearest", cut: float = 4.0) -> Images:
    """A Gaussian filter of standard deviation ``sigma`` pixels over height and width.

    Args:
        images: the batch.
        sigma: 0 changes nothing.
        border: how the image goes on outside, in scipy.ndimage's words.
        cut: half the filter's width in standard deviations.
    """
    if sigma == 0:
        return images
    from scipy import ndimage

    sigmas = (0, sigma, sigma, *(0,) * (images.ndim - 3))
    filtered: Images = ndimage.gaussian_filter(images, sigmas, mode=border, truncate=cut)
    return filtered


def disk_kernel(radius: float, alias: float) -> NDArray[np.float64]:
    """The kernel of a lens out of focus: a disk, smoothed by a Gaussian of 3 x 3 taps.

    The disk holds the grid points no farther than ``radius`` from the centre, all with the same
    weight; weights add up to 1. The result is cut to its odd square of non-zero taps.

    Args:
        radius: in pixels, at most 8.
        alias: standard deviation of the smoothing, in pixels.
    """
    from scipy import ndimage

    reach = math.floor(radius) + 1
    grid = np.arange(-reach, reach + 1)
    disk = (grid[:, None] ** 2 + grid[None, :] ** 2 <= radius**2).astype(np.float64)
    side = math.exp(-1 / (2 * alias**2))
    taps = np.array([side, 1.0, side]) / (1 + 2 * side)
    smooth = ndimage.correlate(disk / disk.sum(), np.outer(taps, taps), mode="constant")
    return np.asarray(smooth, dtype=np.float64)


def line_weights(radius: float, sigma: float) -> NDArray[np.float64]:
    """Weights along a motion: one half of a Gaussian, from where it stands, adding up to 1.

    The width is that of ImageMagick's motion blur: 2 * ceil(radius) + 1 taps.
    """
    weights = np.exp(-(np.arange(2 * math.ceil(radius) + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    kept = max(1, int(np.sum(np.cumsum(weights[::-1]) > NEGLIGIBLE)))
    return np.asarray(weights[:kept] / weights[:kept].sum(), dtype=np.float64)


def motion(images: Images, degrees: NDArray[np.float64], radius: float, sigma: float) -> Images:
    """Smear every image along a line of its own.

    Args:
        images: the batch.
        degrees: (n,) direction of each image's motion; 0 is to the right, 90 is down.
        radius, sigma: as in :func:`line_weights`.
    """
    angles = np.deg2rad(degrees)
    blurred = np.zeros_like(images)
    for tap, weight in enumerate(line_weights(radius, sigma).tolist()):
        down = np.ceil(tap * np.sin(angles) - 0.5).astype(np.int64)
        right = np.ceil(tap * np.cos(angles) - 0.5).astype(np.int64)
        blurred += weight * _moved(images, down, right)
    return blurred


def _moved(images: Images, down: NDArray[np.int64], right: NDArray[np.int64]) -> Images:
    # Pixel (row, column) of the result is the one that lies `down` and `right` of it; the edge
    # repeats outside.
    number, height, width = images.shape[:3]
    rows = np.clip(np.arange(height) + down[:, None], 0, height - 1)
    columns = np.clip(np.arange(width) + right[:, None], 0, width - 1)
    moved: Images = images[np.arange(number)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def zoomed(images: Images, factors: tuple[float, ...]) -> Images:
    """The mean of the images' centres, each enlarged by one of the factors (linearly)."""
    number, height, width, channels = images.shape
    pixels = images.transpose(1, 2, 0, 3).reshape(height * width, -1)
    mixed = _zoom_operator(height, width, factors) @ pixels
    return np.ascontiguousarray(
        mixed.reshape(height, width, number, channels).transpose(2, 0, 1, 3), dtype=np.float64
    )


@functools.lru_cache(maxsize=16)
def _zoom_operator(height: int, width: int, factors: tuple[float, ...]) -> "sparse.csr_array":
    from scipy import sparse

    parts = [
        sparse.kron(_zoom_side(height, factor), _zoom_side(width, factor)) for factor in factors
    ]
    return sparse.csr_array(sum(parts[1:], start=parts[0]) / len(factors))


def _zoom_side(side: int, factor: float) -> "sparse.csr_array":
    from scipy import ndimage, sparse

    # Row i holds what pixel i of the enlarged side takes from every pixel of the side. The centre
    # that fills the side after the zoom is cut out first, what is too much is cut off after.
    kept = math.ceil(side / factor)
    first = (side - kept) // 2
    grown = ndimage.zoom(np.eye(side)[first : first + kept], (factor, 1), order=1)
    trim = (len(grown) - side) // 2
    return sparse.csr_array(grown[trim : trim + side])


def luminance(images: Images) -> Images:
    """The grey value of every pixel: (n, height, width, 1)."""
    if images.shape[-1] == 1:
        return images
    grey = images[..., 0] * LUMA[0] + images[..., 1] * LUMA[1] + images[..., 2] * LUMA[2]
    return np.asarray(grey[..., None], dtype=np.float64)


def tinted(layer: Images, colour: tuple[float, float, float], channels: int) -> Images:
    """A layer of (n, height, width, 1) in a colour given as red, green, blue in [0, 1]."""
    tint = np.array(colour) if channels == 3 else np.array([np.sum(LUMA * colour)])
    return np.asarray(layer * tint, dtype=np.float64)
