"""Which cells of two sides belong together, and which fields differ by design."""

from typing import Any

import pytest

from orchestrator.answers.results import Answer, AnswerError
from orchestrator.keeping.matching import Matching, match


def answer(cell: str, **fields: Any) -> Answer:
    every = {"method": "rigl", "recipe.lr": 0.1, "seed": 0, **fields}
    return Answer(cell=cell, fields=every, state="PENDING", metrics=None, provenance={})


def told(found: Matching) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    pairs = (found.shared, found.paired)
    shared, paired = ([(a.cell, b.cell) for a, b in listed] for listed in pairs)
    return shared, paired


def test_a_cell_of_both_sides_is_matched_with_itself() -> None:
    found = match([answer("a"), answer("b", seed=1)], [answer("b", seed=1), answer("c", seed=2)])
    assert told(found) == ([("b", "b")], [])
    assert [one.cell for one in found.only_first] == ["a"]
    assert [one.cell for one in found.only_second] == ["c"]


def test_a_field_without_a_common_value_differs_by_design() -> None:
    first = [answer("a0"), answer("a1", seed=1)]
    second = [answer("b1", seed=1, **{"recipe.lr": 0.05}), answer("b0", **{"recipe.lr": 0.05})]
    found = match(first, second)
    assert told(found) == ([], [("a0", "b0"), ("a1", "b1")])
    assert found.varied == {"recipe.lr": (("0.1",), ("0.05",))}


def test_a_field_with_a_common_value_is_matched_on() -> None:
    first = [answer("a", **{"recipe.lr": 0.1}), answer("b", **{"recipe.lr": 0.2})]
    second = [answer("c", method="set", **{"recipe.lr": 0.1})]
    found = match(first, second)
    assert told(found) == ([], [("a", "c")])
    assert list(found.varied) == ["method"]
    assert [one.cell for one in found.only_first] == ["b"]


def test_the_options_of_a_component_that_differs_say_nothing_more() -> None:
    first = [answer("a", **{"method.update_every": 100})]
    second = [answer("b", method="gmp", **{"method.start": 0.2})]
    found = match(first, second)
    assert told(found) == ([], [("a", "b")])
    assert found.varied == {"method": (("rigl",), ("gmp",))}


def test_seeds_never_differ_by_design() -> None:
    found = match([answer("a", seed=0)], [answer("b", seed=1)])
    assert told(found) == ([], [])
    with pytest.raises(AnswerError, match="cells are compared seed by seed"):
        match([answer("a")], [answer("b", seed=1)], ["seed"])


def test_what_is_named_replaces_what_would_be_inferred() -> None:
    first = [answer("a", momentum=0.9)]
    second = [answer("b", momentum=0.5, **{"recipe.lr": 0.2})]
    assert told(match(first, second)) == ([], [("a", "b")])
    assert told(match(first, second, ["momentum"])) == ([], [])
    assert told(match(first, second, ["momentum", "recipe.lr"])) == ([], [("a", "b")])


def test_two_cells_that_nothing_tells_apart_are_refused() -> None:
    first = [answer("a", **{"recipe.lr": 0.1}), answer("b", **{"recipe.lr": 0.2})]
    second = [answer("c", **{"recipe.lr": 0.3})]
    with pytest.raises(AnswerError, match=r"two cells of the first side .*: a \(recipe.lr=0.1\)"):
        match(first, second)


def test_an_unknown_field_is_told_with_the_nearest() -> None:
    with pytest.raises(AnswerError, match=r"--vary recipe\.l: .* did you mean 'recipe\.lr'"):
        match([answer("a")], [answer("b")], ["recipe.l"])
