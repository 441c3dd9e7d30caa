"""Interrupted at any step and resumed, a cell is the cell that was never interrupted."""

import pytest
import torch

from grids.recipe import OPTIONS
from tests.support.cells import make_cell, result, train, train_reported
from tests.support.methods import frequent, method_names
from trainer.checkpoint import origin_of_this_process, read_states
from trainer.models.activations import LEARNED

ORIGIN = {**origin_of_this_process(), "code": ""}


@pytest.fixture(autouse=True)
def one_wide_block(monkeypatch):
    """All cells of a pack in one block, whatever the timing says."""
    monkeypatch.setattr("trainer.engines.auto._search", lambda w, c, candidates: candidates[0])


class StopAfter:
    """Asks a pack to stop after so many polls at steps."""

    def __init__(self, steps):
        self.left = steps  # the first poll comes before the first step

    def __call__(self):
        self.left -= 1
        return self.left < 0


def cells_of(model, **recipe):
    task = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
    stacked = method_names(stackable=True, narrows=False)  # one shape, so one block
    names = stacked if model == "mlp" else method_names()
    return [
        make_cell(name, seed=n, options=frequent(name), model=model, dataset_options=task, **recipe)
        for n, name in enumerate(names)
    ]


def interrupted(cells, stop, folder):
    outcomes, report = train_reported(*cells, checkpoint_folder=folder, should_stop=StopAfter(stop))
    assert report.stopped
    return outcomes, sorted(folder.glob("*.pt"), reverse=True)


@pytest.mark.parametrize("stop", range(1, 18))
def test_a_stack_stopped_at_any_step_goes_on_to_the_same_bits(stop, tmp_path):
    cells = cells_of("mlp")
    whole = {key: result(value) for key, value in train(*cells).items()}
    outcomes, files = interrupted(cells, stop, tmp_path)
    assert not outcomes
    resumed = train(*cells, resume_from=files)
    assert {key: result(value) for key, value in resumed.items()} == whole
    assert {outcome.resumed_step for outcome in resumed.values()} == {stop}


@pytest.mark.parametrize("stop", [2, 6, 7])
@pytest.mark.parametrize("method", method_names())
def test_a_convnet_stopped_at_any_step_goes_on_to_the_same_bits(method, stop, tmp_path):
    (cell,) = [c for c in cells_of("convnet", epochs=2) if c.method.name == method]
    whole = result(train(cell)[cell.id])
    _, files = interrupted([cell], stop, tmp_path)
    assert result(train(cell, resume_from=files)[cell.id]) == whole


def test_counts_of_the_weights_a_cell_began_with_survive(tmp_path):
    cell = make_cell("gmp", options={"scope": "layer", "update_every": 2}, allocation="snip")
    whole = result(train(cell)[cell.id])
    _, files = interrupted([cell], 7, tmp_path)
    assert result(train(cell, resume_from=files)[cell.id]) == whole


@pytest.mark.parametrize("optimizer", OPTIONS["optimizer"].choices)
def test_the_slots_and_the_bias_correction_of_adam_survive(optimizer, tmp_path):
    cells = cells_of("mlp", optimizer=optimizer, lr=0.01)
    whole = {key: result(value) for key, value in train(*cells).items()}
    _, files = interrupted(cells, 9, tmp_path)
    resumed = train(*cells, resume_from=files)
    assert {key: result(value) for key, value in resumed.items()} == whole


@pytest.mark.parametrize("optimizer", OPTIONS["optimizer"].choices)
@pytest.mark.parametrize("activation", LEARNED)
def test_what_activations_learn_survives(activation, optimizer, tmp_path):
    shape = {"hidden": (9, 9), "activation": activation, "batch_norm": True, "skip": True}
    # 81 training examples: batches of 16 would leave one, which batch norm cannot train on.
    cell = make_cell("set", options=frequent("set"), model_options=shape, optimizer=optimizer,
                     batch=15, lr=0.01)  # fmt: skip
    probes = {cell.id: [{"name": "gradient_flow"}, {"name": "effective"}]}
    whole = result(train(cell, probes=probes)[cell.id])
    assert whole[0] == "COMPLETED"
    assert whole[1]["egf2"] > 0
    train_reported(cell, probes=probes, checkpoint_folder=tmp_path, should_stop=StopAfter(8))
    rest = train(cell, probes=probes, resume_from=sorted(tmp_path.glob("*.pt")))[cell.id]
    assert rest.resumed_step == 8
    assert result(rest) == whole


def test_a_cell_resumes_in_a_pack_of_another_composition(tmp_path):
    cells = cells_of("mlp")
    whole = {key: result(value) for key, value in train(*cells).items()}
    early, late = cells[::2], cells[1::2]
    _, files = interrupted(early, 7, tmp_path / "first")
    _, more = interrupted(late, 11, tmp_path / "second")
    resumed = train(*reversed(cells), resume_from=[*more, *files])
    assert {key: result(value) for key, value in resumed.items()} == whole
    steps = {cell.id: 7 for cell in early} | {cell.id: 11 for cell in late}
    assert {key: outcome.resumed_step for key, outcome in resumed.items()} == steps


