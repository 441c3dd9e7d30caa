"""Statistics of batch norm that are taken anew: a plain average over equal batches, on a copy."""

import pytest
import torch
from torch import nn

from trainer.recalibrate import recalibrated


@pytest.fixture
def norm() -> nn.Module:
    """Batch norm of one feature with statistics of something else, in evaluation mode."""
    network = nn.Sequential(nn.BatchNorm1d(1, momentum=0.3))
    network[0].running_mean.fill_(100.0)
    network[0].running_var.fill_(50.0)
    network[0].num_batches_tracked.fill_(7)
    return network.eval()


def test_means_and_variances_are_the_averages_of_the_batches(norm: nn.Module) -> None:
    inputs = torch.tensor([[0.0], [2.0], [4.0], [10.0]])
    after = recalibrated(norm, inputs, 2)[0]
    assert after.running_mean.tolist() == [4.0]  # of 1 and 7
    assert after.running_var.tolist() == [10.0]  # of 2 and 18, each over n - 1
    assert after.num_batches_tracked.item() == 2


def test_the_network_that_is_given_stays_as_it_is(norm: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in norm.state_dict().items()}
    after = recalibrated(norm, torch.tensor([[0.0], [2.0]]), 2)
    assert after is not norm
    assert all(torch.equal(tensor, before[name]) for name, tensor in norm.state_dict().items())
    assert after[0].momentum == norm[0].momentum == 0.3


def test_what_is_over_joins_the_batches(norm: nn.Module) -> None:
    # 5 examples in batches of 2: a last one of 1, which has no variance, is never made
    after = recalibrated(norm, torch.arange(5.0)[:, None], 2)[0]
    assert after.running_mean.tolist() == [2.25]  # of 0, 1, 2 and of 3, 4
    assert after.num_batches_tracked.item() == 2


def test_modes_come_back_and_nothing_is_drawn(norm: nn.Module) -> None:
    network = nn.Sequential(nn.Dropout(0.5), norm[0])
    network[0].train()
    network[1].eval()
    state = torch.get_rng_state()
    after = recalibrated(network, torch.ones(4, 1), 4)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in after] == [True, False]
    assert after[1].running_mean.tolist() == [1.0]  # what is dropped would make it 0 or 2


def test_statistics_behind_others_see_what_training_sees() -> None:
    # the second norm is fed by the first one in training mode: its inputs have mean 0
    network = nn.Sequential(nn.BatchNorm1d(1), nn.BatchNorm1d(1))
    after = recalibrated(network, torch.tensor([[3.0], [5.0]]), 2)
    assert after[0].running_mean.tolist() == [4.0]
    assert abs(after[1].running_mean.item()) < 1e-6


@pytest.mark.parametrize("track", [None, False])
def test_a_network_without_statistics_is_returned_itself(track: bool | None) -> None:
    layers = [nn.Linear(1, 1)]
    if track is not None:
        layers.append(nn.BatchNorm1d(1, track_running_stats=track))
    network = nn.Sequential(*layers)
    assert recalibrated(network, torch.ones(4, 1), 2) is network
