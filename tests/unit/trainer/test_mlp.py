"""Perceptrons: their activations in numbers, and what stands between their layers."""

import pytest
import torch
from torch import nn

from sparse.cutting.compact import compact
from sparse.targets import find_targets
from trainer.building import build_model
from trainer.engines.stacked_activations import stacked_activations
from trainer.models.activations import FIXED, LEARNED, SReLU, all_relu_slopes, make_activations
from trainer.models.mlp import MLPOptions


def built(hidden=(6, 6), **options):
    torch.manual_seed(0)
    return build_model("mlp", {"hidden": hidden, **options}, (4,), 3)


def values(activation, *points):
    return activation(torch.tensor(points)).tolist()


def set_to(srelu, left, left_slope, distance, right_slope):
    for name, value in zip(
        ("left", "left_slope", "distance", "right_slope"),
        (left, left_slope, distance, right_slope),
        strict=True,
    ):
        getattr(srelu, name).data.fill_(value)


def test_srelu_in_numbers():
    srelu = SReLU(6)
    set_to(srelu, -0.5, 0.2, 1.5, 0.5)
    found = values(srelu, -2.0, -0.5, 0.0, 0.5, 1.0, 3.0)
    assert found == pytest.approx([-0.8, -0.5, 0.0, 0.5, 1.0, 2.0])
    set_to(srelu, -0.5, 0.2, -1.5, 0.5)
    assert values(srelu, -2.0, -0.5, 0.0, 0.5, 1.0, 3.0) == found, "a negative distance is one too"


def test_srelu_has_no_jump_at_its_thresholds():
    srelu = SReLU(1)
    set_to(srelu, -0.4, 0.4, 0.8, 2.0)
    points = torch.tensor([-0.4 - 1e-6, -0.4 + 1e-6, 0.4 - 1e-6, 0.4 + 1e-6])
    assert srelu(points[:, None])[:, 0].tolist() == pytest.approx([-0.4, -0.4, 0.4, 0.4], abs=5e-6)


def test_srelu_begins_as_set_s_networks_do():
    torch.manual_seed(0)
    srelu = SReLU(4000)
    assert (srelu.left == 0).all()
    assert (srelu.right_slope == 1).all()
    assert 0 <= srelu.left_slope.min() < 0.01 < 0.99 < srelu.left_slope.max() <= 1
    assert 0 <= srelu.distance.min() < 0.05 < 4.95 < srelu.distance.max() <= 5
    assert sum(parameter.numel() for parameter in srelu.parameters()) == 4 * 4000


def test_all_four_values_of_srelu_are_learned():
    srelu = SReLU(2).double()
    set_to(srelu, -0.5, 0.2, 1.5, 0.5)
    points = torch.tensor([[-2.0, 0.3], [2.0, -3.0]], dtype=torch.float64, requires_grad=True)
    names = dict(srelu.named_parameters())

    def function(inputs, *given):
        return torch.func.functional_call(srelu, dict(zip(names, given, strict=True)), (inputs,))

    assert torch.autograd.gradcheck(function, (points, *names.values()))


def test_all_relu_alternates_and_is_never_on_the_output():
    assert all_relu_slopes(0.6, 4) == [-0.6, 0.6, -0.6, 0.6]
    first, second, third = make_activations("all_relu", [2, 2, 2], 0.75)
    assert values(first, -2.0, 0.0, 3.0) == [1.5, 0.0, 3.0]
    assert values(second, -2.0, 0.0, 3.0) == [-1.5, 0.0, 3.0]
    assert values(third, -2.0, 0.0, 3.0) == [1.5, 0.0, 3.0]
    assert len(built(activation="all_relu").activations) == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", 0.0),
        ("tanh", -0.9640275801),
        ("leaky_relu", -0.02),
        ("prelu", -0.5),
        ("elu", -0.8646647168),
        ("swish", -0.2384058440),
        ("sigmoid", 0.1192029220),
        ("all_relu", 1.2),
    ],
)
def test_the_other_activations_at_minus_two(name, expected):
    (activation,) = make_activations(name, [1], 0.6)
    assert values(activation, -2.0) == pytest.approx([expected])


