"""Interrupted at any step and resumed, a cell is the cell that was never interrupted."""

import pytest

from tests.support.cells import make_cell, result, train, train_reported
from trainer.checkpoint import read_states

UPDATES = {"update_every": 4}
METHODS = {"dense": {}, "static": {}, "snip": {}, "gmp": UPDATES, "set": UPDATES, "rigl": UPDATES}


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
    return [
        make_cell(name, seed=seed, options=options, model=model, dataset_options=task, **recipe)
        for seed, (name, options) in enumerate(METHODS.items())
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
@pytest.mark.parametrize("method", METHODS)
def test_a_convnet_stopped_at_any_step_goes_on_to_the_same_bits(method, stop, tmp_path):
    (cell,) = [c for c in cells_of("convnet", epochs=2) if c.method.name == method]
    whole = result(train(cell)[cell.id])
    _, files = interrupted([cell], stop, tmp_path)
    assert result(train(cell, resume_from=files)[cell.id]) == whole


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_the_moments_and_their_bias_correction_survive(optimizer, tmp_path):
    cells = cells_of("mlp", optimizer=optimizer, lr=0.01)
    whole = {key: result(value) for key, value in train(*cells).items()}
    _, files = interrupted(cells, 9, tmp_path)
    resumed = train(*cells, resume_from=files)
    assert {key: result(value) for key, value in resumed.items()} == whole


def test_a_cell_resumes_in_a_pack_of_another_composition(tmp_path):
    cells = cells_of("mlp")
    whole = {key: result(value) for key, value in train(*cells).items()}
    _, files = interrupted(cells[:3], 7, tmp_path / "first")
    _, more = interrupted(cells[3:], 11, tmp_path / "second")
    shuffled = [cells[4], cells[1], cells[5], cells[0], cells[3], cells[2]]
    resumed = train(*shuffled, resume_from=[*more, *files])
    assert {key: result(value) for key, value in resumed.items()} == whole
    assert sorted(outcome.resumed_step for outcome in resumed.values()) == [7, 7, 7, 11, 11, 11]


def test_interrupted_twice_is_as_good_as_never(tmp_path):
    cells = cells_of("mlp")
    whole = {key: result(value) for key, value in train(*cells).items()}
    _, files = interrupted(cells, 5, tmp_path / "first")
    train_reported(
        *cells, resume_from=files, checkpoint_folder=tmp_path / "second", should_stop=StopAfter(6)
    )
    newest = [*(tmp_path / "second").glob("*.pt"), *files]
    assert {state["step"] for state in read_states(newest, [c.id for c in cells]).values()} == {11}
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
    assert set(read_states(files, [cell.id for cell in cells])) == {cells[1].id}


IMAGES = {"dataset_options": {"examples": 123, "features": 64, "image_size": 8, "classes": 3}}
