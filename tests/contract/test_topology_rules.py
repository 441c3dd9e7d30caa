"""Every combination of drop, growth and redistribution keeps what each dynamic method promises."""

import itertools

import pytest
import torch

from sparse.dynamic.topology_options import DROPS, GROWTHS, PHASED, REDISTRIBUTIONS, TopologyOptions
from sparse.methods import METHODS
from tests.support.cells import make_cell, result, train
from tests.support.toy import ToyContext, make_layers, make_method, run_steps

STEPS = 24
TASK = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
DENSE_UNTIL = 10  # 0.4 of the steps, rounded
NAMES = [name for name in METHODS.names() if issubclass(METHODS.get(name).options, TopologyOptions)]
RULES = list(itertools.product(DROPS, GROWTHS, REDISTRIBUTIONS))


def rule_options(drop, growth, redistribution):
    options = {"drop": drop, "growth": growth, "redistribution": redistribution, "update_every": 2}
    if drop == "threshold":
        options["drop_threshold"] = 0.5
    if growth in PHASED:
        options["dense_until"] = 0.4
    if growth == "gradient_subset":
        options["subset_factor"] = 0.2  # too few where layers share, so that some growth is random
    if growth == "candidates":
        options["candidate_factor"] = 1  # soon too few, so that some growth is random
    return options


def started(name, *rules, layers=None):
    method = make_method(name, "0.3", **rule_options(*rules))
    context = ToyContext(layers or make_layers(), total_steps=STEPS)
    method.bind(context) if layers else method.prepare(context)
    return method


def step_and_check(method, step, *, exact, own_layer):
    """Run one step; what it changed must be what its rules allow."""
    before = {layer.name: layer.mask.bool() for layer in method.layers}
    counts = dict(method.counts)
    updated = bool(run_steps(method, step, step))
    for layer in method.layers:
        mask = layer.mask.bool()
        grown = mask & ~before[layer.name]
        assert int(mask.sum()) == method.counts[layer.name] >= 1
        for tensor in (layer.weight, layer.slot):
            assert not bool(tensor[grown].any())
            assert torch.equal(tensor, tensor * layer.mask)
            assert bool(tensor[mask & ~grown].all()), "what was dropped has grown back at once"
        assert not bool((mask & ~method.explored[layer.name]).any())
    if exact:
        assert sum(method.counts.values()) == sum(counts.values()) == 66
    if exact and own_layer:
        assert method.counts == counts
    return updated and any(
        bool((layer.mask != before[layer.name]).any()) for layer in method.layers
    )


def missing(method):
    """How many weights found no place yet between the units that a pruning left."""
    return sum(method.state_dict().get("units", {"missing": {}})["missing"].values())


def looks_at_all(step, growth, redistribution):
    """Whether these rules rank or average the gradients of all weights in a step."""
    phased = growth in PHASED and step <= DENSE_UNTIL
    return phased or growth in ("gradient", "momentum") or redistribution == "momentum"


def test_every_method_with_the_shared_rules_is_here():
    assert NAMES == ["granet", "rigl", "set", "set_np", "snfs"]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "-".join(rules))
@pytest.mark.parametrize("name", NAMES)
def test_only_gradients_that_the_rules_look_at_are_a_cost(name, rules):
    method = started(name, *rules)
    sizes, asked = {"first": 84, "second": 108, "third": 27}, 0
    for step in range(1, STEPS):
        run_steps(method, step, step)
        sparse, seen = method.passes(False), method.passes(method.wants_gradients(step))
        active = {layer.name: int(layer.mask.sum()) for layer in method.layers}
        assert sparse.forward == sparse.input_gradients == sparse.weight_gradients == active
        assert seen.forward == seen.input_gradients == active
        if not method.wants_gradients(step):
            assert seen.weight_gradients == active
        elif looks_at_all(step, *rules[1:]):
            assert seen.weight_gradients == sizes
        elif rules[1] in ("candidates", "gradient_subset"):
            found = sum(seen.weight_gradients.values())
            assert sum(active.values()) < found < 219
        else:
            assert seen.weight_gradients == active
        asked += method.wants_gradients(step)
    without = rules[1] in ("random", "random_unexplored")
    blind = rules[0] != "taylor" and without and rules[2] != "momentum"
    assert (asked == 0) == blind


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "-".join(rules))
@pytest.mark.parametrize("name", NAMES)
def test_counts_are_exact_and_a_resumed_run_takes_the_same_way(name, rules, tmp_path):
    exact = METHODS.get(name).traits["density"] == "exact"
    whole = started(name, *rules)
    checks = {"exact": exact, "own_layer": rules[2] == "none"}
    assert sum(step_and_check(whole, step, **checks) for step in range(1, STEPS + 1)) >= 3
    assert sum(whole.counts.values()) + missing(whole) == 66

    first = started(name, *rules)
    run_steps(first, 1, 13)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    layers = make_layers()
    for layer, source in zip(layers, first.layers, strict=True):
        for field in ("weight", "mask", "slot"):
            getattr(layer, field).copy_(getattr(source, field))
    second = started(name, *rules, layers=layers)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    run_steps(second, 14, STEPS)
    for one, other in zip(whole.layers, second.layers, strict=True):
        assert torch.equal(one.mask, other.mask)
        assert torch.equal(one.weight, other.weight)


@pytest.mark.parametrize("redistribution", REDISTRIBUTIONS[1:])
def test_redistribution_moves_weights_between_layers(redistribution):
    method = started("set", "threshold", "random", redistribution)
    before = dict(method.counts)
    run_steps(method, 1, STEPS)
    assert method.counts != before
    assert all(count >= 1 for count in method.counts.values())


def test_a_stack_of_all_rules_trains_every_cell_to_its_own_bits():
    # Every growth rule with some drop and some redistribution, in turn for the methods.
    rules = zip(GROWTHS * 2, itertools.cycle(DROPS), itertools.cycle(REDISTRIBUTIONS[::-1]))
    cells = [
        make_cell(
            NAMES[n % len(NAMES)],
            "0.2",
            seed=n,
            options=rule_options(drop, growth, redistribution),
            dataset_options=TASK,
        )
        for n, (growth, drop, redistribution) in enumerate(rules)
    ]
    together = train(*cells)
    for cell in cells:
        alone = train(cell)[cell.id]
        assert alone.state == "COMPLETED"
        assert alone.topology_updates > 3
        assert result(together[cell.id]) == result(alone)
