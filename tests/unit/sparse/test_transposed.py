"""Transposed convolutions, whose weights lie (in, out, ...): who knows, and who refuses them."""

import pytest
import torch
from torch import nn

from sparse import attach
from sparse.targets import find_targets
from tests.support.cells import make_cell
from tests.support.toy import make_method
from trainer.engines.solo import SoloEngine
from trainer.workload import load_workload

BY_UNITS = {"srigl": "0.3", "n_m": "0.5", "set_np": "0.3"}


def decoder():
    """A chain by its shapes, also where the sides of a kernel are swapped."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(8, 8, 3, bias=False),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 8, 3, bias=False),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 8, 3, groups=2, bias=False),
    )


def attached(name, density, **given):
    model = decoder()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return attach(model, optimizer, make_method(name, density), total_steps=10, **given)


def test_targets_and_layers_say_which_kernels_are_transposed():
    targets = find_targets(decoder()).targets
    assert [target.transposed for target in targets] == [False, True, True]
    layers = attached("static", "0.3").sparsifier.layers
    assert [layer.transposed for layer in layers] == [False, True, True]
    stored = attached("top_kast", "0.3").sparsifier.layers
    assert [layer.transposed for layer in stored] == [False, True, True]


def test_the_layers_of_an_engine_say_it_too(monkeypatch):
    cell = make_cell("static")
    workload = load_workload(cell, None, "cpu")
    monkeypatch.setattr(type(workload), "build_model", lambda self, seed: decoder())
    layers = SoloEngine(workload, [cell]).layers(0)
    assert [layer.transposed for layer in layers] == [False, True, True]


@pytest.mark.parametrize("name", BY_UNITS)
def test_methods_of_units_refuse_them_by_name(name):
    message = (
        rf"^{name} takes .* units, but in transposed .*: exclude them \(2\.weight, 4\.weight\)$"
    )
    with pytest.raises(ValueError, match=message):
        attached(name, BY_UNITS[name])
    handle = attached(name, BY_UNITS[name], exclude=["2.weight", "4.weight"])
    assert list(handle.masks()) == ["0.weight"]


@pytest.mark.parametrize("name", ["static", "set", "rigl", "granet", "top_kast", "magnitude"])
def test_methods_of_single_weights_take_them(name):
    handle = attached(name, "0.3")
    assert handle.sparsifier.counts.keys() == {"0.weight", "2.weight", "4.weight"}
