"""The topology update of SET on a truly sparse layer: what it keeps, moves and refuses."""

import pytest
import torch

from sparse import drop, grow
from sparse.csr.evolution import evolve
from sparse.csr.free_places import random_free_positions
from sparse.csr.linear import SparseLinear

SHAPE = (20, 30)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def trained(count=120, kind=torch.optim.SGD, **options):
    """A layer and its optimizer after a few steps, so that every slot is filled."""
    layer = SparseLinear.random(SHAPE, count, generator())
    optimizer = kind(layer.parameters(), lr=0.01, **options)
    for step in range(3):
        optimizer.zero_grad()
        layer(torch.randn(30, 8, generator=generator(step))).square().sum().backward()
        optimizer.step()
    return layer, optimizer


def weights_of(layer):
    values = layer.values.detach().clone()
    return dict(zip(layer.positions().tolist(), values, strict=True))


@pytest.mark.parametrize("rule", ["signed", "magnitude"])
def test_counts_and_order_hold_over_many_updates(rule):
    layer, optimizer = trained(momentum=0.9)
    draws = generator(1)
    for _ in range(30):
        before = layer.positions()
        moved = evolve(layer, optimizer, 0.3, draws, rule=rule, initial=0.1)
        after = layer.positions()
        assert len(after) == len(layer.values) == 120
        assert bool((after[1:] > after[:-1]).all())
        assert 0 <= int(after[0]) <= int(after[-1]) < 600
        assert len(set(after.tolist()) - set(before.tolist())) == moved > 0


@pytest.mark.parametrize(
    ("kind", "options", "slots"),
    [
        (torch.optim.SGD, {"momentum": 0.9}, {"momentum_buffer"}),
        (torch.optim.Adam, {}, {"exp_avg", "exp_avg_sq"}),
        (torch.optim.RMSprop, {}, {"square_avg"}),
    ],
)
def test_survivors_keep_value_and_slots_bit_for_bit_and_new_ones_have_none(kind, options, slots):
    layer, optimizer = trained(kind=kind, **options)
    state = optimizer.state[layer.values]
    positions = layer.positions().tolist()
    before = {name: dict(zip(positions, state[name].clone(), strict=True)) for name in slots}
    weights = weights_of(layer)
    evolve(layer, optimizer, 0.3, generator(1))
    survivors = set(positions) & set(layer.positions().tolist())
    assert 80 < len(survivors) < 120
    for place, (at, value) in enumerate(weights_of(layer).items()):
        old = at in survivors
        assert value == (weights[at] if old else 0)
        for name in slots:
            assert state[name][place] == (before[name][at] if old else 0)


def test_the_optimizer_goes_on_with_the_same_parameter():
    layer, optimizer = trained(momentum=0.9)
    evolve(layer, optimizer, 0.3, generator(1))
    assert layer.values.grad is None
    layer(torch.randn(30, 8, generator=generator(9))).square().sum().backward()
    before = layer.values.detach().clone()
    optimizer.step()
    assert int((layer.values.detach() != before).sum()) == 120


def test_what_is_dropped_is_closest_to_zero_on_its_side():
    # Guard: a published code dropped the most negative weights instead of those closest to zero.
    layer, optimizer = trained(momentum=0.9)
    weights = weights_of(layer)
    evolve(layer, optimizer, 0.3, generator(1))
    kept = set(layer.positions().tolist())
    for side in (1, -1):
        gone = [abs(v) for at, v in weights.items() if at not in kept and (v >= 0) == (side > 0)]
        stay = [abs(v) for at, v in weights.items() if at in kept and (v >= 0) == (side > 0)]
        assert gone
        assert max(gone) <= min(stay)


@pytest.mark.parametrize("rule", ["signed", "magnitude"])
def test_the_masks_are_those_of_the_dense_rules(rule):
    layer, _ = trained()
    active = layer.positions()
    values = layer.to_dense().flatten()[active]
    if rule == "signed":
        dropped = drop.signed(values, active, 0.3)
    else:
        dropped = drop.magnitude(values, active, 36)
    grown = grow.random(600, active, len(dropped), generator(1))
    mask = torch.zeros(600).index_fill_(0, active, 1.0)
    expected = mask.index_fill_(0, dropped, 0.0).index_fill_(0, grown, 1.0).nonzero().flatten()
    evolve(layer, None, 0.3, generator(1), rule=rule)
    assert torch.equal(layer.positions(), expected)


def test_a_fraction_of_zero_moves_nothing_and_one_of_one_everything():
    layer, optimizer = trained(momentum=0.9)
    before, weights = layer.positions(), layer.values.detach().clone()
    assert evolve(layer, optimizer, 0.0, generator(1)) == 0
    assert torch.equal(layer.positions(), before)
    assert torch.equal(layer.values.detach(), weights)
    assert evolve(layer, optimizer, 1.0, generator(1)) == 120
    assert not set(layer.positions().tolist()) & set(before.tolist())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_weights_of_one_sign_are_no_special_case(sign):
    layer = SparseLinear(torch.arange(10), sign * torch.arange(1.0, 11.0), SHAPE)
    assert evolve(layer, None, 0.3, generator()) == 3
    assert layer.positions()[:7].tolist() == [3, 4, 5, 6, 7, 8, 9]


def test_a_full_layer_and_a_single_weight_do_not_hang():
    full = SparseLinear.random((3, 4), 12, generator())
    assert evolve(full, None, 0.5, generator()) == 0
    assert full.positions().tolist() == list(range(12))
    single = SparseLinear(torch.tensor([5]), torch.tensor([0.5]), (3, 4))
    assert evolve(single, None, 0.5, generator()) == 0
    assert evolve(single, None, 1.0, generator()) == 1
    almost = SparseLinear(torch.arange(11), torch.arange(1.0, 12.0), (3, 4))
    assert evolve(almost, None, 0.9, generator()) == 1
    assert almost.positions().tolist() == list(range(1, 12))


def test_the_number_of_threads_changes_nothing():
    found = []
    for threads in (1, 2):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            layer = SparseLinear.random((300, 400), 30_000, generator())
            evolve(layer, None, 0.3, generator(1), initial=0.1)
        finally:
            torch.set_num_threads(before)
        found.append((layer.positions(), layer.values.detach()))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_growth_is_uniform_over_the_free_positions():
    occupied, draws = torch.arange(0, 400, 4), generator()
    found = torch.cat([random_free_positions(400, occupied, 5, draws) for _ in range(2000)])
    counts = found.bincount(minlength=400)
    assert int(counts[occupied].sum()) == 0
    free = counts[counts > 0].double()
    expected = 10_000 / 300
    # Chi-square with 299 degrees of freedom: mean 299, standard deviation 24.5.
    assert len(free) == 300
    assert float(((free - expected) ** 2 / expected).sum()) < 299 + 4 * 24.5


def test_what_cannot_be_ranked_or_is_unknown_is_refused():
    layer = SparseLinear(torch.arange(2), torch.tensor([1.0, float("nan")]), (3, 4))
    with pytest.raises(ValueError, match="NaN in values"):
        evolve(layer, None, 0.3, generator())
    with pytest.raises(ValueError, match="rule is 'largest'"):
        evolve(layer, None, 0.3, generator(), rule="largest")
    with pytest.raises(ValueError, match=r"drop_fraction 1\.5.*between 0 and 1"):
        evolve(layer, None, 1.5, generator())
