"""Learning-rate schedules, and stacked optimizers against torch's."""

import pytest
import torch

from grids.recipe import OPTIONS
from trainer.engines.stacked_optim import make_stacked_optimizer
from trainer.models.activations import SReLU
from trainer.optim import learning_rate_factor, make_optimizer, parameter_groups
from trainer.recipe import Recipe

SETTINGS = {
    "epochs": 1,
    "batch": 1,
    "label_smoothing": 0.0,
    "clip_norm": None,
    "precision": "fp32",
    "storage": "masked",
    "layout": "contiguous",
    "crop": 0,
    "crop_fill": "zero",
    "flip": False,
    "rotation": 0.0,
    "tier": "exact",
    "threads": 1,
    "optimizer": "sgd",
    "lr": 0.1,
    "momentum": 0.9,
    "nesterov": False,
    "weight_decay": 5e-4,
    "schedule": "constant",
    "milestones": (0.5, 0.75),
    "gamma": 0.1,
    "warmup_epochs": 0,
}


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        ("constant", {1: 1.0, 100: 1.0}),
        ("step", {1: 1.0, 50: 1.0, 51: 0.1, 75: 0.1, 76: 0.01, 100: 0.01}),
        ("cosine", {1: 1.0, 51: 0.5, 26: 0.8535533905932737, 101: 0.0}),
    ],
)
def test_schedules(schedule, factors):
    settings = Recipe(**{**SETTINGS, "schedule": schedule})
    for step, factor in factors.items():
        assert learning_rate_factor(settings, step, 100, 10) == pytest.approx(factor, abs=1e-12)


def test_warm_up_is_linear_in_steps_and_reaches_one():
    settings = Recipe(**{**SETTINGS, "warmup_epochs": 2})
    factors = [learning_rate_factor(settings, step, 100, 5) for step in (1, 5, 10, 11)]
    assert factors == pytest.approx([0.1, 0.5, 1.0, 1.0])


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"momentum": 0.0},
        {"nesterov": True},
        {"optimizer": "adam", "lr": 0.01},
        {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.05},
        {"optimizer": "adagrad", "lr": 0.05, "weight_decay": 0.01},
        {"optimizer": "rmsprop", "lr": 0.01, "weight_decay": 0.01},
    ],
    ids=["sgd", "plain", "nesterov", "adam", "adamw", "adagrad", "rmsprop"],
)
def test_each_row_of_a_stack_follows_torch_s_optimizer(recipe):
    """Same rule, other rounding: equal to 1e-6 after ten steps, with a learning rate per row."""
    draws = torch.Generator().manual_seed(0)
    settings = [Recipe(**{**SETTINGS, **recipe}), Recipe(**{**SETTINGS, **recipe, "lr": 0.003})]
    stacked = torch.randn(2, 35, generator=draws)
    gradients = [torch.randn(2, 35, generator=draws) for _ in range(10)]
    rows = [torch.nn.Parameter(row.clone()) for row in stacked]
    gradient = torch.zeros_like(stacked)
    ours = make_stacked_optimizer(stacked, gradient, torch.ones_like(stacked), settings)
    theirs = [make_optimizer(s, [row]) for s, row in zip(settings, rows, strict=True)]
    for given in gradients:
        gradient.copy_(given)
        ours.step(1.0)
        for row, optimizer, part in zip(rows, theirs, given, strict=True):
            row.grad = part.clone()
            optimizer.step()
    for n, row in enumerate(rows):
        torch.testing.assert_close(stacked[n], row.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("density", [0.2, 0.7])
@pytest.mark.parametrize("optimizer", OPTIONS["optimizer"].choices)
def test_what_is_masked_stays_exactly_zero_and_so_do_its_slots(optimizer, density):
    draws = torch.Generator().manual_seed(1)
    mask = (torch.rand(3, 24, generator=draws) < density).float()
    weight = torch.randn(3, 24, generator=draws) * mask
    gradient = torch.zeros_like(weight)
    settings = [Recipe(**{**SETTINGS, "optimizer": optimizer})] * 3
    ours = make_stacked_optimizer(weight, gradient, mask, settings)
    for _ in range(5):
        gradient.copy_(torch.randn(3, 24, generator=draws))
        ours.step(0.5)
    for tensor in (weight, *ours.slots().values()):
        assert not tensor[mask == 0].any()
        assert tensor[mask == 1].all()


@pytest.fixture
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("double_precision")
def test_momentum_and_decay_in_numbers():
    # A decay outside of the learning rate would give 0.4899, 0.47080202, 0.443607859596.
    settings = Recipe(**{**SETTINGS, "lr": 0.01, "weight_decay": 2e-4})
    parameter, row = torch.nn.Parameter(torch.tensor([0.5])), torch.full((1, 1), 0.5)
    ones = torch.ones_like(row)
    solo = make_optimizer(settings, [parameter])
    stacked = make_stacked_optimizer(row, ones, torch.ones_like(row), [settings])
    for expected in (0.489999, 0.470997120002, 0.443894486010):
        parameter.grad = torch.ones(1)
        solo.step()
        stacked.step(1.0)
        assert [parameter.item(), row.item()] == pytest.approx([expected] * 2, rel=0, abs=1e-12)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        # The sums of squares are 4 and 4.25, their roots 2 and 2.0615528128088303.
        ("adagrad", (0.4, 0.37574643748747)),
        # The means are 0.04 and 0.0421, their roots 0.2 and 0.20518284528683193.
        ("rmsprop", (-0.49999995, -0.74368503)),
    ],
)
def test_adaptive_rates_in_numbers(optimizer, expected):
    settings = Recipe(**{**SETTINGS, "optimizer": optimizer, "weight_decay": 0.0})
    parameter, row = torch.nn.Parameter(torch.tensor([0.5])), torch.full((1, 1), 0.5)
    gradient = torch.zeros_like(row)
    solo = make_optimizer(settings, [parameter])
    stacked = make_stacked_optimizer(row, gradient, torch.ones_like(row), [settings])
    for slope, wanted in zip((2.0, 0.5), expected, strict=True):
        parameter.grad = torch.tensor([slope])
        gradient.fill_(slope)
        solo.step()
        stacked.step(1.0)
        assert [parameter.item(), row.item()] == pytest.approx([wanted] * 2, rel=0, abs=1e-8)


@pytest.mark.parametrize("optimizer", OPTIONS["optimizer"].choices)
@pytest.mark.parametrize("learned", [SReLU(3), torch.nn.PReLU()], ids=["srelu", "prelu"])
def test_what_activations_learn_never_decays(optimizer, learned):
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), learned, torch.nn.Linear(3, 2))
    groups = parameter_groups(model)
    assert [len(group["params"]) for group in groups] == [4, len(list(learned.parameters()))]
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    recipe = Recipe(**{**SETTINGS, "optimizer": optimizer, "weight_decay": 0.5})
    updater = make_optimizer(recipe, groups)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    updater.step()
    kept = {name for name, value in model.named_parameters() if torch.equal(value, before[name])}
    assert kept == {f"1.{name}" for name, _ in learned.named_parameters()}


def test_a_model_that_learns_no_activation_has_one_group():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    (group,) = parameter_groups(model)
    assert list(map(id, group["params"])) == list(map(id, model.parameters()))
    assert group.keys() == {"params"}
