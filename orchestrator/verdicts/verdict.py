"""What a judgement says: verdicts with the numbers behind them, and tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Unit = Literal["percent", "number", "p"]
"""How a number is shown to people: a fraction in percent, as it is, or as a probability."""

Relation = Literal[">", ">=", "<", "<="]
"""How a value has to stand to a threshold."""

Flag = bool | None
"""Whether something holds; None where that cannot be told yet."""


class Outcome(StrEnum):
    """What can be said of a claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One comparison that a verdict rests on.

    Attributes:
        about: What it is of: {"method": "rigl", "density": "0.1"}.
        value: The statistic, as a fraction where it is shown in percent; None when unknown.
        threshold: What it is compared with; None when unknown, or nothing was fixed.
        relation: How it has to stand to the threshold.
        n: How many measurements, or pairs of them, are behind it.
        holds: Whether it does; None when that cannot be told yet.
        missing: What is missing where it cannot be told, in words.
        remark: What else a reader must know of it.
    """

    about: Mapping[str, str]
    value: float | None
    threshold: float | None
    relation: Relation
    n: int
    holds: Flag
    missing: str = ""
    remark: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A claim, the rule for it as it was fixed beforehand, and what came out.

    Attributes:
        id: Its short name: "H1a", "R3".
        claim: The claim in words.
        rule: When it counts as supported.
        outcome: What came out.
        statistic: What the values of the evidence are.
        evidence: The numbers behind it.
        unit: How they are shown.
        remark: What the outcome alone does not say, for example that a claim is vacuous.
        missing: What is missing where it is undecided, beside what the evidence lacks.
    """

    id: str
    claim: str
    rule: str
    outcome: Outcome
    statistic: str
    evidence: tuple[Evidence, ...]
    unit: Unit = "number"
    remark: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A table of a judgement.

    Attributes:
        id: Its short name, for programs: "gains", "tests".
        title: What it shows, and over what.
        columns: Its columns' names.
        rows: Texts and numbers, a None for what is not there.
        units: Column to how its numbers are shown, for those that are not plain.
        notes: What a reader must be told.
    """

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]
    units: Mapping[str, Unit] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Everything that one judgement found.

    Attributes:
        name: Its name: "structure".
        grids: The grids whose cells were judged.
        cells: How many cells they have.
        completed: How many of these have results.
        verdicts: The verdicts, in the order of their ids.
        sheets: The tables.
        notes: What a reader of all of it must be told.
    """

    name: str
    grids: tuple[str, ...]
    cells: int
    completed: int
    verdicts: tuple[Verdict, ...]
    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...] = ()
