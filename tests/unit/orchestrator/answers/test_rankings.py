"""Average ranks of a table's rows: over which blocks, of which rows, and what is told."""

import math

import pytest

from orchestrator.answers.contrasts import contrasts
from orchestrator.answers.grouping import group
from orchestrator.answers.rankings import Ranking, Unranked, ranking_of
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
    against = "dense" if "dense" in grouped.rows else "set"
    found = ranking_of(grouped, contrasts(grouped, against=against, better="higher"), "higher")
    assert isinstance(found, Ranking)
    return found


def test_rows_are_ranked_in_every_column() -> None:
    found = ranked(answers_of(SPARSE))
    assert found.names == ("set", "rigl", "gmp")
    assert found.blocks == (("0.1",), ("0.5",))
    assert found.ranks.average == ((3 + 2.5) / 2, (2 + 2.5) / 2, 1.0)
    assert found.tallies["set", "rigl"] == Tally(wins=0, ties=1, losses=1)
    assert found.total("gmp") == Tally(wins=4, ties=0, losses=0)
    assert found.total("rigl") == Tally(wins=1, ties=1, losses=2)
    assert found.notes == ("means are over the 2 seeds that all rows and the reference have",)
    assert not found.independent  # densities of one data set


def test_a_row_that_the_grid_has_in_one_column_only_is_told_and_not_ranked() -> None:
    found = ranked(answers_of({**DENSE, **SPARSE}))
    assert "dense" not in found.names
    assert found.blocks == (("0.1",), ("0.5",))  # that of dense alone is none
    assert found.notes[1:] == ("not ranked, because the grid lacks it in a block: dense",)


def test_means_are_over_the_seeds_that_all_have() -> None:
    uneven: dict[tuple[str, str], Values] = {
        **SPARSE, ("set", "0.1"): (0.90, 0.99), ("rigl", "0.1"): (0.93, None),
    }  # fmt: skip
    found = ranked(answers_of(uneven))
    assert found.ranks.average[:2] == ((3 + 2.5) / 2, (2 + 2.5) / 2)
    assert found.notes == (
        "means are over the 1 to 2 seeds that all rows and the reference have; left out, because "
        "not all have them: 1 of 2 at 0.1",
    )


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_row_that_diverged_on_a_seed_is_last_in_its_block(value: float) -> None:
    found = ranked(answers_of({**SPARSE, ("gmp", "0.1"): (0.99, value)}))
    assert found.ranks.average == ((2 + 2.5) / 2, (1 + 2.5) / 2, (3 + 1) / 2)
    assert found.notes[1:] == ("gmp diverged and is last at 0.1",)
    assert found.against["gmp"] == Tally(wins=1, ties=0, losses=1)


def test_a_block_without_a_common_seed_is_told_and_not_counted() -> None:
    more = {(method, "0.2"): (0.9, 0.9) for method in ("set", "rigl", "gmp")}
    found = ranked(answers_of({**SPARSE, **more, ("set", "0.1"): (None, None)}))
    assert found.blocks == (("0.2",), ("0.5",))
    assert found.notes[1:] == (
        "blocks without a seed that all rows and the reference have, not counted: 0.1",
    )


def test_blocks_may_have_several_fields() -> None:
    data = together(answers_of(SPARSE, dataset="digits"), answers_of(SPARSE, dataset="mnist"))
    found = ranked(data, columns="dataset,density")
    assert found.blocks == (
        ("digits", "0.1"), ("digits", "0.5"), ("mnist", "0.1"), ("mnist", "0.5")
    )  # fmt: skip
    assert found.ranks.average == ((3 + 2.5) / 2, (2 + 2.5) / 2, 1.0)
    grouped = group(data, rows="dataset,method", columns="density", value="test_accuracy")
    compared = contrasts(grouped, against="set", better="higher")
    assert ranking_of(grouped, compared, "higher") == found
    assert not found.independent  # two densities of each data set
    one = Answers(answers=tuple(each for each in data.answers if each.fields["density"] == "0.1"))
    assert ranked(one, columns="dataset").independent


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        ([("set", "0.1"), ("rigl", "0.1")], "two rows or more are in one block only"),
        (
            [("set", "0.1"), ("rigl", "0.1"), ("rigl", "0.5"), ("gmp", "0.5")],
            "fewer than two rows are in every",
        ),
    ],
)
def test_one_row_or_one_block_is_not_ranked_and_the_reason_is_told(
    kept: list[tuple[str, str]], reason: str
) -> None:
    answers = answers_of({**DENSE, **{key: SPARSE[key] for key in kept}})
    grouped = group(answers, rows="method", columns="density", value="test_accuracy")
    found = ranking_of(grouped, contrasts_of(answers), "higher")
    assert isinstance(found, Unranked)
    assert found.reason.startswith(reason)


def test_blocks_against_the_reference_are_over_the_seeds_of_the_ranks() -> None:
    found = ranked(answers_of({**DENSE, **SPARSE}))
    # gmp: 0.95 and 0.97 to the 0.96 of dense; rigl: 0.94 and 0.95
    assert found.against["gmp"] == Tally(wins=1, ties=0, losses=1)
    assert found.against["rigl"] == Tally(wins=0, ties=0, losses=2)
    assert found.against.keys() == {"set", "rigl", "gmp"}
    # of one seed all are ranked by that one, so that gmp has 0.94 and 0.96 to 0.95
    assert (
        ranked(answers_of({("dense", "1"): (0.95,), **SPARSE}))
        .notes[0]
        .startswith("means are over the 1 seed that all rows and the reference have; left out")
    )
