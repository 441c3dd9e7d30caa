"""The readers on which the other tests of the container rely."""

import pytest

from tests.support.dockerfile import ignored, patterns_of, stages_of

TEXT = """\
# a comment
FROM base:1.0 AS first
RUN --mount=type=cache,target=/cache one \\
    # a comment between
    && two "three four"
ENV A=1 \\
    B="2 3"
FROM base:2.0
COPY --from=first /a /b
CMD ["run", "--now"]
"""


def test_stages_have_a_base_a_name_and_steps() -> None:
    first, last = stages_of(TEXT)
    assert (first.base, first.name) == ("base:1.0", "first")
    assert (last.base, last.name) == ("base:2.0", "")
    assert [step.keyword for step in first.steps] == ["RUN", "ENV"]
    assert [step.line for step in last.steps] == [9, 10]


def test_an_instruction_goes_on_over_lines_and_comments() -> None:
    run = stages_of(TEXT)[0].one("RUN")
    assert run.text == 'one && two "three four"'
    assert run.flags == {"mount": "type=cache,target=/cache"}
    assert run.words == ["one", "&&", "two", "three four"]


def test_values_lose_their_quotes() -> None:
    assert stages_of(TEXT)[0].pairs("ENV") == {"A": "1", "B": "2 3"}


def test_the_exec_form_is_a_list() -> None:
    assert stages_of(TEXT)[1].one("CMD").words == ["run", "--now"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM a\nVOLUME /a\n", "line 2: VOLUME is not among"),
        ("FROM a\nRUN <<EOF\n", "line 2: RUN is not among"),
        ("RUN a\n", "line 1: RUN stands before the first FROM"),
        ("FROM a\nRUN b \\\n", "line 2: the instruction has no end"),
    ],
)
def test_what_is_not_understood_is_an_error(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        stages_of(text)


@pytest.mark.parametrize(
    ("path", "kept_away"),
    [
        ("results/a.json", True),
        ("grids", False),
        ("grids/cell.py", False),
        ("grids/studies/digits.yaml", False),
        ("grids/__pycache__", True),
        ("grids/studies/__pycache__/a.pyc", True),
        ("grids.yaml", True),
    ],
)
def test_the_last_pattern_that_matches_decides(path: str, kept_away: bool) -> None:
    patterns = patterns_of("# all\n*\n\n!grids\n**/__pycache__\n")
    assert patterns == ["*", "!grids", "**/__pycache__"]
    assert ignored(path, patterns) is kept_away
