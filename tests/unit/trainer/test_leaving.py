"""Scores of examples that a cell leaves: of which network, in which file."""

import itertools
from dataclasses import replace

import pytest
import torch

from tests.support.cells import make_cell, result, train
from trainer.artifacts import read_snapshot
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.loop import BlockLoop
from trainer.score_files import ScoreError, Scores, read_scores, to_bytes
from trainer.scores import el2n, grand, margin
from trainer.workload import load_workload

IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
MODELS = ["mlp", "convnet"]
KINDS = ["el2n", "margin", "grand"]


def scores_in(content: bytes, folder) -> Scores:
    path = folder / "scores"
    path.write_bytes(content)
    return read_scores(path)


def by_hand(kind, cell, final, train_split):
    module = load_workload(cell, None, "cpu").build_model(0)
    module.load_state_dict(final.weights)
    module.eval()
    if kind == "grand":
        return grand(module, train_split.inputs, train_split.targets)
    score = {"el2n": el2n, "margin": margin}[kind]
    return score(module(train_split.inputs).detach(), train_split.targets)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_network_at_that_epoch(kind, model, tmp_path):
    cell = make_cell("dense", model=model, dataset_options=IMAGES)
    left = train(cell, artifacts={cell.id: ["rewind@2e", f"{kind}@2e"]})[cell.id].artifacts
    (tmp_path / "rewind").write_bytes(left["rewind@2e"])
    found = scores_in(left[f"{kind}@2e"], tmp_path)
    split = load_workload(cell, None, "cpu").bundle.train
    expected = by_hand(kind, cell, read_snapshot(tmp_path / "rewind"), split)
    assert found.values.tolist() == pytest.approx(expected.tolist(), abs=1e-5)
    assert (found.cell, found.name) == (cell.id, f"{kind}@2e")
    assert found.ids.tolist() == split.ids.tolist() != list(range(len(split)))


def test_gradients_are_taken_together_in_either_layout(tmp_path, caplog):
    found = []
    for layout in ("contiguous", "channels_last"):
        data = {"examples": 90, "size": 8, "classes": 4, "channels": 3}
        kind = {"dataset": "synthetic_images", "dataset_options": data, "model": "convnet"}
        cell = make_cell("dense", layout=layout, **kind)
        left = train(cell, artifacts={cell.id: ["grand@1e"]})[cell.id].artifacts
        found.append(scores_in(left["grand@1e"], tmp_path).values.tolist())
    assert found[1] == pytest.approx(found[0], rel=1e-3, abs=1e-4)
    assert "one by one" not in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_examples_are_scored_as_they_are_where_training_augments_them(kind, tmp_path):
    recipe = {"crop": 2, "rotation": 15.0, "batch": 512, "epochs": 1}
    cell = make_cell("dense", dataset="digits", model="convnet", **recipe)
    left = train(cell, artifacts={cell.id: [f"{kind}@1e", "final"]})[cell.id].artifacts
    (tmp_path / "final").write_bytes(left["final"])
    workload = load_workload(cell, None, "cpu")
    split = replace(
        workload.bundle.train, inputs=workload.bundle.standardised(workload.bundle.train.inputs)
    )
    expected = by_hand(kind, cell, read_snapshot(tmp_path / "final"), split)
    found = scores_in(left[f"{kind}@1e"], tmp_path).values
    assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-5)


@pytest.mark.parametrize("kind", [*KINDS, "forgetting"])
def test_the_same_cell_leaves_the_same_bytes_alone_and_in_a_pack(kind):
    cell, others = make_cell("dense"), [make_cell("dense", seed=seed) for seed in (1, 2)]
    asked = {"artifacts": {one.id: [f"{kind}@1e"] for one in (cell, *others)}}
    alone = train(cell, **asked)[cell.id].artifacts
    packed = train(*others, cell, **asked)
    assert packed[cell.id].artifacts == alone
    assert packed[others[0].id].artifacts != alone


@pytest.mark.parametrize("model", MODELS)
def test_a_cell_that_leaves_scores_trains_to_the_same_bits(model):
    cell = make_cell("set", "0.3", model=model, dataset_options=IMAGES)
    asked = {"artifacts": {cell.id: [f"{kind}@5" for kind in (*KINDS, "forgetting")]}}
    assert result(train(cell, **asked)[cell.id]) == result(train(cell)[cell.id])


@pytest.mark.parametrize(
    ("engine", "model"), [(StackEngine, "mlp"), (SoloEngine, "mlp"), (SoloEngine, "convnet")]
)
def test_forgetting_is_counted_at_every_step_of_the_training(engine, model, tmp_path, monkeypatch):
    task = {**IMAGES, "noise": 3.0}
    cell = make_cell("dense", model=model, dataset_options=task, lr=0.05, epochs=5)
    workload = load_workload(cell, None, "cpu")
    run = CellRun(cell, 0, ["forgetting@5e"])
    holder = engine(workload, [cell])
    run.prepare(holder, {})
    visits: dict[int, list[bool]] = {n: [] for n in range(len(workload.bundle.train))}
    add = run.leaving.counter.add

    def noted(positions, hits):
        for position, hit in zip(positions.tolist(), hits.tolist(), strict=True):
            visits[position].append(hit)
        add(positions, hits)

    monkeypatch.setattr(run.leaving.counter, "add", noted)
    loop = BlockLoop(holder, [run])
    while loop.step < workload.total_steps:
        loop.advance()
    found = scores_in(run.artifacts(holder)["forgetting@5e"], tmp_path).values
    events = [sum(a and not b for a, b in itertools.pairwise(seen)) for seen in visits.values()]
    learned = [any(seen) for seen in visits.values()]
    most = float(max(events) + 1)
    assert {len(seen) for seen in visits.values()} == {5}
    assert max(events) > 0
    assert found.tolist() == [
        n if known else most for n, known in zip(events, learned, strict=True)
    ]


def test_a_step_beyond_the_run_fails_the_cell_before_it_begins():
    cell = make_cell("dense")
    outcome = train(cell, artifacts={cell.id: ["el2n@4e"]})[cell.id]
    assert outcome.error["message"] == "it shall leave el2n@4e, but its run has 18 steps"


SCORES = Scores(cell="c0de", name="el2n@1e", ids=torch.arange(3), values=torch.rand(3).double())


def test_a_file_of_scores_is_small_and_reads_as_it_was_written(tmp_path):
    large = Scores(
        cell="c0de", name="el2n@1e", ids=torch.arange(50000), values=torch.zeros(50000).double()
    )
    assert len(to_bytes(large)) < 50000 * 16 + 4096
    found = scores_in(to_bytes(SCORES), tmp_path)
    assert (found.cell, found.name) == (SCORES.cell, SCORES.name)
    assert torch.equal(found.ids, SCORES.ids)
    assert torch.equal(found.values, SCORES.values)


def test_what_is_no_file_of_scores_is_refused(tmp_path):
    path = tmp_path / "scores"
    with pytest.raises(ScoreError, match="cannot read"):
        read_scores(path)
    path.write_bytes(b"not a file of torch")
    with pytest.raises(ScoreError, match="cannot read"):
        read_scores(path)
    torch.save({"format": 99}, path)
    with pytest.raises(ScoreError, match="holds no scores of format 1"):
        read_scores(path)
    torch.save({"format": 1, "weights": {}}, path)
    with pytest.raises(ScoreError, match="holds no scores"):
        read_scores(path)
