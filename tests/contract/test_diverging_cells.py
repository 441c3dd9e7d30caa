"""What is recorded of a cell that diverges is the same alone, in a pack and resumed."""

import pytest

from tests.support.cells import make_cell, train, train_reported

TASK = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}


def record(outcome):
    """All that is reported of a cell but its times; not-a-numbers are equal as texts."""
    told = (outcome.state, outcome.curve, outcome.layers, outcome.error, outcome.samples)
    return repr((*told, outcome.metrics, outcome.probes, outcome.topology_updates))


@pytest.fixture(autouse=True)
def one_wide_block(monkeypatch):
    """All cells of a pack in one block, whatever the timing says."""
    monkeypatch.setattr("trainer.engines.auto._search", lambda w, c, candidates: candidates[0])


@pytest.mark.parametrize("model", ["mlp", "convnet"])
@pytest.mark.parametrize("method", ["dense", "snip", "set", "rigl"])
def test_a_diverging_cell_is_recorded_up_to_its_own_end(method, model, tmp_path):
    options = {"update_every": 2} if method in ("set", "rigl") else {}
    kind = {"model": model, "dataset_options": TASK}
    wild = make_cell(method, lr=1e30, options=options, **kind)
    tame = [make_cell("static", seed=seed, **kind) for seed in (1, 2)]
    alone = train(wild)[wild.id]
    assert alone.state == "INVALID"
    assert len(alone.curve["epoch"]) <= 1
    assert alone.samples <= 81
    assert record(train(*tame, wild)[wild.id]) == record(alone)

    stops = iter([False, True])  # the first question comes before the first step
    train_reported(wild, *tame, checkpoint_folder=tmp_path, should_stop=lambda: next(stops, True))
    files = sorted(tmp_path.glob("*.pt"), reverse=True)
    assert files
    assert record(train(wild, *tame, resume_from=files)[wild.id]) == record(alone)
