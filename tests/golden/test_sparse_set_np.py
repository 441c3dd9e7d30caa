"""SET-NP by hand: the toy of four hidden units, and how many of 128 are pruned when."""

import pytest
import torch

from sparse.masked_storage import joined
from sparse.methods.set_np import SetNP
from sparse.structured.chain import strengths
from tests.support.toy import ToyContext, ToyLayer

# Rows are inputs here, as in the papers; torch's weights are transposed.
FIRST = [[0.5, 0, 0, -0.1], [0, -0.3, 0.05, 0], [0.2, 0, 0, 0]]
SECOND = [[1, 0.3], [0, -0.5], [0.02, 0], [0, 0.6]]


def toy():
    weights = torch.tensor(FIRST).T, torch.tensor(SECOND).T
    return [
        ToyLayer(name, weight, (weight != 0).float(), with_bias=True)
        for name, weight in zip(("first", "second"), weights, strict=True)
    ]


STRENGTHS = {
    ("in", False): [0.7, 0.3, 0.05, 0.1],
    ("out", False): [1.3, 0.5, 0.02, 0.6],
    ("both", False): [2.0, 0.8, 0.07, 0.7],
    ("in", True): [0.35, 0.3, 0.05, 0.1],
    ("out", True): [0.65, 0.5, 0.02, 0.6],
    ("both", True): [1.0, 0.8, 0.07, 0.7],
}


@pytest.mark.parametrize(("score", "normalise"), STRENGTHS)
def test_strengths(score, normalise):
    first, second = toy()
    found = strengths(first, second, score=score, normalise=normalise)
    assert found.tolist() == pytest.approx(STRENGTHS[score, normalise])


@pytest.mark.parametrize(("score", "killed"), [("in", {2, 3}), ("out", {1, 2}), ("both", {2, 3})])
def test_the_two_weakest_of_four_go_with_all_they_have(score, killed):
    layers = toy()
    method = SetNP(
        "0.5", target_fraction=0.5, prune_events=1, score=score, budget="shrink", update_every=50
    )
    method.bind(ToyContext(layers, total_steps=40))
    method.counts = {"first": 5, "second": 5}
    update = method.after_step(4)
    assert method.counts == {"first": 3, "second": 3}
    assert (update.dropped, update.grown, update.drop_fraction) == (4, 0, None)
    dead = ~method.units.alive["first"]
    assert set(dead.nonzero().flatten().tolist()) == killed
    first, second = layers
    for unit in range(4):
        gone = unit in killed
        kept_in, kept_out = FIRST, SECOND
        row = [0.0] * 3 if gone else [kept_in[i][unit] for i in range(3)]
        column = [0.0] * 2 if gone else kept_out[unit]
        assert first.weight[unit].tolist() == pytest.approx(row)
        assert second.weight[:, unit].tolist() == pytest.approx(column)
        assert (first.bias[unit], first.bias_slot[unit]) == ((0, 0) if gone else (1, 1))
        assert bool(first.slot[unit].any()) != gone
    assert second.bias.tolist() == [1, 1]


def test_with_budget_keep_the_weights_grow_between_living_units():
    layers = toy()
    method = SetNP("0.5", prune_events=1, prune_start=0.1, update_every=50)
    method.bind(ToyContext(layers, total_steps=40))
    method.counts = {"first": 5, "second": 5}
    update = method.after_step(4)
    # 2 living units with 3 inputs and 2 outputs: room for 5 of the first, and for 4 of the second.
    assert method.counts == {"first": 5, "second": 4}
    assert method.units.missing == {"first": 0, "second": 1}
    assert (update.dropped, update.grown) == (4, 3)
    assert layers[1].mask.T.tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]
    assert layers[0].mask[2:].sum() == 0


def test_64_of_128_units_go_in_five_prunings():
    layers = [ToyLayer("a", torch.ones(128, 6)), ToyLayer("b", torch.ones(3, 128))]
    method = SetNP("0.5", update_every=1000)
    method.prepare(ToyContext(layers, total_steps=100))
    due = [step for step in range(101) if method.wants_update(step)]
    assert due == [10, 20, 30, 40, 50]
    left = []
    for step in due:
        method.after_step(step)
        left.append(int(method.units.alive["a"].sum()))
    assert left == [115, 102, 90, 77, 64]
    assert method.metrics()["alive_neurons"] == 0.5


# Rounding every pruning by itself misses the share: none of 4 units, 5 of 6, 30 of 64.
@pytest.mark.parametrize(
    ("width", "events", "gone"),
    [
        (4, 5, [0, 1, 1, 2, 2]),
        (6, 5, [1, 1, 2, 2, 3]),
        (9, 3, [2, 3, 5]),
        (64, 5, [6, 13, 19, 26, 32]),
        (8, 10, [0, 1, 1, 2, 2, 2, 3, 3, 4, 4]),
    ],
)
def test_guard_after_every_pruning_the_rounded_share_of_the_original_width_is_gone(
    width, events, gone
):
    layers = [ToyLayer("a", torch.ones(width, 6)), ToyLayer("b", torch.ones(3, width))]
    method = SetNP("0.9", prune_events=events, update_every=1000)
    method.prepare(ToyContext(layers, total_steps=100))
    found = []
    for step in range(1, 100):
        if method.wants_update(step):
            method.after_step(step)
            found.append(width - int(method.units.alive["a"].sum()))
    assert found == gone


def test_of_equal_units_the_lower_index_goes_and_one_always_stays():
    layers = [ToyLayer("a", torch.ones(4, 2)), ToyLayer("b", torch.ones(2, 4))]
    method = SetNP("1", target_fraction=0.95, prune_events=2, prune_start=0.2, prune_stop=0.4)
    method.prepare(ToyContext(layers, total_steps=10))
    method.after_step(2)
    assert method.units.alive["a"].tolist() == [False, False, True, True]
    method.after_step(4)
    assert method.units.alive["a"].tolist() == [False, False, False, True]


def test_a_flattened_channel_is_read_at_all_its_places():
    torch.manual_seed(0)
    conv = ToyLayer("conv", torch.randn(2, 3, 1, 1))
    head = ToyLayer("head", torch.arange(1.0, 9.0).view(1, 8), torch.tensor([[1, 1, 0, 1] * 2]))
    head.weight.mul_(head.mask)
    assert strengths(conv, head, score="out", normalise=False).tolist() == [7.0, 19.0]
    assert strengths(conv, head, score="out", normalise=True).tolist() == pytest.approx(
        [7 / 3, 19 / 3]
    )
    places = joined(head, None, torch.tensor([False, True]))
    assert places.tolist() == [[False] * 4 + [True] * 4]
