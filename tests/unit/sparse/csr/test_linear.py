"""A truly sparse layer: what it stores, computes and refuses, and how its topology is edited."""

import copy

import pytest
import torch
from torch.nn import functional as F

from sparse.csr.linear import SparseLinear
from sparse.csr.mlp import SparseMLP, in_parts

MASK = torch.tensor([[0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 1]])
WEIGHT = torch.tensor([[9.0, 1.0, 2.0, 9.0], [9.0, 9.0, 9.0, 9.0], [3.0, 9.0, 9.0, 4.0]])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def layer_of(mask=MASK, weight=WEIGHT, bias=None):
    return SparseLinear.from_dense(weight, mask, bias)


def test_it_stores_the_active_weights_in_row_major_order():
    layer = layer_of()
    assert layer.values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert layer.positions().tolist() == [1, 2, 8, 11]
    assert layer.row_starts.tolist() == [0, 2, 2, 4]
    assert layer.columns.tolist() == [1, 2, 0, 3]
    assert layer.row_starts.dtype == layer.columns.dtype == torch.int32
    assert torch.equal(layer.to_dense(), WEIGHT * MASK)


def test_nothing_of_the_layers_size_is_kept():
    layer = SparseLinear.random((3000, 4000), 50, generator())
    tensors = [*layer.parameters(), *layer.buffers()]
    assert max(tensor.numel() for tensor in tensors) == 3001


def test_the_product_is_feature_major():
    layer = layer_of(bias=torch.tensor([10.0, 20.0, 30.0]))
    x = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    assert layer(x).tolist() == [[13.0, 15.0], [20.0, 20.0], [37.0, 42.0]]


@pytest.mark.parametrize("batch", [1, 5, 33])
def test_gradients_are_exact_in_double_precision(batch):
    net = SparseMLP.random((6, 5, 4), (12, 9), generator(), activation=torch.tanh).double()
    names = [name for name, _ in net.named_parameters()]
    x = torch.randn(batch, 6, dtype=torch.double, generator=generator(1), requires_grad=True)

    def outputs(x, *parameters):
        return torch.func.functional_call(net, dict(zip(names, parameters, strict=True)), x)

    assert torch.autograd.gradcheck(outputs, (x, *net.parameters()))


@pytest.mark.parametrize(
    ("batch", "shape"), [(1, (1, 4, 1)), (32, (1, 4, 32)), (33, (2, 4, 17)), (100, (4, 4, 25))]
)
def test_a_batch_is_cut_into_equal_parts_of_few_columns(batch, shape):
    x = torch.arange(4.0 * batch).view(batch, 4)
    parts = in_parts(x)
    assert parts.shape == shape
    assert torch.equal(parts.transpose(1, 2).flatten(0, 1)[:batch], x)
    layer = layer_of(bias=torch.tensor([10.0, 20.0, 30.0]))
    whole = layer(x.t())
    assert torch.equal(layer(parts).transpose(1, 2).flatten(0, 1)[:batch], whole.t())


def test_the_first_layer_is_never_transposed(monkeypatch):
    net = SparseMLP.random((6, 5, 4), (12, 9), generator())
    asked = []
    for number, layer in enumerate(net.layers):
        turned = layer._transposed
        monkeypatch.setattr(layer, "_transposed", lambda n=number, f=turned: asked.append(n) or f())
    net(torch.randn(3, 6)).sum().backward()
    assert asked == [1]


def test_every_gap_has_its_own_activation_and_inputs_are_flattened():
    widths, counts = (6, 5, 4, 2), (12, 9, 5)
    net = SparseMLP.random(widths, counts, generator(), activation=[torch.tanh, torch.nn.ELU()])
    x = torch.randn(40, 2, 3, generator=generator(1))
    first, second, third = (layer.to_dense() for layer in net.layers)
    hidden = F.elu(torch.tanh(x.flatten(1) @ first.t()) @ second.t())
    torch.testing.assert_close(net(x), hidden @ third.t())


def test_the_golden_network_of_the_published_numbers():
    first = SparseLinear.from_dense(
        torch.tensor([[0.5, 0.0, 0.2], [0.0, -0.3, 0.0]]),
        torch.tensor([[1, 0, 1], [0, 1, 0]]),
    )
    second = SparseLinear.from_dense(
        torch.tensor([[1.0, 0.0], [0.3, -0.5]]), torch.tensor([[1, 0], [1, 1]])
    )
    net = SparseMLP([first, second])
    out = net(torch.tensor([[1.0, -2.0, 0.5]]))
    loss = F.cross_entropy(out, torch.tensor([1]))
    loss.backward()
    torch.testing.assert_close(out, torch.tensor([[0.6, -0.12]]))
    assert loss.item() == pytest.approx(1.1165940470, abs=1e-6)
    # By position: (out 0, in 0), (out 0, in 2), (out 1, in 1); then (0, 0), (1, 0), (1, 1).
    expected = torch.tensor([0.47082491, 0.23541246, -0.67260702])
    torch.testing.assert_close(first.values.grad, expected)
    expected = torch.tensor([0.40356421, -0.40356421, -0.40356421])
    torch.testing.assert_close(second.values.grad, expected)


