"""What is reported of a cell beyond its scores."""

import pytest

from sparse.methods.static import Static
from tests.support.cells import make_cell, train


def emptied(names):
    """The masks of static, but for the layers of these names, which lose all their weights."""

    def initial_masks(self):
        masks = super(Static, self).initial_masks()
        return {name: mask & (name not in names) for name, mask in masks.items()}

    return initial_masks


@pytest.mark.parametrize(
    ("names", "active"),
    [([], [68, 114, 82]), (["layers.0.weight", "layers.2.weight"], [0, 114, 0])],
)
def test_a_run_that_lost_a_layer_says_so(names, active, monkeypatch):
    monkeypatch.setattr(Static, "initial_masks", emptied(names), raising=False)
    cell = make_cell("static", epochs=1)
    outcome = train(cell)[cell.id]
    assert outcome.state == "COMPLETED"
    assert [layer["active"] for layer in outcome.layers] == active
    assert outcome.metrics["collapsed_layers"] == len(names)
    assert outcome.metrics["density"] == sum(active) / 881
