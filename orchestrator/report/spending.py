"""The cost ledger in a report: what the grid took, and for what."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.answers.ledger import Spent
from orchestrator.report.commands import about_store
from orchestrator.report.material import ReportMaterial

_MOST = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the ledger.

    Attributes:
        part: What it is a part by: "outcome", "method", "device", "host"; "" for all.
        name: Which one.
        spent: What it took.
        percent: Its share of all device-hours, 0 to 100.
    """

    part: str
    name: str
    spent: Spent
    percent: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """The ledger, ready to be shown.

    Attributes:
        lines: All, and then its parts, the dearest first.
        left_out: Part to how many of its lines are not shown.
        command: Gives it again.
    """

    lines: tuple[Line, ...]
    left_out: Mapping[str, int]
    command: str


def spending_of(material: ReportMaterial) -> Spending:
    """The ledger of a report's grid: of all of it, whatever part is shown elsewhere."""
    found = material.ledger
    whole = found.total.device_hours
    parts = {part: list(groups.items()) for part, groups in found.parts.items()}
    lines = [Line(part="", name="all attempts", spent=found.total, percent=100.0)]
    for part, groups in parts.items():
        lines += [
            Line(part=part, name=name, spent=spent, percent=_percent(spent, whole))
            for name, spent in groups[:_MOST]
        ]
    return Spending(
        lines=tuple(lines),
        left_out={part: len(g) - _MOST for part, g in parts.items() if len(g) > _MOST},
        command=about_store(material, "cost", material.submission.grid),
    )


def _percent(spent: Spent, whole: float) -> float:
    return 100 * spent.device_hours / whole if whole else 0.0
