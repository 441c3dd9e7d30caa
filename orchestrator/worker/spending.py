"""How much of its budget a submission has used, as its workers know it together.

Every worker keeps a file of its own in the submission's folder: the hours for which it has held its
device, from when it took up its pack. A GPU is one device, or the fraction of one, and without GPUs
a worker is. So nobody locks anything, a worker that is lost has paid what it said last, and a
restart counts nothing twice.
"""

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_new, replace
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import Submission
from orchestrator.worker.breaker import Halt, halt_of

_LOOK_SECONDS = 1.0  # between two looks at what the others have used,
_LOOK_SHARE = 20.0  # and more where a look takes long, because there are many or the disk is slow


@dataclass(frozen=True, kw_only=True, slots=True)
class Exhausted:
    """The end of a budget: nothing more is begun.

    Attributes:
        budget: Device-hours that the submission may use.
        used: Those that were used when a worker found that no more fits.
    """

    budget: float
    used: float

    def __str__(self) -> str:
        return (
            f"the budget of {self.budget:.3g} device-hours has no room for more: "
            f"{self.used:.3g} are used; the next run goes on with one of its own"
        )


class Spending:
    """What the workers of a submission have used, one of them being this.

    Args:
        store: The store.
        manifest: The pack of this worker, with its budget.
        attempt: Id of the attempt at it.
    """

    def __init__(self, store: Store, manifest: Manifest, attempt: str) -> None:
        self._store = store
        self._manifest = manifest
        self._attempt = attempt
        self._folder = _folder(store, manifest.grid, manifest.number)
        self._devices = manifest.gpus or 1.0
        self._began = time.monotonic()
        self._look_again = self._began

    def write(self) -> None:
        """Say what this worker has used by now."""
        if self._manifest.max_device_hours is not None:
            replace(self._folder / self._attempt, f"{self._own():.9f}\n".encode())

    def allows(self, seconds: float | None) -> bool:
        """Whether something may be begun; if not, nothing more of the submission is.

        Args:
            seconds: How long it is expected to take; None where nothing was measured.
        """
        budget = self._manifest.max_device_hours
        if budget is None:
            return True
        others = used_hours(self._store, self._manifest.grid, self._manifest.number, self._attempt)
        used = others + self._own()
        if used + self._devices * (seconds or 0.0) / 3600.0 < budget:
            return True
        with contextlib.suppress(OSError):  # on a full disk the others find out by themselves
            end_budget(self._store, self._manifest.grid, self._manifest.number, budget, used)
        return False

    def exhausted(self) -> bool:
        """Whether a worker has found that no more fits, or this one finds it now."""
        budget = self._manifest.max_device_hours
        if budget is None:
            return False
        if exhausted_of(self._store, self._manifest.grid, self._manifest.number) is not None:
            return True
        began = time.monotonic()
        if began < self._look_again:
            return False
        room = self.allows(None)
        now = time.monotonic()
        self._look_again = now + max(_LOOK_SECONDS, _LOOK_SHARE * (now - began))
        return not room

    def _own(self) -> float:
        return self._devices * (time.monotonic() - self._began) / 3600.0


def used_hours(store: Store, grid: str, number: int, but: str = "") -> float:
    """Device-hours that the workers of a submission say they have used.

    Args:
        store: The store.
        grid, number: The submission.
        but: Id of an attempt that is left out.
    """
    used = 0.0
    try:
        names = os.listdir(_folder(store, grid, number))
    except FileNotFoundError:
        return used
    for name in names:
        if name != but and not name.startswith("."):
            used += float((_folder(store, grid, number) / name).read_text(encoding="ascii"))
    return used


def hours_of_budget(store: Store, submission: Submission) -> float | None:
    """What the workers of a submission used of its budget; None for one without."""
    if submission.max_device_hours is None:
        return None
    return used_hours(store, submission.grid, submission.number)


def end_budget(store: Store, grid: str, number: int, budget: float, used: float) -> None:
    """Have nothing more of a submission begun, because its budget has no room for it."""
    content = asdict(Exhausted(budget=budget, used=used))
    publish_new(_end(store, grid, number), json.dumps(content, sort_keys=True).encode() + b"\n")


def exhausted_of(store: Store, grid: str, number: int) -> Exhausted | None:
    """The end of a submission's budget; None while there is room. StoreError when damaged."""
    path = _end(store, grid, number)
    try:
        return Exhausted(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error})") from error


def ended_early(store: Store, grid: str, number: int) -> Halt | Exhausted | None:
    """Why a submission starts nothing more, or None."""
    return halt_of(store, grid, number) or exhausted_of(store, grid, number)


def _folder(store: Store, grid: str, number: int) -> Path:
    return store.submission(grid, number) / "spent"


def _end(store: Store, grid: str, number: int) -> Path:
    return store.submission(grid, number) / "exhausted.json"
