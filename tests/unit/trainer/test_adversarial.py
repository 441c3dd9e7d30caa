"""The scenario adversarial: the batch to train on, what it costs and what it leaves alone."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sparse.options import build_options
from tests.support.cells import component, make_cell, train
from trainer.augment import augments
from trainer.cell_run import CellRun
from trainer.data.bundle import as_pixels
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.feed import Feed
from trainer.loop import BlockLoop
from trainer.scenarios.adversarial import Adversarial, AdversarialOptions
from trainer.workload import load_workload

TASK = {"examples": 90, "size": 8, "classes": 4, "noise": 0.05}
CONVNET = {"model": "convnet", "model_options": {"channels": (4, 8)}}
STEP = 3


def cell_of(method="dense", seed=0, *, model="convnet", options=None, recipe=None, **attack):
    kind = CONVNET if model == "convnet" else {}
    cell = make_cell(method, seed=seed, options=options, **kind, **{"epochs": 2, **(recipe or {})})
    return replace(
        cell,
        dataset=component("synthetic_images", TASK),
        scenario=component("adversarial", {"steps": 3, **attack}),
    )


def engine_of(*cells):
    kind = SoloEngine if cells[0].model.name == "convnet" else StackEngine
    return kind(load_workload(cells[0], None, "cpu"), cells)


def batch_of(engine, step=STEP):
    return Feed(engine.workload, [cell.seed for cell in engine.cells]).batch(step)


def hardened(engine, batch, step=STEP):
    return engine.workload.scenario.harden(engine, batch, step)


def descended(network, pixels, targets, *, steps, size, ball):
    """Projected gradient descent in Linf from the pixels, written out with autograd."""
    found = pixels.clone()
    for _ in range(steps):
        found = found.detach().requires_grad_()
        F.cross_entropy(network(found), targets).backward()
        found = (found + size * found.grad.sign()).detach()
        found = pixels + (found - pixels).clamp(-ball, ball)
        found = found.clamp(0.0, 1.0)
    return found


@pytest.mark.parametrize("model", ["convnet", "mlp"])
def test_a_batch_is_attacked_in_pixels_whatever_the_network_standardises(model):
    cells = [cell_of(seed=seed, model=model, random_start=False, mode="eval") for seed in (0, 1)]
    engine = engine_of(*cells[: 1 if model == "convnet" else 2])
    normalise = engine.workload.bundle.normalise
    assert not torch.allclose(normalise.scale, torch.ones(()), atol=0.5)
    batch = batch_of(engine)
    before = batch[0].clone()
    found, targets = hardened(engine, batch)
    assert torch.equal(batch[0], before)
    assert targets is batch[1]
    pixels = as_pixels(before)
    assert float((found - pixels).abs().max()) == pytest.approx(6 / 255, abs=1e-6)
    for n in range(len(engine.cells)):
        expected = descended(
            engine.module(n), pixels[n], targets[n], steps=3, size=2 / 255, ball=8 / 255
        )
        torch.testing.assert_close(found[n], expected, rtol=0, atol=1e-6)


def test_in_training_mode_the_network_is_attacked_on_the_statistics_of_the_batch():
    engine = engine_of(cell_of(random_start=False))
    batch = batch_of(engine)
    found, targets = hardened(engine, batch)
    expected = descended(
        engine.module(0).train(), as_pixels(batch[0][0]), targets[0],
        steps=3, size=2 / 255, ball=8 / 255,
    )  # fmt: skip
    torch.testing.assert_close(found[0], expected, rtol=0, atol=1e-6)
    other = engine_of(cell_of(random_start=False, mode="eval"))
    assert not torch.equal(hardened(other, batch)[0], found)


def test_the_start_is_drawn_for_each_seed_and_step_alone():
    cells = [cell_of(seed=seed, model="mlp") for seed in (5, 6)]
    wide, batch = engine_of(*cells), batch_of(engine_of(*cells))
    found = hardened(wide, batch)[0]
    alone = engine_of(cells[1])
    assert torch.equal(hardened(alone, (batch[0][1:], batch[1][1:]))[0], found[1:])
    assert torch.equal(hardened(wide, batch)[0], found)
    assert not torch.equal(hardened(wide, batch, STEP + 1)[0], found)
    same = (batch[0][:1].expand_as(batch[0]), batch[1][:1].expand_as(batch[1]))
    assert not torch.equal(*hardened(wide, same)[0])
    reseeded = engine_of(cells[0], cell_of(seed=5, model="mlp"))
    assert torch.equal(*hardened(reseeded, same)[0])


@pytest.mark.parametrize("width", [2, 3, 5, 9, 16])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_a_cell_is_trained_on_does_not_depend_on_how_many_are_attacked(norm, width):
    cells = [cell_of(seed=seed, model="mlp", norm=norm) for seed in range(width)]
    wide = engine_of(*cells)
    inputs, targets = batch_of(wide)
    together = hardened(wide, (inputs, targets))[0]
    last = hardened(engine_of(cells[-1]), (inputs[-1:], targets[-1:]))[0]
    assert torch.equal(together[-1:], last)


def test_the_attack_asks_for_no_gradient_of_a_parameter():
    """Published evaluation fills the gradient of every parameter at every step of the attack."""
    engine = engine_of(cell_of())
    asked = []
    for parameter in engine.model.parameters():
        parameter.register_hook(lambda gradient: asked.append(gradient.shape))
    batch = hardened(engine, batch_of(engine))
    assert not asked
    assert all(parameter.grad is None for parameter in engine.model.parameters())
    engine.backward(batch, STEP)
    assert len(asked) == len(list(engine.model.parameters()))


@pytest.mark.parametrize(
    ("attack", "passes"),
    [({}, 1), ({"mode": "eval"}, 1), ({"track_statistics": True}, 1 + 3)],
)
def test_running_statistics_see_training_steps_alone_unless_told(attack, passes):
    """The published code moves them once more for every pass of the attack."""
    loop = loop_of(cell_of(**attack))
    for _ in range(4):
        loop.advance()
    norms = [m for m in loop.engine.model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {int(norm.num_batches_tracked) for norm in norms} == {4 * passes}


def loop_of(cell):
    engine = engine_of(cell)
    run = CellRun(cell, 0)
    run.prepare(engine, {})
    return BlockLoop(engine, [run])


def test_methods_see_the_gradients_of_the_batch_under_attack():
    loop = loop_of(cell_of("rigl", options={"update_every": STEP}))
    (run,), engine = loop.runs, loop.engine
    while loop.step < STEP - 1:
        loop.advance()
    seen, look = [], run.sparsifier.after_backward

    def remember(step):
        seen.extend(layer.gradient.clone() for layer in run.sparsifier.layers)
        look(step)

    run.sparsifier.after_backward = remember
    batch = batch_of(engine)
    engine.backward(batch, STEP)
    clean = [layer.gradient.clone() for layer in engine.layers(0)]
    engine.backward(hardened(engine, batch), STEP)
    attacked = [layer.gradient.clone() for layer in engine.layers(0)]
    loop.advance()
    assert len(seen) == len(attacked) > 0
    for found, expected, other in zip(seen, attacked, clean, strict=True):
        torch.testing.assert_close(found, expected)
        assert not torch.allclose(found, other)


def test_what_is_scored_before_training_is_scored_without_attack():
    masks = []
    for epsilon in (0.001, 0.5):
        engine = engine_of(cell := cell_of("snip", epsilon=epsilon))
        CellRun(cell, 0).prepare(engine, {})
        masks.append([layer.mask for layer in engine.layers(0)])
    assert all(map(torch.equal, *masks))
    assert not all(mask.bool().all() for mask in masks[0])


@pytest.mark.parametrize("steps", [1, 10])
def test_a_dense_cell_pays_two_forward_passes_for_every_step_of_its_attack(steps):
    cell = cell_of(model="mlp", steps=steps, recipe={"epochs": 1})
    outcome = train(cell)[cell.id]
    inference = outcome.metrics["inference_flops"]
    assert outcome.metrics["train_flops"] == (3 + 2 * steps) * inference * outcome.samples


def test_images_are_augmented_first_and_attacked_then():
    engine = engine_of(cell_of(recipe={"crop": 2, "flip": True}, random_start=False))
    assert augments(engine.workload.recipe)
    batch = batch_of(engine)
    found = hardened(engine, batch)[0]
    assert float((found - as_pixels(batch[0])).abs().max()) <= 8 / 255 + 1e-6


@pytest.mark.parametrize(
    ("given", "epsilon", "step_size"),
    [
        ({}, 8 / 255, 2 / 255),
        ({"norm": "l2"}, 128 / 255, 32 / 255),
        ({"epsilon": 0.1}, 0.1, 0.025),
        ({"epsilon": "4/255", "step_size": "3/255"}, 4 / 255, 3 / 255),
        ({"norm": "l2", "epsilon": 2}, 2.0, 0.5),
    ],
)
def test_sizes_that_are_not_given_follow_from_the_norm(given, epsilon, step_size):
    """The published code keeps 8/255 in L2, an attack that does next to nothing."""
    attack = Adversarial(build_options(AdversarialOptions, given, "adversarial")).attack
    assert (attack.epsilon, attack.step_size) == pytest.approx((epsilon, step_size), abs=0)
    assert (attack.steps, AdversarialOptions().random_start) == (10, True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epsilon": 8}, "epsilon is 8.0; it must be > 0 and < 8"),
        ({"epsilon": 4}, "epsilon is 4.0; it must be <= 1 with norm: linf"),
        ({"epsilon": 0}, "epsilon is 0.0; it must be > 0 and < 8"),
        ({"steps": 0}, "steps is 0; it must be >= 1"),
        ({"norm": "l1"}, "norm is 'l1'; allowed: linf, l2 (did you mean 'l2'?)"),
        (
            {"mode": "eval", "track_statistics": True},
            "track_statistics has no effect with mode: eval; leave it out",
        ),
    ],
)
def test_what_makes_no_attack_is_refused(given, message):
    with pytest.raises(ValueError, match="adversarial: ") as caught:
        build_options(AdversarialOptions, given, "adversarial")
    assert message in str(caught.value)
