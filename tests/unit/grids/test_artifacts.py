"""The `artifacts:` of a grid file."""

import pytest

from grids.artifacts import ArtifactWishes, read_artifacts
from grids.problems import Collector
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
        ("leave: final", "grid.yaml:1: leave is 'final'; allowed: a list of final; write [final]"),
        (
            "leave: [finale]",
            "grid.yaml:1: unknown artifact to leave 'finale'; allowed: final; "
            "did you mean 'final'?",
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
