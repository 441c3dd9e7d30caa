"""Seeds that a rule asks for: `seeds: {min: 3, max: 20, until: "ci95 < 0.3pp"}`.

Every group of cells that differ in nothing but the seed begins with `min` seeds; further ones are
asked for, up to `max`, while what the rule asks is open there. What is asked:

- `ci95 < 0.3pp`: how far the mean of a measurement may be from what infinitely many seeds would
  give; the bound is what stands behind the +- of the interval;
- `ranking_settled`: which of a cell and the dense one is better, for every method and density.

Another measurement than the accuracy on the test split stands in parentheses:
`ci95(test_loss) < 0.01 nats`, `ranking_settled(test_loss)`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grids.problems import Collector, GridError, Where, show, unknown
from grids.reading import Node

RANKING = "ranking_settled"
"""The word for a rule that compares every method with the dense network."""

DEFAULT_VALUE = "test_accuracy"
"""The measurement that a rule looks at when it names none."""

POINTS = "pp"
"""The unit of a bound on fractions: percentage points, as tables print them."""

MOST_SEEDS = 200
"""The largest `max`."""

KEYS = ("min", "max", "until")
"""The keys of a rule."""

_VALUE = r"(?:\(\s*(?P<value>[^()\s]+)\s*\))?"
_INTERVAL = re.compile(
    rf"ci(?P<percent>\d\d)\s*{_VALUE}\s*<\s*(?P<bound>[0-9.]+(?:e-?[0-9]+)?)\s*(?P<unit>\S.*)?"
)
_RANKING = re.compile(rf"{RANKING}\s*{_VALUE}")
_PERCENTS = (90, 95, 99)
_ALLOWED = f"'ci95 < 0.3{POINTS}' or {RANKING}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A rule that is met once the interval of a mean is narrow.

    Attributes:
        value: The measurement, by its name in tables.
        percent: How sure the interval is: 90, 95 or 99.
        bound: What its half width must be below, as written.
        unit: The unit of the bound: "pp" for a fraction, else the measurement's own.
    """

    value: str
    percent: int
    bound: str
    unit: str

    @property
    def confidence(self) -> float:
        """The same as a fraction."""
        return self.percent / 100

    @property
    def half_width(self) -> float:
        """The bound in the unit of what is stored: 0.003 for 0.3 percentage points."""
        return float(self.bound) / 100 if self.unit == POINTS else float(self.bound)

    def __str__(self) -> str:
        named = "" if self.value == DEFAULT_VALUE else f"({self.value})"
        unit = self.unit if self.unit == POINTS else f" {self.unit}"
        return f"ci{self.percent}{named} < {self.bound}{unit}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """A rule that is met once a cell is told apart from the dense one.

    Attributes:
        value: The measurement, by its name in tables.
    """

    value: str

    def __str__(self) -> str:
        return RANKING if self.value == DEFAULT_VALUE else f"{RANKING}({self.value})"


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedRule:
    """How many seeds a grid asks for.

    Attributes:
        least: Every group of cells has so many seeds, at least 2.
        most: And no more than so many.
        until: What ends the asking before.
        where: The place of `until` in the grid file, where that is known.
    """

    least: int
    most: int
    until: Interval | Ranking
    where: Where | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.least} to {self.most} seeds, until {self.until}"

    def plain(self) -> dict[str, Any]:
        """JSON-able data: what a grid file has."""
        return {"min": self.least, "max": self.most, "until": str(self.until)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "SeedRule":
        """The inverse of `plain`; GridError or KeyError when damaged."""
        return cls(
            least=int(plain["min"]), most=int(plain["max"]), until=read_until(str(plain["until"]))
        )


def read_until(text: str) -> Interval | Ranking:
    """The aim that a text stands for.

    Raises:
        GridError: When it stands for none, or has no unit.
    """
    ranking = _RANKING.fullmatch(text.strip())
    if ranking is not None:
        return Ranking(value=ranking["value"] or DEFAULT_VALUE)
    interval = _INTERVAL.fullmatch(text.strip())
    if interval is None:
        raise GridError(f"until is {show(text)}; allowed: {_ALLOWED}", _nearly(text))
    return _interval(text, interval)


def read_seed_rule(node: Node, problems: Collector) -> SeedRule | None:
    """The rule in a grid file's `seeds:`; every mistake is noted, and None returned then."""
    assert isinstance(node.value, dict)
    before = len(problems)
    for key, entry in node.value.items():
        if key not in KEYS:
            error = unknown("key of seeds", key, KEYS)
            problems.add(entry.where, error.message, error.hint)
    missing = [key for key in KEYS if key not in node.value]
    if missing:
        example = f"{{min: 3, max: 20, until: {RANKING}}}"
        problems.add(node.where, f"seeds lacks {', '.join(missing)}", f"for example {example}")
    counts = {key: _count(key, node.value[key], problems) for key in KEYS[:2] if key in node.value}
    until = _until(node.value["until"], problems) if "until" in node.value else None
    if len(problems) > before or until is None:
        return None
    if counts["max"] <= counts["min"]:
        message = f"max is {counts['max']}, and min {counts['min']}: allowed is a larger max"
        problems.add(node.value["max"].where, message, f"seeds: {counts['min']} asks for so many")
        return None
    where = node.value["until"].where
    return SeedRule(least=counts["min"], most=counts["max"], until=until, where=where)


