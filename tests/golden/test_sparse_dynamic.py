"""snfs and granet step by step, what the rules of updates have in common, and explored rates."""

import math

import pytest
import torch

from sparse.methods.gmp import GMP
from sparse.methods.granet import GraNet
from sparse.methods.rigl import RigL
from sparse.methods.set import SET
from sparse.methods.snfs import SNFS
from sparse.select import largest_global
from sparse.stats import explored_rate
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps

STEPS = 40
ITOP = {"drop_fraction": 0.5, "final_drop_fraction": 0.005, "update_stop": 1.0}


def trained(method, total_steps=STEPS):
    method.prepare(ToyContext(make_layers(), total_steps=total_steps))
    run_steps(method, 1, total_steps)
    return method


def assert_same_network(first, second):
    for one, other in zip(first.layers, second.layers, strict=True):
        assert torch.equal(one.mask, other.mask)
        assert torch.equal(one.weight, other.weight)


# --- rules that meet each other -------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"growth": "stale_gradient", "dense_until": 1.0},
        {"growth": "candidates", "dense_until": 0.1, "candidate_factor": 1000},
        {"growth": "gradient_then_random", "dense_until": 1.0},
        {"growth": "gradient_subset", "subset_factor": 1000},
        {"update_stop": 0.75, "anneal_stop": 0.75},
    ],
)
def test_rigl_that_sees_or_notes_everything_is_rigl(options):
    assert_same_network(
        trained(RigL("0.3", update_every=2)), trained(RigL("0.3", update_every=2, **options))
    )


@pytest.mark.parametrize(
    "options",
    [
        {"growth": "stale_gradient", "dense_until": 0.25},
        {"growth": "candidates", "dense_until": 0.25},
        {"growth": "gradient_then_random", "dense_until": 0.25},
        {"update_stop": 0.275, "anneal_stop": 0.75},
    ],
    ids=["stale", "candidates", "random", "frozen"],
)
def test_rigl_without_later_gradients_is_rigl_up_to_then(options):
    early = RigL("0.3", update_every=2, **options)
    always = RigL("0.3", update_every=2)
    for method in (early, always):
        method.prepare(ToyContext(make_layers(), total_steps=STEPS))
        run_steps(method, 1, 10)
    assert_same_network(early, always)
    for method in (early, always):
        run_steps(method, 11, 12)
    assert any(
        not torch.equal(one.mask, other.mask)
        for one, other in zip(early.layers, always.layers, strict=True)
    )


def test_rigl_with_random_growth_is_set_with_its_clock():
    rigl = trained(RigL("0.3", update_every=2, growth="random"))
    options = {"drop": "magnitude", "anneal": "cosine", "update_stop": 0.75}
    assert_same_network(rigl, trained(SET("0.3", update_every=2, **options)))
    never = {"growth": "gradient_then_random", "dense_until": 0}
    assert_same_network(rigl, trained(RigL("0.3", update_every=2, **never)))


def test_growth_by_gradient_in_a_subset_takes_the_best_of_what_was_drawn():
    layer = ToyLayer("w", torch.arange(100.0).roll(50), torch.arange(100) < 10)
    method = RigL("0.1", drop_fraction=0.4, growth="gradient_subset", subset_factor=2.5)
    method.bind(ToyContext([layer], total_steps=1000))
    method.counts = {"w": 10}
    layer.gradient = torch.arange(100.0)
    method.after_backward(100)
    drawn = method.topology.gradients.candidates["w"]
    # 25 of the 90 inactive weights: with the 10 active ones all gradients that are needed.
    assert (int(drawn.sum()), bool(drawn[:10].any())) == (25, False)
    assert method.passes(True).weight_gradients == {"w": 35}
    update = method.after_step(100)
    assert (update.dropped, update.grown) == (3, 3)
    grown = layer.mask.bool() & (torch.arange(100) >= 10)
    assert grown.nonzero().flatten().tolist() == drawn.nonzero().flatten().tolist()[-3:]


def test_subsets_are_drawn_anew_at_every_update_and_alike_in_every_run():
    drawn = []
    for _ in range(2):
        method = RigL("0.3", update_every=2, growth="gradient_subset")
        method.prepare(ToyContext(make_layers(), total_steps=STEPS))
        for last in (2, 4):
            run_steps(method, last - 1, last)
            drawn.append(method.topology.gradients.candidates["first"])
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[1], drawn[3])
    assert not torch.equal(drawn[0], drawn[1])


# --- snfs -----------------------------------------------------------------------------------------


def layer_of_ten(name, weights, first, second):
    """Four active weights, and the gradients of two steps by position."""
    layer = ToyLayer(name, torch.tensor([*weights, *6 * [0.0]]), torch.arange(10) < 4)
    gradients = [torch.zeros(10), torch.zeros(10)]
    for gradient, values in zip(gradients, (first, second), strict=True):
        for position, value in values.items():
            gradient[position] = value
    return layer, gradients


