"""What another network left for the layers of this one."""

import pytest
import torch

from sparse.inherited import inherited_masks, inherited_weights
from tests.support.toy import ToyContext, ToyLayer


class Given(ToyContext):
    def __init__(self, weights):
        super().__init__(
            [ToyLayer("first", torch.zeros(2, 3)), ToyLayer("last", torch.zeros(1, 2))]
        )
        self.weights = weights

    def artifact(self, name):
        return self.weights


WEIGHTS = {"first": torch.ones(2, 3), "first.bias": torch.ones(2), "last": torch.eye(1, 2)}


def test_only_the_layers_are_taken():
    found = inherited_weights(Given(WEIGHTS), "final")
    assert list(found) == ["first", "last"]
    assert found["last"].tolist() == [[1.0, 0.0]]


def test_masks_come_with_the_weights():
    found = inherited_masks(Given(WEIGHTS), "final")
    assert found["last"].tolist() == [[True, False]]


def test_a_network_with_other_layers_is_refused():
    with pytest.raises(ValueError, match="the final is of another model: it has no last"):
        inherited_weights(Given({"first": torch.ones(2, 3)}), "final")


def test_a_network_of_another_width_is_refused():
    wide = {**WEIGHTS, "first": torch.ones(4, 3)}
    with pytest.raises(ValueError, match=r"first has the shape \(4, 3\) there and \(2, 3\) here"):
        inherited_weights(Given(wide), "rewind@5")
