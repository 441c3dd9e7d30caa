"""set_np over whole runs: no unit comes back, in toys, modules and stacks."""

import pytest
import torch
from torch import nn

from sparse import SetNP, attach
from tests.support.cells import make_cell, train
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.loop import BlockLoop
from trainer.workload import load_workload

STEPS = 40


def started(density="0.3", total=STEPS, **options):
    method = SetNP(density, update_every=3, **options)
    method.prepare(ToyContext(make_layers(), total_steps=total))
    return method


def assert_dead_stay_dead(method):
    for layer, following in zip(method.layers, method.layers[1:], strict=False):
        dead = ~method.units.alive[layer.name]
        for tensor in (layer.mask, layer.weight, *layer.slots().values()):
            assert not bool(tensor[dead].any())
        for tensor in (following.mask, following.weight, *following.slots().values()):
            assert not bool(tensor[:, dead].any())


# Published code grows new weights anywhere, so that pruned neurons return with the next update.
@pytest.mark.parametrize("growth", ["random", "gradient", "random_unexplored", "candidates"])
@pytest.mark.parametrize("budget", ["keep", "shrink"])
def test_guard_a_pruned_unit_is_no_zombie(budget, growth):
    method = started(budget=budget, growth=growth)
    dead = 0
    for step in range(1, STEPS + 1):
        run_steps(method, step, step)
        now = sum(int((~alive).sum()) for alive in method.units.alive.values())
        assert now >= dead
        dead = now
        assert_dead_stay_dead(method)
    assert dead == 6 + 5  # of 12 and 9


@pytest.mark.parametrize("redistribution", ["none", "nonzeros"])
def test_with_keep_every_weight_is_active_or_missing_and_with_shrink_none_returns(redistribution):
    kept = started(budget="keep", redistribution=redistribution)
    shrunk = started(budget="shrink", redistribution=redistribution)
    sizes = []
    for step in range(1, STEPS + 1):
        run_steps(kept, step, step)
        run_steps(shrunk, step, step)
        assert sum(kept.counts.values()) + sum(kept.units.missing.values()) == 66
        sizes.append(sum(shrunk.counts.values()))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 45
    # Full are the layers between 6 living units and 4, and between these and 3 outputs.
    assert (kept.counts["second"], kept.counts["third"]) == (6 * 4, 4 * 3)
    assert [name for name, missing in kept.units.missing.items() if missing] == ["second", "third"]


@pytest.mark.parametrize("density", ["0.977", "1"])
def test_what_living_units_have_no_room_for_is_left_out(density):
    method = started(density)
    run_steps(method, 1, STEPS)
    units = list(method.units.alive.values())
    room = int(units[0].sum()) * 7 + int(units[0].sum()) * int(units[1].sum())
    assert sum(method.counts.values()) == room + 3 * int(units[1].sum())


def test_prunings_that_fall_on_one_step_are_all_done():
    method = started(total=4)
    assert [step for step in range(5) if method.units.is_due(step)] == [1, 2]
    run_steps(method, 1, 4)
    assert [int((~alive).sum()) for alive in method.units.alive.values()] == [6, 5]
    alone = started(total=1)
    run_steps(alone, 1, 1)
    assert alone.metrics()["alive_neurons"] == 1.0


def test_a_single_layer_has_no_hidden_units_and_is_plain_set():
    method = SetNP("0.5", update_every=3)
    method.prepare(ToyContext([ToyLayer("w", torch.randn(6, 5))], total_steps=STEPS))
    run_steps(method, 1, STEPS)
    assert method.counts == {"w": 15}
    assert method.metrics().keys() == {"explored_rate"}


def test_layers_that_are_no_chain_are_refused_by_name():
    layers = [ToyLayer("a", torch.ones(4, 2)), ToyLayer("b", torch.ones(2, 8))]
    message = "set_np needs layers that feed each other .* a has 4 outputs and b .* reads 8 inputs"
    with pytest.raises(ValueError, match=message):
        SetNP("0.5").prepare(ToyContext(layers))


def test_the_length_of_the_run_must_be_known():
    with pytest.raises(ValueError, match="set_np needs to know the length of the run"):
        SetNP("0.5").prepare(ToyContext(make_layers(), total_steps=None))


def test_channels_are_pruned_through_normalisation_and_flattening():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(6 * 4, 4),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    handle = attach(model, optimizer, SetNP(0.4, update_every=2), total_steps=12)
    for _ in range(12):
        optimizer.zero_grad()
        model(torch.randn(5, 3, 6, 6)).square().sum().backward()
        optimizer.step()
    units = handle.sparsifier.units.alive
    assert [int(alive.sum()) for alive in units.values()] == [4, 3]
    dead = ~units["3.weight"]
    assert not bool(model[6].weight.view(4, 6, 4)[:, dead].any())
    assert not bool(model[3].bias[dead].any())
    assert not bool(model[3].weight[:, ~units["0.weight"]].any())


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("kind", [SoloEngine, StackEngine])
def test_units_die_in_both_engines_with_their_biases(kind, optimizer):
    cell = make_cell("set_np", "0.3", options={"update_every": 4}, optimizer=optimizer)
    engine = kind(load_workload(cell, None, "cpu"), [cell])
    run = CellRun(cell, 0)
    run.prepare(engine, {})
    loop = BlockLoop(engine, [run])
    while loop.step < engine.workload.total_steps:
        loop.advance()
    assert_dead_stay_dead(run.sparsifier)
    units = run.sparsifier.units.alive
    assert [int(alive.sum()) for alive in units.values()] == [17 - 9, 33 - 17]
    for layer, alive in zip(run.sparsifier.layers, units.values(), strict=False):
        for tensor in (layer.bias, *layer.bias_slots().values()):
            assert not bool(tensor[~alive].any())
            assert bool(tensor[alive].all())


def test_living_units_are_recorded():
    cell = make_cell("set_np", "0.3", options={"update_every": 4})
    outcome = train(cell)[cell.id]
    assert outcome.metrics["alive_neurons"] == 24 / 50
    assert outcome.metrics["density"] <= 0.3
