"""Pairs of same_capacity in the trainer: equal counts, costs and data; masks that hold; width 1."""

import pytest
import torch

from sparse.controls.capacity import extra_params
from tests.support.cells import make_cell, result, train
from tests.support.models import image_task, small_options
from trainer.building import build_model
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.loop import BlockLoop
from trainer.models import MODELS
from trainer.workload import load_workload, workload_key

NARROWABLE = [name for name in MODELS.names() if "widths" in MODELS.get(name).traits]
TASK = {"examples": 123, "classes": 3, "noise": 0.5}
OPTIMIZERS = {
    "sgd": {"momentum": 0},
    "momentum": {},
    "nesterov": {"nesterov": True},
    "adam": {"optimizer": "adam", "lr": 0.01},
    "adamw": {"optimizer": "adamw", "lr": 0.01},
    "adagrad": {"optimizer": "adagrad", "lr": 0.01},
    "rmsprop": {"optimizer": "rmsprop", "lr": 0.01},
}


def pair(width=0.4, init="matched", seed=0, **cell):
    """The two cells of a pair: sparse, dense."""
    return [
        make_cell(
            "same_capacity", options={"role": role, "width": width, "init": init}, seed=seed, **cell
        )
        for role in ("sparse", "dense")
    ]


def loop_of(cell, kind=StackEngine):
    """A loop at its start, with the cell prepared."""
    engine = kind(load_workload(cell, None, "cpu"), [cell])
    loop = BlockLoop(engine, [CellRun(cell, 0)])
    loop.runs[0].prepare(engine, {})
    return loop


def counts(outcome):
    return {layer["layer"]: (layer["active"], layer["total"]) for layer in outcome.layers}


@pytest.mark.parametrize("model", NARROWABLE)
def test_each_layer_of_the_sparse_network_has_the_size_of_the_dense_one(model):
    # Stages of residual networks narrow together, so that their shortcuts add: else none is built.
    task = image_task(model, **TASK)
    cells = pair(model=model, model_options=small_options(model), dataset_options=task, batch=27)
    sparse, dense = (loop_of(cell, SoloEngine).runs[0].sparsifier for cell in cells)
    sizes = {layer.name: layer.weight.numel() for layer in dense.layers}
    assert sparse.counts == dense.counts == sizes
    assert {layer.name: int(layer.mask.sum()) for layer in sparse.layers} == sizes
    assert sum(sizes.values()) < 0.6 * sum(layer.weight.numel() for layer in sparse.layers)
    for layer in sparse.layers:
        assert bool((layer.weight[layer.mask == 0] == 0).all())


@pytest.mark.parametrize("model", ["mlp", "convnet", "resnet18"])
def test_records_of_a_pair_agree_in_density_and_costs(model):
    options = small_options(model) if model != "mlp" else None
    task = image_task(model, **TASK)
    cells = pair(model=model, model_options=options, dataset_options=task, batch=27, epochs=2)
    sparse, dense = (train(cell)[cell.id] for cell in cells)
    assert sparse.state == dense.state == "COMPLETED"
    assert all(total == active for active, total in counts(dense).values())
    active = {name: found[0] for name, found in counts(sparse).items()}
    assert active == {name: found[0] for name, found in counts(dense).items()}
    wide = sum(total for _, total in counts(sparse).values())
    for outcome in (sparse, dense):
        assert outcome.metrics["density"] == sum(active.values()) / wide
        assert outcome.curve["density"] == [outcome.metrics["density"]] * 2
    for name in ("train_flops", "train_flops_ratio", "inference_flops", "inference_flops_ratio"):
        assert sparse.metrics[name] == dense.metrics[name], name
    assert sparse.metrics["extra_params"] > dense.metrics["extra_params"] > 0


def test_parameters_that_are_not_matched_are_recorded():
    # Biases of 17 + 33 + 3 units, and of 7 + 13 + 3.
    sparse, dense = (train(cell)[cell.id] for cell in pair())
    assert (sparse.metrics["extra_params"], dense.metrics["extra_params"]) == (53.0, 23.0)
    assert counts(dense) == {
        "layers.0.weight": (91, 91),
        "layers.1.weight": (91, 91),
        "layers.2.weight": (39, 39),
    }
    assert [total for _, total in counts(sparse).values()] == [221, 561, 99]


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, 11_072),
        ({"batch_norm": True}, 11_072 + 22_144),
        ({"batch_norm": True, "bias": False}, 22_144),
        ({"activation": "srelu", "bias": False}, 44_288),
        ({"skip": True, "bias": False}, 0),
    ],
)
def test_what_the_sparse_network_of_308_units_has_more_of(options, more):
    def beside_weights(width):
        with torch.device("meta"):
            shape = {"hidden": (width,) * 4, **options}
            return sum(extra_params(build_model("mlp", shape, (3072,), 100)).values())

    assert beside_weights(3076) - beside_weights(308) == more


