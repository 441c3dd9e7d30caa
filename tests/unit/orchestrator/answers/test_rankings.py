"""Average ranks of a table's rows: over which blocks, of which rows, and what is told."""

import math

import pytest

from orchestrator.answers.grouping import group
from orchestrator.answers.rankings import Ranking, ranking_of, tallies_against
from orchestrator.answers.results import Answers
from orchestrator.statistics.ranks import Tally
from tests.support.answers import answers_of, contrasts_of, together

Values = tuple[float | None, ...]

SPARSE: dict[tuple[str, str], Values] = {
    ("set", "0.1"): (0.90, 0.92), ("set", "0.5"): (0.95, 0.95),
    ("rigl", "0.1"): (0.93, 0.95), ("rigl", "0.5"): (0.95, 0.95),
    ("gmp", "0.1"): (0.94, 0.96), ("gmp", "0.5"): (0.96, 0.98),
}  # fmt: skip
DENSE: dict[tuple[str, str], Values] = {("dense", "1"): (0.95, 0.97)}


def ranked(answers: Answers, columns: str = "density") -> Ranking:
    grouped = group(answers, rows="method", columns=columns, value="test_accuracy")
    found = ranking_of(grouped, "higher")
    assert found is not None
    return found


def test_rows_are_ranked_in_every_column() -> None:
    found = ranked(answers_of(SPARSE))
    assert found.names == ("set", "rigl", "gmp")
    assert found.blocks == (("0.1",), ("0.5",))
    assert found.ranks.average == ((3 + 2.5) / 2, (2 + 2.5) / 2, 1.0)
    assert found.tallies["set", "rigl"] == Tally(wins=0, ties=1, losses=1)
    assert found.total("gmp") == Tally(wins=4, ties=0, losses=0)
    assert found.total("rigl") == Tally(wins=1, ties=1, losses=2)
    assert found.notes == ()


def test_a_row_that_the_grid_has_in_one_column_only_is_told_and_not_ranked() -> None:
    found = ranked(answers_of({**DENSE, **SPARSE}))
    assert "dense" not in found.names
    assert found.blocks == (("0.1",), ("0.5",))  # that of dense alone is none
    assert found.notes == ("not ranked, because the grid lacks it in a block: dense",)


def test_means_are_over_the_seeds_that_all_have() -> None:
    uneven: dict[tuple[str, str], Values] = {
        **SPARSE, ("set", "0.1"): (0.90, 0.99), ("rigl", "0.1"): (0.93, None),
    }  # fmt: skip
    assert ranked(answers_of(uneven)).ranks.average[:2] == ((3 + 2.5) / 2, (2 + 2.5) / 2)


@pytest.mark.parametrize("lost", [None, math.nan])
def test_a_block_without_a_common_seed_is_told_and_not_counted(lost: float | None) -> None:
    more = {(method, "0.2"): (0.9, 0.9) for method in ("set", "rigl", "gmp")}
    found = ranked(answers_of({**SPARSE, **more, ("set", "0.1"): (lost, lost)}))
    assert found.blocks == (("0.2",), ("0.5",))
    assert found.notes == ("blocks without a seed that all have, not counted: 0.1",)


def test_blocks_may_have_several_fields() -> None:
    data = together(answers_of(SPARSE, dataset="digits"), answers_of(SPARSE, dataset="mnist"))
    found = ranked(data, columns="dataset,density")
    assert found.blocks == (
        ("digits", "0.1"), ("digits", "0.5"), ("mnist", "0.1"), ("mnist", "0.5")
    )  # fmt: skip
    assert found.ranks.average == ((3 + 2.5) / 2, (2 + 2.5) / 2, 1.0)
    grouped = group(data, rows="dataset,method", columns="density", value="test_accuracy")
    assert ranking_of(grouped, "higher") == found


@pytest.mark.parametrize("kept", [{("set", "0.1"), ("set", "0.5")}, {("set", "0.1")}])
def test_one_row_or_one_block_is_not_ranked(kept: set[tuple[str, str]]) -> None:
    answers = answers_of({key: SPARSE[key] for key in kept})
    grouped = group(answers, rows="method", columns="density", value="test_accuracy")
    assert ranking_of(grouped, "higher") is None


def test_blocks_against_the_reference_are_counted_by_the_mean_difference() -> None:
    answers = answers_of({**DENSE, **SPARSE})
    grouped = group(answers, rows="method", columns="density", value="test_accuracy")
    found = tallies_against(contrasts_of(answers), grouped, "higher")
    # gmp: 0.95 and 0.97 to the 0.96 of dense; rigl: 0.94 and 0.95
    assert found["gmp"] == Tally(wins=1, ties=0, losses=1)
    assert found["rigl"] == Tally(wins=0, ties=0, losses=2)
    assert found.keys() == {"set", "rigl", "gmp"}
