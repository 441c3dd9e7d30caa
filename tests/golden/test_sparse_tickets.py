"""Lottery tickets on weights that can be ranked by eye: exact counts, and what they begin with."""

import pytest
import torch
from torch import nn

from sparse import IMP, LTH, OMP, Pretrained, attach

INIT = [0.1 * n for n in range(1, 11)]
TRAINED = [0.5, -0.9, 0.05, 0.7, -0.2, 0.3, -0.65, 0.01, 1.2, -0.4]
"""|w| from the largest: positions 8, 1, 3, 6, 0, 9, 5, 4, 2, 7."""


def line(weights):
    layer = nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([weights]))
    return layer


def after(method, begins_with, final=TRAINED):
    """The weights of a line of weights after a method was attached to it."""
    layer = line(begins_with)
    given = {"final": line(final).state_dict()}
    attach(layer, torch.optim.SGD(layer.parameters(), lr=0.1), method, artifacts=given)
    return layer.weight.detach()[0]


def kept(values, positions):
    """The values at some positions, and 0 elsewhere, as a tensor of float32."""
    return torch.tensor([v if n in positions else 0.0 for n, v in enumerate(values)])


# open_lth compares with the k-th smallest itself and keeps 7.
def test_guard_a_fifth_of_ten_weights_is_two():
    assert int(after(IMP("0.8"), INIT).count_nonzero()) == 8


def test_a_round_prunes_the_smallest_and_the_others_are_as_they_began():
    assert torch.equal(after(IMP("0.8"), INIT), kept(INIT, {0, 1, 3, 4, 5, 6, 8, 9}))


def test_the_next_round_ranks_only_what_was_active():
    # Position 8 was pruned: its weight is zero, and its large value of the round before is gone.
    second = [0.0 if n == 8 else w for n, w in enumerate(TRAINED)]
    assert torch.equal(after(IMP("0.5"), INIT, second), kept(INIT, {0, 1, 3, 6, 9}))


def test_a_round_cannot_keep_more_than_was_active():
    few = kept(TRAINED, {0, 1, 3, 6}).tolist()
    assert torch.equal(after(IMP("0.4"), INIT, few), kept(INIT, {0, 1, 3, 6}))
    with pytest.raises(ValueError, match="keeps 5 weights, but only 4 of the round before were"):
        after(IMP("0.5"), INIT, few)


def test_ties_go_to_the_lower_position():
    assert torch.equal(after(IMP("0.3"), INIT, [0.5] * 10), kept(INIT, {0, 1, 2}))


def test_learning_rate_rewinding_keeps_what_was_trained():
    method = IMP("0.8", rewind="learning_rate")
    assert torch.equal(after(method, TRAINED), kept(TRAINED, {0, 1, 3, 4, 5, 6, 8, 9}))


# Lightning's reset of a ticket reset nothing for three years.
def test_guard_a_ticket_has_its_initial_weights():
    ticket = after(LTH("0.4"), INIT)
    assert torch.equal(ticket, kept(INIT, {1, 3, 6, 8}))
    assert not torch.equal(ticket, kept(TRAINED, {1, 3, 6, 8}))


def test_one_shot_magnitude_pruning_keeps_the_same_weights_as_trained():
    assert torch.equal(after(OMP("0.4"), TRAINED), kept(TRAINED, {1, 3, 6, 8}))


def test_a_random_mask_looks_at_no_weight():
    found = after(Pretrained("0.4"), TRAINED)
    assert torch.equal(found != 0, after(Pretrained("0.4"), INIT) != 0)
    assert torch.equal(found, kept(TRAINED, set(found.nonzero().flatten().tolist())))
    assert int(found.count_nonzero()) == 4


def test_at_density_one_nothing_is_pruned():
    assert torch.equal(after(IMP("1"), INIT), kept(INIT, range(10)))
    assert torch.equal(after(LTH("1"), INIT), kept(INIT, range(10)))


@pytest.mark.parametrize("kind", [LTH, IMP])
def test_without_the_trained_network_nothing_is_guessed(kind):
    layer = line(INIT)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="this method needs a trained network: give artifacts="):
        attach(layer, optimizer, kind("0.5"))
