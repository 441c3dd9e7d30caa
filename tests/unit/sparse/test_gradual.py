"""Gradual pruning: when it prunes in runs of any length, and how many weights stay."""

import pytest
import torch

from sparse.gradual import GradualPruning, active_magnitudes
from tests.support.toy import ToyLayer


def pruning(start=0.1, stop=0.8, every=100, total=1000):
    return GradualPruning(start=start, stop=stop, every=every, total=total)


def due(made, last):
    return [step for step in range(last + 1) if made.is_due(step)]


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({}, [200, 300, 400, 500, 600, 700, 800]),  # after the start at 100
        ({"every": 300}, [300, 600, 800]),  # the stop is no multiple: it is added
        ({"stop": 1.0, "every": 500}, [500, 999]),  # never after the last step
        ({"start": 0.5, "stop": 0.5}, [500]),
        ({"total": 2}, [1]),
        ({"total": 1}, [0]),  # before the only step
    ],
)
def test_prunings_happen_at_multiples_inside_and_at_the_stop(settings, steps):
    assert due(pruning(**settings), 1000) == steps


def test_counts_fall_along_the_cubic_from_the_first_to_the_target():
    made = pruning(start=0.0, stop=0.5)
    counts = [made.count(step, first=120, target=20, size=200) for step in range(0, 700, 100)]
    # 20 + 100 * (1 - step / 500)^3, rounded.
    assert counts == [120, 71, 42, 26, 21, 20, 20]


@pytest.mark.parametrize(("total", "count"), [(1, 3), (2, 7)])
def test_before_training_the_target_is_reached_in_a_run_of_one_step_only(total, count):
    assert pruning(total=total).count(0, first=7, target=3, size=9) == count


def test_inactive_weights_rank_below_active_ones_of_zero():
    layer = ToyLayer("w", torch.tensor([-2.0, 0.0, 0.0]))
    layer.mask.copy_(torch.tensor([1.0, 1.0, 0.0]))
    assert active_magnitudes([layer])["w"].tolist() == [2.0, 0.0, -1.0]
