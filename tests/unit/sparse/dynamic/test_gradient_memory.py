"""What dynamic methods remember of gradients, when they ask for them, and which options fit."""

import pytest
import torch

from sparse.methods.rigl import RigL
from sparse.methods.set import SET
from sparse.methods.snfs import SNFS
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps


def bound(method, total_steps=100, weight=(0.9, -0.05, 0.4, 0.0, 0.0, 0.0)):
    layer = ToyLayer("w", torch.tensor(weight), torch.arange(6) < 3)
    method.bind(ToyContext([layer], total_steps=total_steps))
    method.counts = {"w": 3}
    return layer


def wanted(method):
    return [step for step in range(1, 100) if method.wants_gradients(step)]


def test_the_running_mean_weighs_the_past():
    method = SNFS("0.5", momentum=0.9)
    layer = bound(method)
    for step, value in ((1, 1.0), (2, -3.0)):
        layer.gradient = torch.full((6,), value)
        method.after_backward(step)
    # 0.9 * (0.1 * 1) + 0.1 * -3
    assert method.topology.gradients.average["w"].tolist() == pytest.approx(6 * [-0.21])


@pytest.mark.parametrize(
    ("method", "steps"),
    [
        (SET("0.5", update_every=20), []),
        (SET("0.5", update_every=20, drop="taylor"), [20, 40, 60, 80]),
        (SET("0.5", update_every=20, redistribution="momentum"), list(range(1, 81))),
        (RigL("0.5", update_every=20), [20, 40, 60]),
        (RigL("0.5", update_every=20, growth="momentum"), list(range(1, 61))),
        (RigL("0.5", update_every=20, growth="random_unexplored"), []),
        (RigL("0.5", update_every=20, growth="stale_gradient", dense_until=0.5), [20, 40]),
        (RigL("0.5", update_every=20, growth="stale_gradient", dense_until=0.0), [20]),
        (RigL("0.5", update_every=20, growth="candidates", dense_until=0.0), [20, 40, 60]),
        (RigL("0.5", update_every=20, growth="gradient_then_random", dense_until=0.5), [20, 40]),
        (RigL("0.5", update_every=20, growth="gradient_then_random", dense_until=0.0), []),
        (RigL("0.5", update_every=20, growth="gradient_subset"), [20, 40, 60]),
    ],
)
def test_gradients_are_asked_for_when_a_rule_needs_them(method, steps):
    bound(method)
    assert wanted(method) == steps


def test_stale_growth_goes_by_the_last_gradient_of_the_dense_phase():
    method = RigL(
        "0.5",
        drop_fraction=0.4,
        anneal="constant",
        update_every=20,
        growth="stale_gradient",
        dense_until=0.5,
    )
    layer = bound(method)
    for step, best, mask in ((20, 3, [1, 0, 1, 1, 0, 0]), (40, 5, [1, 0, 1, 0, 0, 1])):
        layer.gradient = torch.zeros(6)
        layer.gradient[best], layer.gradient[1] = 2.0, 1.0
        method.after_backward(step)
        method.after_step(step)
        assert layer.mask.tolist() == mask
    layer.gradient = None
    method.after_step(60)
    # Position 5 had the largest gradient but is active, and was just dropped; 1 comes next.
    assert layer.mask.tolist() == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("options", "early", "late"),
    [
        ({}, 6, 6),
        ({"growth": "momentum"}, 6, 6),
        ({"growth": "random", "drop": "taylor"}, 3, 3),
        ({"growth": "stale_gradient", "drop": "taylor", "dense_until": 0.5}, 6, 3),
        # Two candidates; one is active at the third update and the other was dropped again.
        ({"growth": "candidates", "candidate_factor": 1, "dense_until": 0.5}, 6, 4),
        ({"growth": "gradient_then_random", "drop": "taylor", "dense_until": 0.5}, 6, 3),
        # Three active weights, and floor(0.7 * 3) of the inactive ones.
        ({"growth": "gradient_subset", "subset_factor": 0.7}, 5, 5),
    ],
)
def test_only_gradients_that_a_rule_ranks_are_counted_as_a_cost(options, early, late):
    method = RigL("0.5", drop_fraction=0.4, anneal="constant", update_every=20, **options)
    layer = bound(method)
    found = []
    for step, best in ((20, 3), (40, 5), (60, 4)):
        layer.gradient = torch.zeros(6)
        layer.gradient[best] = 1.0
        method.after_backward(step)
        found.append(method.passes(True).weight_gradients["w"])
        assert method.passes(False).weight_gradients == method.passes(True).forward == {"w": 3}
        method.after_step(step)
    assert found == [early, early, late]


@pytest.mark.parametrize("growth", ["stale_gradient", "candidates", "gradient_then_random"])
def test_a_dense_phase_needs_the_length_of_the_run(growth):
    with (
        pytest.warns(UserWarning, match="total_steps is not known"),
        pytest.raises(ValueError, match=f"growth: {growth} needs to know the length of the run"),
    ):
        bound(RigL("0.5", growth=growth), total_steps=None)


def test_a_running_mean_that_is_no_number_is_named():
    method = SNFS("0.5", update_every=2)
    layer = bound(method)
    layer.gradient = torch.tensor([0.0, float("nan"), 0, 0, 0, 0])
    method.after_backward(1)
    with pytest.raises(ValueError, match="NaN in mean gradient of w: "):
        method.after_step(2)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (RigL, {"drop_threshold": 0.1}, "drop_threshold has no effect with drop: magnitude"),
        (SET, {"momentum": 0.5}, "momentum has no effect with growth: random and redistribution"),
        (SET, {"dense_until": 0.5}, "dense_until has no effect with growth: random"),
        (
            RigL,
            {"growth": "stale_gradient", "candidate_factor": 2},
            "candidate_factor has no effect with growth: stale_gradient",
        ),
        (RigL, {"subset_factor": 2}, "subset_factor has no effect with growth: gradient"),
        (
            RigL,
            {"growth": "gradient_subset", "dense_until": 0.5},
            "dense_until has no effect with growth: gradient_subset",
        ),
        (SET, {"anneal_stop": 0.5}, "anneal_stop has no effect with anneal: constant"),
        (
            RigL,
            {"drop": "threshold", "drop_fraction": 0.5},
            "drop_fraction has no effect with drop: threshold",
        ),
        (
            RigL,
            {"drop": "threshold", "final_drop_fraction": 0.1},
            "final_drop_fraction has no effect with drop: threshold",
        ),
        (
            RigL,
            {"convention": "itop", "growth": "random"},
            "growth has no effect with convention: itop",
        ),
        (
            SET,
            {"convention": "set2018_keras", "redistribution": "nonzeros"},
            "redistribution has no effect with convention: set2018_keras",
        ),
        (
            RigL,
            {"convention": "rigl", "drop": "signed"},
            "drop has no effect with convention: rigl",
        ),
    ],
)
def test_options_without_an_effect_are_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind("0.5", **options)


def test_all_layers_share_what_is_dropped_when_nothing_was_seen():
    # A running mean of zeros gives no shares: every layer gets its own back.
    method = SET("0.3", redistribution="magnitude", update_every=2)
    layers = make_layers()
    method.prepare(ToyContext(layers, total_steps=10))
    for layer in layers:
        layer.weight.zero_()
    counts = dict(method.counts)
    assert method.after_step(2).dropped > 0
    assert method.counts == counts
    run_steps(method, 3, 10)
    assert sum(method.counts.values()) == 66
