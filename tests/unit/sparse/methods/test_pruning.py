"""snip and gmp: what they keep, and when."""

import pytest
import torch

from sparse.methods.gmp import GMP
from sparse.methods.granet import GraNet
from sparse.methods.snip import SNIP
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps


def prepared(method, layers, total_steps=1000):
    method.prepare(ToyContext(layers, total_steps=total_steps))
    return method


def test_snip_keeps_the_largest_scores_of_the_initial_weights_over_all_layers():
    # The toy loss has the gradient w^2, so that the score is |w|^3.
    layers = [
        ToyLayer("a", torch.tensor([[3.0, -1.0]])),
        ToyLayer("b", torch.tensor([[0.1, -2.0, 0.2, 0.3]])),
    ]
    method = prepared(SNIP("0.5"), layers)
    assert layers[0].weight.tolist() == [[3.0, -1.0]]
    assert layers[1].weight.tolist() == [[0.0, -2.0, 0.0, 0.0]]
    assert method.counts == {"a": 2, "b": 1}


def test_snip_cuts_no_layer_off():
    layers = make_layers()
    layers[2].weight.mul_(1e-3)
    method = prepared(SNIP("0.1"), layers)
    assert method.counts["third"] == 1
    assert sum(method.counts.values()) == 22  # 21.9 weights


def test_snip_sums_over_batches_and_leaves_no_gradients_behind():
    layers = make_layers()
    for layer in layers:
        layer.weight.requires_grad_()
    method = SNIP("0.3", batches=3)
    with torch.no_grad():  # as in a loop that prepares outside of autograd
        prepared(method, layers)
    assert all(layer.weight.grad is None for layer in layers)
    assert sum(method.counts.values()) == 66


def test_gmp_follows_the_cubic_and_ends_exactly_at_its_target():
    layers = make_layers()
    method = prepared(GMP("0.1", start=0.0, stop=0.5, update_every=100), layers)
    seen = {}
    for step in range(1, 1000):
        if run_steps(method, step, step):
            seen[step] = sum(method.counts.values())
    # 219 weights, 22 to keep: 22 + 197 * (1 - step / 500)^3, rounded.
    assert seen == {100: 123, 200: 65, 300: 35, 400: 24, 500: 22}


@pytest.mark.parametrize(
    ("total", "every", "steps"),
    [
        (1000, 300, [300, 600, 800]),  # the stop is no multiple: it is added
        (20, 100, [16]),
        (2, 100, [1]),
        (3, 1, [1, 2]),
        (1, 100, []),
    ],
)
def test_gmp_reaches_its_target_in_runs_of_any_length(total, every, steps):
    layers = make_layers()
    method = prepared(GMP("0.1", update_every=every), layers, total)
    assert run_steps(method, 1, total) == steps
    assert sum(int(layer.mask.sum()) for layer in layers) == 22


def test_gmp_never_prunes_after_the_last_step():
    method = prepared(GMP("0.1", stop=1.0, update_every=10), make_layers(), 100)
    assert run_steps(method, 1, 100)[-1] == 99


def test_gmp_within_layers_ends_at_the_allocated_counts():
    method = prepared(GMP("0.1", scope="layer", allocation="erk"), make_layers())
    expected = method.allocated_counts()
    run_steps(method, 1, 999)
    assert method.counts == expected
    assert sum(expected.values()) == 22


def test_gmp_drops_the_smallest_weights_and_never_brings_one_back():
    layer = ToyLayer("w", torch.tensor([5.0, -4.0, 3.0, -2.0, 1.0, 0.5, 0.25, 0.1]))
    method = prepared(GMP("0.25", start=0.0, stop=0.5, update_every=1), [layer], 8)
    method.after_step(2)
    assert layer.mask.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]  # 2 + 6 / 8 of 8
    layer.weight.copy_(torch.tensor([0.0, 4.0, 3.0, 0, 0, 0, 0, 0]))  # an active zero goes next
    method.after_step(4)
    assert layer.mask.tolist() == [0, 1, 1, 0, 0, 0, 0, 0]


def test_gmp_needs_to_know_the_length_of_the_run():
    with pytest.raises(ValueError, match="give total_steps"):
        prepared(GMP("0.1"), make_layers(), None)


def test_gmp_within_layers_ends_where_an_epsilon_says():
    method = GMP(scope="layer", allocation={"name": "er_epsilon", "epsilon": 2}, update_every=2)
    prepared(method, make_layers(), 20)
    run_steps(method, 1, 20)
    assert method.counts == {"first": 38, "second": 42, "third": 24}


@pytest.mark.parametrize("kind", [GMP, GraNet])
def test_a_density_that_would_cut_layers_off_is_refused_before_anything_is_trained(kind):
    with pytest.raises(ValueError, match="fewer than one for each of the 3 layers"):
        prepared(kind("0.01"), make_layers())
