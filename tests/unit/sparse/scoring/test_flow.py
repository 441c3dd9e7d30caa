"""The SynFlow objective of a module, and outputs divided by a temperature."""

import copy

import pytest
import torch
from torch import nn

from sparse import Dense, Static, SynFlow, attach
from sparse.scoring.flow import divided_outputs, flow
from sparse.scoring.saliency import grasp_scores, synflow_scores

IMAGES = torch.zeros(1, 2, 6, 6)


def convnet():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(),
        nn.Linear(64, 3),
    )  # fmt: skip
    model(torch.randn(8, 2, 6, 6))  # so that the running statistics are not those of a new layer
    model[3].eval()
    return model


def leaves(model, scale=1.0):
    return {"5.weight": (scale * model[5].weight.detach().abs().double()).requires_grad_()}


def context_of(model, **given):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return attach(model, optimizer, Dense(), **given).sparsifier.context


def test_flow_sums_the_outputs_for_ones_with_absolute_values():
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 4.0]]))
        layer.bias.copy_(torch.tensor([-0.5, 0.25]))
    whole = flow(layer, torch.full((1, 2), 9.0), {"weight": layer.weight.detach().abs()})
    assert (float(whole), whole.dtype) == (10.75, torch.float64)
    # What stands in for a layer's weights is used as it is.
    assert float(flow(layer, torch.zeros(1, 2), {"weight": layer.weight.detach()})) == 6.75


def test_flow_is_differentiable_in_the_weights_that_stand_in():
    model = convnet()
    weights = leaves(model)
    (gradient,) = torch.autograd.grad(flow(model, IMAGES, weights), list(weights.values()))
    features = model.double().eval()[:5]
    for tensor in (*features.parameters(), *features.buffers()):
        if tensor.is_floating_point():
            tensor.data.abs_()
    expected = features(torch.ones(1, 2, 6, 6, dtype=torch.float64)).detach()
    torch.testing.assert_close(gradient, expected.expand(3, 64))


def test_guard_flow_leaves_the_network_its_statistics_and_its_modes_alone():
    model = convnet()
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    assert modes == [True, True, True, True, False, True, True]
    generator = torch.get_rng_state()
    flow(model, IMAGES, leaves(model)).backward()
    assert all(map(torch.equal, before.values(), model.state_dict().values()))
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(generator, torch.get_rng_state())


def test_a_network_of_whole_numbers_gets_ones_that_are_whole():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Linear(12, 2))
    ones = model[0].weight.detach()[1].abs().double().repeat(3)
    weight = model[2].weight.detach().abs().double()
    expected = (weight @ ones + model[2].bias.detach().abs()).sum()
    found = flow(model, torch.tensor([[0, 3, 4]]), {"2.weight": weight})
    torch.testing.assert_close(found, expected)


def test_recurrent_layers_are_scored():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.RNN(3, 4, nonlinearity="relu", batch_first=True)

        def forward(self, inputs):
            return self.rnn(inputs)[0][:, -1]

    context = context_of(Last(), batches=[(torch.randn(8, 5, 3), None)])
    scores = synflow_scores(context)
    assert list(scores) == ["rnn.weight_ih_l0", "rnn.weight_hh_l0"]
    assert all(bool((score > 0).all()) for score in scores.values())


def test_the_temperature_divides_the_outputs_for_as_long_as_it_is_asked_for():
    model = nn.Linear(3, 2)
    inputs = torch.randn(4, 3)
    plain = model(inputs)
    with divided_outputs(model, 4.0):
        assert torch.equal(model(inputs), plain / 4)
    assert torch.equal(model(inputs), plain)


@pytest.mark.parametrize("given", [{}, {"batches": []}, {"batches": [3]}, {"batches": [()]}])
def test_the_shape_of_an_input_must_be_known(given):
    context = context_of(nn.Linear(3, 2), **given)
    with pytest.raises(ValueError, match="give batches= whose first batch is a tensor of inputs"):
        synflow_scores(context)


@pytest.mark.parametrize(("score", "options"), [(synflow_scores, ()), (grasp_scores, (2, 200.0))])
def test_a_model_that_returns_no_tensor_is_refused(score, options):
    context = context_of(
        nn.GRU(3, 4), batches=[torch.randn(5, 2, 3)] * 2, loss=lambda model, x: model(x)[0].sum()
    )
    with pytest.raises(ValueError, match="the model returned tuple"):
        score(context, *options)


def saturated():
    """Ones times so many absolute weights are far beyond where tanh is exactly 1 in float64."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(400, 6), nn.Tanh(), nn.Linear(6, 400), nn.ReLU(), nn.Linear(400, 3)
    )


@pytest.mark.parametrize(
    "method", [SynFlow("0.1"), SynFlow("0.1", rounds=1), Static("0.1", allocation="synflow")]
)
def test_a_layer_whose_scores_are_all_zero_is_refused_by_name(method):
    model = saturated()
    with torch.no_grad():
        model[0].weight.fill_(0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    message = r"^synflow scores every weight of 0\.weight as zero: .* tanh or sigmoid saturate"
    with pytest.raises(ValueError, match=message):
        attach(model, optimizer, method, batches=[torch.zeros(1, 400)])
    with torch.no_grad():
        model[0].weight.fill_(0.01)
    attach(model, optimizer, method, batches=[torch.zeros(1, 400)])


def test_masks_may_leave_nothing_of_a_branch_but_not_of_the_whole_network():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(2, 2, bias=False)
            self.second = nn.Linear(2, 2, bias=False)
            self.shortcut = nn.Linear(2, 2, bias=False)

        def forward(self, inputs):
            return self.second(self.first(inputs)) + self.shortcut(inputs)

    context = context_of(Branches(), batches=[torch.zeros(1, 2)])
    cut = {"first.weight": [[1, 1], [0, 0]], "second.weight": [[0, 1], [0, 1]]}
    masks = {name: torch.tensor(mask).bool() for name, mask in cut.items()}
    whole = torch.ones(2, 2, dtype=torch.bool)
    scores = synflow_scores(context, {**masks, "shortcut.weight": whole})
    assert [bool(score.any()) for score in scores.values()] == [False, False, True]
    with pytest.raises(ValueError, match=r"of first\.weight, second\.weight, shortcut\.weight as"):
        synflow_scores(context, {**masks, "shortcut.weight": ~whole})
