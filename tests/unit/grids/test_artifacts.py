"""The `artifacts:` of a grid file."""

import pytest

from grids.artifacts import (
    ArtifactWishes,
    Moment,
    artifact_of,
    check_input,
    check_name,
    input_name,
    kind_of,
    moment_of,
    read_artifacts,
)
from grids.problems import Collector, GridError
from grids.reading import read_yaml

SORTED = "el2n@STEP, final, forgetting@STEP, grand@STEP, margin@STEP, rewind@STEP"
LISTED = "final, rewind@STEP, el2n@STEP, grand@STEP, margin@STEP, forgetting@STEP"


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


@pytest.mark.parametrize(
    "name",
    ["final", "rewind@1", "rewind@500", "rewind@2e", "el2n@10e", "grand@7", "margin@1e",
     "forgetting@30"],
)  # fmt: skip
def test_a_name_is_answered_as_it_is(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "Final", "init", "rewind", "rewind@", "rewind@05", "rewind@-1", "rewind@1.5", "a/final",
     "el2n", "el2n@0e", "el2n@e", "el2n@1ee", "el2n@1e#3", "entropy@5"],
)  # fmt: skip
def test_no_artifact_has_another_name(name: str) -> None:
    with pytest.raises(GridError, match=rf"unknown artifact .*; allowed: {SORTED}"):
        check_name(name)


def test_the_moment_of_a_name() -> None:
    assert moment_of("final") is None
    assert moment_of("rewind@500") == Moment(count=500, epochs=False)
    assert moment_of("el2n@10e") == Moment(count=10, epochs=True)
    assert [Moment(count=7, epochs=epochs).step(13) for epochs in (False, True)] == [7, 91]


def test_the_kind_of_a_name() -> None:
    assert [kind_of(name) for name in ("final", "rewind@7", "el2n@10e")] == [
        "final", "rewind", "el2n",
    ]  # fmt: skip


def test_an_input_is_told_apart_by_the_seed_of_its_producer() -> None:
    assert [input_name("el2n@10e", seed) for seed in (None, 0, 3)] == [
        "el2n@10e", "el2n@10e#0", "el2n@10e#3",
    ]  # fmt: skip
    assert [artifact_of(name) for name in ("final", "el2n@10e#3")] == ["final", "el2n@10e"]
    assert [check_input(name) for name in ("final", "el2n@10e#0")] == ["final", "el2n@10e#0"]


@pytest.mark.parametrize(
    "name", ["el2n@10e#", "el2n@10e#03", "el2n@10e#-1", "el2n#3", "a/b#1", "#1"]
)
def test_no_input_has_another_name(name: str) -> None:
    with pytest.raises(GridError, match="unknown artifact"):
        check_input(name)


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
            f"grid.yaml:1: leave is 'final'; allowed: a list of {LISTED}; write [final]",
        ),
        (
            "leave: [finale]",
            f"grid.yaml:1: unknown artifact to leave 'finale'; allowed: {SORTED}; "
            "did you mean 'final'?",
        ),
        (
            "leave: [rewind@0]",
            f"grid.yaml:1: unknown artifact to leave 'rewind@0'; allowed: {SORTED}; "
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
