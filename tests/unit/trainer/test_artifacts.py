"""Artifacts: a cell leaves what it is asked for, and another one begins with it."""

import pytest
import torch

from tests.support.cells import make_cell, train
from tests.support.producers import inputs_of
from trainer.artifacts import ArtifactError, make_artifacts, read_final
from trainer.engines.stack import StackEngine
from trainer.workload import load_workload


def final_of(cell, path):
    outcome = train(cell, artifacts={cell.id: ["final"]})[cell.id]
    path.write_bytes(outcome.artifacts["final"])
    return read_final(path)


@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_the_final_holds_every_parameter_and_buffer_and_the_masks(model, tmp_path):
    task = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
    cell = make_cell("static", "0.3", model=model, dataset_options=task, epochs=1)
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
    engine = StackEngine(load_workload(cell, None, "cpu"), [cell])
    with pytest.raises(ArtifactError, match="no artifact is called 'finale'; known: final"):
        make_artifacts(engine, 0, ["finale"])


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
        read_final(path)
    torch.save({"format": 99}, path)
    with pytest.raises(ArtifactError, match="no artifact of format 1"):
        read_final(path)
