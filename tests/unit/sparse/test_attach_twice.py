"""attach, once more: what is attached already, and what it may be attached to beside it."""

import copy

import pytest
import torch
from torch import nn

from sparse import Static, TopKAST, attach


def make():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 3))
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def train(model, optimizer, count):
    inputs = torch.randn(16, 6, generator=torch.Generator().manual_seed(0))
    for _ in range(count):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()


def test_what_is_attached_already_is_refused_until_it_is_detached():
    model, optimizer = make()
    handle = attach(model, optimizer, Static(0.2))
    before = copy.deepcopy(model.state_dict())
    message = r"already sparse with this optimizer: 0\.weight, 3\.weight, by Static; detach\(\)"
    with pytest.raises(ValueError, match=message):
        attach(model, optimizer, Static(0.1))
    assert all(map(torch.equal, before.values(), model.state_dict().values()))
    handle.detach()
    handle.detach()
    assert sum(attach(model, optimizer, Static(0.1)).sparsifier.counts.values()) == 18  # of 180


def test_a_stored_weight_is_attached_once_too():
    model, optimizer = make()
    attach(model, optimizer, TopKAST(0.2), total_steps=20)
    with pytest.raises(ValueError, match="by TopKAST; detach"):
        attach(model, optimizer, Static(0.2))


def test_two_methods_may_share_an_optimizer_but_no_parameter():
    model, optimizer = make()
    handles = [
        attach(model, optimizer, Static(0.5), exclude=["3.*"]),
        attach(model, optimizer, Static(0.25), exclude=["0.*"]),
    ]
    train(model, optimizer, 2)
    assert [int(model[number].weight.count_nonzero()) for number in (0, 3)] == [60, 15]
    handles[0].detach()
    with pytest.raises(ValueError, match=r"optimizer: 3\.weight, by Static"):
        attach(model, optimizer, Static(0.5))


def test_a_copy_of_model_and_optimizer_is_not_attached():
    model, optimizer = make()
    attach(model, optimizer, Static(0.2))
    model, optimizer = copy.deepcopy((model, optimizer))
    assert attach(model, optimizer, Static(0.1)).density == 0.1
