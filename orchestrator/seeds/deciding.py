"""Which cells a grid with a rule asks for: a pure function of what was measured.

Only unbroken runs of seeds from 0 on count, and a question is looked at only with all of its seeds
answered. So it does not matter which cell finished first, nor what other grids left in the store:
the seeds that are used are the same whatever happens on the way, and nothing is chosen by its
value. A look that closed a question closes it for ever, as the same numbers are looked at again.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from grids.cell import Cell
from grids.seed_groups import groups_of
from grids.seed_rules import Ranking, SeedRule
from orchestrator.seeds.looks import looks_of
from orchestrator.seeds.questions import NOTHING_KNOWN, Family, Question, Reading, families_of
from orchestrator.statistics.sequential import seeds_to_settle


class Standing(StrEnum):
    """How a question stands."""

    SETTLED = "settled"
    OPEN = "open"
    HELD = "held"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """How one question stands.

    Attributes:
        label: What it is about, for people.
        standing: SETTLED; OPEN while it waits for cells that were asked; HELD when one of these
            failed or measured no finite number, or they are of different code, tiers or devices,
            so that nothing further is asked; EXHAUSTED when it is not settled with the most seeds.
        seeds: How many seeds are asked for it now.
        why: What settled or holds it, or is known of it at the last look, else "".
        reading: What was known at the last look.
    """

    label: str
    standing: Standing
    seeds: int
    why: str = ""
    reading: Reading = NOTHING_KNOWN

    def plain(self) -> dict[str, Any]:
        """JSON-able data, for scripts."""
        known = self.reading
        return {
            "about": self.label, "standing": self.standing.value, "seeds": self.seeds,
            "why": self.why, "p": known.p, "low": known.low, "high": known.high,
            "warning": known.warning,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a grid with a rule asks for now.

    Attributes:
        rule: The rule.
        cells: The cells that are asked for, group by group in grid order, seeds ascending.
        findings: One per question.
        most_further: How many cells may still be asked for at most.
    """

    rule: SeedRule
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    most_further: int

    def counts(self) -> dict[Standing, int]:
        """How many questions stand how, every standing listed."""
        found = [finding.standing for finding in self.findings]
        return {standing: found.count(standing) for standing in Standing}

    def plain(self) -> dict[str, Any]:
        """JSON-able data, for scripts."""
        return {
            "rule": self.rule.plain(),
            "cells": len(self.cells),
            "most_further": self.most_further,
            "questions": [finding.plain() for finding in self.findings],
        }

    def too_few(self) -> str:
        """Why none of so many comparisons can be settled by so few seeds; "" where they can."""
        if not isinstance(self.rule.until, Ranking) or not self.findings:
            return ""
        if seeds_to_settle(len(self.findings), looks=looks_of(self.rule)) is not None:
            return ""
        return (
            f"at most {self.rule.most} seeds settle none of {len(self.findings)} comparisons, "
            f"whatever they measure: a larger max is needed"
        )


def decide(
    cells: Sequence[Cell],
    rule: SeedRule,
    measured: Mapping[str, float],
    failed: Mapping[str, str],
    origins: Mapping[str, str] | None = None,
) -> Decision:
    """Decide which cells a grid asks for.

    Args:
        cells: The cells of the grid, or those asked for so far: only the groups matter.
        rule: The grid's rule.
        measured: Cell id to the measurement that the rule looks at.
        failed: Cell id to the state in which it failed, for cells that nobody tries again.
        origins: Cell id to the tier, device and code of its measurement, where these are known.

    Raises:
        GridError: When the rule compares what is not there.
    """
    groups = groups_of(cells)
    asked = {group.id: rule.least for group in groups}
    possible = dict(asked)
    findings = []
    known = _Known(measured=measured, failed=failed, origins=origins or {})
    for family in families_of(groups, rule):
        for question, finding in zip(family.questions, _pursue(family, known), strict=True):
            findings.append(finding)
            closed = finding.standing in (Standing.SETTLED, Standing.EXHAUSTED)
            for group in question.groups:
                asked[group.id] = max(asked[group.id], finding.seeds)
                most = finding.seeds if closed else rule.most
                possible[group.id] = max(possible[group.id], most)
    return Decision(
        rule=rule,
        cells=tuple(group.cell(seed) for group in groups for seed in range(asked[group.id])),
        findings=tuple(findings),
        most_further=sum(possible.values()) - sum(asked.values()),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What was measured, and what failed."""

    measured: Mapping[str, float]
    failed: Mapping[str, str]
    origins: Mapping[str, str]

    def why_mixed(self, cells: Iterable[Cell]) -> str:
        """What keeps these cells from being compared; "" where nothing does."""
        found = sorted({self.origins[cell.id] for cell in cells if cell.id in self.origins})
        if len(found) < 2:
            return ""
        return f"results of {' and of '.join(found)} are not compared: --stale rerun trains anew"

    def why_held(self, cells: Sequence[Cell]) -> str:
        """Why these cells say nothing and never will by themselves; "" where none is in the way."""
        for cell in cells:
            value = self.measured.get(cell.id)
            if value is not None and not math.isfinite(value):
                return f"{cell.label()} measured {value}"
            if value is None and cell.id in self.failed:
                return f"{cell.label()} ended {self.failed[cell.id]}"
        return ""


@dataclass(kw_only=True, slots=True)
class _Pursuit:
    """A question on its way: `values` of its first seeds, `seeds` that it asks for."""

    question: Question
    standing: Standing = Standing.OPEN
    seeds: int = 0
    why: str = ""
    values: list[tuple[float, ...]] = field(default_factory=list)
    reading: Reading = NOTHING_KNOWN

    def read(self, seeds: int, known: _Known) -> bool:
        """Take the values of so many seeds; whether none of them is awaited."""
        self.seeds = seeds
        rows = [self.question.cells(seed) for seed in range(len(self.values), seeds)]
        cells = [cell for row in rows for cell in row]
        self.why = known.why_held(cells)
        if self.why:
            self.standing = Standing.HELD
            return True
        if any(cell.id not in known.measured for cell in cells):
            return False
        self.why = known.why_mixed(c for s in range(seeds) for c in self.question.cells(s))
        if self.why:
            self.standing = Standing.HELD
            return True
        self.values += [tuple(known.measured[cell.id] for cell in row) for row in rows]
        return True

    def finding(self) -> Finding:
        """How it stands."""
        return Finding(
            label=self.question.label(),
            standing=self.standing,
            seeds=self.seeds,
            why=self.why or self.reading.why,
            reading=self.reading,
        )


def _pursue(family: Family, known: _Known) -> list[Finding]:
    """Look at the questions of a family with more and more seeds, until all are closed or wait.

    Those of one family are looked at together: what one of them is, another may hang on.
    """
    pursuits = [_Pursuit(question=question) for question in family.questions]
    for seeds in family.looks:
        going = [pursuit for pursuit in pursuits if pursuit.standing is Standing.OPEN]
        if not going:
            break
        if not all([pursuit.read(seeds, known) for pursuit in going]):
            return [pursuit.finding() for pursuit in pursuits]
        answers = family.answers([pursuit.values for pursuit in pursuits])
        for pursuit, reading in zip(pursuits, answers, strict=True):
            pursuit.reading = reading
            if reading.settled and pursuit.standing is not Standing.SETTLED:
                pursuit.standing = Standing.SETTLED
    for pursuit in pursuits:
        if pursuit.standing is Standing.OPEN:
            pursuit.standing = Standing.EXHAUSTED
    return [pursuit.finding() for pursuit in pursuits]
