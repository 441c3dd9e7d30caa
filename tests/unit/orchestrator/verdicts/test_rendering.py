"""A judgement as text, Markdown, CSV and JSON: literal outputs."""

import json

import pytest

from orchestrator.answers.results import AnswerError
from orchestrator.verdicts.rendering import render, shown
from orchestrator.verdicts.verdict import Evidence, Judgement, Outcome, Sheet, Verdict

JUDGEMENT = Judgement(
    name="structure",
    grids=("first", "second"),
    cells=12,
    completed=9,
    verdicts=(
        Verdict(
            id="H1",
            claim="a claim",
            rule="more than needed",
            outcome=Outcome.SUPPORTED,
            statistic="gain",
            unit="percent",
            evidence=(
                Evidence(
                    about={"method": "rigl"}, value=0.125, threshold=0.1, relation=">", n=3,
                    holds=True,
                ),
                Evidence(
                    about={"method": "snip"}, value=None, threshold=None, relation=">", n=0,
                    holds=None, missing="3 cells without a result yet",
                ),
            ),
        ),
        Verdict(
            id="H2", claim="another", rule="a rule", outcome=Outcome.UNDECIDED, statistic="",
            evidence=(), missing=("cells of rigl",),
        ),
    ),
    sheets=(
        Sheet(
            id="gains", title="Gains", columns=("method", "gain", "n"),
            rows=(("rigl", 0.125, 3), ("snip", None, 0)), units={"gain": "percent"},
            notes=("a note",),
        ),
    ),
    notes=("mixed code",),
)  # fmt: skip

TEXT = """\
structure: 9 of 12 cells of first, second have results

H1  supported      a claim; 1 of 2 hold, 1 open
H2  undecided      another
note: mixed code

H1: supported
  claim: a claim
  rule: more than needed

  method  gain (%)   needed  n  holds  note
  -----------------------------------------------------------------
  rigl       12.50  > 10.00  3  yes
  snip           -        -  0  ?      3 cells without a result yet

H2: undecided
  claim: another
  rule: a rule
  missing: cells of rigl

Gains

method  gain (%)  n
-------------------
rigl       12.50  3
snip           -  0
note: a note
"""

MARKDOWN = """\
structure: 9 of 12 cells of first, second have results.

| id | claim | verdict | numbers |
| --- | --- | --- | --- |
| H1 | a claim | supported | 1 of 2 hold, 1 open |
| H2 | another | undecided |  |

**H1**: supported. more than needed.

| method | gain (%) | needed | n | holds | note |
| --- | ---: | ---: | ---: | --- | --- |
| rigl | 12.50 | > 10.00 | 3 | yes |  |
| snip | - | - | 0 | ? | 3 cells without a result yet |

**H2**: undecided. a rule. Missing: cells of rigl.

Gains.

| method | gain (%) | n |
| --- | ---: | ---: |
| rigl | 12.50 | 3 |
| snip | - | 0 |

- a note

- mixed code
"""

CSV = """\
part,of,quantity,value
H1,,verdict,supported
H1,method=rigl,gain,0.125
H1,method=rigl,threshold,0.1
H1,method=rigl,n,3
H1,method=rigl,holds,yes
H1,method=snip,gain,
H1,method=snip,threshold,
H1,method=snip,n,0
H1,method=snip,holds,?
H2,,verdict,undecided
gains,method=rigl,gain,0.125
gains,method=rigl,n,3
gains,method=snip,gain,
gains,method=snip,n,0
"""


@pytest.mark.parametrize(
    ("format", "written"), [("text", TEXT), ("markdown", MARKDOWN), ("csv", CSV)]
)
def test_a_judgement_is_written_like_this(format: str, written: str) -> None:
    assert render(JUDGEMENT, format) == written


def test_zero_is_shown_without_a_sign() -> None:
    assert [shown(value, "percent") for value in (-1e-17, 0.0)] == ["0.00", "0.00"]
    assert shown(-0.0001, "percent") == "-0.01"


def test_json_holds_everything() -> None:
    plain = json.loads(render(JUDGEMENT, "json"))
    assert plain["verdicts"][0]["outcome"] == "supported"
    assert plain["verdicts"][0]["evidence"][1]["missing"] == "3 cells without a result yet"
    assert plain["verdicts"][1]["missing"] == ["cells of rigl"]
    assert plain["sheets"][0]["rows"] == [
        {"method": "rigl", "gain": 0.125, "n": 3},
        {"method": "snip", "gain": None, "n": 0},
    ]
    assert plain["notes"] == ["mixed code"]


def test_an_unknown_format_gets_the_nearest() -> None:
    with pytest.raises(AnswerError, match=r"no format 'jsn'.*did you mean 'json'"):
        render(JUDGEMENT, "jsn")
