"""balanced: equally many weights in every layer."""

from sparse.allocation import allocate


def test_layers_keep_equally_many_weights():
    shapes = {"a": (100, 10), "b": (10, 100), "c": (20, 20)}
    assert allocate("balanced", shapes, "0.25") == {"a": 200, "b": 200, "c": 200}


def test_what_is_left_over_goes_to_the_earlier_layers():
    shapes = {"a": (100, 10), "b": (10, 100), "c": (20, 21)}
    assert allocate("balanced", shapes, "0.25") == {"a": 202, "b": 202, "c": 201}


def test_what_a_small_layer_cannot_hold_goes_to_the_others():
    shapes = {"fc1": (300, 784), "fc2": (100, 300), "fc3": (10, 100)}
    assert allocate("balanced", shapes, "0.1") == {"fc1": 12810, "fc2": 12810, "fc3": 1000}
