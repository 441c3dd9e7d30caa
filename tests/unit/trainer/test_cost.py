"""The cost of a trained cell, against sums made by hand step by step."""

import pytest

from tests.support.cells import make_cell, result, train, train_reported
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.loop import BlockLoop
from trainer.workload import load_workload

WEIGHTS = {"layers.0.weight": 221, "layers.1.weight": 561, "layers.2.weight": 99}
"""Those of the perceptron 13-17-33-3: each is multiplied once per sample."""

DENSE = 2 * 881
BIASES = 17 + 33 + 3
SAMPLES, EPOCHS = 81, 3
IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}


def metrics_of(method, density=None, options=None, **recipe):
    cell = make_cell(method, density, options=options or {}, **recipe)
    (outcome,) = train(cell).values()
    return outcome.metrics


def test_a_sample_costs_what_the_shapes_say():
    cost = load_workload(make_cell(), None, "cpu").forward_cost()
    assert (dict(cost.macs), cost.flops({})) == (WEIGHTS, DENSE)


def test_dense_costs_three_passes_over_every_sample():
    metrics = metrics_of("dense")
    assert metrics["train_flops"] == 3 * DENSE * SAMPLES * EPOCHS
    assert metrics["inference_flops"] == DENSE
    assert (metrics["train_flops_ratio"], metrics["inference_flops_ratio"]) == (1.0, 1.0)


def test_static_costs_the_active_share():
    metrics = metrics_of("static", "0.3")
    active = 264  # floor(0.3 x 881 + 1/2)
    assert metrics["inference_flops"] == 2 * active
    assert metrics["train_flops"] == 3 * 2 * active * SAMPLES * EPOCHS
    assert metrics["train_flops_ratio"] == metrics["inference_flops_ratio"] == active / 881


def test_rigl_pays_dense_weight_gradients_on_its_update_steps_alone():
    # 18 steps of 16 samples, but 1 at the end of each epoch: updates at 4, 8 and 12, before 0.75.
    metrics = metrics_of("rigl", "0.3", {"update_every": 4})
    looked = 16 + 16 + 1
    assert metrics["train_flops"] == (3 * 2 * 264 * SAMPLES * EPOCHS + (DENSE - 2 * 264) * looked)


@pytest.mark.parametrize(
    ("method", "options", "gradients", "values"),
    [
        # Weights, gradients and SGD's momentum; rigl's dense gradients come at updates alone.
        ("dense", {}, 881, 3 * 881),
        ("static", {}, 264, 3 * 264),
        ("set", {"update_every": 4}, 264, 3 * 264),
        ("rigl", {"update_every": 4}, 881, 264 + 881 + 264),
        ("rigl", {"update_every": 4, "update_stop": 0.1}, 264, 3 * 264),
        # Among as many inactive weights as are active; but the last layer has 82 of its 99 already.
        ("rigl", {"update_every": 4, "growth": "gradient_subset"}, 463, 264 + 463 + 264),
        ("snfs", {"update_every": 4}, 881, 264 + 881 + 264 + 881),
        # Old scores stay, of all weights, when dense gradients are over.
        (
            "rigl",
            {"update_every": 4, "growth": "stale_gradient", "dense_until": 0.3},
            881,
            3 * 264 + 881,
        ),
        # It begins dense.
        ("gmp", {"update_every": 4}, 881, 3 * 881),
        # All are stored; with a tenth of each layer besides the active ones trained.
        ("top_kast", {"update_every": 4}, 351, 881 + 2 * 351),
        # Scores come first, in the dense network and without momentum.
        ("snip", {}, 881, 2 * 881 - BIASES),
    ],
)
def test_the_peak_is_that_of_the_step_that_needs_most(method, options, gradients, values):
    metrics = metrics_of(method, None if method == "dense" else "0.3", options)
    assert metrics["peak_weight_gradients"] == gradients
    assert metrics["peak_training_mb"] == 4 * (values + 3 * BIASES) / 2**20


@pytest.mark.parametrize(
    ("recipe", "slots"),
    [
        ({"momentum": 0.0}, 0),
        ({"momentum": 0.9}, 1),
        ({"optimizer": "adam"}, 2),
        ({"optimizer": "adamw"}, 2),
        ({"optimizer": "adagrad"}, 1),
        ({"optimizer": "rmsprop"}, 1),
    ],
)
def test_memory_has_what_the_optimizer_remembers(recipe, slots):
    cell = make_cell("static", "0.3", model="convnet", dataset_options=IMAGES, **recipe)
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    run = CellRun(cell, 0)
    run.prepare(engine, {})
    loop = BlockLoop(engine, [run])
    loop.advance()
    (first, *_) = run.sparsifier.layers
    assert len(first.slots()) == slots
    active = sum(run.sparsifier.counts.values())
    size = sum(run.sparsifier.sizes().values())
    values = (active + engine.parameters - size) * (2 + slots)
    assert run.cost.metrics(1)["peak_training_mb"] == 4 * values / 2**20


