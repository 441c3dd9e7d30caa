"""Effective weights: on a path from input to output, whatever lies between."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from sparse.measures.paths import effective_masks


def chain(widths, activation=nn.ReLU):
    layers = [part for i, o in pairwise(widths) for part in (nn.Linear(i, o), activation())]
    return nn.Sequential(*layers[:-1])


def masks_of(*rows):
    return {f"{2 * n}.weight": torch.tensor(row, dtype=torch.float32) for n, row in enumerate(rows)}


def counted(model, masks, shape):
    found = effective_masks(model, torch.ones(1, *shape), masks)
    return {name: mask.int().tolist() for name, mask in found.items()}


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.PReLU, nn.ELU])
def test_a_weight_counts_only_between_an_input_and_an_output(activation):
    model = chain([2, 3, 2], activation)
    masks = masks_of([[1, 0], [1, 1], [0, 0]], [[1, 0, 1], [0, 0, 1]])
    # Unit 1 has no outgoing weight, unit 2 no incoming one: only the path over unit 0 is left. The
    # bias of unit 2, or an activation that is not 0 at 0, sends a constant and no more.
    assert counted(model, masks, (2,)) == {
        "0.weight": [[1, 0], [0, 0], [0, 0]],
        "2.weight": [[1, 0, 0], [0, 0, 0]],
    }


def test_a_network_that_is_cut_in_two_has_no_effective_weight():
    masks = masks_of([[1.0, 1.0]], [[0.0]], [[1.0]])
    assert counted(chain([2, 1, 1, 1]), masks, (2,)) == {
        "0.weight": [[0, 0]], "2.weight": [[0]], "4.weight": [[0]],
    }  # fmt: skip


def test_the_random_masks_of_a_thin_output_layer_leave_the_units_that_are_expected_dead():
    draws = torch.Generator().manual_seed(0)
    model = chain([64, 500, 10])
    masks = {
        name: (torch.rand(weight.shape, generator=draws) < 0.1).float()
        for name, weight in model.named_parameters()
        if weight.ndim == 2
    }
    found = effective_masks(model, torch.ones(1, 64), masks)
    dead = ~found["0.weight"].any(1)
    without_exit = masks["2.weight"].sum(0) == 0
    without_entry = masks["0.weight"].sum(1) == 0
    assert torch.equal(dead, without_exit | without_entry)
    assert 130 < int(without_exit.sum()) < 220  # (1 - 0.1)^10 of 500 is 174


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.second = nn.Conv2d(2, 2, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU()
        self.head = nn.Linear(2, 3)

    def forward(self, inputs):
        hidden = self.relu(self.norm(self.first(inputs)))
        return self.head(self.pool(self.second(hidden) + inputs).mean((2, 3)))


def test_a_shortcut_keeps_a_layer_alive_and_batch_norm_and_pooling_stand_in_no_way():
    model = Block()
    # A mean above every input would close each path if statistics took part.
    model.norm.running_mean.fill_(1e6)
    masks = {n: torch.ones_like(p) for n, p in model.named_parameters() if p.ndim > 1}
    masks["second.weight"].zero_()
    found = effective_masks(model, torch.ones(1, 2, 4, 4), masks)
    assert not found["first.weight"].any()
    assert not found["second.weight"].any()
    assert found["head.weight"].all()
    masks["second.weight"][0, 1, 1, 1] = 1
    found = effective_masks(model, torch.ones(1, 2, 4, 4), masks)
    assert found["first.weight"].flatten(1).sum(1).tolist() == [0, 18]
    assert int(found["second.weight"].sum()) == 1
    assert float(model.norm.running_mean[0]) == 1e6


class Residual(nn.Module):
    """A layer with a shortcut that is an empty sequence, as residual networks write it."""

    def __init__(self):
        super().__init__()
        self.layer, self.shortcut = nn.Linear(2, 2), nn.Sequential()

    def forward(self, inputs):
        return self.layer(inputs) + self.shortcut(inputs)


def test_guard_an_empty_sequence_is_a_shortcut():
    assert counted(Residual(), {"layer.weight": torch.tensor([[1.0, 0.0], [0.0, 0.0]])}, (2,)) == {
        "layer.weight": [[1, 0], [0, 0]]
    }


def test_the_pool_looks_at_every_place_and_not_only_at_the_first_of_equal_ones():
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.MaxPool2d(2), nn.Flatten())
    masks = {"0.weight": torch.ones(1, 1, 3, 3)}
    assert effective_masks(model, torch.ones(1, 1, 2, 2), masks)["0.weight"].all()


def test_depth_neither_overflows_nor_underflows():
    model = chain([40] * 200)
    masks = {n: torch.ones_like(p) for n, p in model.named_parameters() if p.ndim == 2}
    assert all(mask.all() for mask in effective_masks(model, torch.ones(1, 40), masks).values())


def test_what_cannot_be_followed_is_named():
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    masks = {n: torch.ones_like(p) for n, p in model.named_parameters() if p.ndim == 2}
    with pytest.raises(ValueError, match="through LayerNorm; they can through linear"):
        effective_masks(model, torch.ones(1, 4), masks)


class Doubled(nn.Module):
    """An activation of a person's own."""

    def forward(self, inputs):
        return 2 * inputs - 1


def test_an_activation_of_ones_own_is_named():
    model = nn.Sequential(nn.Linear(2, 2), Doubled(), nn.Linear(2, 1))
    masks = masks_of([[1, 1], [0, 0]], [[0, 1]])
    with pytest.raises(ValueError, match="through Doubled"):
        counted(model, masks, (2,))
    found = effective_masks(model, torch.ones(1, 2), masks, per_unit=(Doubled,))
    assert not any(mask.any() for mask in found.values())