def batches_of(cell, steps=12):
    """The inputs and targets of the first steps, in the order in which the cell is given them."""
    loop, seen = loop_of(cell), []
    backward = loop.engine.backward

    def noted(batch, step):
        seen.append((batch[0].clone(), batch[1].clone()))
        return backward(batch, step)

    loop.engine.backward = noted
    for _ in range(steps):
        loop.advance()
    return seen


def test_a_pair_learns_from_the_same_batches_in_the_same_order():
    # Two epochs of 6 steps: the second has another order than the first.
    sparse, dense = map(batches_of, pair(seed=3))
    assert len(sparse) == len(dense) == 12
    for one, other in zip(sparse, dense, strict=True):
        assert all(map(torch.equal, one, other))
    other_seed = batches_of(pair(seed=4)[0])
    assert not torch.equal(sparse[0][0], other_seed[0][0])
    assert not torch.equal(sparse[0][0], sparse[6][0])


@pytest.mark.parametrize("kind", [SoloEngine, StackEngine])
@pytest.mark.parametrize("recipe", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_guard_fifty_steps_of_any_optimizer_move_nothing_off_the_mask(recipe, kind):
    # Weights alone being masked, momentum, decay and second moments move inactive ones.
    loop = loop_of(pair(weight_decay=0.01, epochs=9, **recipe)[0], kind)
    before = {layer.name: layer.mask.clone() for layer in loop.runs[0].sparsifier.layers}
    for _ in range(50):
        loop.advance()
    for layer in loop.runs[0].sparsifier.layers:
        off = layer.mask == 0
        assert torch.equal(layer.mask, before[layer.name])
        assert float(layer.weight[off].abs().max()) == 0
        assert bool(layer.weight[~off].all())
        assert all(not slot[off].any() for slot in layer.slots().values())
    assert layer.slots() or recipe == {"momentum": 0}


def test_unit_scaled_and_matched_dense_networks_are_one():
    matched, scaled = (pair(init=init)[1] for init in ("matched", "unit_scaled"))
    outcomes = train(matched, scaled)
    assert result(outcomes[matched.id]) == result(outcomes[scaled.id])


@pytest.mark.parametrize("init", ["matched", "layer_scaled"])
def test_at_width_1_the_pair_is_one_network_bit_for_bit(init):
    sparse, dense = (train(cell)[cell.id] for cell in pair(width=1, init=init))
    assert result(sparse) == result(dense)
    assert sparse.metrics["density"] == 1
    other = train(make_cell("same_capacity", options={"width": 1, "init": init}, seed=1))
    assert next(iter(other.values())).metrics != dense.metrics


def test_first_weights_are_not_the_models_own_and_biases_begin_at_0():
    cell = pair()[1]
    given = load_workload(cell, None, "cpu").build_model(0).state_dict()
    loop = loop_of(cell)
    for layer in loop.runs[0].sparsifier.layers:
        assert not torch.equal(layer.weight, given[layer.name])
        assert not layer.bias.any()


def test_roles_share_no_workload_but_cells_of_one_shape_do():
    wide, narrow = pair()
    assert workload_key(wide) == workload_key(make_cell("static"))
    assert workload_key(narrow) != workload_key(wide)
    assert workload_key(narrow) == workload_key(pair(init="unit_scaled")[1])
    assert workload_key(narrow) != workload_key(pair(width=0.5)[1])
    assert workload_key(narrow) != workload_key(make_cell("small_dense", "0.4"))
    together = train(wide, narrow)
    for cell in (wide, narrow):
        assert result(together[cell.id]) == result(train(cell)[cell.id])


def test_a_pair_joins_the_same_layers_or_fails_in_both_roles():
    skipping = {"hidden": (20, 20, 19), "skip": True}
    for outcome in train(*pair(width=0.1, model_options=skipping)).values():
        assert outcome.state == "FAILED"
        assert "[20, 20, 19] units into [2, 2, 2]" in outcome.error["message"]
    unjoined = pair(width=0.1, model_options={"hidden": (20, 20, 19)})
    assert {outcome.state for outcome in train(*unjoined).values()} == {"COMPLETED"}


def test_a_width_that_leaves_no_unit_fails_the_cells_of_a_pair_and_no_other():
    cells = [*pair(width=0.02), make_cell("static")]
    outcomes = train(*cells)
    sparse, dense, other = (outcomes[cell.id] for cell in cells)
    assert (sparse.state, dense.state, other.state) == ("FAILED", "FAILED", "COMPLETED")
    for outcome in (sparse, dense):
        assert "leaves a layer of 17 units with none" in outcome.error["message"]
