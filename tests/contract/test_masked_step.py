"""Masking gradients inside the step is masking weights and slots after it, bit for bit."""

import pytest
import torch

from tests.support.cells import batch_at, make_cell
from tests.support.producers import inputs_of
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stacked_optim import make_stacked_optimizer
from trainer.recipe import Recipe
from trainer.workload import load_workload

RECIPES = {
    "sgd": {"weight_decay": 0.01},
    "nesterov": {"weight_decay": 0.01, "nesterov": True},
    "adam": {"weight_decay": 0.01, "optimizer": "adam"},
    "adamw": {"weight_decay": 0.01, "optimizer": "adamw"},
    "adagrad": {"weight_decay": 0.01, "optimizer": "adagrad"},
    "rmsprop": {"weight_decay": 0.01, "optimizer": "rmsprop"},
}


def prepared_engine(cell):
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    CellRun(cell, 0).prepare(engine, inputs_of([cell]).get(cell.id, {}))
    return engine


def step_then_mask(engine):
    """The textbook order: an ordinary optimizer step, then everything inactive is zeroed."""
    engine.optimizer.step()
    for layer in engine.layers(0):
        layer.weight.mul_(layer.mask)
        for slot in layer.slots().values():
            slot.mul_(layer.mask)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_both_orders_give_the_same_weights_and_slots(recipe):
    cell = make_cell("static", "0.3", schedule="constant", **recipe)
    ours, textbook = prepared_engine(cell), prepared_engine(cell)
    draws = torch.Generator().manual_seed(0)
    for step in range(1, 11):
        batch = torch.randperm(81, generator=draws)[:16].unsqueeze(0)
        ours.backward(batch_at(ours, batch), step)
        textbook.backward(batch_at(textbook, batch), step)
        ours.optimizer_step(1.0)
        step_then_mask(textbook)
    for left, right in zip(ours.layers(0), textbook.layers(0), strict=True):
        assert torch.equal(left.weight, right.weight)
        assert (left.weight == 0).sum() >= (left.mask == 0).sum() > 0
        for name, slot in left.slots().items():
            assert torch.equal(slot, right.slots()[name]), name


@pytest.mark.parametrize("recipe", [*RECIPES.values(), {"momentum": 0.0}], ids=[*RECIPES, "plain"])
def test_after_fifty_steps_inactive_weights_and_slots_are_zero_to_the_bit(recipe):
    cell = make_cell("static", "0.3", **recipe)
    engine = prepared_engine(cell)
    kept = [int(layer.mask.sum()) for layer in engine.layers(0)]
    draws = torch.Generator().manual_seed(0)
    for step in range(1, 51):
        engine.backward(batch_at(engine, torch.randint(81, (1, 16), generator=draws)), step)
        engine.optimizer_step(1.0)
    for layer, active in zip(engine.layers(0), kept, strict=True):
        assert int(layer.weight.count_nonzero()) == active
        for tensor in (layer.weight, *layer.slots().values()):
            assert not (tensor * (1 - layer.mask)).any()


@pytest.mark.parametrize("density", [0.1, 0.3, 0.7])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_both_orders_agree_in_a_stack_too(recipe, density):
    recipes = [Recipe.of(make_cell(lr=rate, **recipe)) for rate in (0.1, 0.02)]
    draws = torch.Generator().manual_seed(0)
    mask = (torch.rand(2, 63, generator=draws) < density).float()
    ours = torch.randn(2, 63, generator=draws) * mask
    textbook, gradient, dense = ours.clone(), torch.zeros(2, 63), torch.zeros(2, 63)
    masked = make_stacked_optimizer(ours, gradient, mask, recipes)
    plain = make_stacked_optimizer(textbook, dense, torch.ones(2, 63), recipes)
    for _ in range(10):
        gradient.copy_(torch.randn(2, 63, generator=draws))
        dense.copy_(gradient)
        masked.step(0.5)
        plain.step(0.5)
        for tensor in (textbook, *plain.slots().values()):
            tensor.mul_(mask)
    assert torch.equal(ours, textbook)
    for name, slot in masked.slots().items():
        assert torch.equal(slot, plain.slots()[name]), name
