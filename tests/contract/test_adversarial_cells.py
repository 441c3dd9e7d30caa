"""The exact tier under attack: alone, in any company, interrupted anywhere, the same cell."""

from dataclasses import replace

import pytest

from tests.support.cells import component, make_cell, result, train, train_reported
from tests.support.methods import frequent
from trainer.engines.auto import Choice

TASK = {"examples": 90, "size": 8, "classes": 4, "noise": 0.05}
PROBE = {"name": "robust", "every": 1, "steps": 3, "fgsm": True}
STEPS = 2 * 4
ATTACKS = [
    {},
    {"norm": "l2", "mode": "eval"},
    {"track_statistics": True, "random_start": False},
]


def cell_of(model, attack, method="rigl", seed=5):
    kind = {"model": "convnet", "model_options": {"channels": (4, 8)}} if model == "convnet" else {}
    data = {"dataset": "digits"} if model == "mlp" else {"dataset": "synthetic_images"}
    recipe = {"epochs": 2, "batch": 300} if model == "mlp" else {"epochs": 2, "crop": 1}
    cell = make_cell(method, seed=seed, options=frequent(method), **kind, **data, **recipe)
    if model == "convnet":
        cell = replace(cell, dataset=component("synthetic_images", TASK))
    return replace(cell, scenario=component("adversarial", {"steps": 2, **attack}))


def whole(*cells, **request):
    probes = {cell.id: [PROBE] for cell in cells}
    found = train(*cells, probes=probes, **request)
    assert {outcome.state for outcome in found.values()} == {"COMPLETED"}
    return {key: result(outcome) for key, outcome in found.items()}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_a_cell_under_attack_is_the_same_alone_and_in_a_pack(model, attack, monkeypatch):
    cell = cell_of(model, attack)
    others = [cell_of(model, attack, m, s) for m, s in (("set", 5), ("dense", 1), ("static", 2))]
    alone = whole(cell)
    assert alone == whole(cell)
    for width in (1, 4) if model == "mlp" else (1,):
        choice = Choice(engine="stack" if model == "mlp" else "solo", width=width)
        monkeypatch.setattr("trainer.run.choose", lambda *_, choice=choice: choice)
        assert whole(*others, cell)[cell.id] == alone[cell.id]


@pytest.mark.parametrize("stop", range(1, STEPS))
@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_a_cell_under_attack_stopped_at_any_step_goes_on_to_the_same_bits(model, stop, tmp_path):
    cell = cell_of(model, ATTACKS[stop % len(ATTACKS)])
    polls = iter(range(1000))
    probes = {cell.id: [PROBE]}
    _, report = train_reported(
        cell, probes=probes, checkpoint_folder=tmp_path, should_stop=lambda: next(polls) >= stop
    )
    assert report.stopped
    files = sorted(tmp_path.glob("*.pt"))
    resumed = train(cell, probes=probes, resume_from=files)[cell.id]
    assert resumed.resumed_step == stop
    assert {cell.id: result(resumed)} == whole(cell)
