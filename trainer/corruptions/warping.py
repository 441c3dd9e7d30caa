"""Moving pixels: images read at places between their pixels.

Images are (n, height, width, channels); places are (n, height, width) rows and columns.
"""

import numpy as np
from numpy.typing import NDArray

from trainer.corruptions.corruption import Images
from trainer.corruptions.filters import gaussian

Places = NDArray[np.float64]


def random_affine(images: Images, moves: NDArray[np.float64]) -> Images:
    """The affine map that moves three points around the centre.

    The points are, as (column, row) from the centre, (q, q), (q, -q) and (-q, -q), where q is a
    third of the shorter side, rounded down. Outside, the image is mirrored without its edge.

    Args:
        images: the batch.
        moves: (n, 3, 2) where each point goes, as (column, row) in pixels.
    """
    height, width = images.shape[1:3]
    reach = min(height, width) // 3
    points = reach * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    points = points + np.array([width // 2, height // 2])
    goals = points + moves
    # Result pixels are read at where they came from: the map from the goals back to the points.
    sides = points[:2] - points[2]
    goal_sides = goals[:, :2] - goals[:, 2:]
    (a, b), (c, d) = goal_sides[:, 0].T, goal_sides[:, 1].T
    area = a * d - b * c
    inverse = np.stack([np.stack([d, -b], -1), np.stack([-c, a], -1)], -2) / area[:, None, None]
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    right = columns - goals[:, 2, 0, None, None]
    down = rows - goals[:, 2, 1, None, None]
    first, second = (
        right * inverse[:, 0, k, None, None] + down * inverse[:, 1, k, None, None] for k in (0, 1)
    )
    from_columns = points[2, 0] + first * sides[0, 0] + second * sides[1, 0]
    from_rows = points[2, 1] + first * sides[0, 1] + second * sides[1, 1]
    return read_between(images, from_rows, from_columns, repeat_edge=False)


def displaced(images: Images, fields: Places, amplitude: float, sigma: float) -> Images:
    """Read every pixel at a place moved by a smooth field.

    Args:
        images: the batch.
        fields: (n, 2, height, width) in [-1, 1]: rough displacements of columns and of rows.
        amplitude: what they are multiplied by, in pixels, after they are smoothed.
        sigma: standard deviation of the smoothing, in pixels.
    """
    height, width = images.shape[1:3]
    smooth = [gaussian(fields[:, k], sigma, border="reflect", cut=3) * amplitude for k in (0, 1)]
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    return read_between(images, rows + smooth[1], columns + smooth[0], repeat_edge=True)


def read_between(images: Images, rows: Places, columns: Places, *, repeat_edge: bool) -> Images:
    """The values at places between pixels, bilinear; outside, the image is mirrored.

    Args:
        images: the batch.
        rows, columns: the places.
        repeat_edge: whether the mirror stands behind the edge pixels, so that they come twice, or
            in them.
    """
    height, width = images.shape[1:3]
    top, left = np.floor(rows), np.floor(columns)
    below, beside = (rows - top)[..., None], (columns - left)[..., None]
    every = np.arange(len(images))[:, None, None]
    upper, lower = (_mirrored(top + k, height, repeat_edge) for k in (0, 1))
    near, far = (_mirrored(left + k, width, repeat_edge) for k in (0, 1))
    first = images[every, upper, near] * (1 - beside) + images[every, upper, far] * beside
    second = images[every, lower, near] * (1 - beside) + images[every, lower, far] * beside
    return np.asarray(first * (1 - below) + second * below, dtype=np.float64)


def _mirrored(places: Places, side: int, repeat_edge: bool) -> NDArray[np.int64]:
    index = places.astype(np.int64)
    if repeat_edge:
        index = index % (2 * side)
        return np.minimum(index, 2 * side - 1 - index)
    index = index % (2 * side - 2)
    return np.minimum(index, 2 * side - 2 - index)
