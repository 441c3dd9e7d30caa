"""The peer of the topology benchmark moves the weights that the itop convention names."""

import torch
from torch import nn

from peers.full_sort import FullSort
from sparse import RigL, attach


def test_it_updates_as_rigl_does_under_the_convention_of_itop() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(30, 20, bias=False), nn.Linear(20, 30, bias=False))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9)
    options = {"drop_fraction": 0.3, "anneal": "constant", "update_every": 1, "update_stop": 1.0}
    handle = attach(model, optimizer, RigL(0.2, convention="itop", **options), total_steps=5)
    weights = [weight.detach().clone() for weight in model.parameters()]
    peer = FullSort(weights, list(handle.masks().values()), 0.3)
    for weight, gradient in zip(model.parameters(), peer.gradients, strict=True):
        weight.grad = torch.randn_like(weight)
        gradient.copy_(weight.grad)
    before = handle.masks()
    peer.update()
    optimizer.step()
    found = list(handle.masks().values())
    assert all(map(torch.equal, found, [mask.bool() for mask in peer.masks]))
    assert all(map(torch.equal, model.parameters(), peer.weights))
    assert not any(map(torch.equal, before.values(), found))
    assert peer.active() == 240
