"""What is known of a site: what doctor found, and what the site refused since.

One file per profile, `sites/<profile>.json` in the store, because what a site takes depends on who
asks and for what. Runs read it; without it they find out for themselves.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from orchestrator.health.findings import Finding
from orchestrator.slurm.limits import Limits
from orchestrator.store.layout import Store
from orchestrator.store.publishing import replace as publish

FORMAT = 1
"""Version of the file."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteNotes:
    """What is known of a site.

    Attributes:
        probed_at: When doctor looked at it, in UTC; "" when it never did.
        limits: What its controller said then, `accounting` only if sacct answered; else None.
        max_array: Most tasks of one array that was taken, or is to be tried, after the site refused
            a larger one; None when it refused none.
        room: Most tasks of one submission that it took before it had enough; None when it never
            had. Arrays of more are not tried.
        refusal: Its words when it refused last for such a reason.
        findings: What doctor found.
    """

    probed_at: str = ""
    limits: Limits | None = None
    max_array: int | None = None
    room: int | None = None
    refusal: str = ""
    findings: tuple[Finding, ...] = ()

    def largest_array(self, told: int) -> int:
        """Most tasks of an array to try.

        Args:
            told: What the site says that it takes.
        """
        known = (self.max_array, self.room)
        return min([told, *(most for most in known if most is not None)])

    def after_large_array(self, tried: int, refusal: str) -> "SiteNotes":
        """The notes after an array was refused as too large; the next one to try has half of it."""
        return replace(self, max_array=-(-tried // 2), refusal=refusal)

    def after_submission(self, taken: int, refusal: str) -> "SiteNotes":
        """The notes after a submission of which the site took so many tasks.

        Args:
            taken: How many.
            refusal: Its words when it had enough then, else "".
        """
        if not taken or (self.room is None and not refusal):
            return self
        # The queue may have been half full: what was taken once can be taken again.
        return replace(self, room=max(taken, self.room or 0), refusal=refusal or self.refusal)


def read_notes(store: Store, profile: str) -> SiteNotes:
    """The notes about the site of a profile; empty when there are none.

    A file that is damaged or of another version counts as none, with a warning in the log: all that
    it says can be found out again.
    """
    path = store.site_path(profile)
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}; this program reads format {FORMAT}")
        return _notes(content)
    except FileNotFoundError:
        return SiteNotes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("%s is passed over (%s); `sparsesweep doctor` writes a new one", path, error)
        return SiteNotes()


def keep_notes(store: Store, profile: str, notes: SiteNotes) -> None:
    """Write the notes about the site of a profile over those before; OSError when that fails."""
    content = {"format": FORMAT, "profile": profile, **asdict(notes)}
    text = json.dumps(content, indent=1, sort_keys=True)
    publish(store.site_path(profile), f"{text}\n".encode())


def _notes(content: Mapping[str, Any]) -> SiteNotes:
    limits = content["limits"]
    return SiteNotes(
        probed_at=content["probed_at"],
        limits=Limits(**limits) if limits is not None else None,
        max_array=content["max_array"],
        room=content["room"],
        refusal=content["refusal"],
        findings=tuple(Finding(**finding) for finding in content["findings"]),
    )
