"""Distances of topologies with matched units: golden values of both sheets (A4, P25), properties.

The matrices of the sources have a row per input; masks here have a row per unit.
"""

import itertools

import pytest
import torch

from sparse.measures.topology_distance import topology_distance, unit_distances

A1 = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
A2 = torch.tensor([[1, 0], [1, 1], [0, 1]])
ORDER = [2, 0, 1]


def masks(*by_inputs):
    return [matrix.T for matrix in by_inputs]


def test_a_network_with_its_hidden_units_in_another_order_is_the_same():
    found = topology_distance(masks(A1, A2), masks(A1[:, ORDER], A2[ORDER]))
    assert found.matchings == ((1, 2, 0), (0, 1))
    assert (found.layers, found.network) == ((0.0, 0.0), 0.0)


def test_one_moved_weight():
    other = A1[:, ORDER].clone()
    other[3, 0], other[0, 0] = 0, 1
    found = topology_distance(masks(A1, A2), masks(other, A2[ORDER]))
    assert found.layers == (pytest.approx(2 / 9), 0.0)
    assert found.network == pytest.approx(1 / 9)
    back = topology_distance(masks(other, A2[ORDER]), masks(A1, A2))
    assert back.layers[0] == pytest.approx(2 / 9)


def test_two_layers_of_two_units():
    first = masks(torch.tensor([[1, 0], [1, 0], [1, 1], [0, 1]]), torch.eye(2))
    second = masks(torch.tensor([[0, 1], [1, 1], [0, 1], [1, 0]]), torch.tensor([[0, 1], [1, 1]]))
    costs = unit_distances(first[0], second[0])
    assert costs.flatten().tolist() == pytest.approx([0.75, 0.0, 2 / 3, 0.75])
    found = topology_distance(first, second)
    assert found.matchings[0] == (1, 0)
    assert found.layers == pytest.approx((1 / 3, 1 / 4))
    assert found.network == pytest.approx(0.291667, abs=1e-6)


def test_classes_may_not_be_exchanged_where_outputs_are_fixed():
    first, second = masks(torch.eye(2)), masks(torch.tensor([[0, 1], [1, 0]]))
    assert topology_distance(first, second).layers == (0.0,)
    fixed = topology_distance(first, second, fix_output=True)
    assert (fixed.layers, fixed.matchings) == ((1.0,), ((0, 1),))


def test_units_without_weights_are_equal_and_far_from_all_others():
    empty, full = torch.zeros(1, 3), torch.ones(1, 3)
    assert unit_distances(torch.cat([empty, full]), torch.cat([empty, full])).tolist() == [
        [0.0, 1.0],
        [1.0, 0.0],
    ]


def test_the_matching_is_the_best_of_all():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.rand(5, 30, generator=generator) < 0.3 for _ in range(2))
    costs = unit_distances(first, second)
    best = min(
        sum(float(costs[row, column]) for row, column in enumerate(order)) / 5
        for order in itertools.permutations(range(5))
    )
    assert topology_distance([first], [second]).network == pytest.approx(best)


def test_channels_are_matched_with_the_places_of_their_kernels_and_after_flattening():
    generator = torch.Generator().manual_seed(0)
    shapes = [(6, 3, 3, 3), (8, 6, 3, 3), (5, 8 * 4)]
    first = [torch.rand(shape, generator=generator) < 0.4 for shape in shapes]
    orders = [torch.randperm(shape[0], generator=generator) for shape in shapes]
    second = [
        first[0][orders[0]],
        first[1][orders[1]][:, orders[0]],
        first[2].view(5, 8, 4)[:, orders[1]].reshape(5, 32),
    ]
    found = topology_distance(first, second, fix_output=True)
    assert found.layers == (0.0, 0.0, 0.0)
    assert found.matchings[0] == tuple(orders[0].argsort().tolist())
    other = topology_distance(first, [second[0], first[1], second[2]], fix_output=True)
    assert other.layers[0] == 0.0 < other.layers[1]


def test_networks_of_other_shapes_or_no_chain_are_refused():
    with pytest.raises(ValueError, match="topologies of other shapes"):
        topology_distance([torch.ones(2, 3)], [torch.ones(3, 2)])
    branching = [torch.ones(4, 3), torch.ones(2, 6)]
    with pytest.raises(ValueError, match="no chain: a layer of 4 units feeds one of 6 inputs"):
        topology_distance(branching, branching)
