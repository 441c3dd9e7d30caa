"""Published schedules and topology updates; every value names its convention."""

import pytest
import torch
from torch import nn

from sparse import drop, grow
from sparse.methods.gmp import GMP
from sparse.methods.rigl import RigL
from sparse.methods.set import SET
from sparse.schedule import CosineDrop, CubicDensity
from sparse.stats import explored_rate
from tests.support.toy import ToyContext, ToyLayer, run_steps

# --- schedules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("initial", "final", "sparsities"),
    [
        (1.0, 0.1, [0.0, 0.5203125, 0.7875, 0.8859375, 0.9]),  # Zhu and Gupta
        (0.5, 0.05, [0.5, 0.76015625, 0.89375, 0.94296875, 0.95]),
        (0.5, 0.1, [0.5, 0.73125, 0.85, 0.89375, 0.9]),  # GraNet
    ],
)
def test_cubic_density(initial, final, sparsities):
    ramp = CubicDensity(initial=initial, final=final, start=0, stop=100)
    assert [1 - ramp.density(step) for step in (0, 25, 50, 75, 100)] == pytest.approx(
        sparsities, abs=1e-12
    )


def test_cubic_density_reaches_the_target_that_a_published_code_misses():
    # That code ends its ramp of 35 updates at the 34th, 2e-5 above the target density of 0.2.
    ramp = CubicDensity(initial=1.0, final=0.2, start=0, stop=35)
    published = {1: 0.0666309, 2: 0.1294554, 3: 0.1885854, 33: 0.7998507, 34: 0.7999813}
    assert {step: 1 - ramp.density(step) for step in published} == pytest.approx(
        published, abs=5e-8
    )
    assert ramp.density(35) == 0.2
    path = [ramp.density(step) for step in range(36)]
    assert path == sorted(path, reverse=True)


@pytest.mark.parametrize("multiplier", [1, 2, 7])
def test_gmp_takes_the_same_path_in_a_run_several_times_as_long(multiplier):
    # The ramp above over 35 updates and 100,000 weights, in a run of 40 intervals.
    layer = ToyLayer("w", torch.randn(400, 250, generator=torch.Generator().manual_seed(0)))
    total = 40 * multiplier
    method = GMP("0.2", start=0.0, stop=0.875, update_every=multiplier)
    method.prepare(ToyContext([layer], total_steps=total))
    due = [step for step in range(total + 1) if method.wants_update(step)]
    assert due == [multiplier * update for update in range(1, 36)]
    path = [100_000]
    for step in due:
        method.after_step(step)
        path.append(int(layer.mask.sum()))
    assert path[:4] == [100_000, 93_337, 87_054, 81_141]
    assert path[-3:] == [20_015, 20_002, 20_000]
    assert path == sorted(path, reverse=True)


def test_cosine_drop_of_rigl():
    drops = CosineDrop(initial=0.3, stop=1000)
    expected = {0: 0.3, 100: 0.292658, 250: 0.256066, 500: 0.15, 750: 0.043934, 900: 0.007342}
    assert {step: drops.drop_fraction(step) for step in expected} == pytest.approx(
        expected, abs=5e-7
    )


@pytest.mark.parametrize(
    ("initial", "final", "expected"),
    [
        (
            0.2,
            0.001,
            {0: 0.2, 1408: 0.19980366, 17600: 0.17085712, 35200: 0.1005, 52800: 0.03014288},
        ),
        (0.5, 0.005, {1408: 0.49951162, 17600: 0.42750893, 35200: 0.2525, 52800: 0.07749107}),
    ],
)
def test_cosine_drop_of_itop_with_its_floor(initial, final, expected):
    drops = CosineDrop(initial=initial, stop=70400, final=final)
    assert {step: drops.drop_fraction(step) for step in expected} == pytest.approx(
        expected, abs=5e-9
    )
    assert drops.drop_fraction(70400) == final