def test_an_exchange_edits_values_and_slots_together():
    layer = layer_of()
    parameter, slots = layer.values, {"momentum_buffer": torch.tensor([5.0, 6.0, 7.0, 8.0])}
    made = layer.exchange(
        torch.tensor([8, 2]), torch.tensor([10, 0, 5]), slots, torch.tensor([0.1, 0.2, 0.3])
    )
    assert layer.positions().tolist() == [0, 1, 5, 10, 11]
    assert layer.values is parameter
    torch.testing.assert_close(layer.values.detach(), torch.tensor([0.2, 1.0, 0.3, 0.1, 4.0]))
    assert made["momentum_buffer"].tolist() == [0.0, 5.0, 0.0, 0.0, 8.0]


def test_what_is_dropped_and_grown_at_once_begins_anew():
    layer = layer_of()
    made = layer.exchange(torch.tensor([2]), torch.tensor([2]), {"slot": torch.ones(4)})
    assert layer.values.tolist() == [1.0, 0.0, 3.0, 4.0]
    assert made["slot"].tolist() == [1.0, 0.0, 1.0, 1.0]


def test_after_an_exchange_the_input_gradient_is_that_of_the_new_topology():
    layer = layer_of()
    x = torch.ones(4, 1, requires_grad=True)
    layer(x).sum().backward()
    layer.exchange(torch.tensor([1]), torch.tensor([0]), new_values=torch.tensor([6.0]))
    x.grad = None
    layer(x).sum().backward()
    assert x.grad.flatten().tolist() == [9.0, 0.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("drop", "grow", "message"),
    [
        ([3], [], "position 3 is dropped, but it is not active"),
        ([99], [], "position 99 is dropped, but it is not active"),
        ([1, 1], [], "a position is dropped twice"),
        ([], [8], "position 8 grows, but it is active already"),
        ([], [3, 3], "a position grows twice"),
        ([], [12], "lie between 0 and 11"),
    ],
)
def test_an_impossible_exchange_is_refused(drop, grow, message):
    with pytest.raises(ValueError, match=message):
        layer_of().exchange(*(torch.tensor(at, dtype=torch.int64) for at in (drop, grow)))


@pytest.mark.parametrize(
    ("positions", "message"),
    [([2, 1], "ascending"), ([1, 1], "distinct"), ([0, 12], "between 0 and 11"), ([-1, 3], "11")],
)
def test_positions_that_cannot_be_are_refused(positions, message):
    with pytest.raises(ValueError, match=message):
        SparseLinear(torch.tensor(positions), torch.ones(2), (3, 4))


def test_counts_that_int32_cannot_hold_are_refused_before_anything_is_drawn():
    with pytest.raises(ValueError, match="2147483648 active weights"):
        SparseLinear.random((10**6, 10**6), 2**31, generator())
    with pytest.raises(ValueError, match="2147483648 columns"):
        SparseLinear.random((1, 2**31), 1, generator())
    with pytest.raises(ValueError, match="13 active weights do not fit"):
        SparseLinear.random((3, 4), 13, generator())


def test_values_and_bias_must_fit():
    with pytest.raises(ValueError, match="2 positions"):
        SparseLinear(torch.tensor([1, 2]), torch.ones(3), (3, 4))
    with pytest.raises(ValueError, match="3 outputs have a bias of shape"):
        layer_of(bias=torch.ones(4))


def test_layers_that_do_not_feed_each_other_are_refused():
    with pytest.raises(ValueError, match="layer 0 has 3 outputs and layer 1 reads 4 inputs"):
        SparseMLP([layer_of(), layer_of()])
    with pytest.raises(ValueError, match="3 layers have 2 gaps, not 1"):
        SparseMLP.random((3, 4, 2, 2), (5, 4, 2), generator(), activation=[torch.tanh])
    with pytest.raises(ValueError, match="3 widths make 2 layers, not 1"):
        SparseMLP.random((3, 4, 2), (5,), generator())


def test_a_copy_and_a_loaded_state_follow_the_indices():
    layer, other = layer_of(), SparseLinear.random((3, 4), 4, generator(3), bias=False)
    x = torch.ones(4, 1, requires_grad=True)
    other(x).sum().backward()
    other.load_state_dict(layer.state_dict())
    x.grad = None
    copy.deepcopy(other)(x).sum().backward()
    assert x.grad.flatten().tolist() == [3.0, 1.0, 2.0, 4.0]
    assert other.double()(x.double()).dtype == torch.float64


