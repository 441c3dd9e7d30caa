"""Which seeds a rule asks for: only unbroken runs count, and what is closed stays closed."""

import math
from collections.abc import Callable

import pytest

from grids.cell import Cell
from grids.seed_rules import SeedRule, read_until
from orchestrator.seeds.deciding import Decision, Standing, decide
from tests.support.grids import a_cell

RIGL, SET, DENSE = a_cell("rigl"), a_cell("set"), a_cell("dense", "1")


def rule(until: str, least: int = 3, most: int = 9) -> SeedRule:
    return SeedRule(least=least, most=most, until=read_until(until))


def seeds(cell: Cell, values: list[float]) -> dict[str, float]:
    """Measurements of a group's first seeds."""
    return {
        a_cell(cell.method.name, cell.density, seed).id: value for seed, value in enumerate(values)
    }


def asked(decision: Decision) -> dict[str, int]:
    """How many seeds of each method are asked for."""
    found: dict[str, int] = {}
    for cell in decision.cells:
        found[cell.method.name] = found.get(cell.method.name, 0) + 1
    return found


def standing(decision: Decision) -> list[tuple[str, int]]:
    return [(finding.standing.value, finding.seeds) for finding in decision.findings]


STEADY = [0.9000, 0.9001, 0.9002, 0.9001, 0.9000, 0.9002, 0.9001, 0.9000, 0.9001]
WILD = [0.9, 0.7, 0.8, 0.6, 0.95, 0.5, 0.85, 0.65, 0.75]
WORSE = [value - 0.2 for value in WILD[:2]] + [value - 0.201 for value in WILD[2:]]


def test_before_anything_is_measured_every_group_has_the_least_seeds() -> None:
    decision = decide([RIGL, SET], rule("ci95 < 1pp"), {}, {})
    assert asked(decision) == {"rigl": 3, "set": 3}
    assert [cell.seed for cell in decision.cells] == [0, 1, 2, 0, 1, 2]
    assert standing(decision) == [("open", 3), ("open", 3)]
    assert decision.most_further == 12


def test_seeds_are_added_only_where_the_mean_is_not_known_well_enough() -> None:
    measured = seeds(RIGL, STEADY[:3]) | seeds(SET, WILD[:3])
    decision = decide([RIGL, SET], rule("ci95 < 1pp"), measured, {})
    assert asked(decision) == {"rigl": 3, "set": 4}
    assert standing(decision) == [("settled", 3), ("open", 4)]
    assert decision.findings[0].why.startswith("known to +-")
    assert decision.most_further == 5


def test_with_the_most_seeds_a_question_is_exhausted() -> None:
    decision = decide([SET], rule("ci95 < 1pp"), seeds(SET, WILD), {})
    assert standing(decision) == [("exhausted", 9)]
    assert (asked(decision), decision.most_further) == ({"set": 9}, 0)


def test_what_was_closed_stays_closed_whatever_else_the_store_holds() -> None:
    early = decide([RIGL], rule("ci95 < 1pp"), seeds(RIGL, STEADY[:3]), {})
    late = decide([RIGL], rule("ci95 < 1pp"), seeds(RIGL, STEADY[:3] + WILD[3:]), {})
    assert early == late


def test_only_an_unbroken_run_of_seeds_counts() -> None:
    gap = seeds(RIGL, STEADY)
    del gap[a_cell("rigl", seed=1).id]
    assert standing(decide([RIGL], rule("ci95 < 1pp"), gap, {})) == [("open", 3)]


def test_a_failed_seed_holds_its_question_and_no_other_one_takes_its_place() -> None:
    measured = seeds(RIGL, WILD) | seeds(SET, WILD[:3])
    failed = {a_cell("rigl", seed=3).id: "FAILED"}
    del measured[a_cell("rigl", seed=3).id]
    decision = decide([RIGL, SET], rule("ci95 < 1pp"), measured, failed)
    assert standing(decision) == [("held", 4), ("open", 4)]
    assert decision.findings[0].why == "rigl density=0.05 seed=3 ended FAILED"
    assert decision.most_further == 10
    answered = measured | {a_cell("rigl", seed=3).id: WILD[3]}
    assert standing(decide([RIGL], rule("ci95 < 1pp"), answered, {})) == [("exhausted", 9)]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_has_no_mean_and_holds_the_question(value: float) -> None:
    decision = decide([SET], rule("ci95 < 1pp"), seeds(SET, [0.5, value, 0.6]), {})
    assert standing(decision) == [("held", 3)]
    assert decision.findings[0].why == f"set density=0.05 seed=1 measured {value}"


