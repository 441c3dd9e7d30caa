"""What a pack does with cells that fare differently."""

import math

import pytest

from sparse.methods import METHODS
from tests.support.cells import make_cell, result, train, train_reported
from trainer.metrics import METRICS


def test_every_metric_of_the_catalogue_is_measured_and_no_other():
    cells = [make_cell("set_np", options={"update_every": 4}), make_cell("same_capacity")]
    outcomes = train(*cells).values()
    assert {outcome.state for outcome in outcomes} == {"COMPLETED"}
    measured = {name for outcome in outcomes for name in outcome.metrics}
    assert measured == {metric["name"] for metric in METRICS}
    for outcome in outcomes:
        assert outcome.metrics["generalisation_gap"] == pytest.approx(
            outcome.metrics["train_accuracy"] - outcome.metrics["test_accuracy"]
        )


def test_a_sparse_perceptron_learns():
    cell = make_cell("rigl", "0.3", epochs=15, options={"update_every": 10})
    outcome = train(cell)[cell.id]
    assert outcome.metrics["test_accuracy"] > 0.9
    assert outcome.curve["train_loss"][-1] < outcome.curve["train_loss"][0] / 2


def test_the_curve_has_one_row_per_epoch():
    cell = make_cell(epochs=4)
    curve = train(cell)[cell.id].curve
    assert curve["epoch"] == [1, 2, 3, 4]
    assert curve["step"] == [6, 12, 18, 24]
    assert {len(column) for column in curve.values()} == {4}
    assert max(curve["val_accuracy"]) == train(cell)[cell.id].metrics["best_val_accuracy"]


def test_layers_add_up_to_the_exact_target():
    cell = make_cell("static", "0.3")
    layers = train(cell)[cell.id].layers
    total = 13 * 17 + 17 * 33 + 33 * 3
    assert sum(layer["total"] for layer in layers) == total
    assert sum(layer["active"] for layer in layers) == math.floor(0.3 * total + 0.5)


def test_a_cell_whose_method_cannot_start_fails_alone():
    good = make_cell("static", seed=1)
    bad = make_cell("set", options={"drop_fraction": 7.0})
    outcomes = train(good, bad)
    assert outcomes[bad.id].state == "FAILED"
    assert outcomes[bad.id].error["phase"] == "prepare"
    assert "drop_fraction" in outcomes[bad.id].error["message"]
    assert result(outcomes[good.id]) == result(train(good)[good.id])


def test_a_method_that_breaks_in_the_middle_fails_alone(monkeypatch):
    def broken(self, step):
        raise ZeroDivisionError("not my day")

    monkeypatch.setattr(METHODS.get("rigl").target, "after_step", broken)
    good = make_cell("set", seed=1, options={"update_every": 4})
    bad = make_cell("rigl", options={"update_every": 4})
    outcomes = train(bad, good)
    assert outcomes[bad.id].state == "FAILED"
    assert outcomes[bad.id].error["type"] == "ZeroDivisionError"
    assert "not my day" in outcomes[bad.id].error["traceback"]
    assert result(outcomes[good.id]) == result(train(good)[good.id])


@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_a_method_that_breaks_at_once_and_alone_is_told_by_its_own_error(model, monkeypatch):
    def broken(self, step):
        raise ZeroDivisionError("not my day")

    monkeypatch.setattr(METHODS.get("rigl").target, "after_step", broken)
    cell = make_cell(
        "rigl",
        options={"update_every": 2},
        model=model,
        dataset_options={"examples": 123, "features": 64, "image_size": 8},
    )
    outcome = train(cell)[cell.id]
    assert (outcome.state, outcome.error["type"]) == ("FAILED", "ZeroDivisionError")


@pytest.mark.parametrize("method", ["dense", "static", "snip", "gmp", "set", "rigl"])
def test_a_diverged_cell_is_invalid_and_its_neighbours_are_not(method):
    options = {"update_every": 2} if method in ("gmp", "set", "rigl") else {}
    wild = make_cell(method, lr=1e20, options=options)
    tame = make_cell("dense", seed=1)
    outcomes = train(wild, tame)
    assert outcomes[wild.id].state == "INVALID"
    assert outcomes[wild.id].metrics == {}
    assert "the loss stopped being finite in epoch" in outcomes[wild.id].error["message"]
    assert result(outcomes[tame.id]) == result(train(tame)[tame.id])


def test_a_fault_of_the_shared_program_costs_the_guilty_cell_only(monkeypatch):
    from trainer.engines.stack import StackEngine

    original = StackEngine.backward

    def backward(self, indices, step):
        if any(cell.seed == 2 for cell in self.cells) and step == 3:
            raise MemoryError("too big")
        return original(self, indices, step)

    cells = [make_cell("static", seed=seed) for seed in range(3)]
    expected = result(train(cells[0])[cells[0].id])
    monkeypatch.setattr(StackEngine, "backward", backward)
    monkeypatch.setattr("trainer.engines.auto._search", lambda w, c, candidates: candidates[0])
    outcomes = train(*cells)
    assert [outcomes[cell.id].state for cell in cells] == ["COMPLETED"] * 2 + ["OUT_OF_MEMORY"]
    assert result(outcomes[cells[0].id]) == expected


def test_missing_data_fails_every_cell_that_needs_it_and_no_other(tmp_path):
    lost = make_cell(dataset="idx", dataset_options={"folder": "nowhere"})
    fine = make_cell()
    outcomes = train(lost, fine, data_root=tmp_path)
    assert outcomes[lost.id].state == "FAILED"
    assert outcomes[lost.id].error["phase"] == "load"
    assert outcomes[fine.id].state == "COMPLETED"


def test_cells_of_several_shapes_may_share_a_pack():
    cells = [make_cell(), make_cell(batch=8), make_cell(model_options={"hidden": (5,)})]
    outcomes = train(*cells)
    assert {outcome.state for outcome in outcomes.values()} == {"COMPLETED"}


def test_progress_is_told(monkeypatch):
    told = []
    clock = iter(range(10**6))
    monkeypatch.setattr("trainer.run.time.monotonic", lambda: float(next(clock)))
    train_reported(make_cell(), progress=told.append)
    assert told[0].cells_total == 1
    assert told[-1].total_steps == 18
    assert [report.step for report in told] == sorted(report.step for report in told)


def test_a_hook_that_runs_out_of_memory_is_told_as_such(monkeypatch):
    def greedy(self, step):
        raise MemoryError("no room for the scores")

    monkeypatch.setattr(METHODS.get("rigl").target, "after_step", greedy)
    cell = make_cell("rigl", options={"update_every": 2})
    outcome = train(cell)[cell.id]
    assert (outcome.state, outcome.error["phase"]) == ("OUT_OF_MEMORY", "topology update")


def test_a_hook_that_fails_at_the_gradients_is_told_as_that(monkeypatch):
    def broken(self, step):
        raise RuntimeError("no gradients for me")

    monkeypatch.setattr(METHODS.get("rigl").target, "after_backward", broken)
    cell = make_cell("rigl", options={"update_every": 2})
    outcome = train(cell)[cell.id]
    assert (outcome.state, outcome.error["phase"]) == ("FAILED", "looking at gradients")


def test_data_for_which_there_is_no_room_are_no_other_failure(monkeypatch):
    def full(*_):
        raise MemoryError("no room for the data")

    monkeypatch.setattr("trainer.run.load_workload", full)
    cell = make_cell("static")
    outcome = train(cell)[cell.id]
    assert (outcome.state, outcome.error["phase"]) == ("OUT_OF_MEMORY", "load")
