"""Digital damage: what contrast, warping, coarse pixels and compression do.

Parameters of severities 1 to 5: hendrycks/robustness, make_cifar_c.py and make_tinyimagenet_c.py.
"""

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainer.corruptions.corruption import Corruption, Images, single
from trainer.corruptions.streams import Streams
from trainer.corruptions.warping import displaced, random_affine

if TYPE_CHECKING:
    from PIL import Image


def contrast(images: Images, streams: Streams, factor: float) -> Images:
    """Bring every channel nearer to its mean over the image; ``factor`` of the distance stays."""
    # Bytes add up exactly, in any order.
    totals = np.rint(images * 255).astype(np.int64).sum(axis=(1, 2), keepdims=True)
    means = totals / (255 * images.shape[1] * images.shape[2])
    return (images - means) * factor + means


def elastic_transform(
    images: Images, streams: Streams, stretch: float, smoothness: float, shear: float
) -> Images:
    """Bend the image: a random affine map, then a smooth random field of displacements.

    Args:
        images: the batch.
        streams: the samples' draws.
        stretch: the field's amplitude before it is smoothed.
        smoothness: standard deviation of the Gaussian that smooths it.
        shear: how far the three points move that define the affine map.

    All three are in parts of the image's shorter side.
    """
    side = min(images.shape[1:3])
    moves = streams.draw("points", lambda draw: draw.uniform(-1, 1, (3, 2)))
    bent = random_affine(images, moves * (shear * side))
    if stretch == 0:
        return bent
    shape = (2, *images.shape[1:3])
    fields = streams.draw("field", lambda draw: draw.uniform(-1, 1, shape))
    return displaced(bent, fields, stretch * side, smoothness * side)


def pixelate(images: Images, streams: Streams, factor: float) -> Images:
    """Shrink the image to ``factor`` of its sides and enlarge it again, with a box filter."""
    from PIL import Image

    height, width = images.shape[1:3]
    coarse = (max(1, int(width * factor)), max(1, int(height * factor)))

    def shrink(image: Image.Image) -> Image.Image:
        small = image.resize(coarse, Image.Resampling.BOX)
        return small.resize((width, height), Image.Resampling.BOX)

    return np.stack([_from_picture(shrink(_to_picture(image))) for image in images])


def jpeg_compression(images: Images, streams: Streams, quality: float) -> Images:
    """Save the image as JPEG of this quality and read it again."""

    from PIL import Image

    def compress(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(quality))
        return Image.open(file)

    return np.stack([_from_picture(compress(_to_picture(image))) for image in images])


def _to_picture(image: Images) -> "Image.Image":
    from PIL import Image

    levels = np.rint(image * 255).astype(np.uint8)
    return Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)


def _from_picture(picture: "Image.Image") -> NDArray[np.float64]:
    values = np.asarray(picture) / 255
    return values[..., None] if values.ndim == 2 else values


CONTRAST = Corruption(
    apply=contrast,
    columns=("factor",),
    small=single(0.75, 0.5, 0.4, 0.3, 0.15, 0.075),
    large=single(0.4, 0.3, 0.2, 0.1, 0.05, 0.025),
    draws=False,
)
ELASTIC_TRANSFORM = Corruption(
    apply=elastic_transform,
    columns=("stretch", "smoothness", "shear"),
    small=(
        (0, 0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
        (0.1, 0.02, 0.01),
    ),
    large=(
        (0, 0, 0.08),
        (0.05, 0.3, 0.06),
        (0.1, 0.08, 0.06),
        (0.1, 0.03, 0.03),
        (0.16, 0.03, 0.02),
        (0.22, 0.03, 0.01),
    ),
)
PIXELATE = Corruption(
    apply=pixelate,
    columns=("factor",),
    small=single(0.95, 0.9, 0.85, 0.75, 0.65, 0.55),
    large=single(0.9, 0.8, 0.7, 0.6, 0.5, 0.4),
    draws=False,
)
JPEG_COMPRESSION = Corruption(
    apply=jpeg_compression,
    columns=("quality",),
    small=single(80, 65, 58, 50, 40, 30),
    large=single(65, 58, 50, 40, 25, 10),
    draws=False,
)
