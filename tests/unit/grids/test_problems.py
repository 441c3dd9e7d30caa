"""How mistakes are told: place, message, nearest match, in the order of the file."""

import pytest

from grids.problems import Collector, GridProblems, Problem, Where, nearest, show, unknown


def test_a_problem_is_one_line_with_its_place_and_hint() -> None:
    problem = Problem("density is 2", Where("a.yaml", 3), "write 0.2")
    assert str(problem) == "a.yaml:3: density is 2; write 0.2"


def test_a_flag_has_no_line() -> None:
    assert str(Problem("no value is given", Where("--set lr="))) == "--set lr=: no value is given"


def test_problems_come_in_the_order_of_the_file_flags_last_and_once() -> None:
    late, early = Problem("late", Where("a", 10)), Problem("early", Where("a", 9))
    flag = Problem("flag", Where("--set x"))
    assert str(GridProblems([flag, late, early, late])) == "a:9: early\na:10: late\n--set x: flag"


def test_a_collector_raises_only_when_there_is_something() -> None:
    collector = Collector()
    collector.raise_any()
    collector.add(Where("a", 1), "wrong")
    with pytest.raises(GridProblems, match=r"^a:1: wrong$"):
        collector.raise_any()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("rgl", "did you mean 'rigl'?"), ("RigL", "did you mean 'rigl'?"), ("xyz", "")],
)
def test_the_nearest_name_is_offered_when_there_is_one(given: str, expected: str) -> None:
    assert nearest(given, ("rigl", "set", "dense")) == expected


def test_an_unknown_name_tells_the_allowed_ones_and_whose_they_are() -> None:
    error = unknown("option", "hiden", ("width", "hidden"), of="mlp")
    expected = "unknown option 'hiden' of mlp; allowed: hidden, width; did you mean 'hidden'?"
    assert str(error) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0.001, "0.001"),
        ("a\nb", r"'a\nb'"),
        ([1, "x"], "[1, 'x']"),
        ({"name": "rigl"}, "{name: 'rigl'}"),
        ("x" * 100, "'" + "x" * 56 + "..."),
    ],
)
def test_values_are_shown_as_yaml_on_one_short_line(value: object, text: str) -> None:
    assert show(value) == text
