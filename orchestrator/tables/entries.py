"""What stands in an entry of a table: its number, its spread, and what is missing behind it."""

import math
from collections.abc import Mapping
from typing import Literal, get_args

from orchestrator.answers.grouping import Entry, Grouped
from orchestrator.answers.marks import Mark
from orchestrator.answers.measurements import Unit
from orchestrator.statistics.summaries import Summary
from orchestrator.tables.layout import Content

Spread = Literal["std", "ci", "none"]
"""What stands behind the mean: a standard deviation, half a confidence interval, or nothing."""

SPREADS: tuple[Spread, ...] = get_args(Spread)

MISSING = "-"
"""What stands where a grid has cells but none of them has a result."""

FAILED = "failed"
"""What stands there instead when every one of these cells failed."""


def content_of(
    entry: Entry | None,
    unit: Unit,
    *,
    spread: Spread,
    common_n: bool,
    best: bool = False,
    mark: Mark | None = None,
) -> Content:
    """The content of an entry; of a combination that the grid does not have, nothing.

    Args:
        entry: What is to be shown.
        unit: How its numbers are written.
        spread: What to show behind the mean.
        common_n: Whether the caption tells n, because all entries share it.
        best: Whether it is the best of its column.
        mark: How it differs from the reference.
    """
    if entry is None:
        return Content()
    if entry.summary is None:
        return Content(text=_nothing(entry), counts=_counts(entry))
    number = _number(entry.summary, unit, spread)
    return Content(
        text=" ".join(part for part in (number, _behind(entry, common_n)) if part),
        best=best,
        mark=mark,
        value=entry.summary.mean,
        counts=_counts(entry),
    )


def printed_mean(entry: Entry | None, unit: Unit) -> float | None:
    """The mean of an entry as it is printed; None where it has none, or no finite one."""
    if entry is None or entry.summary is None or not math.isfinite(entry.summary.mean):
        return None
    return float(unit.written(entry.summary.mean, unit.decimals_of(entry.summary.mean)))


def not_finite(grouped: Grouped) -> int:
    """How many entries have no finite mean, because a measurement of theirs is not finite."""
    summaries = [entry.summary for entry in grouped.entries.values() if entry.summary]
    return sum(not math.isfinite(summary.mean) for summary in summaries)


def _number(summary: Summary, unit: Unit, spread: Spread) -> str:
    """The mean and its spread to the same decimals; a mean that is not finite has none."""
    decimals = unit.decimals_of(summary.mean)
    behind = {"std": summary.std, "ci": _half(summary), "none": None}[spread]
    parts = [summary.mean]
    if behind is not None and math.isfinite(summary.mean):
        parts.append(behind)
    return " ± ".join(unit.written(part, decimals) for part in parts)


def _half(summary: Summary) -> float | None:
    return None if summary.high is None else summary.high - summary.mean


def _behind(entry: Entry, common_n: bool) -> str:
    """How many seeds count, where the caption cannot say it or not all that were asked for do."""
    n = len(entry.by_seed)
    if entry.partial:
        failed = f", {entry.failures} failed" if entry.failures else ""
        return f"({n} of {entry.seeds}{failed})"
    return "" if common_n else f"({n})"


def _nothing(entry: Entry) -> str:
    if not entry.failures:
        return MISSING
    every = entry.failures == entry.cells
    return FAILED if every else f"{entry.failures} of {entry.cells} {FAILED}"


def _counts(entry: Entry) -> Mapping[str, int]:
    return {
        "n": len(entry.by_seed),
        "seeds": entry.seeds,
        "missing": entry.missing,
        "failed": entry.failures,
        "unmeasured": entry.unmeasured,
        "dropped": entry.dropped,
    }
