"""Artifacts: a cell leaves what it is asked for, and another one begins with it."""

import pytest
import torch

from tests.support.cells import make_cell, train
from tests.support.producers import inputs_of
from trainer.artifacts import (
    ArtifactError,
    Snapshot,
    due_steps,
    read_snapshot,
    take_snapshot,
    to_bytes,
)
from trainer.engines.solo import SoloEngine
from trainer.workload import load_workload

IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}


def final_of(cell, path):
    outcome = train(cell, artifacts={cell.id: ["final"]})[cell.id]
    path.write_bytes(outcome.artifacts["final"])
    return read_snapshot(path)


@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_the_final_holds_every_parameter_and_buffer_and_the_masks(model, tmp_path):
    cell = make_cell("static", "0.3", model=model, dataset_options=IMAGES, epochs=1)
    final = final_of(cell, tmp_path / "final")
    assert (
        final.weights.keys() == load_workload(cell, None, "cpu").build_model(0).state_dict().keys()
    )
    assert final.masks.keys() <= final.weights.keys()
    for name, mask in final.masks.items():
        assert mask.dtype == torch.bool
        assert not final.weights[name][~mask].any()


def test_the_same_cell_leaves_the_same_bytes_alone_and_in_a_pack():
    cell, other = make_cell("set", "0.3"), make_cell("dense", seed=1)
    asked = {"artifacts": {cell.id: ["final"]}}
    alone = train(cell, **asked)[cell.id].artifacts
    packed = train(other, cell, **asked)[cell.id].artifacts
    assert alone == packed
    assert list(alone) == ["final"]


def test_a_cell_that_is_not_asked_leaves_nothing():
    cell = make_cell("dense")
    assert train(cell)[cell.id].artifacts == {}


def test_an_invalid_cell_leaves_nothing():
    cell = make_cell("dense", lr=1e9)
    outcome = train(cell, artifacts={cell.id: ["final"]})[cell.id]
    assert (outcome.state, outcome.artifacts) == ("INVALID", {})


def test_an_unknown_artifact_is_refused():
    cell = make_cell("dense")
    outcome = train(cell, artifacts={cell.id: ["finale"]})[cell.id]
    assert outcome.error["message"] == (
        "unknown artifact 'finale'; allowed: el2n@STEP, final, forgetting@STEP, grand@STEP,"
        " margin@STEP, rewind@STEP; did you mean 'final'?"
    )


def test_the_steps_of_the_artifacts_that_are_taken_on_the_way():
    names = ["final", "rewind@18", "rewind@2", "el2n@3e", "grand@3"]
    run = {"steps_per_epoch": 6}
    assert due_steps(names, total_steps=18, **run) == {
        2: ("rewind@2",), 3: ("grand@3",), 18: ("el2n@3e", "rewind@18"),
    }  # fmt: skip
    with pytest.raises(ArtifactError, match="it shall leave rewind@18, but its run has 17 steps"):
        due_steps(["rewind@18"], total_steps=17, **run)


def test_a_run_that_goes_on_from_a_step_leaves_later_ones_alone():
    run = {"total_steps": 18, "steps_per_epoch": 4, "first_step": 4}
    assert due_steps(["final", "rewind@5"], **run) == {5: ("rewind@5",)}
    for name in ("rewind@4", "rewind@1e"):
        with pytest.raises(ArtifactError, match=f"leave {name}, but its run goes on from step 4"):
            due_steps([name], **run)


def test_a_step_beyond_the_run_fails_the_cell_before_it_begins():
    cell = make_cell("dense")
    outcome = train(cell, artifacts={cell.id: ["rewind@19"]})[cell.id]
    assert outcome.state == "FAILED"
    assert outcome.error["message"] == "it shall leave rewind@19, but its run has 18 steps"
    assert outcome.error["phase"] == "prepare"


@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_a_rewind_holds_what_a_run_of_so_many_steps_would_end_with(model, tmp_path):
    """81 examples in batches of 81: one step an epoch, at a constant rate."""
    recipe = {"batch": 81, "schedule": "constant", "model": model, "dataset_options": IMAGES}
    short, long = (make_cell("static", "0.3", epochs=epochs, **recipe) for epochs in (2, 3))
    ended = train(short, artifacts={short.id: ["final"]})[short.id].artifacts["final"]
    left = train(long, artifacts={long.id: ["rewind@2", "final"]})[long.id].artifacts
    assert left["rewind@2"] == ended
    assert left["final"] != ended


def test_a_rewind_is_taken_before_the_topology_update_of_its_step(tmp_path):
    cell = make_cell("set", "0.3", options={"update_every": 4})
    left = train(cell, artifacts={cell.id: ["rewind@4", "rewind@5"]})[cell.id].artifacts
    masks = []
    for name in ("rewind@4", "rewind@5"):
        (tmp_path / name).write_bytes(left[name])
        masks.append(read_snapshot(tmp_path / name).masks)
    static = make_cell("static", "0.3")
    (tmp_path / "static").write_bytes(
        train(static, artifacts={static.id: ["final"]})[static.id].artifacts["final"]
    )
    first = read_snapshot(tmp_path / "static").masks
    assert all(torch.equal(masks[0][key], first[key]) for key in first)
    assert not all(torch.equal(masks[1][key], first[key]) for key in first)


def test_a_snapshot_has_the_same_bytes_after_a_checkpoint(tmp_path):
    cell = make_cell("static", "0.3", model="convnet", dataset_options=IMAGES)
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    taken = take_snapshot(engine, 0)
    torch.save({"weights": dict(taken.weights), "masks": dict(taken.masks)}, tmp_path / "state")
    loaded = Snapshot(**torch.load(tmp_path / "state", weights_only=True))
    assert to_bytes(loaded) == to_bytes(taken)


def test_a_cell_that_is_given_nothing_to_start_from_fails_alone():
    pruned, dense = make_cell("omp", "0.3"), make_cell("dense")
    outcomes = train(pruned, dense, inputs={})
    assert outcomes[dense.id].state == "COMPLETED"
    assert outcomes[pruned.id].error["message"] == (
        "it starts from the final of another cell, and none was given"
    )


def test_the_final_of_another_model_is_refused():
    pruned = make_cell("omp", "0.3")
    [wide] = inputs_of([make_cell("omp", "0.3", model_options={"hidden": (9,)})]).values()
    outcome = train(pruned, inputs={pruned.id: wide})[pruned.id]
    assert outcome.state == "FAILED"
    assert "is of another model" in outcome.error["message"]


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "final"
    path.write_bytes(b"not a file of torch")
    with pytest.raises(ArtifactError, match="cannot read"):
        read_snapshot(path)
    torch.save({"format": 99}, path)
    with pytest.raises(ArtifactError, match="no artifact of format 1"):
        read_snapshot(path)
