"""n_m: exact groups in matrices and kernels, what stays dense, and what is refused."""

import logging

import pytest
import torch
from torch import nn

from sparse import NM, attach
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def prepared(method, **weights):
    method.prepare(ToyContext([ToyLayer(name, weight) for name, weight in weights.items()]))
    return [layer.mask for layer in method.layers]


@pytest.mark.parametrize(("density", "m", "n"), [("0.5", 4, 2), ("0.25", 4, 1), ("0.375", 8, 3)])
def test_every_group_has_exactly_n_weights_after_every_step(density, m, n):
    method = NM(density, m=m)
    prepared(method, matrix=drawn(6, 16), kernel=drawn(5, 8, 3, 3))
    matrix, kernel = method.layers
    for step in range(1, 9):
        run_steps(method, step, step)
        assert set(matrix.mask.view(6, 16 // m, m).sum(2).unique().tolist()) == {n}
        inputs_last = kernel.mask.permute(0, 2, 3, 1)
        assert set(inputs_last.reshape(-1, m).sum(1).unique().tolist()) == {n}


def test_the_groups_of_a_kernel_are_input_channels_of_one_position():
    weight = torch.zeros(1, 4, 1, 2)
    weight[0, :, 0, 0] = torch.tensor([4.0, 3.0, 2.0, 1.0])
    weight[0, :, 0, 1] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    (mask,) = prepared(NM("0.5"), kernel=weight)
    assert mask[0, :, 0, 0].tolist() == [1, 1, 0, 0]
    assert mask[0, :, 0, 1].tolist() == [0, 0, 1, 1]


def test_the_pattern_does_not_depend_on_the_scale_of_the_weights():
    weight = drawn(8, 12)
    first, second = prepared(NM("0.5"), one=weight, other=8 * weight)
    assert torch.equal(first, second)


def test_ties_go_to_the_lower_position():
    (mask,) = prepared(NM("0.5"), tied=torch.ones(1, 8))
    assert mask.tolist() == [[1, 1, 0, 0, 1, 1, 0, 0]]


def test_a_layer_that_has_no_groups_stays_dense_and_that_is_said(caplog):
    method = NM("0.5")
    with caplog.at_level(logging.WARNING):
        method.prepare(ToyContext(make_layers()))
    assert method.counts == {"first": 84, "second": 54, "third": 27}
    assert "m: 4 does not divide the inputs of first, third: dense" in caplog.text
    assert method.passes(False).forward == method.counts
    assert method.passes(False).weight_gradients == {"first": 84, "second": 108, "third": 27}
    gradient = torch.ones(12, 7)
    assert method.stored_gradient(method.layers[0], gradient) is gradient


def test_a_network_without_any_group_is_refused():
    with pytest.raises(ValueError, match="n_m found no layer whose inputs m: 5 divides"):
        NM("0.2", m=5).prepare(ToyContext(make_layers()))


@pytest.mark.parametrize(
    ("density", "options", "message"),
    [
        (
            "0.3",
            {},
            "density is 0.3, but n_m keeps .* of 4 weights; allowed: 0.25, 0.5, 0.75, 1$",
        ),
        ("0.5", {"m": 3}, "whole number of 3 weights; allowed: 1$"),
        ("0.5", {"m": 1}, "m is 1; it must be >= 2"),
    ],
)
def test_a_density_that_is_no_pattern_is_refused(density, options, message):
    with pytest.raises(ValueError, match=message):
        NM(density, **options)


def test_weights_that_are_left_out_are_trained_and_come_back():
    torch.manual_seed(0)
    layer = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0.9, 0.8, 0.1]]))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    handle = attach(layer, optimizer, NM("0.5", decay=0.0))
    assert layer.weight.tolist() == [[1, pytest.approx(0.9), 0, 0]]
    (-layer(torch.tensor([[0.0, 0.0, 1.0, 0.0]]))).sum().backward()
    optimizer.step()
    assert layer.weight[0].tolist() == pytest.approx([1, 0, 1.3, 0])
    assert handle.masks()["weight"].tolist() == [[True, False, True, False]]
    stored = handle.state_dict()["sparsifier"]["stored"]["weight"]["weight"]
    assert stored[0].tolist() == pytest.approx([1, 0.9, 1.3, 0.1])
