"""The promises of a rule, by simulation of the whole process: from the first seeds to the last.

Each series is a made-up study. What it would measure with any seed is drawn beforehand; the process
asks, is told the values of what it asked for, asks again, and ends when nothing is asked any more.
"""

import os
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from grids.cell import Cell
from grids.seed_rules import SeedRule, read_until
from orchestrator.seeds.deciding import Decision, Standing, decide
from orchestrator.seeds.looks import looks_of
from orchestrator.statistics.paired import paired_t
from orchestrator.statistics.sequential import interval_of
from tests.support.grids import a_cell

METHODS = ("dense", "static", "set", "rigl")
MOST = 20
SERIES = 1000 if os.environ.get("CI", "").lower() == "true" else 300

Draw = Callable[[np.random.Generator, str], np.ndarray]


def rule(until: str) -> SeedRule:
    return SeedRule(least=3, most=MOST, until=read_until(until))


def cell(method: str, seed: int) -> Cell:
    return a_cell(method, "1" if method == "dense" else "0.05", seed)


CELLS = {method: [cell(method, seed) for seed in range(MOST)] for method in METHODS}


def process(asking: SeedRule, values: dict[str, np.ndarray]) -> Decision:
    """Ask, measure what is asked, and ask again, until nothing new is asked."""
    table = {
        one.id: float(value)
        for method, series in values.items()
        for one, value in zip(CELLS[method], series, strict=True)
    }
    groups = [CELLS[method][0] for method in values]
    measured: dict[str, float] = {}
    decision = decide(groups, asking, measured, {})
    while waiting := [one.id for one in decision.cells if one.id not in measured]:
        measured |= {name: table[name] for name in waiting}
        before, decision = decision, decide(groups, asking, measured, {})
        assert set(before.cells) <= set(decision.cells)
        assert before.most_further >= len(decision.cells) - len(before.cells)
    assert all(f.standing in (Standing.SETTLED, Standing.EXHAUSTED) for f in decision.findings)
    return decision


def normal(generator: np.random.Generator, _: str) -> np.ndarray:
    return generator.normal(0.9, 0.01, MOST)


def of_few_images(generator: np.random.Generator, _: str) -> np.ndarray:
    """Accuracies on 360 test images: differences come in steps, and equal ones are common."""
    return generator.binomial(360, generator.normal(0.93, 0.004, MOST)) / 360


def at_most(share: float) -> float:
    """What a share of so many series may come to by chance: four standard errors more."""
    return share + 4 * float(np.sqrt(share * (1 - share) / SERIES))


@pytest.mark.parametrize("draw", [normal, of_few_images])
def test_methods_that_equal_dense_are_told_apart_from_it_in_5_percent_at_most(draw: Draw) -> None:
    generator = np.random.default_rng(7)
    asking, wrong, wrong_by_a_plain_test = rule("ranking_settled"), 0, 0
    for _ in range(SERIES):
        values = {method: draw(generator, method) for method in METHODS}
        decision = process(asking, values)
        wrong += any(finding.standing is Standing.SETTLED for finding in decision.findings)
        wrong_by_a_plain_test += found_by_looking(asking, values)
    assert wrong / SERIES <= at_most(0.05)
    assert wrong_by_a_plain_test / SERIES > 2 * at_most(0.05)


def found_by_looking(asking: SeedRule, values: dict[str, np.ndarray]) -> bool:
    """Whether plain t tests at 5 %, one per comparison and look, find any difference."""
    differences = [list(values[method] - values["dense"]) for method in METHODS[1:]]
    found = [paired_t(each[:seeds]) for each in differences for seeds in looks_of(asking)]
    return any(p is not None and p < 0.05 for p in found)


@pytest.mark.parametrize("deviation", [0.002, 0.004, 0.008, 0.016])
def test_a_mean_that_is_said_to_be_known_is_where_it_is_said_to_be(deviation: float) -> None:
    generator = np.random.default_rng(11)
    asking, missed = rule("ci95 < 0.5pp"), 0
    for _ in range(SERIES):
        values = {"rigl": generator.normal(0.9, deviation, MOST)}
        [finding] = process(asking, values).findings
        used = list(map(float, values["rigl"][: finding.seeds]))
        interval = interval_of(used, looks=looks_of(asking), confidence=0.95)
        assert interval is not None
        low, high = interval
        assert (high - low < 0.01) or finding.standing is Standing.EXHAUSTED
        missed += not low <= 0.9 <= high
    assert missed / SERIES <= at_most(0.05)


def test_seeds_go_where_the_question_is_open() -> None:
    """A clear difference takes few of them, none takes all, and dense has what it is needed for."""
    generator = np.random.default_rng(13)
    shift = {"dense": 0.0, "static": -0.05, "set": -0.01, "rigl": 0.0}
    seeds: dict[str, list[int]] = {method: [] for method in METHODS}
    settled = dict.fromkeys(METHODS, 0)
    for _ in range(100):
        values = {method: normal(generator, method) + shift[method] for method in METHODS}
        decision = process(rule("ranking_settled"), values)
        for method in METHODS:
            seeds[method].append(sum(c.method.name == method for c in decision.cells))
        for method, finding in zip(METHODS[1:], decision.findings, strict=True):
            settled[method] += finding.standing is Standing.SETTLED
    assert np.mean(seeds["static"]) < np.mean(seeds["set"]) < np.mean(seeds["rigl"])
    assert np.mean(seeds["static"]) < 13.5
    assert settled["static"] == 100
    assert settled["set"] > 40
    assert all(
        dense == max(others)
        for dense, *others in zip(*(seeds[method] for method in METHODS), strict=True)
    )


def test_the_wider_the_spread_the_more_seeds() -> None:
    generator = np.random.default_rng(17)
    asked = []
    for deviation in (0.001, 0.003, 0.006, 0.02):
        series = [{"rigl": generator.normal(0.9, deviation, MOST)} for _ in range(50)]
        ends = [process(rule("ci95 < 0.5pp"), values) for values in series]
        asked.append(float(np.mean([len(end.cells) for end in ends])))
    assert all(fewer < more for fewer, more in pairwise(asked))
    assert asked[0] < 4
    assert asked[-1] > MOST - 1
