"""Runs that go on from a later step: what they have taken from the run that they go on with.

81 training examples in batches of 16 are 6 steps an epoch, of which the last sees 1 example; 3
epochs are 18 steps.
"""

import math

import pytest
import torch

from tests.support.cells import make_cell, result, train, train_reported
from tests.support.producers import inputs_of
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine

IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
MODELS = [("mlp", None), ("convnet", IMAGES)]
SCHEDULES = {
    "cosine": {},
    "warm-up": {"warmup_epochs": 2, "clip_norm": 0.5},
    "steps": {"schedule": "step", "milestones": (0.3, 0.75)},
}


def ticket(step, density="0.8", rewind="weights", seed=3, **recipe):
    """A cell of imp that goes on from a step."""
    options = {"rewind_step": step} | ({} if rewind == "weights" else {"rewind": rewind})
    return make_cell("imp", density, seed, options=options, **recipe)


def trained(cell, *leaves):
    outcome = train(cell, artifacts={cell.id: leaves})[cell.id]
    assert outcome.state == "COMPLETED", outcome.error
    return outcome


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("step", [4, 6, 13])
@pytest.mark.parametrize(("model", "task"), MODELS)
def test_with_all_weights_and_no_momentum_it_is_the_dense_run(model, task, step, schedule):
    recipe = {"momentum": 0.0, "model": model, "dataset_options": task, **SCHEDULES[schedule]}
    dense = trained(make_cell("dense", seed=3, **recipe), "final", "rewind@14")
    rest = trained(ticket(step, "1", **recipe), "final", "rewind@14")
    assert rest.artifacts == dense.artifacts
    for name, values in dense.curve.items():
        found, rows = rest.curve[name], values[step // 6 :]
        assert len(found) == len(rows)
        # Of an epoch that began before, the means of its steps are those of fewer steps.
        partial = step % 6 != 0 and name in ("train_loss", "train_accuracy")
        assert found[partial:] == rows[partial:]
    of_earlier_epochs = {"best_val_accuracy", "best_val_epoch", "test_accuracy_at_best_val"}
    measured = dense.metrics.keys() - of_earlier_epochs - {"train_flops", "best_final_difference"}
    assert {key: rest.metrics[key] for key in measured} == {k: dense.metrics[k] for k in measured}


def test_the_optimizer_begins_anew():
    dense = trained(make_cell("dense", seed=3, momentum=0.9), "final")
    assert trained(ticket(4, "1", momentum=0.9), "final").artifacts != dense.artifacts


@pytest.mark.parametrize("rewind", ["weights", "learning_rate"])
def test_it_takes_the_steps_that_are_left_with_their_rates_and_examples(rewind, monkeypatch):
    cell, dense = ticket(4, rewind=rewind), make_cell("dense", seed=3)
    inputs = inputs_of([cell])
    steps, rates = [], []
    backward, optimizer_step = StackEngine.backward, StackEngine.optimizer_step

    def noted(self, batch, step):
        summed = backward(self, batch, step)
        steps.append((step, batch[0].tolist(), float(summed[0])))
        return summed

    def rated(self, factor):
        rates.append(factor)
        optimizer_step(self, factor)

    monkeypatch.setattr(StackEngine, "backward", noted)
    monkeypatch.setattr(StackEngine, "optimizer_step", rated)
    curve = train(cell, inputs=inputs)[cell.id].curve
    taken, factors = steps.copy(), rates.copy()
    train(dense)
    whole = steps[len(taken) :]
    assert [step for step, _, _ in taken] == list(range(5, 19))
    assert [seen for _, seen, _ in taken] == [seen for _, seen, _ in whole[4:]]
    assert factors == rates[len(taken) :][4:]
    assert (curve["epoch"], curve["step"]) == ([1, 2, 3], [6, 12, 18])
    cosine = [0.05 * 0.5 * (1 + math.cos(math.pi * done / 18)) for done in (5, 11, 17)]
    assert curve["lr"] == pytest.approx(cosine, rel=1e-12)
    # The first epoch has two steps, of 16 examples and of 1.
    losses = [loss for _, _, loss in taken]
    assert curve["train_loss"][0] == pytest.approx(sum(losses[:2]) / 17, rel=1e-12)
    assert curve["train_loss"][1] == pytest.approx(sum(losses[2:8]) / 81, rel=1e-12)


def test_only_the_learning_rate_needs_no_weights_of_the_step():
    needed = {
        rewind: set(inputs_of([cell])[cell.id])
        for rewind in ("weights", "learning_rate")
        for cell in [ticket(4, rewind=rewind)]
    }
    assert needed == {"weights": {"final", "rewind@4"}, "learning_rate": {"final"}}


@pytest.mark.parametrize(
    ("model", "task", "recipe"),
    [
        ("mlp", None, {}),
        ("mlp", None, {"optimizer": "adam", "lr": 0.01}),
        ("convnet", IMAGES, {"epochs": 2}),
    ],
)
def test_its_company_changes_nothing(model, task, recipe, monkeypatch):
    monkeypatch.setattr("trainer.engines.auto._search", lambda w, c, candidates: candidates[0])
    shape = {"model": model, "dataset_options": task, **recipe}
    cells = [
        make_cell("set", seed=3, options={"update_every": 4}, **shape),
        ticket(4, **shape),
        make_cell("dense", **shape),
        ticket(4, "0.64", "learning_rate", 1, **shape),
        ticket(9, **shape),
        ticket(0, **shape),
    ]
    together = train(*cells)
    for cell in cells:
        assert result(together[cell.id]) == result(train(cell)[cell.id])
    widths = [together[cell.id].stack_width for cell in cells]
    assert widths == ([3, 2, 3, 2, 1, 3] if model == "mlp" else [1] * 6)


def test_only_the_steps_that_it_takes_are_paid():
    # Of 3 x 81 samples the first 4 steps saw 64; floor(0.8 x 881 + 1/2) weights are active.
    metrics = trained(ticket(4)).metrics
    assert metrics["train_flops"] == 3 * 2 * 705 * (3 * 81 - 64)
    assert metrics["train_flops_ratio"] == metrics["inference_flops_ratio"] == 705 / 881


@pytest.mark.parametrize("rewind", ["weights", "learning_rate"])
def test_a_run_without_a_step_fails_alone(rewind):
    last, none, other = ticket(17, rewind=rewind), ticket(18, rewind=rewind), make_cell("static")
    outcomes = train(last, none, other)
    assert [outcomes[cell.id].state for cell in (last, none, other)] == [
        "COMPLETED", "FAILED", "COMPLETED",
    ]  # fmt: skip
    error = outcomes[none.id].error
    assert error["phase"] == "prepare"
    assert error["message"] == "IMP goes on from step 18, but the run has 18 steps"
    assert outcomes[last.id].curve["step"] == [18]


def test_it_leaves_nothing_of_steps_that_it_did_not_take():
    cell = ticket(4)
    for step in (3, 4):
        outcome = train(cell, artifacts={cell.id: [f"rewind@{step}"]})[cell.id]
        assert outcome.state == "FAILED"
        message = f"it shall leave rewind@{step}, but its run goes on from step 4"
        assert outcome.error["message"] == message
    assert list(trained(cell, "rewind@5").artifacts) == ["rewind@5"]


def test_progress_counts_the_steps_that_are_taken(monkeypatch):
    cell, told = ticket(4), []
    inputs = inputs_of([cell])
    clock = iter(range(10**6))
    monkeypatch.setattr("trainer.run.time.monotonic", lambda: float(next(clock)))
    train_reported(cell, inputs=inputs, progress=told.append)
    assert {report.total_steps for report in told} == {14}
    assert [report.step for report in told] == list(range(1, 15))


def test_random_layers_go_on_with_the_draws_of_their_step(monkeypatch):
    build = SoloEngine.__init__

    def with_dropout(self, workload, cells):
        build(self, workload, cells)
        self.model.register_forward_pre_hook(_dropped)

    monkeypatch.setattr(SoloEngine, "__init__", with_dropout)
    recipe = {"momentum": 0.0, "model": "convnet", "dataset_options": {**IMAGES, "noise": 0.6}}
    dense = trained(make_cell("dense", seed=3, **recipe), "final")
    assert trained(ticket(4, "1", **recipe), "final").artifacts == dense.artifacts


def _dropped(module, given):
    return (torch.nn.functional.dropout(given[0], 0.5, module.training),)
