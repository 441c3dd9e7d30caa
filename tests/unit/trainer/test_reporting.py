"""What is reported of a cell beyond its scores, and what is not accepted."""

import pytest

from sparse.methods.set_np import SetNP
from sparse.methods.static import Static
from sparse.sparsifier import Sparsifier
from tests.support.cells import make_cell, train


def emptied(names):
    """Random masks, but that the layers of these names lose all their weights."""

    def initial_masks(self):
        masks = Sparsifier.initial_masks(self)
        return {name: mask & (name not in names) for name, mask in masks.items()}

    return initial_masks


@pytest.mark.parametrize(
    ("names", "active"),
    [([], [68, 114, 82]), (["layers.0.weight", "layers.2.weight"], [0, 114, 0])],
)
def test_a_run_that_lost_a_layer_says_so(names, active, monkeypatch):
    # A method whose density is "bounded": one that promises an exact one may not lose any.
    monkeypatch.setattr(SetNP, "initial_masks", emptied(names), raising=False)
    monkeypatch.setattr(SetNP, "wants_update", lambda self, step: False)
    cell = make_cell("set_np", epochs=1)
    outcome = train(cell)[cell.id]
    assert outcome.state == "COMPLETED"
    assert [layer["active"] for layer in outcome.layers] == active
    assert outcome.metrics["collapsed_layers"] == len(names)
    assert outcome.metrics["density"] == sum(active) / 881


def test_a_method_that_breaks_its_promise_of_an_exact_density_fails(monkeypatch):
    monkeypatch.setattr(Static, "initial_masks", emptied(["layers.0.weight"]), raising=False)
    cell = make_cell("static", epochs=1)
    outcome = train(cell)[cell.id]
    assert (outcome.state, outcome.metrics, outcome.artifacts) == ("FAILED", {}, {})
    assert outcome.error["message"] == "static is to keep 264 weights exactly, but 196 are active"
