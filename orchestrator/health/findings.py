"""What looking at a machine or a site has found, one subject at a time."""

from dataclasses import asdict, dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "broken"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found about one subject.

    Attributes:
        subject: What was looked at.
        verdict: "broken" keeps sparsesweep from working; "warning" only changes how it does.
        found: What was found.
        fix: What to do about it, "" when nothing is to be done.
    """

    subject: str
    verdict: Verdict
    found: str
    fix: str = ""

    def plain(self) -> dict[str, str]:
        """The finding as plain data."""
        return asdict(self)
