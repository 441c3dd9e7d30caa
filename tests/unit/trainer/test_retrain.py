"""retrain in the trainer: which masks and weights a cell begins with, for every mask and start.

The sources are cells trained for this; what a cell begins with is compared with their artifacts.
"""

import functools
import math

import pytest
import torch

from tests.support.cells import make_cell, result, train
from tests.support.producers import inputs_of, left_by
from trainer.artifacts import read_snapshot
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.workload import load_workload

IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
NETWORKS = pytest.mark.parametrize(
    ("model", "kind"), [("mlp", StackEngine), ("convnet", SoloEngine)]
)
SOURCE = '{"name":"rigl","update_every":3}'
CHANGED = ["reshuffle", "sign_reinit", "signed_const", "reinit"]


def cell_of(model, method="retrain", density="0.3", seed=3, **options):
    if method == "retrain" and options.get("mask") != "random":
        options = {"source": SOURCE, **options}
    return make_cell(
        method, density, seed, options=options, model=model, dataset_options=IMAGES, epochs=2,
        allocation="uniform",
    )  # fmt: skip


@functools.cache
def source(model, seed=3):
    """What the source leaves: its last weights and masks."""
    return read_snapshot(left_by(cell_of(model, "rigl", seed=seed, update_every=3), "final"))


def begun(cell, kind):
    """Weights and masks of a cell before its first step."""
    engine = kind(load_workload(cell, None, "cpu"), [cell])
    CellRun(cell, 0).prepare(engine, inputs_of([cell])[cell.id])
    masks = {layer.name: layer.mask.bool() for layer in engine.layers(0)}
    return engine.weights(0), masks


def initial(cell, kind):
    return kind(load_workload(cell, None, "cpu"), [cell]).weights(0)


def masked(weights, masks):
    return {name: w * masks[name] if name in masks else w for name, w in weights.items()}


