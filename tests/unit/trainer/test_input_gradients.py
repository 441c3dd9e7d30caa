"""Gradients of inputs: right in both engines, and without a trace in the network."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.support.cells import make_cell
from trainer.data.bundle import as_pixels
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.workload import load_workload

# Augmentation makes the digits pixels in [0, 1]; here it is never drawn.
PIXELS = {"dataset": "digits", "flip": True, "label_smoothing": 0.1}


def solo(**settings):
    convnet = {"model": "convnet", "model_options": {"channels": (4, 8)}}
    cell = make_cell("static", **{**PIXELS, **convnet, **settings})
    return SoloEngine(load_workload(cell, None, "cpu"), [cell])


def stack(cells=3):
    made = [make_cell("dense", seed=seed, **PIXELS) for seed in range(cells)]
    return StackEngine(load_workload(made[0], None, "cpu"), made)


def batch_of(engine, size=9):
    train = engine.workload.bundle.train
    rows = torch.arange(size * len(engine.cells)).view(len(engine.cells), size)
    return train.inputs[rows], train.targets[rows]


@pytest.mark.parametrize("make", [solo, stack])
def test_they_are_those_of_the_summed_cross_entropy_in_units_of_pixels(make):
    engine = make()
    batch = batch_of(engine)
    found = engine.input_gradients(batch, step=1)
    assert found.shape == batch[0].shape
    for n in range(len(engine.cells)):
        pixels = as_pixels(batch[0][n]).clone().requires_grad_()
        loss = F.cross_entropy(engine.module(n)(pixels), batch[1][n], reduction="sum")
        (expected,) = torch.autograd.grad(loss, pixels)
        torch.testing.assert_close(found[n], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", [solo, stack])
def test_a_module_of_its_own_answers_as_the_engine_does(make):
    engine = make()
    inputs = engine.workload.bundle.test.inputs[:7]
    for n in range(len(engine.cells)):
        module = engine.module(n)
        torch.testing.assert_close(module(inputs), engine.logits(inputs)[n])
        assert not module.training
        assert not any(parameter.requires_grad for parameter in module.parameters())
        before = engine.logits(inputs).clone()
        for parameter in module.parameters():
            parameter.zero_()
        assert torch.equal(engine.logits(inputs), before)


@pytest.mark.parametrize("training", [False, True])
def test_nothing_of_the_network_moves_and_no_parameter_gets_a_gradient(training):
    engine = solo()
    before = engine.weights(0)
    engine.input_gradients(batch_of(engine), step=1, training=training)
    after = engine.weights(0)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in engine.model.parameters())
    assert all(parameter.requires_grad for parameter in engine.model.parameters())


def test_in_training_mode_running_statistics_move_where_that_is_asked_for():
    engine = solo()
    (norm, *_) = [m for m in engine.model.modules() if isinstance(m, nn.BatchNorm2d)]
    mean = norm.running_mean.clone()
    engine.input_gradients(batch_of(engine), step=1, training=True, track=True)
    assert not torch.equal(norm.running_mean, mean)
    assert int(norm.num_batches_tracked) == 1


def test_batch_statistics_make_a_difference():
    engine = solo()
    batch = batch_of(engine)
    own = engine.input_gradients(batch, step=1, training=True)
    assert not torch.equal(own, engine.input_gradients(batch, step=1))


def test_a_row_of_a_stack_does_not_depend_on_its_company():
    wide, alone = stack(3), stack(1)
    inputs, targets = batch_of(wide)
    together = wide.input_gradients((inputs, targets), step=1)
    assert torch.equal(alone.input_gradients((inputs[:1], targets[:1]), step=1), together[:1])


def test_half_precision_gives_full_precision_gradients():
    engine = solo(precision="bf16", layout="channels_last")
    found = engine.input_gradients(batch_of(engine), step=1)
    exact = solo().input_gradients(batch_of(engine), step=1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, rtol=0.1, atol=0.02)