def test_snfs_shares_and_grows_by_the_running_mean():
    # With momentum 0.5 the mean after two steps is a quarter of the first and half of the second.
    large, small = dict.fromkeys(range(4), 0.4), dict.fromkeys(range(4), -0.4 / 3)
    wide, wide_gradients = layer_of_ten(
        "wide", [0.1, 0.9, -0.8, 0.7], {**large, 5: -8.0, 9: 4.0}, {**large, 4: 1, 7: 3, 9: -2}
    )
    narrow, narrow_gradients = layer_of_ten(
        "narrow", [0.5, 0.1, -0.2, 0.6], {**small, 8: 1.0}, {**small, 6: 1.0}
    )
    method = SNFS("0.4", momentum=0.5, anneal="constant", update_every=2)
    method.bind(ToyContext([wide, narrow]))
    method.counts = {"wide": 4, "narrow": 4}
    for step, gradients in enumerate(zip(wide_gradients, narrow_gradients, strict=True), 1):
        wide.gradient, narrow.gradient = gradients
        method.after_backward(step)
    update = method.after_step(2)
    # Each drops 2; mean momenta of 0.3 and 0.1 give 3 and 1 of the 4 back.
    assert (update.dropped, update.grown) == (4, 4)
    assert wide.mask.tolist() == [0, 1, 1, 0, 1, 1, 0, 1, 0, 0]
    assert narrow.mask.tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 0, 0]
    assert method.counts == {"wide": 5, "narrow": 3}


def test_guard_snfs_grows_not_one_more_than_it_drops():
    # The published code rounds every layer's share up: with three layers up to two too many.
    method = SNFS("0.3", update_every=1)
    method.prepare(ToyContext(make_layers(), total_steps=STEPS))
    seen = set()
    for step in range(1, STEPS):
        run_steps(method, step, step)
        assert sum(method.counts.values()) == 66
        seen.add(tuple(method.counts.values()))
    assert len(seen) > 5


# --- granet ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("density", ["0.02", "0.3", "1"])
@pytest.mark.parametrize(("start", "stop"), [(0.0, 0.5), (0.1, 0.8), (0.2, 0.53)])
def test_granet_that_exchanges_nothing_is_gmp(density, start, stop):
    options = {"initial_density": 1, "drop_fraction": 0}
    granet = GraNet(density, update_every=4, prune_start=start, prune_stop=stop, **options)
    gmp = GMP(density, update_every=4, start=start, stop=stop)
    for method in (granet, gmp):
        method.prepare(ToyContext(make_layers(), total_steps=STEPS))
    for step in range(1, STEPS + 1):
        run_steps(granet, step, step)
        run_steps(gmp, step, step)
        assert_same_network(granet, gmp)


@pytest.mark.parametrize("initial", [0.3, 0.1])
@pytest.mark.parametrize("stop", [0.5, 0.53])
def test_granet_that_prunes_nothing_is_rigl_with_the_settings_of_itop(initial, stop):
    granet = GraNet("0.3", update_every=4, initial_density=initial, prune_stop=stop)
    assert_same_network(trained(granet), trained(RigL("0.3", update_every=4, **ITOP)))


def test_guard_granet_reaches_its_density_exactly():
    # The published code ends its ramp one update early: 10 % would be 10.01 %.
    weights = torch.randn(400, 250, generator=torch.Generator().manual_seed(0))
    method = GraNet("0.1", update_every=1, prune_stop=0.8)
    method.prepare(ToyContext([ToyLayer("w", weights)], total_steps=50))
    path = {0: method.counts["w"]}
    for step in range(1, 50):
        run_steps(method, step, step)
        path[step] = method.counts["w"]
    quarters = {0: 50_000, 10: 26_875, 20: 15_000, 30: 10_625, 40: 10_000, 49: 10_000}
    assert {step: path[step] for step in quarters} == quarters
    assert path[39] == 10_001
    assert list(path.values()) == sorted(path.values(), reverse=True)


@pytest.mark.parametrize("initial", [0.5, 1.0])
def test_granet_prunes_over_all_layers_and_exchanges_within_them(initial):
    method = GraNet("0.2", update_every=1, initial_density=initial, prune_stop=0.8)
    method.prepare(ToyContext(make_layers(), total_steps=20))
    exchanged = 0
    for step in range(1, 20):
        run_steps_without_update(method, step)
        total = sum(method.counts.values())
        before = {layer.name: layer.mask.bool() for layer in method.layers}
        scores = {
            layer.name: layer.weight.abs().where(layer.mask.bool(), -1.0) for layer in method.layers
        }
        update = method.after_step(step)
        kept = largest_global(scores, sum(method.counts.values()))
        assert method.counts == {name: int(mask.sum()) for name, mask in kept.items()}
        assert update.dropped - update.grown == total - sum(method.counts.values())
        # Nothing that this update pruned or dropped is among what it grew.
        grown = [layer.mask.bool() & ~before[layer.name] for layer in method.layers]
        assert sum(int(mask.sum()) for mask in grown) == update.grown
        exchanged += update.grown
    assert exchanged > 20


