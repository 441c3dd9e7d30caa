"""uniform_plus: a dense first convolution, a floor under the last layer, one density between."""

import pytest

from sparse.allocation import allocate

CONVS = {"stem": (64, 3, 3, 3), "body": (128, 64, 3, 3), "head": (10, 128)}
MATRICES = {"fc1": (300, 784), "fc2": (100, 300), "fc3": (10, 100)}


def test_the_first_convolution_is_dense_and_the_last_layer_keeps_a_fifth():
    # 7674 of 76736 are kept: 1728 and 256, and what is left in between.
    assert allocate("uniform_plus", CONVS, "0.1") == {"stem": 1728, "body": 5690, "head": 256}


def test_the_last_layer_is_as_dense_as_the_others_where_these_exceed_its_floor():
    # 38368 are kept: 36640 outside the stem, of 73728 + 1280.
    counts = allocate("uniform_plus", CONVS, "0.5")
    assert counts == {"stem": 1728, "body": 36015, "head": 625}


def test_a_first_layer_that_is_no_convolution_is_one_of_the_others():
    assert allocate("uniform_plus", MATRICES, "0.1") == {"fc1": 23431, "fc2": 2989, "fc3": 200}


@pytest.mark.parametrize(("last", "head"), [(0, 101), (0.05, 101), (0.5, 640), (1, 1280)])
def test_the_floor_is_an_option(last, head):
    # Without a floor body and head share 5946 alike: 0.0793 of each, which is more than 0.05.
    counts = allocate("uniform_plus", CONVS, "0.1", {"last": last})
    assert counts == {"stem": 1728, "body": 5946 - head, "head": head}


def test_a_single_layer_takes_all():
    assert allocate("uniform_plus", {"fc": (10, 20)}, "0.3") == {"fc": 60}


def test_a_density_that_does_not_hold_the_first_and_the_last_layer_is_refused():
    with pytest.raises(
        ValueError, match=r"1728 weights of stem and 256 of head.*keeps 767 of 76736"
    ):
        allocate("uniform_plus", CONVS, "0.01")
    with pytest.raises(ValueError, match=r"at least 0\.2 is needed, or a smaller last"):
        allocate("uniform_plus", {"fc": (10, 20)}, "0.1")
