"""Compaction: hidden units through which nothing passes go, and the outputs stay."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sparse.cutting.compact import compact


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def literal():
    """Unit 1 of the first layer hears nothing and unit 2 says nothing; its bias is 0.5."""
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 2.0], [0, 0], [3, 0]]))
        model[0].bias.copy_(torch.tensor([0.0, 0.5, 1.0]))
        model[2].weight.copy_(torch.tensor([[1.0, 4.0, 0], [0, -2.0, 0]]))
        model[2].bias.copy_(torch.tensor([0.25, 0.0]))
    return model


def pruned(model, share=0.85):
    """Random zeros in all layers, and the masks by name."""
    masks = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            mask = torch.rand_like(module.weight) > share
            module.weight.data *= mask
            masks[f"{name}.weight"] = mask
    return masks


def equal_outputs(model, small, inputs, tolerance=1e-6):
    found, expected = small(inputs), model.eval()(inputs)
    assert float((found - expected).detach().abs().max()) <= tolerance


def test_the_constant_of_a_silent_unit_goes_into_the_next_bias():
    done = compact(literal())
    assert {name: units.tolist() for name, units in done.kept.items()} == {"0.weight": [0]}
    first, _, last = done.module
    assert first.weight.tolist() == [[1.0, 2.0]]
    assert last.weight.tolist() == [[1.0], [0.0]]
    assert last.bias.tolist() == [0.25 + 4 * 0.5, -2 * 0.5]
    assert (first.out_features, last.in_features) == (1, 1)
    equal_outputs(literal(), done.module, torch.randn(50, 2))


def test_without_folding_a_unit_with_a_constant_stays():
    done = compact(literal(), fold=False)
    assert done.kept["0.weight"].tolist() == [0, 1]
    equal_outputs(literal(), done.module, torch.randn(50, 2), tolerance=0)


def test_a_constant_of_zero_needs_no_folding():
    model = literal()
    model[0].bias.data[1] = -0.5
    assert compact(model, fold=False).kept["0.weight"].tolist() == [0]


def test_what_dies_with_another_goes_as_well():
    model = nn.Sequential(
        nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2), nn.Tanh(),
        nn.Linear(2, 1),
    )  # fmt: skip
    chains = torch.eye(2)
    for layer in (0, 2, 4, 6):
        model[layer].weight.data.copy_(
            {0: torch.ones(2, 1), 6: torch.ones(1, 2)}.get(layer, chains)
        )
    model[0].weight.data[0] = 0  # the first path hears nothing: all of it is a constant
    done = compact(model)
    assert [units.tolist() for units in done.kept.values()] == [[1], [1], [1]]
    equal_outputs(model, done.module, torch.randn(20, 1))
    model[0].weight.data.fill_(1)
    model[6].weight.data[0, 1] = 0  # the second path says nothing
    done = compact(model)
    assert [units.tolist() for units in done.kept.values()] == [[0], [0], [0]]
    equal_outputs(model, done.module, torch.randn(20, 1))


def test_one_unit_stays_where_nothing_passes_at_all():
    model = literal()
    model[0].weight.data.zero_()
    done = compact(model)
    assert done.kept["0.weight"].tolist() == [0]
    equal_outputs(model, done.module, torch.randn(20, 2))


def test_a_mask_decides_and_not_the_values():
    model = literal()
    masks = {"0.weight": torch.ones(3, 2), "2.weight": torch.tensor([[1, 1, 1], [0, 1, 0]])}
    assert compact(model, masks).kept["0.weight"].tolist() == [0, 1, 2]
    masks["0.weight"][1:] = 0
    assert compact(model, masks).kept["0.weight"].tolist() == [0]


def test_the_network_is_left_as_it_was():
    model = literal()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    done = compact(model)
    for value in done.module.state_dict().values():
        value.fill_(7)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("fold", [True, False])
def test_convolutions_flattened_channel_by_channel(fold):
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3), nn.BatchNorm2d(12), nn.PReLU(12), nn.MaxPool2d(2),
        nn.Conv2d(12, 10, 3), nn.ReLU(), nn.Flatten(), nn.Linear(90, 20), nn.Tanh(),
        nn.Linear(20, 4),
    )  # fmt: skip
    for name in ("running_mean", "weight", "bias"):
        getattr(model[1], name).data.normal_()
    masks = pruned(model, share=0.9)
    for silent in (masks["0.weight"][5], masks["4.weight"][:, 3], masks["7.weight"][2]):
        silent[:] = False
    masks["9.weight"][:, 2] = True
    for name, mask in masks.items():
        model.get_parameter(name).data.normal_().mul_(mask)
    done = compact(model, masks, fold=fold)
    kept = {name: set(units.tolist()) for name, units in done.kept.items()}
    assert 3 not in kept["0.weight"]
    assert (5 in kept["0.weight"], 2 in kept["7.weight"]) == (not fold, not fold)
    equal_outputs(model, done.module, torch.randn(30, 1, 12, 12), tolerance=1e-5)
    assert done.module[1].num_features == done.module[0].out_channels == len(kept["0.weight"])
    assert done.module[7].in_features == 9 * len(kept["4.weight"])


def conv_pair(**second):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 1, 3, **second), nn.Flatten(), nn.Linear(16, 2)
    )
    model[0].weight.data[0] = 0
    model[0].bias.data[:] = 0.7
    return model


# Folded all the same, a constant would count where the padding is: published code does so.
@pytest.mark.parametrize(
    ("second", "side", "kept"),
    [
        ({"padding": 1}, 4, [0, 1]),
        ({"padding": "same"}, 4, [0, 1]),
        ({"padding": 0}, 6, [1]),
        ({"padding": "valid"}, 6, [1]),
        ({"padding": 1, "padding_mode": "reflect"}, 4, [1]),
    ],
)
def test_guard_a_constant_is_folded_only_where_it_is_one_at_every_place(second, side, kept):
    model = conv_pair(**second)
    done = compact(model)
    assert done.kept["0.weight"].tolist() == kept
    equal_outputs(model, done.module, torch.randn(9, 1, side, side))


def test_a_mean_that_counts_padding_keeps_the_unit():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.AvgPool2d(2, padding=1), nn.Flatten(), nn.Linear(18, 2)
    )
    model[0].weight.data[0] = 0
    assert compact(model).kept["0.weight"].tolist() == [0, 1]
    model[1].count_include_pad = False
    done = compact(model)
    assert done.kept["0.weight"].tolist() == [1]
    equal_outputs(model, done.module, torch.randn(9, 1, 4, 4))


def test_guard_a_mean_with_a_divisor_of_its_own_keeps_the_unit():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.AvgPool2d(2, divisor_override=3), nn.ReLU(), nn.Flatten(),
        nn.Linear(8, 2),
    )  # fmt: skip
    model[0].weight.data[0] = 0
    model[0].bias.data[:] = 0.7
    done = compact(model)
    assert done.kept["0.weight"].tolist() == [0, 1]
    equal_outputs(model, done.module, torch.randn(9, 1, 4, 4))
    model[0].bias.data[0] = 0
    assert compact(model).kept["0.weight"].tolist() == [1]


def test_a_layer_without_bias_gets_one_where_it_takes_up_a_constant():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1, bias=False))
    model[0].weight.data[0] = 0
    model[0].bias.data[0] = 1.5
    done = compact(model)
    assert done.module[2].bias.tolist() == pytest.approx([1.5 * model[2].weight[0, 0].item()])
    equal_outputs(model, done.module, torch.randn(9, 2))


class Scale(nn.Module):
    """A factor of its own for each unit."""

    def __init__(self, units):
        super().__init__()
        self.factor = nn.Parameter(torch.randn(units))

    def forward(self, inputs):
        return (inputs + 1) * self.factor


def test_further_modules_that_treat_each_unit_on_its_own_may_be_named():
    model = nn.Sequential(nn.Linear(6, 9), Scale(9), nn.Linear(9, 2))
    masks = pruned(model, 0.8)
    done = compact(model, masks, per_unit=(Scale,))
    assert len(done.kept["0.weight"]) < 9
    equal_outputs(model, done.module, torch.randn(9, 6), tolerance=1e-5)
    assert len(done.module[1].factor) == len(done.kept["0.weight"])


class Functional(nn.Module):
    """Written with functions, as users do."""

    def __init__(self, shortcut=False):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 2)
        self.shortcut = shortcut

    def forward(self, inputs):
        hidden = F.relu(self.first(torch.flatten(inputs, 1)))
        if self.shortcut:
            hidden = hidden + inputs
        return self.second(hidden)


class Branching(Functional):
    """Whose way depends on the values."""

    def forward(self, inputs):
        return self.first(inputs) if inputs.sum() > 0 else self.second(inputs)


def test_a_forward_of_functions_is_followed():
    model = Functional()
    masks = pruned(model, 0.7)
    done = compact(model, masks)
    assert list(done.kept) == ["first.weight"]
    equal_outputs(model, done.module, torch.randn(9, 2, 2))


@pytest.mark.parametrize(
    ("model", "masks", "said"),
    [
        (
            Functional(shortcut=True),
            None,
            "no chain: flatten takes inputs, and inputs goes to flatten, add",
        ),
        (Branching(), None, "forward cannot be followed: symbolically traced variables"),
        (nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3)), None, "1 is a LayerNorm, which may mix"),
        (nn.Sequential(nn.ReLU()), None, "has no layers"),
        (nn.Sequential(nn.Conv2d(4, 4, 1, groups=2)), None, "0 is a convolution in 2 groups"),
        (nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 1)), None, "has 3 units and 1.weight after"),
        (
            literal(),
            {"0.wieght": torch.ones(3, 2)},
            r"no layer 0.wieght; .*mean '0.weight'",
        ),
        (literal(), {"0.weight": torch.ones(2, 3)}, r"has the shape \(2, 3\); it must be \(3, 2\)"),
        (
            nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.BatchNorm1d(8), nn.Linear(8, 1)),
            None,
            "weight of a BatchNorm1d has 8 entries for 2 units; it must have one for each",
        ),
        (
            nn.Sequential(
                nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False), nn.Linear(3, 1)
            ),
            None,
            r"after 0\.weight stands a BatchNorm1d with track_running_stats=False",
        ),
    ],
)
def test_what_is_no_chain_is_refused(model, masks, said):
    with pytest.raises(ValueError, match=said):
        compact(model, masks)
