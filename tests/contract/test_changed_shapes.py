"""Methods that change shapes have no mask to be exact about: the network itself has the count."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from sparse.allocation import target_count
from sparse.attach import attach
from sparse.targets import find_targets
from tests.support.cells import make_cell, result, train
from tests.support.methods import method_names
from tests.support.models import image_side, image_task, small_options
from tests.support.toy import make_method
from trainer.building import build_model
from trainer.models import MODELS
from trainer.workload import load_workload, workload_key

TASK = {"examples": 123, "classes": 3, "noise": 0.5}
NARROWABLE = [name for name in MODELS.names() if "widths" in MODELS.get(name).traits]
METHODS_THAT_DO = method_names(narrows=True)


def cell_of(method, model, density):
    # No batch of one example: batch norm cannot train on one where there is no map.
    return make_cell(
        method,
        density,
        model=model,
        model_options=small_options(model),
        dataset_options=image_task(model, **TASK),
        batch=27,
    )


def network(model, **options):
    """A network for the images of the cells."""
    shape = (1, image_side(model), image_side(model))
    return build_model(model, {**small_options(model), **options}, shape, 3)


def weights(model):
    return sum(target.size for target in find_targets(model).targets)


@pytest.mark.parametrize("density", ["0.003", "0.05", "0.1", "0.3", "0.5", "0.977", "1"])
@pytest.mark.parametrize("model", NARROWABLE)
@pytest.mark.parametrize("method", METHODS_THAT_DO)
def test_the_network_has_at_most_the_target_and_a_wider_one_more(method, model, density):
    workload = load_workload(cell_of(method, model, density), None, "cpu")
    full = weights(network(model))
    target = target_count(density, full)
    found = weights(workload.build_model(0))
    assert found <= target
    if density == "1":
        assert (found, workload.full_size) == (full, None)
        return
    assert workload.full_size == full
    option = MODELS.get(model).traits["widths"]
    widths = workload.model_options[option]
    wider = [
        weights(network(model, **{option: grown}))
        for grown in (tuple(w + (i == n) for i, w in enumerate(widths)) for n in range(len(widths)))
    ]
    assert max(wider) > target


@pytest.mark.parametrize("model", NARROWABLE)
@pytest.mark.parametrize("method", METHODS_THAT_DO)
def test_no_weight_is_masked_and_the_density_is_recorded(method, model):
    cell = cell_of(method, model, "0.3")
    outcome = train(cell)[cell.id]
    assert outcome.state == "COMPLETED"
    assert all(layer["active"] == layer["total"] for layer in outcome.layers)
    workload = load_workload(cell, None, "cpu")
    realised = sum(layer["total"] for layer in outcome.layers) / workload.full_size
    assert 0.27 < realised <= 0.3
    assert outcome.metrics["density"] == realised
    assert outcome.curve["density"] == [realised] * 3
    flops = workload.forward_cost().flops({}) / workload.full_flops()
    assert outcome.metrics["inference_flops_ratio"] == flops < 0.6
    assert outcome.metrics["train_flops_ratio"] == flops


@pytest.mark.parametrize("hidden", [(20, 20), (20, 20, 20), (20, 20, 19), (20, 30, 20, 20)])
@pytest.mark.parametrize("method", METHODS_THAT_DO)
def test_guard_a_narrower_network_joins_the_same_layers(method, hidden):
    # One unit at a time, equal widths part: (11, 10) cannot be joined, nor all of (3, 3, 2).
    joins = [one == other for one, other in pairwise(hidden)]
    for density in ("0.1", "0.2", "0.3", "0.4", "0.5", "0.9"):
        options = {"hidden": hidden, "skip": True}
        cell = make_cell(method, density, model_options=options)
        found = load_workload(cell, None, "cpu").model_options["hidden"]
        assert sum(found) < sum(hidden)
        assert [one == other for one, other in pairwise(found)] == joins


@pytest.mark.parametrize("method", METHODS_THAT_DO)
def test_cells_of_another_shape_share_no_workload_but_may_share_a_pack(method):
    cells = [make_cell(method, density) for density in ("0.2", "0.4")] + [make_cell("static")]
    full, dense = make_cell(method, "1"), make_cell("dense")
    assert len({workload_key(cell) for cell in cells}) == 3
    assert workload_key(full) == workload_key(dense) == workload_key(cells[2])
    assert workload_key(cells[0]) == workload_key(make_cell(method, "0.2", seed=4))
    together = train(*cells)
    for cell in cells:
        assert result(together[cell.id]) == result(train(cell)[cell.id])


@pytest.mark.parametrize("method", METHODS_THAT_DO)
def test_building_it_neither_reads_nor_moves_the_global_generator(method):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    load_workload(make_cell(method, "0.2"), None, "cpu")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("method", METHODS_THAT_DO)
def test_a_network_that_is_there_already_is_refused(method):
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"trains another network, .* sparse\.narrowed_widths"):
        attach(model, optimizer, make_method(method, "0.5"))
