"""Pairs of cells: whole ones, those without a partner, and those of which a half diverged."""

import pytest

from orchestrator.answers.results import Answer, AnswerError
from orchestrator.verdicts.pairs import Differences, differences, paired
from tests.support.verdicts import an_answer

ROLES = {"sparse": 0, "dense": 1}


def half(answer: Answer) -> int | None:
    return ROLES.get(str(answer.fields.get("method.role")))


def cell(role: str, accuracy: float | None, seed: int = 0, state: str | None = None) -> Answer:
    metrics = None if accuracy is None else {"test_accuracy": accuracy}
    return an_answer("same_capacity", metrics, seed, state=state, method__role=role)


def test_cells_that_differ_in_the_role_alone_are_a_pair() -> None:
    cells = [cell("dense", 0.5), cell("sparse", 0.7), cell("sparse", 0.6, 1), cell("dense", 0.9, 1)]
    found = paired(cells, half, ("method.role",))
    assert [(pair.first, pair.second) for pair in found] == [
        (cells[1], cells[0]),
        (cells[2], cells[3]),
    ]
    assert differences(found, "test_accuracy").values == pytest.approx((0.2, -0.3))


def test_no_pair_is_dropped_in_silence() -> None:
    cells = [
        cell("sparse", 0.5), cell("dense", 0.4),
        cell("sparse", 0.5, 1),
        cell("sparse", 0.5, 2), cell("dense", None, 2, "INVALID"),
        cell("sparse", None, 3), cell("dense", None, 3, "FAILED"),
        cell("sparse", float("nan"), 4), cell("dense", 0.4, 4),
    ]  # fmt: skip
    found = differences(paired(cells, half, ("method.role",)), "test_accuracy")
    assert len(found.values) == 1
    assert found.gaps == {
        "without the partner's cell": 1,
        "diverged": 1,
        "without a result yet": 1,
        "with no finite test_accuracy": 1,
    }
    assert found.missing == (
        "1 pair diverged, 1 pair with no finite test_accuracy, 1 pair without a result yet, "
        "1 pair without the partner's cell"
    )


def test_too_few_pairs_are_said() -> None:
    assert Differences(values=(0.1, 0.2, 0.3, 0.4)).missing == (
        "n = 4 pairs that differ are too few: p cannot be below 0.0625"
    )
    assert Differences(values=(0.1, 0.2, 0.3, 0.4, 0.5)).missing == ""
    assert Differences(values=()).missing == "no pairs"


def test_two_cells_cannot_be_the_same_half() -> None:
    with pytest.raises(AnswerError, match="are the same half of a pair"):
        paired([cell("sparse", 0.5), cell("sparse", 0.6)], half, ("method.role",))


def test_a_component_stands_for_its_options_and_semantics() -> None:
    cells = [
        an_answer("set", {}, method__drop="signed", semantics__method=2),
        an_answer("dense", {}, density="1"),
    ]
    [pair] = paired(cells, lambda a: int(a.fields["method"] == "dense"), ("method", "density"))
    assert pair.key == paired(cells[1:], lambda _: 1, ("method", "density"))[0].key