def run_steps_without_update(method, step):
    """Run one step as `run_steps` does, and leave the update to the test."""
    wants, method.wants_update = method.wants_update, lambda step: False
    run_steps(method, step, step)
    method.wants_update = wants


# --- explored rate --------------------------------------------------------------------------------


def explored_by(method):
    layer = ToyLayer("w", torch.randn(200, 200, generator=torch.Generator().manual_seed(0)))
    method.prepare(ToyContext([layer], total_steps=51))
    run_steps(method, 1, 51)
    return explored_rate(method.layers, method.explored)


@pytest.mark.parametrize(
    ("density", "slow", "fast"),
    [("0.05", 0.266, 0.502), ("0.1", 0.477, 0.766), ("0.2", 0.761, 0.959), ("0.5", 0.995, 1.0)],
)
def test_explored_rate_when_what_was_dropped_may_grow_at_once(density, slow, fast):
    # Fifty updates, drop fraction 0.2 to 0.001 or 0.5 to 0.005: unseen *= 1 - k / (n - active + k).
    settings = {"update_every": 1, "anneal": "cosine", "convention": "set2018_keras"}
    first = SET(density, drop_fraction=0.2, final_drop_fraction=0.001, **settings)
    second = SET(density, drop_fraction=0.5, final_drop_fraction=0.005, **settings)
    assert explored_by(first) == pytest.approx(slow, abs=0.012)
    assert explored_by(second) == pytest.approx(fast, abs=0.012)


@pytest.mark.parametrize(
    ("updates", "convention", "expected"),
    [
        (10, "exact", 0.4918),
        (10, "set2018_keras", 0.4759),
        (30, "exact", 0.8380),
        (30, "set2018_keras", 0.8222),
    ],
)
def test_explored_rate_at_a_constant_drop_fraction(updates, convention, expected):
    # 1 - (1 - d) (1 - p d / (1 - d))^T with d = 0.1 and p = 0.5, or over 1 - d + p d where what was
    # dropped may grow at once.
    options = {"drop_fraction": 0.5, "anneal": "constant", "convention": convention}
    method = SET("0.1", update_every=1, **options)
    layer = ToyLayer("w", torch.randn(200, 200, generator=torch.Generator().manual_seed(0)))
    method.prepare(ToyContext([layer], total_steps=updates + 1))
    run_steps(method, 1, updates)
    assert explored_rate(method.layers, method.explored) == pytest.approx(expected, abs=0.008)


@pytest.mark.parametrize(("density", "expected"), [("0.05", 0.514), ("0.1", 0.785), ("0.2", 0.971)])
def test_explored_rate_of_set_with_the_settings_of_itop(density, expected):
    # What is dropped waits for the next update: unseen *= 1 - k / (n - active).
    method = SET(density, drop="magnitude", anneal="cosine", update_every=1, **ITOP)
    active, unseen = round(40_000 * float(density)), 1 - float(density)
    for step in range(1, 51):
        grown = math.floor(active * (0.005 + 0.495 * (1 + math.cos(math.pi * step / 51)) / 2))
        unseen *= 1 - grown / (40_000 - active)
    assert 1 - unseen == pytest.approx(expected, abs=0.0005)
    assert explored_by(method) == pytest.approx(expected, abs=0.006)


def test_growth_of_never_active_weights_explores_with_every_weight_that_grows():
    # Half of 4000 weights at each update: the other 36,000 are through after eighteen.
    options = {"drop": "magnitude", "drop_fraction": 0.5, "growth": "random_unexplored"}
    method = SET("0.1", update_every=1, **options)
    layer = ToyLayer("w", torch.randn(200, 200, generator=torch.Generator().manual_seed(0)))
    method.prepare(ToyContext([layer], total_steps=51))
    rates = []
    for step in range(1, 20):
        run_steps(method, step, step)
        rates.append(explored_rate(method.layers, method.explored))
    assert rates[:3] == [0.15, 0.2, 0.25]
    assert rates[16:] == [0.95, 1.0, 1.0]


def test_explored_rate_of_four_masks():
    method = SET("0.25", update_every=1)
    layer = ToyLayer("w", torch.ones(8), torch.arange(8) < 2)
    method.bind(ToyContext([layer], total_steps=10))
    method.counts, method.explored = {"w": 2}, {"w": layer.mask.bool()}
    assert explored_rate(method.layers, method.explored) == 0.25
    for dropped, grown, rate in [(0, 5, 0.375), (1, 6, 0.5), (6, 1, 0.5)]:
        method.exchange(layer, torch.tensor([dropped]), torch.tensor([grown]))
        assert explored_rate(method.layers, method.explored) == rate
