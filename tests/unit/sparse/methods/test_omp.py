"""omp: the largest weights of the network it is given stay, and all their values."""

import torch
from torch import nn

from sparse import OMP, attach


def trained() -> nn.Sequential:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[0.9, -0.1, 0.2], [-0.8, 0.3, 0.05]]))
        model[1].weight.copy_(torch.tensor([[0.7, 0.01], [-0.6, 0.02]]))
        model[0].bias.copy_(torch.tensor([0.5, -0.5]))
    return model


def pruned(**options: object) -> nn.Sequential:
    model = trained()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    attach(model, optimizer, OMP("0.4", **options), total_steps=10)
    return model


def test_the_largest_weights_of_the_whole_network_stay_with_their_values() -> None:
    model = pruned()
    assert model[0].weight.tolist() == [
        [torch.tensor(0.9).item(), 0.0, 0.0],
        [torch.tensor(-0.8).item(), 0.0, 0.0],
    ]
    assert (model[1].weight != 0).tolist() == [[True, False], [True, False]]


def test_biases_are_kept() -> None:
    assert pruned()[0].bias.tolist() == [0.5, -0.5]


def test_within_layers_the_allocation_decides_how_many_stay() -> None:
    model = pruned(scope="layer", allocation="uniform")
    assert (model[0].weight != 0).tolist() == [[True, False, False], [True, False, False]]
    assert int((model[1].weight != 0).sum()) == 2
