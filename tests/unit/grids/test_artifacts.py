"""The `artifacts:` of a grid file."""

import pytest

from grids.artifacts import ArtifactWishes, check_name, read_artifacts, rewind_step
from grids.problems import Collector, GridError
from grids.reading import read_yaml


def read(text: str) -> tuple[ArtifactWishes, list[str]]:
    problems = Collector()
    node = read_yaml(text, "grid.yaml", problems)
    return read_artifacts(node, problems), [str(problem) for problem in problems.problems]


def test_nothing_is_left_and_all_is_kept_by_default() -> None:
    assert read("") == (ArtifactWishes(leave=(), consumed="keep"), [])


def test_what_every_cell_leaves_and_what_becomes_of_it() -> None:
    wishes, problems = read("leave: [final]\nconsumed: remove\n")
    assert (wishes, problems) == (ArtifactWishes(leave=("final",), consumed="remove"), [])


def test_a_step_may_be_left_and_is_named_once() -> None:
    wishes, problems = read("leave: [rewind@500, final, rewind@500]\n")
    assert (wishes.leave, problems) == (("rewind@500", "final"), [])


@pytest.mark.parametrize("name", ["final", "rewind@1", "rewind@500"])
def test_a_name_is_answered_as_it_is(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "Final", "init", "rewind", "rewind@", "rewind@05", "rewind@-1", "rewind@1.5", "a/final"],
)
def test_no_artifact_has_another_name(name: str) -> None:
    with pytest.raises(GridError, match=r"unknown artifact .*; allowed: final, rewind@STEP"):
        check_name(name)


def test_the_step_of_a_name() -> None:
    assert [rewind_step(name) for name in ("final", "rewind@7", "rewind@500")] == [None, 7, 500]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "final",
            "grid.yaml:1: artifacts is 'final'; allowed: a mapping of leave, consumed; "
            "write leave: [final] under it",
        ),
        (
            "leaves: [final]",
            "grid.yaml:1: unknown key of artifacts 'leaves'; allowed: consumed, leave; "
            "did you mean 'leave'?",
        ),
        (
            "leave: final",
            "grid.yaml:1: leave is 'final'; allowed: a list of final, rewind@STEP; write [final]",
        ),
        (
            "leave: [finale]",
            "grid.yaml:1: unknown artifact to leave 'finale'; allowed: final, rewind@STEP; "
            "did you mean 'final'?",
        ),
        (
            "leave: [rewind@0]",
            "grid.yaml:1: unknown artifact to leave 'rewind@0'; allowed: final, rewind@STEP; "
            "what a cell begins with is made again from its seed",
        ),
        (
            "consumed: removed",
            "grid.yaml:1: unknown value of consumed 'removed'; allowed: keep, remove; "
            "did you mean 'remove'?",
        ),
    ],
)
def test_each_mistake_is_told_with_its_line(text: str, message: str) -> None:
    assert read(text)[1] == [message]
