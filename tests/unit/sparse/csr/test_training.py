"""Truly sparse training is masked dense training, to rounding: outputs, gradients, many steps."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sparse.csr.linear import SparseLinear
from sparse.csr.mlp import SparseMLP
from sparse.csr.product import product

WIDTHS, COUNTS = (17, 40, 23, 5), (150, 200, 60)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pair():
    """A truly sparse network, its dense twin, and the twin's masks."""
    sparse = SparseMLP.random(WIDTHS, COUNTS, generator(), fan_in="active")
    layers, masks = [], []
    for layer in sparse.layers:
        linear = nn.Linear(layer.in_features, layer.out_features)
        linear.load_state_dict({"weight": layer.to_dense(), "bias": layer.bias.detach()})
        layers += [linear, nn.ReLU()]
        masks.append((layer.to_dense() != 0).float())
    return sparse, nn.Sequential(*layers[:-1]), masks


OPTIMIZERS = {
    "sgd": lambda net: torch.optim.SGD(
        net.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-4, fused=True
    ),
    "adam": lambda net: torch.optim.Adam(net.parameters(), lr=0.003),
}


def step(net, optimizer, seed, masks=None):
    x = torch.randn(16, 17, generator=generator(seed)).requires_grad_()
    labels = torch.randint(5, (16,), generator=generator(seed + 1000))
    optimizer.zero_grad()
    outputs = net(x)
    F.cross_entropy(outputs, labels).backward()
    if masks is not None:
        for layer, mask in zip(net[::2], masks, strict=True):
            layer.weight.grad *= mask
    optimizer.step()
    return outputs.detach(), x.grad


@pytest.mark.parametrize("steps", [1, 50])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_truly_sparse_network_trains_as_its_masked_twin(kind, steps):
    sparse, dense, masks = pair()
    ours, theirs = OPTIMIZERS[kind](sparse), OPTIMIZERS[kind](dense)
    for seed in range(steps):
        outputs, inward = step(sparse, ours, seed)
        wanted, wanted_inward = step(dense, theirs, seed, masks)
    close = {"atol": 1e-5, "rtol": 1e-4}
    torch.testing.assert_close(outputs, wanted, **close)
    torch.testing.assert_close(inward, wanted_inward, **close)
    for layer, linear in zip(sparse.layers, dense[::2], strict=True):
        torch.testing.assert_close(layer.to_dense(), linear.weight.detach(), **close)
        torch.testing.assert_close(layer.bias.detach(), linear.bias.detach(), **close)


@pytest.mark.parametrize("count", [0, 1, 12])
def test_empty_and_full_layers_compute_as_dense_ones(count):
    layer = SparseLinear.random((3, 4), count, generator())
    x = torch.randn(4, 6, generator=generator(1), requires_grad=True)
    outputs = layer(x)
    outputs.square().sum().backward()
    dense = layer.to_dense()
    torch.testing.assert_close(outputs, dense @ x)
    torch.testing.assert_close(x.grad, 2 * dense.t() @ (dense @ x.detach()))
    full = 2 * (dense @ x.detach()) @ x.detach().t()
    torch.testing.assert_close(layer.values.grad, full.flatten()[layer.positions()])


def test_what_lay_in_fresh_memory_never_reaches_a_result(monkeypatch):
    # Products write into memory that nobody cleared; NaN there must not survive a factor of 0.
    layer = SparseLinear.random((30, 40), 90, generator(), bias=False)
    x = torch.randn(40, 6, generator=generator(1), requires_grad=True)
    fresh = torch.Tensor.new_empty

    def poisoned(self, *size):
        return fresh(self, *size).fill_(float("nan"))

    monkeypatch.setattr(torch.Tensor, "new_empty", poisoned)
    layer(x).sum().backward()
    assert bool(x.grad.isfinite().all())
    assert bool(layer.values.grad.isfinite().all())


def test_inputs_that_are_not_contiguous_are_read_right():
    layer = SparseLinear.random((30, 40), 90, generator())
    x = torch.randn(6, 40, generator=generator(1))
    torch.testing.assert_close(layer(x.t()), layer.to_dense() @ x.t())


def test_a_gradient_of_a_gradient_is_refused():
    layer = SparseLinear.random((3, 4), 6, generator())
    x = torch.ones(4, 2, requires_grad=True)
    (inward,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        inward.sum().backward()


def test_the_same_step_has_the_same_bits():
    found = []
    for _ in range(2):
        sparse, _, _ = pair()
        optimizer = OPTIMIZERS["sgd"](sparse)
        for seed in range(5):
            step(sparse, optimizer, seed)
        found.append([parameter.detach() for parameter in sparse.parameters()])
    assert all(map(torch.equal, *found))


def test_the_product_takes_no_bias_and_a_frozen_weight():
    layer = SparseLinear.random((3, 4), 6, generator(), bias=False)
    x = torch.ones(4, 2, requires_grad=True)
    frozen = layer.values.detach()
    product(frozen, x, None, layer.pattern(), layer._transposed).sum().backward()
    torch.testing.assert_close(x.grad[:, 0], layer.to_dense().sum(0))
