"""top_kast over whole runs: what is trained, what rests, and how exploration ends."""

import warnings

import pytest
import torch
from torch import nn

from sparse import TopKAST, attach
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps


def started(density="0.3", total=24, **options):
    method = TopKAST(density, update_every=2, **options)
    method.prepare(ToyContext(make_layers(), total_steps=total))
    return method


def trained(method):
    return {layer.name: method.updated_mask(layer).bool() for layer in method.layers}


def test_what_is_trained_is_wider_by_the_extra_share_and_holds_what_is_active():
    method = started(backward_extra=0.2)
    counts = {name: int(mask.sum()) for name, mask in trained(method).items()}
    assert method.counts == {"first": 24, "second": 27, "third": 15}
    assert counts == {"first": 24 + 16, "second": 27 + 21, "third": 15 + 5}
    passes = method.passes(False)
    assert passes.forward == passes.input_gradients == method.counts
    assert passes.weight_gradients == counts
    for layer in method.layers:
        assert bool(trained(method)[layer.name][layer.mask.bool()].all())
        smallest = layer.weight[trained(method)[layer.name]].abs().min()
        assert bool((layer.weight[~trained(method)[layer.name]].abs() <= smallest).all())


def test_the_rest_of_a_layer_bounds_what_is_trained():
    method = started("0.9", backward_extra=1.0)
    assert all(bool(mask.all()) for mask in trained(method).values())


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_what_is_not_trained_neither_moves_nor_decays(kind):
    torch.manual_seed(0)
    layer = nn.Linear(8, 8, bias=False)
    optimizer = {
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.5),
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.5),
    }[kind](layer.parameters())
    handle = attach(layer, optimizer, TopKAST("0.25", update_every=3), total_steps=30)
    (own,) = handle.sparsifier.layers
    for step in range(8):
        before, moving = own.weight.clone(), handle.sparsifier.updated_mask(own).bool()
        optimizer.zero_grad()
        layer(torch.ones(1, 8) * (step + 1)).square().sum().backward()
        optimizer.step()
        assert int(moving.sum()) == 16 + 6
        assert torch.equal(own.weight[~moving], before[~moving])
        assert bool((own.weight[moving] != before[moving]).all())


def test_a_trained_weight_that_outgrows_an_active_one_takes_its_place():
    visible = ToyLayer("w", torch.tensor([[1.0, 0.5, 0.25, 0.1]]))
    method = TopKAST("0.25", backward_extra=0.25, update_every=2)
    method.prepare(ToyContext([visible], total_steps=10))
    (layer,) = method.layers
    layer.weight[0, 1] = -2.0
    update = method.after_step(2)
    assert (update.dropped, update.grown) == (1, 1)
    assert layer.mask.tolist() == [[0, 1, 0, 0]]
    assert method.updated_mask(layer).tolist() == [[1, 1, 0, 0]]
    assert method.explored["w"].tolist() == [[True, True, False, False]]
    assert visible.slot.tolist() == [[1, 1, 0, 0]]


def test_exploration_stops_with_a_last_choice_and_nothing_else_is_trained_after_it():
    method = started(update_stop=0.5, total=24)
    assert [step for step in range(30) if method.wants_update(step)] == [2, 4, 6, 8, 10, 12]
    run_steps(method, 1, 11)
    assert any(int(m.sum()) > method.counts[name] for name, m in trained(method).items())
    run_steps(method, 12, 12)
    for layer in method.layers:
        assert torch.equal(trained(method)[layer.name], layer.mask.bool())
    masks = [layer.mask.clone() for layer in method.layers]
    run_steps(method, 13, 24)
    assert all(map(torch.equal, masks, [layer.mask for layer in method.layers]))


def test_exploration_that_stops_between_two_updates_still_ends_with_a_choice():
    method = started(update_stop=0.3, total=24)
    assert [step for step in range(30) if method.wants_update(step)] == [2, 4, 6, 7]


def test_without_a_length_exploration_goes_on_and_that_is_said():
    layer = nn.Linear(4, 4)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        handle = attach(layer, optimizer, TopKAST("0.5", update_every=7))
    assert [str(item.message) for item in said] == [
        "total_steps is not known: topology updates will not stop, and nothing is annealed"
    ]
    assert handle.sparsifier.wants_update(7_000_000)


def test_a_penalty_rate_without_a_penalty_is_refused():
    with pytest.raises(ValueError, match="penalty_rate has no effect with penalty: none"):
        TopKAST("0.5", penalty="none", penalty_rate=0.1)
