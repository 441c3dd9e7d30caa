"""str over whole runs: what is learned, in which steps, and layers that would end empty."""

import pytest
import torch
from torch import nn

from sparse import STR, attach
from tests.support.cells import make_cell, train
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps


def started(method, values):
    method.prepare(ToyContext([ToyLayer("w", torch.tensor([values]))], total_steps=300))
    return method.layers[0]


def test_s_takes_steps_of_sgd_with_momentum_and_decay_of_its_own():
    method = STR(initial=-2.0, decay=0.5, momentum=0.5)
    layer = started(method, [-0.3, 0.05, 0.2])
    s, velocity = torch.tensor(-2.0), torch.tensor(0.0)
    for _ in range(3):
        method.stored_gradient(layer, torch.tensor([[1.0, 5.0, 3.0]]))
        slope = method.slopes["w"].clone()
        velocity = 0.5 * velocity + slope + 0.5 * s
        s = s - 0.1 * velocity
        method.learn(0.1)
        torch.testing.assert_close(method.thresholds["w"], s)
    assert s > -2.0 + 0.1
    assert torch.equal(layer.mask, (layer.weight.abs() > s.sigmoid()).float())


def test_a_layer_without_a_gradient_decays_alone():
    method = STR(initial=-2.0, decay=0.5, momentum=0.0)
    started(method, [0.3, 0.2])
    method.learn(0.1)
    assert float(method.thresholds["w"]) == pytest.approx(-2 + 0.1 * 0.5 * 2)


def active(method):
    return {layer.name: int(layer.mask.sum()) for layer in method.layers}


def test_counts_are_those_of_the_last_check_whatever_is_saved_until_the_end():
    method = STR(initial=-2.0, decay=0.0, momentum=0.0)
    method.prepare(ToyContext(make_layers(), total_steps=1000))
    before = dict(method.counts)
    run_steps(method, 1, 9)
    assert active(method) != before == method.counts == method.state_dict()["counts"]
    run_steps(method, 10, 10)
    checked = active(method)
    run_steps(method, 11, 15)
    assert active(method) != checked == method.counts
    method.finish()
    assert method.counts == active(method)


@pytest.mark.parametrize(
    ("total", "first", "last"),
    [(7, 1, 6), (100, 1, 99), (101, 2, 100), (740, 8, 736), (20_000, 100, 19_900)],
)
def test_weights_are_counted_a_hundred_times_a_run_or_every_100_steps(total, first, last):
    method = STR()
    method.prepare(ToyContext(make_layers(), total_steps=total))
    checks = [step for step in range(1, total + 1) if method.wants_update(step)]
    assert (checks[0], checks[1], checks[-1]) == (first, 2 * first, last)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_thresholds_are_learned_in_ones_own_loop(optimizer):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 3))
    steps = optimizer(model.parameters(), lr=0.05)
    handle = attach(model, steps, STR(initial=-3.0))
    for step in range(40):
        inputs = torch.randn(16, 6, generator=torch.Generator().manual_seed(step))
        steps.zero_grad()
        nn.functional.cross_entropy(model(inputs), (inputs[:, 0] > 0).long()).backward()
        steps.step()
    assert all(float(s) > -3.0 for s in handle.sparsifier.thresholds.values())
    for name, mask in handle.masks().items():
        assert torch.equal(dict(model.named_parameters())[name] != 0, mask)
    assert 0.3 < handle.density < 0.9


def test_a_threshold_above_all_first_weights_is_refused():
    with pytest.raises(ValueError, match="str has left no weight in w: all are below the thresh"):
        started(STR(initial=5.0), [0.3, 0.2])


def test_a_layer_that_ends_empty_is_told_at_the_next_count():
    method = STR()
    layer = started(method, [0.3, 0.2])
    layer.weight.zero_()
    method.learn(0.1)
    for look in (lambda: method.after_step(3), method.finish):
        with pytest.raises(ValueError, match="give a lower initial or a lower decay"):
            look()


@pytest.mark.parametrize("phase", ["topology update", "finish"])
@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_a_cell_whose_layer_has_emptied_fails_and_says_so_even_at_the_end(
    model, phase, monkeypatch
):
    if phase == "finish":  # as where the layer empties in the last step
        monkeypatch.setattr(STR, "wants_update", lambda self, step: False)
    task = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
    options = {"initial": -4.0, "decay": 30.0}
    cell = make_cell("str", options=options, model=model, dataset_options=task, epochs=3)
    neighbour = make_cell("static", model=model, dataset_options=task, epochs=3)
    outcomes = train(cell, neighbour)
    assert outcomes[neighbour.id].state == "COMPLETED"
    assert outcomes[cell.id].state == "FAILED"
    assert outcomes[cell.id].error["phase"] == phase
    assert "str has left no weight in" in outcomes[cell.id].error["message"]


@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_with_the_published_first_value_a_short_run_is_that_of_dense(model):
    task = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
    shared = {"model": model, "dataset_options": task, "epochs": 2}
    ours = make_cell("str", options={"initial": -3200.0}, **shared)
    dense = make_cell("dense", **shared)
    outcomes = train(ours, dense)
    assert outcomes[ours.id].state == "COMPLETED"
    assert outcomes[ours.id].curve == outcomes[dense.id].curve
    assert outcomes[ours.id].layers == outcomes[dense.id].layers