def _count(key: str, node: Node, problems: Collector) -> int:
    count = node.value
    least = 2
    if isinstance(count, bool) or not isinstance(count, int) or not least <= count <= MOST_SEEDS:
        message = f"{key} of seeds is {show(node.plain())}; allowed: {least} to {MOST_SEEDS}"
        one = count == 1 and not isinstance(count, bool)
        problems.add(node.where, message, "one seed says nothing of the spread" if one else "")
        return least
    return count


def _until(node: Node, problems: Collector) -> Interval | Ranking | None:
    if not isinstance(node.value, str):
        problems.add(node.where, f"until is {show(node.plain())}; allowed: {_ALLOWED}")
        return None
    try:
        return read_until(node.value)
    except GridError as error:
        problems.add_error(node.where, error)
        return None


def _interval(text: str, found: re.Match[str]) -> Interval:
    percent, bound, unit = int(found["percent"]), found["bound"], (found["unit"] or "").strip()
    value = found["value"] or DEFAULT_VALUE
    if percent not in _PERCENTS:
        allowed = ", ".join(f"ci{known}" for known in _PERCENTS)
        raise GridError(f"until is {show(text)}; allowed: {allowed}")
    try:
        positive = float(bound) > 0
    except ValueError:
        positive = False
    if not positive:
        raise GridError(f"until is {show(text)}: {bound} is no number above 0")
    if not unit or unit == "%":
        why = "% may mean two things" if unit else "the unit is missing"
        hint = f"write {bound}{POINTS}" if value == DEFAULT_VALUE else _unit_hint(bound)
        raise GridError(f"until is {show(text)}: {why}", hint)
    return Interval(value=value, percent=percent, bound=bound, unit=unit)


def _unit_hint(bound: str) -> str:
    return f"write {bound}{POINTS} of a fraction, or the measurement's unit, as in {bound} nats"


def _nearly(text: str) -> str:
    if text.strip().startswith("ci") and "<=" in text:
        return "write < for <="
    return f"did you mean '{RANKING}'?" if text.strip().startswith("rank") else ""


def note_rules_by_seed(rule: SeedRule | None, places: list[Where], problems: Collector) -> None:
    """Note every rule of `exclude` that names seeds where a rule adds them: all groups are alike.

    Args:
        rule: The grid's rule, or None.
        places: Where the rules of `exclude` stand that name seeds.
        problems: Where mistakes are noted.
    """
    for where in places if rule is not None else []:
        problems.add(where, "exclude names seeds, which the rule in seeds adds", "list the seeds")
