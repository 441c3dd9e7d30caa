"""What holds for every corruption, whatever the images, the severity and the batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.corruptions import CORRUPTIONS, MIXED, SEVERITIES, corrupt

COUNT = 5


@st.composite
def images(draw):
    """A few images of any small size, grey or in colour: noise, or flat, or black and white."""
    height, width = draw(st.integers(4, 21)), draw(st.integers(4, 21))
    channels = draw(st.sampled_from([1, 3]))
    lowest, highest = draw(st.sampled_from([(0, 255), (0, 0), (255, 255), (77, 77), (200, 255)]))
    values = np.random.default_rng(draw(st.integers(0, 9)))
    shape = (COUNT, height, width, channels)
    drawn = values.integers(lowest, highest, shape, dtype=np.uint8, endpoint=True)
    return np.where(drawn > 127, 255, 0).astype(np.uint8) if draw(st.booleans()) else drawn


@pytest.mark.parametrize("name", [*CORRUPTIONS, MIXED])
@settings(max_examples=12, deadline=None)
@given(
    images=images(),
    severity=st.sampled_from(SEVERITIES),
    seed=st.integers(0, 2**31),
    ids=st.lists(st.integers(0, 2**40), min_size=COUNT, max_size=COUNT, unique=True),
    order=st.permutations(range(COUNT)),
    count=st.integers(1, COUNT),
)
def test_an_image_becomes_the_same_bytes_in_any_company(
    name, images, severity, seed, ids, order, count
):
    if name == "saturate" and images.shape[3] == 1:
        images = images.repeat(3, axis=3)
    if name in ("zoom_blur", MIXED) and severity == 1:  # they need 9 pixels a side
        images = images.repeat(3, axis=1).repeat(3, axis=2)
    numbers = np.array(ids)
    rest = {"corruption": name, "severity": severity, "seed": seed, "part": "test"}
    together = corrupt(images, numbers, **rest)
    assert (together.shape, together.dtype) == (images.shape, np.uint8)
    few = np.array(order[:count])
    np.testing.assert_array_equal(corrupt(images[few], numbers[few], **rest), together[few])