def test_closed_cosine_agrees_with_the_recursive_scheduler():
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.2)
    recursive = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=500, eta_min=0.001)
    drops = CosineDrop(initial=0.2, stop=500, final=0.001)
    for step in range(500):
        assert drops.drop_fraction(step) == pytest.approx(recursive.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        recursive.step()


# --- rigl: one update -----------------------------------------------------------------------------


def rigl_update(convention, gradient):
    """One weight of three is dropped: returns mask, weight and slot after the update."""
    layer = ToyLayer(
        "w", torch.tensor([0.9, -0.05, 0.4, 0, 0, 0]), torch.tensor([1, 1, 1, 0, 0, 0])
    )
    layer.gradient = torch.tensor(gradient)
    options = {"drop_fraction": 0.3 if convention == "itop" else 0.4, "anneal": "constant"}
    method = RigL("0.5", convention=convention, **options)
    method.bind(ToyContext([layer]))
    method.counts = {"w": 3}
    method.after_backward(100)
    method.after_step(100)
    return layer.mask.tolist(), [round(x, 6) for x in layer.weight.tolist()], layer.slot.tolist()


@pytest.mark.parametrize("convention", ["exact", "rigl", "rigl_text", "itop"])
def test_rigl_grows_the_largest_gradient(convention):
    mask, weight, slot = rigl_update(convention, [0.1, 0.2, 0.3, 0.5, -0.9, 0.05])
    assert mask == [1, 0, 1, 0, 1, 0]
    assert weight == [0.9, 0, 0.4, 0, 0, 0]
    assert slot == [1, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("convention", "mask", "weight", "slot"),
    [
        ("rigl", [1, 1, 1, 0, 0, 0], [0.9, -0.05, 0.4, 0, 0, 0], [1, 1, 1, 0, 0, 0]),
        ("itop", [1, 1, 1, 0, 0, 0], [0.9, -0.05, 0.4, 0, 0, 0], [1, 1, 1, 0, 0, 0]),
        ("rigl_text", [1, 1, 1, 0, 0, 0], [0.9, 0, 0.4, 0, 0, 0], [1, 0, 1, 0, 0, 0]),
        ("exact", [1, 0, 1, 0, 1, 0], [0.9, 0, 0.4, 0, 0, 0], [1, 0, 1, 0, 0, 0]),
    ],
)
def test_rigl_when_the_dropped_weight_has_the_largest_gradient(convention, mask, weight, slot):
    assert rigl_update(convention, [0.1, 2.0, 0.3, 0.5, -0.9, 0.05]) == (mask, weight, slot)


def test_rounding_of_the_drop_count():
    weight, active = torch.arange(1.0, 11.0), torch.arange(10)
    assert drop.whole_share(0.256, 10) == 2  # rigl, and ours
    assert drop.itop(weight, active, 0.256).tolist() == [0, 1, 2]  # itop rounds up


def test_equal_weights_at_the_threshold():
    weight, active = torch.tensor([0.1, 0.1, 0.1, 0.5, 0.6]), torch.arange(5)
    assert drop.magnitude(weight, active, 1).tolist() == [0]
    assert drop.itop(weight, active, 0.2).tolist() == [0, 1, 2]  # the published code: all three


def test_growth_among_several_candidates():
    scores = torch.tensor([9, -0.1, 0.5, 0, 8, -0.3]).abs()
    occupied = torch.tensor([0, 4])
    assert grow.gradient(scores, occupied, 2).tolist() == [2, 5]


# --- set: what is dropped -------------------------------------------------------------------------

TEN = [-5, -4, -3, -2, -1, 1.5, 2, 3, 4, 5]
WITH_ZEROS = [-0.4, -0.3, -0.2, -0.1, 0, 0, 0, 0.11, 0.2, 0.3, 0.4, 0.5]


def kept(rule, values):
    weight = torch.tensor(values, dtype=torch.float64)
    active = weight.nonzero().flatten()
    dropped = rule(weight[active], active)
    return [value for at, value in enumerate(values) if value and at not in dropped.tolist()]


@pytest.mark.parametrize(
    ("fraction", "scipy", "keras", "ours"),
    [
        (0.1, [-5, -4, -3, 2, 3, 4, 5], [-5, -4, -3, -2, 2, 3, 4, 5], TEN),
        (
            0.3,
            [-5, -4, 3, 4, 5],
            [-5, -4, -3, 3, 4, 5],
            [-5, -4, -3, -2, 2, 3, 4, 5],
        ),
        (0.5, [-5, -4, 4, 5], [-5, -4, 4, 5], [-5, -4, -3, 3, 4, 5]),
    ],
)
def test_three_rules_of_set_on_ten_weights(fraction, scipy, keras, ours):
    wide = TEN[:5] + [0] * 7 + TEN[5:]  # the Keras release sees the zeros of the whole matrix
    assert kept(lambda w, a: drop.set2018(w, a, fraction, zeros=0), TEN) == scipy
    assert kept(lambda w, a: drop.set2018(w, a, fraction, zeros=7), wide) == keras
    assert kept(lambda w, a: drop.signed(w, a, fraction), wide) == ours


def test_scipy_rule_of_set_with_one_sign_only():
    positive = [float(value) for value in range(1, 11)]
    negative = [-value for value in positive]

    def rule(w, a):
        return drop.set2018(w, a, 0.3, zeros=0)

    assert kept(rule, positive) == [5, 6, 7, 8, 9, 10]
    assert kept(rule, negative) == [-5, -6, -7, -8, -9, -10]
    assert kept(lambda w, a: drop.signed(w, a, 0.3), positive) == [4, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("size", "share"), [(100, 0.310), (1000, 0.302), (10_000, 0.3002), (100_000, 0.30002)]
)
def test_scipy_rule_drops_slightly_more_than_its_fraction(size, share):
    # A Gaussian layer of `size`: one weight of each sign beyond the fraction of 0.3.
    weight = torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    dropped = len(drop.set2018(weight, torch.arange(size), 0.3, zeros=0))
    assert dropped / size == pytest.approx(share, abs=2.1 / size)
    assert dropped > 0.3 * size


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (0.2, [-0.4, -0.3, -0.2, 0.3, 0.4, 0.5]),
        (0.25, [-0.4, -0.3, -0.2, 0.3, 0.4, 0.5]),
        (0.5, [-0.4, -0.3, 0.4, 0.5]),
        (0.0, [-0.4, -0.3, -0.2, -0.1, 0.2, 0.3, 0.4, 0.5]),  # a positive weight dies even so
    ],
)
def test_keras_rule_of_set_over_a_matrix_with_zeros(fraction, expected):
    assert kept(lambda w, a: drop.set2018(w, a, fraction, zeros=3), WITH_ZEROS) == expected


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (0.2, [-0.4, -0.3, -0.2, -0.1, 0.2, 0.3, 0.4, 0.5]),
        (0.25, [-0.4, -0.3, -0.2, 0.2, 0.3, 0.4, 0.5]),
        (0.5, [-0.4, -0.3, 0.3, 0.4, 0.5]),
        (0.0, [-0.4, -0.3, -0.2, -0.1, 0.11, 0.2, 0.3, 0.4, 0.5]),
    ],
)
def test_our_exact_counts_over_the_same_matrix(fraction, expected):
    assert kept(lambda w, a: drop.signed(w, a, fraction), WITH_ZEROS) == expected


# --- explored rate --------------------------------------------------------------------------------


def test_explored_rate_of_random_growth():
    # Fifty updates, drop fraction 0.2 to 0.001, density 0.1: with the published candidates, which
    # include what was just dropped, unseen *= 1 - k / (n - active + k), and 0.477 is expected.
    layer = ToyLayer("w", torch.randn(200, 200, generator=torch.Generator().manual_seed(0)))
    method = SET(
        "0.1",
        update_every=1,
        anneal="cosine",
        drop_fraction=0.2,
        final_drop_fraction=0.001,
        convention="set2018_keras",
    )
    method.prepare(ToyContext([layer], total_steps=51))
    run_steps(method, 1, 51)
    assert explored_rate(method.layers, method.explored) == pytest.approx(0.477, abs=0.01)
