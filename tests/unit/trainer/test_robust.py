"""The probe robust: which attack on which examples, when, and what it makes of several epochs."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from sparse.options import build_options
from tests.support.cells import component, make_cell, train
from trainer import seeding
from trainer.attacks import Attack
from trainer.data.bundle import as_pixels
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.probes.robust import FGSM, TEST, TRAIN, VAL, Robust, RobustOptions
from trainer.probes.subject import Subject
from trainer.workload import load_workload

TASK = {"examples": 90, "size": 8, "classes": 4, "noise": 0.05}
MODELS = ["mlp", "convnet"]


def cell_of(model="convnet", scenario="adversarial", *, task=TASK, seed=0, **attack):
    kind = {"model": model, "model_options": {"channels": (4, 8)}} if model == "convnet" else {}
    cell = make_cell("static", seed=seed, epochs=5, crop=1, **kind)
    if scenario == "adversarial":
        attack = {"steps": 2, **attack}
    return replace(
        cell,
        dataset=component("synthetic_images", task),
        scenario=component(scenario, attack),
    )


def robust(**options):
    return Robust(build_options(RobustOptions, options, "probe robust"))


def subject_of(*cells, n=0, epoch=20, final=False):
    kind = SoloEngine if cells[0].model.name == "convnet" else StackEngine
    engine = kind(load_workload(cells[0], None, "cpu"), cells)
    return Subject(engine, n, epoch=epoch, final=final)


def probed(*cells, **options):
    asked = [{"name": "robust", **options}]
    return train(*cells, probes={cell.id: asked for cell in cells})


@pytest.mark.parametrize(
    ("every", "epochs", "due"),
    [(20, 200, list(range(20, 201, 20))), (20, 50, [20, 40, 50]), (0, 30, [30]), (3, 7, [3, 6, 7])],
)
def test_it_measures_on_schedule_and_at_the_end(every, epochs, due):
    probe = robust(every=every)
    assert [epoch for epoch in range(1, epochs + 1) if probe.due(epoch, epochs)] == due


def attack(norm, epsilon, step_size, steps=20):
    size = epsilon / 255
    return Attack(norm=norm, epsilon=size, step_size=step_size / 255, steps=steps)


@pytest.mark.parametrize(
    ("scenario", "trained", "options", "expected"),
    [
        ("clean", {}, {}, attack("linf", 8, 2)),
        ("clean", {}, {"norm": "l2"}, attack("l2", 128, 32)),
        ("adversarial", {}, {"steps": 50}, attack("linf", 8, 2, 50)),
        ("adversarial", {"norm": "l2"}, {}, attack("l2", 128, 32)),
        ("adversarial", {"epsilon": "4/255"}, {}, attack("linf", 4, 1)),
        ("adversarial", {"step_size": "3/255"}, {}, attack("linf", 8, 3)),
        ("adversarial", {"step_size": "3/255"}, {"epsilon": "16/255"}, attack("linf", 16, 4)),
        ("adversarial", {"step_size": "3/255"}, {"norm": "l2"}, attack("l2", 128, 32)),
        ("adversarial", {"epsilon": "4/255"}, {"step_size": "3/255"}, attack("linf", 4, 3)),
    ],
)
def test_what_is_left_open_is_the_attack_of_the_training(scenario, trained, options, expected):
    trained = {name: text if name == "norm" else fraction(text) for name, text in trained.items()}
    subject = subject_of(cell_of(scenario=scenario, **trained))
    found = robust(**options).attack_beside(subject.attack)
    assert (found.norm, found.steps) == (expected.norm, expected.steps)
    assert (found.epsilon, found.step_size) == pytest.approx(
        (expected.epsilon, expected.step_size), rel=1e-12
    )


def fraction(text):
    above, below = text.split("/")
    return int(above) / int(below)


def chosen_of(split, name, count):
    draws = seeding.generator(0, f"probe.robust.{name}.examples")
    return torch.randperm(len(split), generator=draws)[:count].sort().values


def test_some_examples_are_of_all_classes_though_a_split_is_sorted_and_of_every_seed_the_same():
    seen = []
    for seed in (0, 1):
        subject = subject_of(cell_of(seed=seed))
        order = subject.bundle.test.targets.argsort(stable=True)
        by_class = subject.bundle.test.take(order)
        subject.accuracy = lambda split, change, at_once: seen.append(split) or 0.0
        robust(examples=8)._accuracy(subject, by_class, "test", None)
    assert len(seen[0]) == 8
    assert seen[0].targets.unique().tolist() == [0, 1, 2, 3]
    assert torch.equal(seen[0].ids, seen[1].ids)


@pytest.mark.parametrize("model", MODELS)
def test_accuracies_are_those_under_descent_on_the_frozen_network(model):
    subject = subject_of(cell_of(model))
    found = robust(steps=3, epsilon=0.1, random_start=False, examples=11).measure(subject)
    assert set(found) == {VAL, TEST}
    for name, split in ((VAL, subject.bundle.val), (TEST, subject.bundle.test)):
        chosen = chosen_of(split, "val" if name == VAL else "test", 11)
        pixels, targets = as_pixels(split.inputs[chosen]), split.targets[chosen]
        moved = pixels.clone()
        for _ in range(3):
            moved = moved.detach().requires_grad_()
            loss = nn.functional.cross_entropy(subject.module()(moved), targets)
            (slopes,) = torch.autograd.grad(loss, moved)
            moved = (moved + 0.025 * slopes.sign() - pixels).clamp(-0.1, 0.1) + pixels
            moved = moved.clamp(0.0, 1.0).detach()
        correct = subject.logits(moved).argmax(1) == targets
        assert found[name] == int(correct.sum()) / len(targets)


@pytest.mark.parametrize("model", MODELS)
def test_measured_again_in_other_company_it_is_the_same_number(model):
    cells = [cell_of(model, seed=seed) for seed in ((2, 3) if model == "mlp" else (3,))]
    found = robust(fgsm=True).measure(subject_of(*cells, n=len(cells) - 1))
    alone = subject_of(cells[-1])
    torch.rand(7)
    assert robust(fgsm=True).measure(alone) == found
    assert robust(fgsm=True).measure(alone) == found


def test_starts_are_of_the_seed_and_the_epoch():
    cell = cell_of()
    draws = {
        (seed, epoch): subject_of(replace(cell, seed=seed), epoch=epoch).generator(
            "robust.test", epoch
        )
        for seed in (0, 1)
        for epoch in (20, 40)
    }
    assert len({own.initial_seed() for own in draws.values()}) == 4


def test_the_network_is_in_evaluation_mode_and_nothing_of_it_moves():
    """Published evaluation leaves parameters open to gradients, and so pays for them."""
    cell = cell_of()
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    subject, model = Subject(engine, 0, epoch=20, final=True), engine.model
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    robust(fgsm=True, autoattack=False).measure(subject)
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert any("running_mean" in name for name in before)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    assert not subject.module().training
    assert not any(parameter.requires_grad for parameter in subject.module().parameters())


def test_the_training_split_is_measured_without_augmentation_at_the_end_alone():
    subject = subject_of(cell_of())
    assert TRAIN not in robust().measure(subject)
    final = subject_of(cell_of(), final=True)
    found = robust(steps=1, epsilon=1e-9, random_start=False).measure(final)
    train_split = subject.bundle.train
    right = subject.logits(train_split.inputs).argmax(1) == train_split.targets
    assert found[TRAIN] == int(right.sum()) / len(train_split)


def test_the_best_epoch_is_chosen_by_validation_and_told_apart_from_the_last():
    points = [
        (20, {VAL: 0.3, TEST: 0.9}),
        (40, {VAL: 0.5, TEST: 0.40}),
        (60, {VAL: 0.5, TEST: 0.45}),
        (70, {VAL: 0.4, TEST: 0.35, TRAIN: 0.8}),
    ]
    found = robust().summarise(points)
    assert found == pytest.approx(
        {
            VAL: 0.4,
            TEST: 0.35,
            TRAIN: 0.8,
            "robust_generalisation_gap": 0.45,
            "best_robust_val_accuracy": 0.5,
            "best_robust_val_epoch": 40.0,
            "robust_test_accuracy_at_best_val": 0.40,
            "robust_best_final_difference": 0.05,
        }
    )


@pytest.mark.parametrize("model", MODELS)
def test_it_is_in_curve_and_metrics_and_training_is_the_same_without_it(model):
    cell = cell_of(model)
    plain = train(cell)[cell.id]
    found = probed(cell, every=2, steps=2, fgsm=True)[cell.id]
    assert found.state == "COMPLETED", found.error
    measured = [value is not None for value in found.curve[VAL]]
    assert measured == [False, True, False, True, True]
    assert [value is not None for value in found.curve[TRAIN]] == [False] * 4 + [True]
    assert found.metrics[FGSM] == found.curve[FGSM][-1]
    assert plain.metrics == {name: found.metrics[name] for name in plain.metrics}
    assert plain.curve == {name: found.curve[name] for name in plain.curve}


def test_training_under_attack_withstands_it_better():
    recipe = {"epochs": 8, "batch": 32, "model_options": {"hidden": (64,)}}
    metrics = []
    for epsilon in (0.0001, 0.15):
        attack = component("adversarial", {"steps": 5, "epsilon": epsilon})
        cell = replace(make_cell("dense", dataset="digits", **recipe), scenario=attack)
        metrics.append(probed(cell, epsilon=0.15, every=0)[cell.id].metrics)
    clean, hard = metrics
    assert clean["test_accuracy"] > 0.9
    assert clean[TEST] < 0.4
    assert hard[TEST] > 0.5


def test_the_ensemble_is_measured_at_the_end_and_is_the_harder():
    cell = cell_of(task={**TASK, "examples": 60})
    found = probed(cell, autoattack=True, every=2, examples=3)[cell.id]
    assert found.state == "COMPLETED", found.error
    assert [v is not None for v in found.curve["autoattack_test_accuracy"]] == [False] * 4 + [True]
    assert found.metrics["autoattack_test_accuracy"] <= found.metrics[TEST]


def test_the_ensemble_with_too_few_classes_is_refused_before_training():
    cell = cell_of(task={**TASK, "classes": 3})
    found = probed(cell, autoattack=True, every=1)[cell.id]
    assert found.state == "FAILED"
    assert found.error["message"] == (
        "probe robust: autoattack needs 4 classes; dataset synthetic_images has 3"
    )
    assert (found.error["phase"], found.curve) == ("probe robust(autoattack=true, every=1)", {})


def test_a_size_that_the_norm_of_the_training_has_no_room_for_is_refused_before_training():
    for scenario, norm in (("clean", {}), ("adversarial", {"norm": "linf"})):
        cell = cell_of(scenario=scenario, **norm)
        found = probed(cell, epsilon=2.0)[cell.id]
        assert (found.state, found.error["phase"]) == ("FAILED", "probe robust(epsilon=2.0)")
        assert found.error["message"] == (
            "probe robust: epsilon is 2; pixels lie in [0, 1]: write 2/255"
        )
    far = cell_of(norm="l2")
    assert probed(far, epsilon=2.0, steps=1)[far.id].state == "COMPLETED"


def test_a_size_that_no_pixel_has_room_for_is_refused():
    with pytest.raises(ValueError, match=r"epsilon is 2\.0; it must be <= 1 with norm: linf"):
        robust(norm="linf", epsilon=2)
    with pytest.raises(ValueError, match="epsilon is 2; pixels lie in"):
        robust(epsilon=2).measure(subject_of(cell_of()))
    assert robust(norm="l2", epsilon=2).options.epsilon == 2.0
