"""The exact tier: a cell is the same cell, to the last bit, whatever runs beside it."""

import itertools

import pytest
import torch

from tests.support.cells import make_cell, result, train
from tests.support.methods import frequent, method_names
from tests.support.producers import inputs_of
from trainer.cell_run import CellRun
from trainer.engines.auto import Choice
from trainer.engines.stack import StackEngine
from trainer.loop import BlockLoop
from trainer.models.activations import FIXED
from trainer.workload import load_workload

STACKABLE = method_names(stackable=True, narrows=False)
OF_THEIR_OWN_SHAPE = method_names(stackable=True, narrows=True)
SIZES = (*range(1, 17), 60)
GROUPED = {"model_options": {"hidden": (17, 36)}}
"""No width is a multiple of a vector register, and one of the 4 weights that n_m groups."""


def mixed_cells(count, **recipe):
    """A stack of every method in turn, each with updates in most epochs and a seed of its own."""
    return [
        make_cell(name, seed=n, options=frequent(name), **(GROUPED | recipe))
        for n, name in zip(range(count), itertools.cycle(STACKABLE), strict=False)
    ]


def final_state(cells):
    """Train cells as one stack of exactly that width; the tensors of each cell."""
    workload = load_workload(cells[0], None, "cpu")
    engine = StackEngine(workload, cells)
    runs = [CellRun(cell, n) for n, cell in enumerate(cells)]
    inputs = inputs_of(cells)
    for run in runs:
        run.prepare(engine, inputs.get(run.cell.id, {}))
    loop = BlockLoop(engine, runs)
    while loop.step < workload.total_steps:
        loop.advance()
    return [engine.cell_state(n) for n in range(len(cells))]


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, dict):
            assert_same(value, other[key])
        elif isinstance(value, torch.Tensor):
            assert torch.equal(value, other[key]), key
        else:
            assert value == other[key], key


def activated(name):
    return {"model_options": {**GROUPED["model_options"], "activation": name}}


RECIPES = {
    "sgd": {},
    "nesterov": {"nesterov": True, "label_smoothing": 0.1} | activated("leaky_relu"),
    "adam": {"optimizer": "adam", "lr": 0.01},
    "adamw": {
        "optimizer": "adamw",
        "lr": 0.01,
        "model_options": {"hidden": (12,), "activation": "tanh"},
    },
    "adagrad": {"optimizer": "adagrad", "lr": 0.01} | activated("swish"),
    "rmsprop": {"optimizer": "rmsprop", "lr": 0.01} | activated("all_relu"),
    "clipped": {"clip_norm": 0.5, "schedule": "step"},
}


@pytest.fixture(scope="module", params=RECIPES)
def recipe(request):
    return RECIPES[request.param]


@pytest.fixture(scope="module")
def alone(recipe):
    return [final_state([cell])[0] for cell in mixed_cells(60, **recipe)]


@pytest.mark.parametrize("size", SIZES)
def test_a_stack_of_any_size_computes_the_bits_of_a_stack_of_one(size, recipe, alone):
    for n, state in enumerate(final_state(mixed_cells(size, **recipe))):
        assert_same(state, alone[n])


@pytest.mark.parametrize("size", [1, 5, 24])
def test_wide_layers_and_a_real_set_keep_the_bits_too(size):
    shape = {"model_options": {"hidden": (256, 256)}, "epochs": 1, "batch": 32, "dataset": "digits"}
    cells = [make_cell("static", "0.1", seed, **shape) for seed in range(size)]
    last = final_state(cells)[-1]
    assert_same(last, final_state(cells[-1:])[0])


@pytest.mark.parametrize("size", [2, 5, 24])
@pytest.mark.parametrize("name", OF_THEIR_OWN_SHAPE)
def test_cells_of_a_method_that_changes_the_shape_stack_with_each_other(name, size):
    cells = [make_cell(name, "0.3", seed) for seed in range(size)]
    last = final_state(cells)[-1]
    assert_same(last, final_state(cells[-1:])[0])


@pytest.mark.parametrize("size", [2, 3, 7, 60])
@pytest.mark.parametrize("activation", FIXED)
def test_no_activation_sees_its_place_in_the_stack(activation, size):
    cells = [make_cell("static", "0.3", seed, **activated(activation)) for seed in range(size)]
    states = final_state(cells)
    for n in {0, size // 2, size - 1}:
        assert_same(states[n], final_state(cells[n : n + 1])[0])


@pytest.mark.parametrize(
    "options",
    [
        {"batch_norm": True},
        {"skip": True, "hidden": (17, 17)},
        {"bias": False},
        {"activation": "prelu"},
        {"activation": "srelu"},
    ],
    ids=str,
)
def test_what_the_program_has_no_words_for_trains_alone(options):
    # 81 training examples: batches of 16 leave one, which batch norm cannot train on.
    shape = {"model_options": {**GROUPED["model_options"], **options}, "batch": 15}
    cells = [make_cell("set", seed=n, options=frequent("set"), **shape) for n in range(3)]
    outcomes = train(*cells)
    assert {outcomes[cell.id].engine for cell in cells} == {"solo"}
    assert [result(train(cell)[cell.id]) for cell in cells] == [
        result(outcomes[cell.id]) for cell in cells
    ]


def test_learning_rates_of_neighbours_do_not_matter():
    cells = [make_cell("set", seed=3, lr=rate) for rate in (0.01, 0.05, 0.2)]
    together = final_state(cells)
    for cell, state in zip(cells, together, strict=True):
        assert_same(state, final_state([cell])[0])
    assert not torch.equal(
        together[0]["model"]["layers.0.weight"], together[2]["model"]["layers.0.weight"]
    )


@pytest.mark.parametrize("model", ["mlp", "convnet"])
@pytest.mark.parametrize("method", method_names())
def test_a_cell_reports_the_same_alone_in_a_pack_and_again(method, model):
    task = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
    kind = {"model": model, "dataset_options": task, "epochs": 2}
    cell = make_cell(method, seed=5, options=frequent(method), **kind)
    others = [
        make_cell("set", seed=seed, options={"update_every": 3}, **kind) for seed in (1, 5, 9)
    ]
    alone = result(train(cell)[cell.id])
    assert result(train(*others, cell)[cell.id]) == alone
    assert result(train(cell)[cell.id]) == alone


def test_the_engine_is_fixed_and_its_width_is_free(monkeypatch):
    cells = mixed_cells(7)
    widths = {}
    for width in (1, 3, 7):
        choice = Choice(engine="stack", width=width)
        monkeypatch.setattr("trainer.run.choose", lambda *_, choice=choice: choice)
        widths[width] = {key: result(value) for key, value in train(*cells).items()}
    assert widths[1] == widths[3] == widths[7]


def test_solo_is_refused_for_a_perceptron():
    (outcome,) = train(make_cell("static"), engine="solo").values()
    assert outcome.state == "FAILED"
    assert outcome.error["message"] == (
        "engine 'solo' may not run static density=0.3 seed=0 in the exact tier on cpu; legal: stack"
    )


def test_the_code_path_of_mkl_must_be_fixed_before_anything_runs(monkeypatch):
    monkeypatch.delenv("MKL_CBWR")
    (outcome,) = train(make_cell("static")).values()
    assert outcome.state == "FAILED"
    assert outcome.error["type"] == "RuntimeError"
    assert "MKL_CBWR=AVX512,STRICT" in outcome.error["message"]