def test_the_program_of_a_stack_has_exactly_the_fixed_ones():
    for name in FIXED:
        assert len(stacked_activations(name, 2, 0.6)) == 2
    for name in LEARNED:
        with pytest.raises(KeyError, match=name):
            stacked_activations(name, 2, 0.6)


@pytest.mark.parametrize("name", [*FIXED, *LEARNED])
def test_no_activation_moves_the_initial_weights(name):
    plain, other = built().state_dict(), built(activation=name, batch_norm=True).state_dict()
    assert all(torch.equal(plain[key], other[key]) for key in plain)


@pytest.mark.parametrize("name", LEARNED)
def test_what_is_learned_or_normalised_is_never_masked(name):
    model = built(activation=name, batch_norm=True)
    found = [target.name for target in find_targets(model).targets]
    assert found == [f"layers.{index}.weight" for index in range(3)]


def test_batch_norm_comes_before_the_activation_of_each_hidden_layer():
    model = built(batch_norm=True).train()
    seen = []
    for activation in model.activations:
        activation.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(torch.randn(50, 4))
    assert len(seen) == 2
    for inputs in seen:
        assert inputs.mean(0).tolist() == pytest.approx([0.0] * 6, abs=1e-6)
        assert inputs.var(0, unbiased=False).tolist() == pytest.approx([1.0] * 6, rel=1e-2)


def test_a_skip_adds_what_came_into_a_layer_as_wide_as_the_one_before():
    model = built(hidden=(5, 5, 7, 7), skip=True)
    inputs = torch.randn(8, 4)
    one, two, three, four, head = model.layers
    first = torch.relu(one(inputs))
    second = first + torch.relu(two(first))
    third = torch.relu(three(second))
    fourth = third + torch.relu(four(third))
    assert torch.equal(model(inputs), head(fourth))


def test_the_inputs_are_never_joined_however_wide_they_are():
    model = built(hidden=(4, 4), skip=True)
    for layer in model.layers[:2]:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    assert torch.equal(model(torch.randn(2, 4))[0], model.layers[2].bias)


@pytest.mark.parametrize(
    ("hidden", "listed"), [((6,), r"\[6\]"), ((6, 7, 6), r"\[6, 7, 6\]"), ((), r"\[\]")]
)
def test_a_skip_that_joins_nothing_is_said(hidden, listed):
    with pytest.raises(ValueError, match=f"model mlp: skip has no effect with hidden: {listed}, "):
        built(hidden=hidden, skip=True)


def test_without_bias_no_linear_layer_has_one():
    names = [name for name, _ in built(bias=False).named_parameters()]
    assert names == [f"layers.{index}.weight" for index in range(3)]


def test_alpha_is_for_all_relu_alone():
    message = "alpha has no effect with activation: relu; leave it out"
    with pytest.raises(ValueError, match=message):
        built(alpha=0.75)
    assert built(activation="all_relu", alpha=0.75).activations[1].negative_slope == 0.75


def test_the_options_are_neutral():
    assert MLPOptions() == MLPOptions(
        hidden=(256, 256), activation="relu", alpha=0.6, batch_norm=False, skip=False, bias=True
    )


@pytest.mark.parametrize(
    "options", [{"batch_norm": True}, {"activation": "srelu"}, {"bias": False}]
)
def test_units_of_a_chain_can_be_cut_out(options):
    model = built(**options).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape))
        model.layers[1].weight[:, 2] = 0
    smaller = compact(model, per_unit=(SReLU,))
    assert len(smaller.kept["layers.0.weight"]) == 5
    inputs = torch.randn(9, 4)
    torch.testing.assert_close(smaller.module(inputs), model(inputs), rtol=1e-5, atol=1e-5)


def test_with_a_skip_it_is_no_chain():
    with pytest.raises(ValueError, match="the model is no chain"):
        compact(built(skip=True))