def equal(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


@NETWORKS
def test_same_init_is_the_initial_network_under_the_last_mask_of_the_source(model, kind):
    cell = cell_of(model)
    weights, masks = begun(cell, kind)
    assert equal(masks, source(model).masks)
    assert equal(weights, masked(initial(cell, kind), masks))
    # guard: the source has moved its mask, so it is not the one that it began with
    assert not equal(masks, begun(cell_of(model, "rigl", update_every=3), kind)[1])


@NETWORKS
@pytest.mark.parametrize("start", CHANGED)
def test_guard_g24_every_other_start_changes_all_active_weights_and_no_mask_bit(model, kind, start):
    cell = cell_of(model, start=start)
    weights, masks = begun(cell, kind)
    first = initial(cell, kind)
    assert equal(masks, source(model).masks)
    for name, mask in masks.items():
        assert not bool(weights[name][~mask].any())
        changed = (weights[name] != first[name])[mask]
        # a random order leaves a few of many where they were
        assert bool(changed.all()) or (start == "reshuffle" and float(changed.float().mean()) > 0.8)


@NETWORKS
def test_reinit_draws_every_parameter_anew_and_takes_fresh_buffers(model, kind):
    cell = cell_of(model, start="reinit")
    weights, masks = begun(cell, kind)
    first, trained = initial(cell, kind), source(model).weights
    constant = ("running_mean", "running_var", "num_batches_tracked")
    for name in weights:
        if name.endswith(constant) or bool((first[name] == first[name].flatten()[0]).all()):
            assert torch.equal(weights[name], first[name])  # 0, 1: no draw
            continue
        active = masks.get(name, torch.ones_like(weights[name], dtype=torch.bool))
        assert not bool((weights[name] == first[name])[active].any())
        assert not bool((weights[name] == trained[name])[active].any())


@NETWORKS
@pytest.mark.parametrize("start", ["reshuffle", "sign_reinit", "signed_const"])
def test_starts_made_of_initial_weights_leave_all_other_parameters_initial(model, kind, start):
    cell = cell_of(model, start=start)
    weights, masks = begun(cell, kind)
    first = initial(cell, kind)
    others = [name for name in weights if name not in masks]
    assert others
    assert all(torch.equal(weights[name], first[name]) for name in others)


@NETWORKS
def test_each_start_keeps_of_the_initial_weights_what_it_says(model, kind):
    first = initial(cell_of(model), kind)
    shuffled, masks = begun(cell_of(model, start="reshuffle"), kind)
    signed, _ = begun(cell_of(model, start="sign_reinit"), kind)
    constant, _ = begun(cell_of(model, start="signed_const"), kind)
    fresh, _ = begun(cell_of(model, start="reinit"), kind)
    for name, mask in masks.items():
        own = first[name][mask]
        assert torch.equal(shuffled[name][mask].sort().values, own.sort().values)
        assert torch.equal(signed[name][mask].sign(), own.sign())
        assert torch.equal(signed[name].abs(), fresh[name].abs())
        spread = float(first[name].double().std(unbiased=False))
        torch.testing.assert_close(constant[name][mask], own.sign() * spread)


@NETWORKS
def test_final_weights_are_the_source_s_network_as_it_ended(model, kind):
    cell = cell_of(model, start="final_weights")
    weights, masks = begun(cell, kind)
    assert equal(masks, source(model).masks)
    assert equal(weights, source(model).weights)


@NETWORKS
def test_guard_g24_a_shuffled_mask_keeps_the_count_of_every_layer(model, kind):
    cell = cell_of(model, mask="shuffled")
    weights, masks = begun(cell, kind)
    found = source(model).masks
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {
        name: int(mask.sum()) for name, mask in found.items()
    }
    assert all(not torch.equal(masks[name], found[name]) for name in masks)
    assert equal(weights, masked(initial(cell, kind), masks))


@NETWORKS
def test_a_random_mask_needs_no_source_and_is_not_that_of_static(model, kind):
    cell = cell_of(model, mask="random")
    assert inputs_of([cell])[cell.id] == {}
    _, masks = begun(cell, kind)
    _, static = begun(cell_of(model, "static"), kind)
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {
        name: int(mask.sum()) for name, mask in static.items()
    }
    assert not equal(masks, static)


@NETWORKS
@pytest.mark.parametrize("fields", [{"start": "reinit"}, {"mask": "shuffled"}, {"mask": "random"}])
def test_another_draw_is_another_one_and_the_same_draw_the_same(model, kind, fields):
    one, same, other = (begun(cell_of(model, draw=draw, **fields), kind) for draw in (0, 0, 1))
    assert equal(one[0], same[0])
    assert equal(one[1], same[1])
    assert not equal(one[0], other[0])


@NETWORKS
def test_weights_for_the_active_fan_in_are_larger_by_the_root_of_the_density(model, kind):
    plain, masks = begun(cell_of(model, start="reinit"), kind)
    scaled, _ = begun(cell_of(model, start="reinit", fan_in="active"), kind)
    for name in plain:
        factor = 1.0
        if name in masks:
            factor = math.sqrt(masks[name].numel() / int(masks[name].sum()))
            assert factor > 1.1
        torch.testing.assert_close(scaled[name].float(), plain[name].float() * factor)


@NETWORKS
def test_the_seed_of_the_source_names_its_mask_and_initial_weights_and_not_the_data(model, kind):
    cell = cell_of(model, source_seed=5)
    weights, masks = begun(cell, kind)
    assert equal(masks, source(model, 5).masks)
    assert equal(weights, masked(initial(cell_of(model, seed=5), kind), masks))
    one, other = (train(each)[each.id] for each in (cell, cell_of(model, seed=5)))
    assert one.curve["train_loss"] != other.curve["train_loss"]


@NETWORKS
def test_the_mask_stays_and_density_is_exact(model, kind):
    cell = cell_of(model, start="reinit")
    final = read_snapshot(left_by(cell, "final"))
    assert equal(final.masks, source(model).masks)
    outcome = train(cell)[cell.id]
    assert outcome.topology_updates == 0
    target = sum(int(mask.sum()) for mask in source(model).masks.values())
    assert sum(layer["active"] for layer in outcome.layers) == target


def test_cells_in_a_stack_have_the_bits_of_cells_alone():
    cells = [cell_of("mlp", start=start) for start in (*CHANGED, "final_weights")]
    cells += [cell_of("mlp", mask="shuffled", draw=draw, start="reinit") for draw in (0, 1)]
    together = train(*cells)
    assert {outcome.engine for outcome in together.values()} == {"stack"}
    for cell in cells:
        assert result(together[cell.id]) == result(train(cell)[cell.id])


@pytest.mark.parametrize(
    ("name", "options", "density"),
    [("imp", {}, "0.5"), ("lth", {}, "0.3"), ("srigl", {"update_every": 3}, "0.3"),
     ("str", {}, "1"), ("top_kast", {"update_every": 3}, "0.3"), ("n_m", {}, "0.25"),
     ("set_np", {}, "0.3")],
)  # fmt: skip
def test_the_structure_of_any_method_can_be_trained(name, options, density):
    made = make_cell(name, density, 3, options=options, dataset_options=IMAGES, epochs=2)
    text = made.method.canonical_json() if options else name
    cell = make_cell(
        "retrain", density, 3, options={"source": text, "start": "reinit"},
        dataset_options=IMAGES, epochs=2,
    )  # fmt: skip
    _, masks = begun(cell, StackEngine)
    assert equal(masks, read_snapshot(left_by(made, "final")).masks)
    assert train(cell)[cell.id].state == "COMPLETED"