def test_interrupted_twice_is_as_good_as_never(tmp_path):
    cells = cells_of("mlp")
    whole = {key: result(value) for key, value in train(*cells).items()}
    _, files = interrupted(cells, 5, tmp_path / "first")
    train_reported(
        *cells, resume_from=files, checkpoint_folder=tmp_path / "second", should_stop=StopAfter(6)
    )
    newest = [*(tmp_path / "second").glob("*.pt"), *files]
    assert {
        state["step"] for state in read_states(newest, [c.id for c in cells], ORIGIN).values()
    } == {11}
    resumed = train(*cells, resume_from=newest)
    assert {key: result(value) for key, value in resumed.items()} == whole


def test_a_torn_checkpoint_falls_back_to_the_one_before(tmp_path, caplog):
    cells = cells_of("mlp")
    whole = {key: result(value) for key, value in train(*cells).items()}
    train_reported(
        *cells, checkpoint_folder=tmp_path, checkpoint_steps=4, should_stop=StopAfter(10)
    )
    newest, before = sorted(tmp_path.glob("*.pt"), reverse=True)
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    resumed = train(*cells, resume_from=[newest, before])
    assert "cannot be read" in caplog.text
    assert {outcome.resumed_step for outcome in resumed.values()} == {8}
    assert {key: result(value) for key, value in resumed.items()} == whole


def test_finished_cells_are_published_before_the_stop(tmp_path):
    cells = [make_cell(model="convnet", seed=seed, **IMAGES) for seed in range(2)]
    outcomes, files = interrupted(cells, 20, tmp_path)
    assert list(outcomes) == [cells[0].id]
    assert set(read_states(files, [cell.id for cell in cells], ORIGIN)) == {cells[1].id}


IMAGES = {"dataset_options": {"examples": 123, "features": 64, "image_size": 8, "classes": 3}}


def test_a_state_that_does_not_fit_costs_a_fresh_start_and_nothing_else(tmp_path, caplog):
    cells = cells_of("mlp")
    whole = {key: result(value) for key, value in train(*cells).items()}
    _, files = interrupted(cells, 5, tmp_path)
    content = torch.load(files[0], weights_only=True)
    del content["cells"][cells[2].id]["engine"]["masks"]
    torch.save(content, files[0])
    resumed = train(*cells, resume_from=files)
    assert "does not fit" in caplog.text
    assert {outcome.resumed_step for outcome in resumed.values()} == {0}
    assert {key: result(value) for key, value in resumed.items()} == whole


def test_a_state_goes_on_in_the_engine_that_saved_it(tmp_path):
    cell = make_cell("static", tier="fast")
    train_reported(cell, engine="solo", checkpoint_folder=tmp_path, should_stop=StopAfter(5))
    (outcome,) = train(cell, engine="stack", resume_from=[*tmp_path.glob("*.pt")]).values()
    assert (outcome.state, outcome.engine, outcome.resumed_step) == ("COMPLETED", "solo", 5)


def test_a_checkpoint_that_cannot_be_written_fails_no_cell(tmp_path, caplog):
    (tmp_path / "full").write_text("a file where a folder should be")
    cells = cells_of("mlp")
    outcomes = train(*cells, checkpoint_folder=tmp_path / "full", checkpoint_steps=4)
    assert {outcome.state for outcome in outcomes.values()} == {"COMPLETED"}
    assert "cannot be written" in caplog.text


def test_the_seconds_before_an_interruption_are_charged(tmp_path):
    cells = cells_of("mlp")
    _, files = interrupted(cells, 9, tmp_path)
    content = torch.load(files[0], weights_only=True)
    for state in content["cells"].values():
        assert state["run"]["seconds"] > 0
        state["run"]["seconds"] = 1000.0
    torch.save(content, files[0])
    resumed = train(*cells, resume_from=files)
    assert min(outcome.seconds for outcome in resumed.values()) > 1000.0


