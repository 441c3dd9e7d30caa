"""The SciPy peer of the sparse layers does what the published algorithm does, and trains alike."""

import numpy as np
import pytest
import torch
from scipy import sparse as scipy_sparse

from peers.scipy_set import evolved, gradient_in_blocks, gradient_one_by_one, thresholds
from sparse_arms import MaskedArm, OurArm, as_numpy, made_batch, scipy_arm, sparse_mlp

VALUES = np.array([-5, -4, -3, -2, -1, 1.5, 2, 3, 4, 5], np.float32)


@pytest.mark.parametrize(
    ("fraction", "kept"),
    [(0.1, [-5, -4, -3, 2, 3, 4, 5]), (0.3, [-5, -4, 3, 4, 5]), (0.5, [-5, -4, 4, 5])],
)
def test_its_thresholds_are_those_of_the_scipy_release(fraction, kept):
    low, high = thresholds(VALUES, fraction)
    assert [value for value in VALUES.tolist() if value < low or value > high] == kept


def test_both_gradient_loops_take_the_sum_over_the_batch():
    draws = np.random.default_rng(0)
    below, delta = (draws.standard_normal((3, n)).astype(np.float32) for n in (5, 4))
    rows, columns = np.array([0, 2, 4], np.int32), np.array([3, 0, 1], np.int32)
    expected = (below.T @ delta)[rows, columns]
    for gradient in (gradient_in_blocks, gradient_one_by_one):
        entries = np.empty(3, np.float32)
        gradient(below, delta, rows, columns, entries)
        np.testing.assert_allclose(entries, expected, rtol=1e-5)


def test_an_update_keeps_the_count_and_the_momentum_of_what_stays():
    draws = np.random.default_rng(0)
    weight = scipy_sparse.random(
        40, 30, density=0.2, format="csr", dtype=np.float32, random_state=draws
    )
    weight.data -= np.float32(0.5)
    made, speed = evolved(weight, weight * np.float32(2), 0.3, draws)
    assert made.nnz == weight.nnz == 240
    assert 150 < speed.nnz < 180
    places = speed.nonzero()
    np.testing.assert_array_equal(2 * np.asarray(weight[places]), np.asarray(speed[places]))
    np.testing.assert_array_equal(np.asarray(weight[places]), np.asarray(made[places]))


def test_all_arms_begin_alike_and_take_the_same_first_step():
    generator = torch.Generator().manual_seed(0)
    ours = OurArm(sparse_mlp((12, 30, 20, 4), "0.2", generator))
    batch = made_batch(12, 4, 16, generator)
    masked, published = MaskedArm(ours), scipy_arm(ours)
    # The published decay is not multiplied by the learning rate; without decay the rules agree.
    published.decay = np.float32(0)
    for arm in (ours, masked):
        arm.optimizer.param_groups[0]["weight_decay"] = 0.0
    losses = [float(ours.step(batch)), float(masked.step(batch)), published.step(*as_numpy(batch))]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)
    twins = zip(ours.net.layers, masked.linears, published.weights, strict=True)
    for layer, linear, matrix in twins:
        torch.testing.assert_close(layer.to_dense(), linear.weight.detach(), atol=1e-6, rtol=1e-4)
        found = torch.from_numpy(matrix.T.toarray())
        torch.testing.assert_close(layer.to_dense(), found, atol=1e-6, rtol=1e-4)
