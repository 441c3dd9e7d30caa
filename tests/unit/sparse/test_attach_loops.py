"""attach: other people's loops: any optimizer, groups, accumulation, scaled and compiled steps."""

import pytest
import torch
from torch import nn

from sparse import RigL, Static, attach

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    "adam, amsgrad": lambda p: torch.optim.Adam(p, lr=1e-2, amsgrad=True),
    "adam, one by one": lambda p: torch.optim.Adam(p, lr=1e-2, foreach=False),
    "adamw, fused": lambda p: torch.optim.AdamW(p, lr=1e-2, fused=True),
    "rmsprop, centred": lambda p: torch.optim.RMSprop(p, lr=1e-3, momentum=0.5, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=1e-2, initial_accumulator_value=0.1),
    "adadelta": lambda p: torch.optim.Adadelta(p),
    "adamax": lambda p: torch.optim.Adamax(p),
    "nadam": lambda p: torch.optim.NAdam(p),
    "radam": lambda p: torch.optim.RAdam(p),
    "rprop": lambda p: torch.optim.Rprop(p),
    "asgd": lambda p: torch.optim.ASGD(p),
    "muon": lambda p: torch.optim.Muon(p),
}


def loss_of(model, step):
    inputs = torch.randn(16, 6, generator=torch.Generator().manual_seed(step))
    return nn.functional.cross_entropy(model(inputs), (inputs[:, 0] > 0).long())


def matrices():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 20, bias=False), nn.ReLU(), nn.Linear(20, 3, bias=False))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_slots_of_any_optimizer_are_recognised_and_stay_masked(kind):
    model = matrices()
    optimizer = OPTIMIZERS[kind](model.parameters())
    handle = attach(model, optimizer, RigL(0.25, update_every=2), total_steps=12)
    first = handle.masks()
    for step in range(12):
        optimizer.zero_grad()
        loss_of(model, step).backward()
        optimizer.step()
        masks, parameters = handle.masks(), dict(model.named_parameters())
        for name, mask in masks.items():
            slots = [slot for slot in optimizer.state[parameters[name]].values() if slot.ndim == 2]
            assert slots
            assert not any(bool(tensor[~mask].any()) for tensor in (parameters[name], *slots))
    assert any(not torch.equal(first[name], mask) for name, mask in handle.masks().items())
    assert handle.density == 45 / 180
    assert all(bool(weight[masks[name]].any()) for name, weight in parameters.items())


def test_an_optimizer_that_keeps_no_number_per_weight_has_no_slots():
    model = matrices()
    optimizer = torch.optim.Adafactor(model.parameters())
    handle = attach(model, optimizer, RigL(0.25, update_every=2), total_steps=12)
    for step in range(12):
        optimizer.zero_grad()
        loss_of(model, step).backward()
        optimizer.step()
    assert handle.density == 45 / 180
    assert all(layer.slots() == {} for layer in handle.sparsifier.layers)
    assert all(not bool(w[~handle.masks()[name]].any()) for name, w in model.named_parameters())


def test_groups_keep_their_own_rates_and_decays():
    model = matrices()
    groups = [
        {"params": [model[0].weight], "lr": 0.5, "weight_decay": 0.1},
        {"params": [model[2].weight], "lr": 0.25, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(groups)
    handle = attach(model, optimizer, Static(0.5))
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    masks = {name: mask.float() for name, mask in handle.masks().items()}
    decayed = (before["0.weight"] - 0.5 * (1 + 0.1 * before["0.weight"])) * masks["0.weight"]
    torch.testing.assert_close(model[0].weight.detach(), decayed)
    assert torch.equal(model[2].weight, (before["2.weight"] - 0.25) * masks["2.weight"])


def test_an_update_sees_the_gradients_accumulated_over_all_backward_passes():
    model = nn.Linear(4, 3, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    handle = attach(model, optimizer, RigL(0.25, update_every=1, drop_fraction=0.5), total_steps=4)
    before = handle.masks()["weight"]
    parts = torch.randn(3, 3, 4, generator=torch.Generator().manual_seed(1))
    # The last part alone would grow where the sum is zero.
    parts[2] += 10 * (torch.arange(12).view(3, 4) % 5 == 0)
    parts[1] -= 10 * (torch.arange(12).view(3, 4) % 5 == 0)
    for part in parts:
        (model.weight * part).sum().backward()
    assert handle.step == 0
    optimizer.step()
    grown = handle.masks()["weight"] & ~before
    total = parts.sum(0).abs().masked_fill(before, -1.0)
    assert (handle.step, int(grown.sum())) == (1, 1)
    assert grown.flatten().nonzero().item() == total.flatten().argmax().item()
    assert parts[2].abs().masked_fill(before, -1.0).argmax() != total.argmax()


# A scaler calls the step of a fused optimizer even where it is to be skipped.
@pytest.mark.parametrize("fused", [False, True])
def test_guard_a_scaled_step_that_is_skipped_moves_neither_weights_nor_masks(fused):
    model = matrices()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=fused)
    handle = attach(model, optimizer, RigL(0.25, update_every=2), total_steps=12)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    steps = []
    for step in range(6):
        optimizer.zero_grad()
        scaler.scale(loss_of(model, step)).backward()
        if step in (1, 2):
            model[0].weight.grad[0, 0] = float("inf")
        before = {"masks": handle.masks(), "weights": model[0].weight.detach().clone()}
        scaler.step(optimizer)
        scaler.update()
        steps.append(handle.step)
        moved = any(
            not torch.equal(before["masks"][name], mask) for name, mask in handle.masks().items()
        )
        assert moved == (step in (3, 5))  # the second and the fourth step that is taken
        assert torch.equal(before["weights"], model[0].weight) == (step in (1, 2))
    assert steps == [1, 1, 1, 2, 3, 4]


@pytest.mark.parametrize("early", [False, True], ids=["unscaled by the step", "and before it"])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("options", [{}, {"growth": "momentum"}], ids=["gradient", "momentum"])
def test_the_scale_of_the_gradients_changes_nothing(options, fused, early):
    found = []
    for scaling in (False, True):
        model = matrices()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
        handle = attach(model, optimizer, RigL(0.25, update_every=4, **options), total_steps=16)
        # The scale of a step is twice that of the one before.
        scaler = torch.amp.GradScaler("cpu", enabled=scaling, init_scale=8.0, growth_interval=1)
        for step in range(12):
            optimizer.zero_grad()
            scaler.scale(loss_of(model, step)).backward()
            if early:
                scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
        found.append([*handle.masks().values(), *model.parameters()])
    assert all(map(torch.equal, *found))


def test_a_compiled_model_is_trained_sparse():
    model = matrices()
    twin = matrices()
    compiled = torch.compile(model, backend="aot_eager")
    found = []
    for own, forward in ((model, compiled), (twin, twin)):
        optimizer = torch.optim.SGD(own.parameters(), lr=0.1, momentum=0.9)
        handle = attach(own, optimizer, RigL(0.25, update_every=2), total_steps=8)
        for step in range(8):
            optimizer.zero_grad()
            loss_of(forward, step).backward()
            optimizer.step()
        found.append(handle.masks())
        assert handle.density == 45 / 180
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    assert not bool(model[0].weight[~found[0]["0.weight"]].any())
