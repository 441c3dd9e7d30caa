"""The fast tier: not the same bits, but the same distribution of results whichever engine runs."""

import math
import statistics

import pytest
from scipy import stats

from tests.support.cells import make_cell, train

MARGIN = 0.005
"""Half a percentage point of accuracy: means closer than this count as equivalent."""

TASK = {"examples": 4000, "features": 20, "classes": 5, "noise": 2.0, "test_fraction": 0.45}


def accuracies(engine, seeds):
    cells = [
        make_cell("rigl", "0.2", seed, dataset_options=TASK, tier="fast", epochs=6, batch=32,
                  options={"update_every": 40})
        for seed in seeds
    ]  # fmt: skip
    outcomes = train(*cells, engine=engine)
    assert {outcome.engine for outcome in outcomes.values()} == {engine}
    return [outcomes[cell.id].metrics["test_accuracy"] for cell in cells]


@pytest.mark.slow
def test_stack_and_solo_are_equivalent_over_seeds():
    """Two one-sided paired t-tests at 5 %: the 90 % interval of the difference is in the margin."""
    seeds = range(12)
    differences = [
        one - other
        for one, other in zip(accuracies("stack", seeds), accuracies("solo", seeds), strict=True)
    ]
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    half_width = float(stats.t.ppf(0.95, len(differences) - 1)) * error
    assert abs(statistics.mean(differences)) + half_width < MARGIN


def test_either_engine_is_legal_and_the_tier_is_part_of_the_cell():
    exact, fast = make_cell("static"), make_cell("static", tier="fast")
    assert exact.id != fast.id
    assert train(fast, engine="solo")[fast.id].engine == "solo"
    assert train(fast, engine="stack")[fast.id].engine == "stack"


def test_reduced_precision_runs_in_solo():
    cell = make_cell("static", tier="fast", precision="bf16")
    outcome = train(cell)[cell.id]
    assert (outcome.state, outcome.engine) == ("COMPLETED", "solo")