def test_cells_of_one_stack_have_the_memory_of_their_own_optimizers():
    cells = [make_cell("static", "0.3", momentum=momentum) for momentum in (0.0, 0.9)]
    plain, heavy = (outcome.metrics["peak_training_mb"] for outcome in train(*cells).values())
    assert (plain, heavy) == (4 * 2 * (264 + BIASES) / 2**20, 4 * 3 * (264 + BIASES) / 2**20)


@pytest.mark.parametrize(
    ("method", "options", "passes"),
    [
        ("snip", {"batches": 2}, 2 * 16 * 3),
        ("synflow", {"rounds": 5}, 5 * 3),
        # A gradient, and the derivative of one.
        ("grasp", {"batches": 2}, 2 * 16 * (3 + 9)),
    ],
)
def test_a_method_pays_for_its_scoring_once(method, options, passes):
    plain, scored = metrics_of("static", "0.3"), metrics_of(method, "0.3", options)
    assert scored["train_flops"] - plain["train_flops"] == passes * DENSE


def test_gmp_pays_the_density_of_every_step():
    metrics = metrics_of("gmp", "0.3", {"update_every": 4})
    # start 2, stop 14: cubic targets after the updates at 4, 8, 12 and 14.
    after = {0: 881, 4: 621, 8: 341, 12: 267, 14: 264}
    sizes = [1 if step % 6 == 0 else 16 for step in range(1, 19)]
    spent = sum(
        3 * 2 * after[max(at for at in after if at < step)] * size
        for step, size in enumerate(sizes, start=1)
    )
    assert metrics["train_flops"] == spent
    assert metrics["inference_flops"] == 2 * 264


def test_a_narrower_network_is_compared_with_the_one_that_the_cell_names():
    metrics = metrics_of("small_dense", "0.3")
    assert metrics["inference_flops"] == 2 * 241 == round(2 * metrics["density"] * 881)
    assert metrics["inference_flops_ratio"] == metrics["density"] == metrics["train_flops_ratio"]


@pytest.mark.parametrize(("model", "engine"), [("mlp", "stack"), ("convnet", "solo")])
def test_the_cost_does_not_depend_on_the_company(model, engine):
    cells = [
        make_cell(name, options=options, seed=seed, model=model, dataset_options=IMAGES)
        for seed, (name, options) in enumerate([("rigl", {"update_every": 4}), ("dense", {})])
    ]
    together = train(*cells)
    for cell in cells:
        alone = train(cell)[cell.id]
        assert alone.engine == engine
        assert together[cell.id].metrics["train_flops"] == alone.metrics["train_flops"]


def test_str_pays_every_step_by_the_weights_counted_before_it():
    # 204 steps, counted after every third; finish() finds others, which no step is billed with.
    cell = make_cell("str", epochs=34, schedule="constant")
    engine = StackEngine(load_workload(cell, None, "cpu"), [cell])
    run = CellRun(cell, 0)
    run.prepare(engine, {})
    loop, spent, held = BlockLoop(engine, [run]), 0, set()
    while loop.step < 204:
        counts = run.sparsifier.counts
        held.add(tuple(counts.values()))
        spent += 3 * 2 * sum(counts.values()) * (1 if (loop.step + 1) % 6 == 0 else 16)
        loop.advance()
    before = dict(run.sparsifier.counts)
    run.finish()
    assert run.sparsifier.counts != before
    assert len(held) > 20
    assert run.cost.metrics(204)["train_flops"] == spent
    assert run.cost.metrics(204)["inference_flops"] == 2 * sum(run.sparsifier.counts.values())


@pytest.mark.parametrize("stop", [50, 101, 125])
def test_a_method_whose_counts_drift_costs_the_same_when_it_is_saved_or_interrupted(stop, tmp_path):
    # 126 steps; str counts its weights after every second one.
    cell = make_cell("str", epochs=21)
    whole = result(train(cell)[cell.id])
    saved = train(cell, checkpoint_folder=tmp_path / "saved", checkpoint_steps=7)[cell.id]
    assert result(saved) == whole
    polls = iter(range(stop))
    _, report = train_reported(
        cell, checkpoint_folder=tmp_path, should_stop=lambda: next(polls, None) is None
    )
    assert report.stopped
    files = sorted(tmp_path.glob("*.pt"), reverse=True)
    resumed = train(cell, resume_from=files)[cell.id]
    assert resumed.resumed_step == stop
    assert result(resumed) == whole
    assert 0 < resumed.metrics["train_flops_ratio"] < 1