@pytest.mark.parametrize(("fan_in", "bound"), [("dense", 0.1), ("active", 0.5)])
def test_initial_weights_are_uniform_within_the_chosen_fan_in(fan_in, bound):
    layer = SparseLinear.random((100, 100), 400, generator(), fan_in=fan_in)
    sizes = layer.values.detach().abs()
    assert 0.95 * bound < sizes.max() <= bound
    assert sizes.mean().item() == pytest.approx(bound / 2, rel=0.1)
    assert not layer.bias.any()


def test_an_unknown_fan_in_is_refused():
    with pytest.raises(ValueError, match="fan_in is 'sparse'; it must be 'dense' or 'active'"):
        SparseLinear.random((3, 4), 2, generator(), fan_in="sparse")


def numbers(*listed):
    return torch.tensor(listed, dtype=torch.int64)


@pytest.mark.parametrize(
    ("slots", "new_values", "message"),
    [
        (None, torch.ones(3), r"2 new weights have new_values of shape \(3,\)"),
        ({"speed": torch.ones(5)}, None, r"slot 'speed' has the shape \(5,\); it must be \(4,\)"),
        ({"speed": torch.ones(2, 2)}, None, r"slot 'speed' has the shape \(2, 2\)"),
    ],
)
def test_guard_a_refused_exchange_leaves_the_layer_as_it_was(slots, new_values, message):
    layer = layer_of()
    with pytest.raises(ValueError, match=message):
        layer.exchange(numbers(1, 2), numbers(0, 5), slots, new_values)
    assert layer.positions().tolist() == [1, 2, 8, 11]
    assert torch.equal(layer(torch.eye(4)), WEIGHT * MASK)


@pytest.mark.parametrize(("drop", "grow"), [([1], [0]), ([1, 2], [])])
def test_guard_no_gradient_goes_through_an_exchange(drop, grow):
    layer = layer_of()
    x = torch.ones(4, 1, requires_grad=True)
    loss = layer(x).sum()
    layer.exchange(numbers(*drop), numbers(*grow))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    assert layer.values.grad is None
    assert x.grad is None
    del loss
    layer(x).sum().backward()
    assert layer.values.grad.shape == layer.values.shape


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({"columns": [1, 2, 0, 4]}, "columns reach from 0 to 4; they must lie between 0 and 3"),
        ({"columns": [1, 2, -1, 3]}, "columns reach from -1 to 3"),
        ({"columns": [2, 1, 0, 3]}, "ascending and distinct"),
        ({"row_starts": [0, 3, 2, 4]}, "starts must ascend from 0 to the 4 active weights"),
        ({"row_starts": [0, 2, 2, 5]}, "starts must ascend from 0 to the 4"),
        ({"row_starts": [1, 2, 2, 4]}, "starts must ascend from 0 to the 4"),
        ({"row_starts": [0, 2, 4]}, r"starts have the shape \(3,\)"),
        ({"columns": [1, 2, 0]}, "4 values at 3 places do not fit the layer's 4"),
    ],
)
def test_guard_a_state_with_impossible_places_is_refused(places, message):
    layer = layer_of()
    changed = {name: torch.tensor(given, dtype=torch.int32) for name, given in places.items()}
    state = {**layer.state_dict(), "values": torch.zeros(4), **changed}
    with pytest.raises(ValueError, match=message):
        layer.load_state_dict(state)
    assert torch.equal(layer(torch.eye(4)), WEIGHT * MASK)


def test_a_refused_state_names_the_layer_and_int64_places_are_refused():
    net = SparseMLP.random((6, 5, 4), (12, 9), generator())
    state = net.state_dict()
    state["layers.1.columns"] = state["layers.1.columns"].long()
    with pytest.raises(ValueError, match=r"state of layers\.1: .* columns torch\.int64"):
        net.load_state_dict(state)


def test_an_empty_batch_has_no_outputs_and_gradients_of_zero():
    net = SparseMLP.random((6, 5, 4), (12, 9), generator())
    x = torch.empty(0, 2, 3, requires_grad=True)
    out = net(x)
    assert out.shape == (0, 4)
    out.sum().backward()
    assert x.grad.shape == x.shape
    assert all(parameter.grad.count_nonzero() == 0 for parameter in net.parameters())


def test_under_autocast_it_computes_in_float32():
    net = SparseMLP.random((6, 5, 4), (12, 9), generator())
    x = torch.randn(3, 6, generator=generator(1))
    net(x).square().sum().backward()
    expected = [parameter.grad.clone() for parameter in net.parameters()]
    net.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert net(x.bfloat16()).dtype == torch.float32
        net(x).square().sum().backward()
    assert all(torch.equal(p.grad, e) for p, e in zip(net.parameters(), expected, strict=True))


def test_other_precisions_are_refused():
    net = SparseMLP.random((6, 5, 4), (12, 9), generator())
    with pytest.raises(ValueError, match=r"torch\.float32 weights has torch\.float64 inputs"):
        net(torch.ones(3, 6, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"torch\.float16 weights has torch\.float16 inputs; both"):
        net.half()(torch.ones(3, 6).half())
