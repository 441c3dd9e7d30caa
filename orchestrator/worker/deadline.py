"""When a job ends, and how long before that a worker must begin to save what it has."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

STARTED_VARIABLE = "SPARSESWEEP_JOB_STARTED"
"""Set by a job's script as its first act: seconds since 1970."""

_END_VARIABLE = "SLURM_JOB_END_TIME"  # set by SLURM from release 23 on
_LONGEST_MARGIN = 60.0
_MARGIN_SHARE = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """The end of a job.

    Attributes:
        at: Seconds since 1970; infinite where there is none.
        limit_seconds: How long such a job may last in all.
    """

    at: float = math.inf
    limit_seconds: float = math.inf

    @property
    def margin(self) -> float:
        """Seconds before the end that are kept for saving: a minute, a tenth of short limits."""
        return min(_LONGEST_MARGIN, _MARGIN_SHARE * self.limit_seconds)

    def left(self, now: float | None = None) -> float:
        """Seconds that may still be spent on training."""
        return self.at - self.margin - (time.time() if now is None else now)

    def allows(self, seconds: float | None, now: float | None = None) -> bool:
        """Whether something of that expected length may be begun.

        What would not fit into a whole job either is begun: it is saved and goes on in the next.

        Args:
            seconds: Expected length; None where nothing was measured.
            now: Seconds since 1970.
        """
        left = self.left(now)
        if left <= 0:
            return False
        return seconds is None or seconds <= left or seconds > self.limit_seconds - 2 * self.margin


NO_DEADLINE = Deadline()
"""Where nobody ends a worker."""


def deadline_of_job(limit_minutes: float, environment: Mapping[str, str] = os.environ) -> Deadline:
    """The deadline of the job that this process is in.

    Args:
        limit_minutes: Its time limit, as it was asked for.
        environment: Where SLURM or the job's script say when it ends or began.
    """
    limit = limit_minutes * 60.0
    end, began = environment.get(_END_VARIABLE), environment.get(STARTED_VARIABLE)
    if end is not None:
        return Deadline(at=float(end), limit_seconds=limit)
    return Deadline(at=(float(began) if began else time.time()) + limit, limit_seconds=limit)
