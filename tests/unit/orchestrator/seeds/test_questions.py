"""What a family answers: with all looks, one error for all comparisons, and the width asked."""

from dataclasses import replace

import pytest

from grids.seed_groups import groups_of
from grids.seed_rules import SeedRule, read_until
from orchestrator.seeds.looks import looks_of
from orchestrator.seeds.questions import Family, families_of
from orchestrator.statistics.sequential import family_evidence, interval_of
from orchestrator.statistics.summaries import summarise
from tests.support.grids import a_cell

STEADY = [0.900, 0.902, 0.898, 0.901, 0.899, 0.900]
LOWER = [-0.20, -0.21, -0.19, -0.22, -0.18, -0.20, -0.23, -0.17, -0.21]


def families(until: str, *methods: str, least: int = 3, most: int = 20) -> list[Family]:
    cells = [a_cell(method, "1" if method == "dense" else "0.05") for method in methods]
    rule = SeedRule(least=least, most=most, until=read_until(until))
    return families_of(groups_of(cells), rule)


def against(differences: list[float]) -> list[tuple[float, float]]:
    """Pairs of measurements with these differences; dense is 0.5."""
    return [(0.5 + difference, 0.5) for difference in differences]


def test_means_are_families_of_one_and_comparisons_one_family() -> None:
    assert [len(f.questions) for f in families("ci95 < 1pp", "dense", "set", "rigl")] == [1, 1, 1]
    [ranking] = families("ranking_settled", "dense", "set", "rigl")
    assert [q.label() for q in ranking.questions] == [
        "set density=0.05 against dense", "rigl density=0.05 against dense",
    ]  # fmt: skip
    assert ranking.looks == looks_of(SeedRule(least=3, most=20, until=ranking.until))


def test_a_mean_is_settled_by_the_interval_of_all_looks_and_not_by_students() -> None:
    """The half width of that interval is 0.0019 and of Student's 0.0015: 0.17pp is between."""
    [family] = families("ci95 < 0.17pp", "set")
    interval = interval_of(STEADY, looks=family.looks)
    student = summarise(STEADY)
    assert interval is not None
    assert student.low is not None
    assert student.high is not None
    half = (interval[1] - interval[0]) / 2
    assert (student.high - student.low) / 2 < 0.0017 < half
    [reading] = family.answers([[(value,) for value in STEADY]])
    assert (reading.settled, reading.low, reading.high) == (False, *interval)


@pytest.mark.parametrize(("factor", "settled"), [(0.999, False), (1.001, True)])
def test_a_mean_is_settled_from_the_half_width_that_is_asked_on(
    factor: float, settled: bool
) -> None:
    [family] = families("ci95 < 1pp", "set")
    interval = interval_of(STEADY, looks=family.looks)
    assert interval is not None
    points = (interval[1] - interval[0]) / 2 * 100 * factor
    [family] = families(f"ci95 < {points:.6f}pp", "set")
    assert family.answers([[(value,) for value in STEADY]])[0].settled is settled


def test_a_comparison_pays_for_every_look_and_every_other_comparison() -> None:
    """Nine that agree: 2/512 over the share 9/48, which is 0.021, and times three with Holm."""
    [alone] = families("ranking_settled", "dense", "set")
    [reading] = alone.answers([against(LOWER)])
    assert reading.p == pytest.approx(2 / 512 * 48 / 9)
    assert (reading.settled, reading.why) == (True, "below dense, p 0.021")
    [three] = families("ranking_settled", "dense", "set", "rigl", "snip")
    first, *_ = three.answers([against(LOWER), [], []])
    assert first.p == pytest.approx(3 * 2 / 512 * 48 / 9)
    assert not first.settled


def test_differences_are_rounded_by_the_size_of_the_measurements() -> None:
    [family] = families("ranking_settled", "dense", "set")
    tiny = [(1e-14 * (2 + place), 1e-14) for place in range(9)]
    assert family.answers([tiny])[0].settled
    huge = [(1e6 + 1e-7 * (1 + place % 2), 1e6) for place in range(9)]
    assert not family.answers([huge])[0].settled


def test_a_direction_that_later_seeds_contradict_leaves_the_comparison_open() -> None:
    [family] = families("ranking_settled", "dense", "set", most=9)
    turned = [*LOWER, *([9.0] * 2)]
    assert family.answers([against(LOWER)])[0].settled
    assert not family.answers([against(turned)])[0].settled


def test_two_questions_never_have_one_label() -> None:
    slow = a_cell()
    fast = replace(slow, recipe=(("lr", 0.5),))
    rule = SeedRule(least=3, most=20, until=read_until("ci95 < 1pp"))
    labels = [f.questions[0].label() for f in families_of(groups_of([slow, fast]), rule)]
    assert labels == ["rigl density=0.05 recipe.lr=0.1", "rigl density=0.05 recipe.lr=0.5"]


def test_answers_are_those_of_the_family_evidence() -> None:
    [family] = families("ranking_settled", "dense", "set", "rigl")
    values = [against(LOWER), against(LOWER[::-1])]
    expected = family_evidence([LOWER, LOWER[::-1]], looks=family.looks)
    assert [r.p for r in family.answers(values)] == pytest.approx([one.p for one in expected])
