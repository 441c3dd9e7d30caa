"""What a scheduler says of one of its jobs."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class JobState:
    """How one job, or one element of an array, stands.

    Attributes:
        job: Its number, with the element: "12_3".
        state: SLURM's word.
        reason: Why it waits or how it ended, else "".
        nodes: Where it ran or runs.
        source: The command that said so.
    """

    job: str
    state: str
    reason: str = ""
    nodes: str = ""
    source: str = "squeue"