def rewound(**recipe):
    """Rounds of imp that go on from step 4, with early weights and with those just trained."""
    kinds = ({}, {"rewind": "learning_rate"})
    return [
        make_cell("imp", "0.8", n, options={"rewind_step": 4, **kind}, **recipe)
        for n, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize("recipe", [{}, {"optimizer": "adam", "lr": 0.01}], ids=["sgd", "adam"])
@pytest.mark.parametrize("stop", range(1, 14))
def test_a_run_that_goes_on_from_a_step_resumes_at_its_own(stop, recipe, tmp_path):
    cells = rewound(**recipe)
    whole = {key: result(value) for key, value in train(*cells).items()}
    _, files = interrupted(cells, stop, tmp_path)
    states = read_states(files, [cell.id for cell in cells], ORIGIN).values()
    assert {(state["step"], state["engine"]["steps"]) for state in states} == {(4 + stop, stop)}
    resumed = train(*cells, resume_from=files)
    assert {key: result(value) for key, value in resumed.items()} == whole
    assert {outcome.resumed_step for outcome in resumed.values()} == {4 + stop}


@pytest.mark.parametrize("stop", [1, 2, 5])
def test_a_convnet_that_goes_on_from_a_step_resumes_at_its_own(stop, tmp_path):
    cell = rewound(model="convnet", epochs=2, **IMAGES)[0]
    whole = result(train(cell)[cell.id])
    _, files = interrupted([cell], stop, tmp_path)
    (outcome,) = train(cell, resume_from=files).values()
    assert (result(outcome), outcome.resumed_step) == (whole, 4 + stop)


def test_cells_that_came_to_one_step_by_fewer_steps_resume_apart(tmp_path):
    # Adam's bias correction counts the steps of a stack, and the curve the examples of the epoch.
    early, late = make_cell("static", optimizer="adam", lr=0.01), rewound(optimizer="adam", lr=0.01)
    cells = [early, *late]
    whole = {key: result(value) for key, value in train(*cells).items()}
    _, files = interrupted([early], 5, tmp_path / "first")
    _, more = interrupted(late, 1, tmp_path / "second")
    resumed = train(*cells, resume_from=[*more, *files])
    assert {key: result(value) for key, value in resumed.items()} == whole
    assert [outcome.resumed_step for outcome in resumed.values()] == [5, 5, 5]


def test_a_cell_that_begins_at_a_step_waits_for_none_that_resumes_there(tmp_path):
    early, late = make_cell("static"), rewound()
    whole = {key: result(value) for key, value in train(early, *late).items()}
    _, files = interrupted([early], 4, tmp_path)
    resumed = train(early, *late, resume_from=files, engine="stack")
    assert {key: result(value) for key, value in resumed.items()} == whole
    assert resumed[early.id].resumed_step == 4


def test_a_state_that_does_not_fit_costs_a_start_from_the_step_to_go_on_from(tmp_path, caplog):
    cell = rewound()[0]
    whole = result(train(cell)[cell.id])
    _, files = interrupted([cell], 5, tmp_path)
    content = torch.load(files[0], weights_only=True)
    del content["cells"][cell.id]["engine"]["masks"]
    torch.save(content, files[0])
    (outcome,) = train(cell, resume_from=files).values()
    assert "does not fit" in caplog.text
    assert (result(outcome), outcome.resumed_step) == (whole, 0)


@pytest.mark.parametrize("model", ["mlp", "convnet"])
@pytest.mark.parametrize("stop", [4, 5, 6])
def test_what_was_taken_on_the_way_survives_an_interruption(stop, model, tmp_path):
    task = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
    cell = make_cell("static", model=model, dataset_options=task)
    asked = {"artifacts": {cell.id: ["rewind@5", "final"]}}
    whole = train(cell, **asked)[cell.id].artifacts
    train_reported(cell, checkpoint_folder=tmp_path, should_stop=StopAfter(stop), **asked)
    (outcome,) = train(cell, resume_from=[*tmp_path.glob("*.pt")], **asked).values()
    assert outcome.resumed_step == stop
    assert outcome.artifacts == whole


@pytest.mark.parametrize(("stop", "resumed"), [(4, 4), (5, 0)])
def test_a_state_past_a_step_that_nobody_asked_for_then_is_of_no_use(stop, resumed, tmp_path):
    cell = make_cell("static")
    asked = {"artifacts": {cell.id: ["rewind@5"]}}
    whole = train(cell, **asked)[cell.id].artifacts
    _, files = interrupted([cell], stop, tmp_path)
    (outcome,) = train(cell, resume_from=files, **asked).values()
    assert outcome.resumed_step == resumed
    assert outcome.artifacts == whole


SCORES = ["el2n@4", "forgetting@4", "forgetting@2e", "grand@2e", "margin@13"]


@pytest.mark.parametrize(
    ("model", "stop"), [*(("mlp", n) for n in range(1, 18)), *(("convnet", n) for n in (3, 4, 12))]
)
def test_a_producer_stopped_at_any_step_leaves_the_same_scores(model, stop, tmp_path):
    task = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
    cell = make_cell("dense", model=model, dataset_options=task)
    asked = {"artifacts": {cell.id: SCORES}}
    whole = train(cell, **asked)[cell.id].artifacts
    train_reported(cell, checkpoint_folder=tmp_path, should_stop=StopAfter(stop), **asked)
    (outcome,) = train(cell, resume_from=[*tmp_path.glob("*.pt")], **asked).values()
    assert (outcome.resumed_step, sorted(outcome.artifacts)) == (stop, sorted(SCORES))
    assert outcome.artifacts == whole


def test_a_state_in_which_nobody_counted_what_is_forgotten_is_of_no_use(tmp_path):
    cell = make_cell("dense")
    asked = {"artifacts": {cell.id: ["forgetting@3e"]}}
    whole = train(cell, **asked)[cell.id].artifacts
    _, files = interrupted([cell], 5, tmp_path)
    (outcome,) = train(cell, resume_from=files, **asked).values()
    assert (outcome.resumed_step, outcome.artifacts) == (0, whole)
