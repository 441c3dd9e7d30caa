"""A module as a sparsifier's context: its batches, and the draws of its loss."""

import pytest
import torch
from torch import nn

from sparse import Dense, attach
from sparse.scoring.saliency import grasp_scores, snip_scores


class Shuffled:
    """Three batches in another order whenever they are asked for."""

    def __init__(self):
        self.orders = iter([(2, 0, 1), (1, 2, 0), (0, 1, 2)])

    def __iter__(self):
        return (torch.full((2, 4), float(number)) for number in next(self.orders))


def numbered(count, pulled=None):
    for number in range(count):
        if pulled is not None:
            pulled.append(number)
        yield torch.full((2, 4), float(number))


def mean_loss(model, batch):
    return model(batch).square().mean()


def context_of(batches, model=None, seed=0):
    model = nn.Linear(4, 3) if model is None else model
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    handle = attach(model, optimizer, Dense(), batches=batches, loss=mean_loss, seed=seed)
    return handle.sparsifier.context


def numbers(batches):
    return [int(batch[0, 0]) for batch in batches]


@pytest.mark.parametrize("make", [numbered, lambda count: list(numbered(count))])
def test_guard_every_score_begins_with_the_first_batch(make):
    # The batch that an input's shape was taken from was gone, and so was what a score had used.
    context = context_of(make(3))
    context.flow({"weight": torch.ones(3, 4)})
    found = [numbers(context.scoring_batches(count)) for count in (2, 2, 3, 1)]
    assert found == [[0, 1], [0, 1], [0, 1, 2], [0]]
    for _ in range(2):
        with pytest.raises(ValueError, match="has 3 of the 4 batches"):
            context.scoring_batches(4)


def test_scores_have_the_same_batches_of_a_source_that_is_shuffled():
    context = context_of(Shuffled())
    assert [numbers(context.scoring_batches(2)) for _ in range(2)] == [[2, 0], [2, 0]]


def test_no_batch_is_pulled_that_no_score_needs():
    pulled = []
    context = context_of(numbered(9, pulled))
    assert pulled == []
    for count, there in ((2, [0, 1]), (1, [0, 1]), (4, [0, 1, 2, 3])):
        context.scoring_batches(count)
        assert pulled == there


def dropping(device="cpu"):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 40), nn.ReLU(), nn.Dropout(0.5), nn.Linear(40, 3))
    return model.to(device), [torch.randn(8, 4).to(device) for _ in range(2)]


def scores_of(score, options, *, seed=0, drawn=0, device="cpu"):
    """The scores of a new model, the global generators standing anywhere."""
    model, batches = dropping(device)
    context = context_of(batches, model, seed)
    torch.manual_seed(drawn)
    return score(context, *options)["0.weight"]


EVERY = pytest.mark.parametrize(
    ("score", "options"), [(snip_scores, (2,)), (grasp_scores, (2, 200.0))]
)


@EVERY
def test_guard_dropout_draws_from_the_seed_of_the_run(score, options):
    first = scores_of(score, options)
    assert torch.equal(first, scores_of(score, options, drawn=5))
    assert not torch.equal(first, scores_of(score, options, seed=1))


@EVERY
def test_scores_of_a_model_with_dropout_leave_the_global_generator_alone(score, options):
    model, batches = dropping()
    context = context_of(batches, model)
    before = torch.get_rng_state()
    score(context, *options)
    assert torch.equal(before, torch.get_rng_state())
    score(context, *options)
    assert torch.equal(before, torch.get_rng_state())


def test_dropout_is_that_of_the_mode_the_model_is_in():
    model, batches = dropping()
    context = context_of(batches, model)
    training = context.loss(batches[0])
    model.eval()
    assert torch.equal(context.loss(batches[0]), mean_loss(model, batches[0]))
    assert not torch.equal(context.loss(batches[0]), training)


@pytest.mark.gpu
def test_on_a_device_dropout_draws_from_the_seed_and_moves_no_generator():
    first = scores_of(snip_scores, (2,), device="cuda")
    assert torch.equal(first, scores_of(snip_scores, (2,), drawn=5, device="cuda"))
    assert not torch.equal(first, scores_of(snip_scores, (2,), seed=1, device="cuda"))
    model, batches = dropping("cuda")
    context = context_of(batches, model)
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    snip_scores(context, 2)
    assert torch.equal(before[0], torch.get_rng_state())
    assert torch.equal(before[1], torch.cuda.get_rng_state())