def test_a_ranking_asks_for_seeds_of_both_sides_where_they_are_not_told_apart() -> None:
    measured = seeds(DENSE, WILD) | seeds(RIGL, WORSE) | seeds(SET, WILD[::-1])
    decision = decide([DENSE, RIGL, SET], rule("ranking_settled", most=20), measured, {})
    assert standing(decision) == [("settled", 9), ("open", 13)]
    assert decision.findings[0].label == "rigl density=0.05 against dense"
    assert decision.findings[0].why == "below dense, p 0.042"
    assert (decision.findings[1].why, decision.findings[1].reading.p) == ("", 1.0)
    assert asked(decision) == {"dense": 13, "rigl": 9, "set": 13}
    assert decision.most_further == 14


def test_dense_has_the_seeds_that_any_comparison_needs_and_the_others_only_their_own() -> None:
    longer = [*WILD, 0.55, 0.9, 0.65, 0.8]
    measured = seeds(DENSE, longer) | seeds(RIGL, WORSE) | seeds(SET, longer[::-1])
    decision = decide([DENSE, RIGL, SET], rule("ranking_settled", most=13), measured, {})
    assert asked(decision) == {"dense": 13, "rigl": 9, "set": 13}
    assert standing(decision) == [("settled", 9), ("exhausted", 13)]


def test_results_of_different_code_hold_a_question_and_are_not_compared() -> None:
    measured = seeds(RIGL, WILD[:3]) | seeds(SET, WILD[:3])
    origins = dict.fromkeys(measured, "code a")
    origins[a_cell("set", seed=2).id] = "code b"
    decision = decide([RIGL, SET], rule("ci95 < 1pp"), measured, {}, origins)
    assert standing(decision) == [("open", 4), ("held", 3)]
    assert decision.findings[1].why.startswith("results of code a and of code b are not compared")


def test_a_seed_that_lies_far_out_keeps_a_narrow_interval_from_being_called_known() -> None:
    values = [0.9000, 0.9001, 0.9002, 0.9050]
    clear = decide([RIGL], rule("ci95 < 1pp", 4, 9), seeds(RIGL, values), {})
    assert standing(clear) == [("open", 6)]
    assert "seed=3 lies far out: 0.905" in clear.findings[0].reading.warning


def test_a_failed_dense_seed_holds_every_comparison_that_needs_it() -> None:
    measured = seeds(RIGL, WILD[:3]) | seeds(SET, WILD[:3]) | seeds(DENSE, WILD[:2])
    failed = {a_cell("dense", "1", 2).id: "INVALID"}
    decision = decide([DENSE, RIGL, SET], rule("ranking_settled"), measured, failed)
    assert standing(decision) == [("held", 3), ("held", 3)]


def test_the_groups_are_the_same_however_many_seeds_were_asked_before() -> None:
    measured = seeds(RIGL, WILD[:4])
    fresh = decide([RIGL], rule("ci95 < 1pp"), measured, {})
    again = decide(fresh.cells, rule("ci95 < 1pp"), measured, {})
    assert fresh == again
    assert fresh.counts() == {
        Standing.SETTLED: 0, Standing.OPEN: 1, Standing.HELD: 0, Standing.EXHAUSTED: 0,
    }  # fmt: skip


def test_who_finished_first_has_no_say() -> None:
    """A process in which cells answer in any order asks for the same cells in the end."""
    everything = seeds(RIGL, WILD) | seeds(SET, STEADY)
    orders: list[Callable[[list[str]], list[str]]] = [sorted, lambda ids: sorted(ids)[::-1]]
    ends = []
    for order in orders:
        measured: dict[str, float] = {}
        decision = decide([RIGL, SET], rule("ci95 < 1pp"), measured, {})
        while waiting := [cell.id for cell in decision.cells if cell.id not in measured]:
            answered = order(waiting)[0]
            measured[answered] = everything[answered]
            decision = decide([RIGL, SET], rule("ci95 < 1pp"), measured, {})
        ends.append(decision)
    assert ends[0] == ends[1]
    assert asked(ends[0]) == {"rigl": 9, "set": 3}
