"""What became of a pack that a scheduler carries: a pure judgement of the evidence, rung by rung.

Records come first and are not looked at here: a cell that has one needs no other evidence. Below
them stand the scheduler's answer, the worker's heartbeat, and time: what was handed over a moment
ago, or may hide behind a slow file system, is not lost yet.
"""

from dataclasses import dataclass

from orchestrator.watching.job_state import JobState
from orchestrator.watching.states import State
from orchestrator.worker.heartbeat import Heartbeat, Phase, StopReason

GRACE_SECONDS = 60.0
"""How long a job may be unknown, or its records unseen, before its cells count as lost."""

_WAITS = {
    "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT",
    "RESV_DEL_HOLD",
}  # fmt: skip
_WORKS = {
    "RUNNING", "COMPLETING", "STAGE_OUT", "SIGNALING", "SUSPENDED", "STOPPED", "RESIZING",
}  # fmt: skip
_ENDED = {
    "CANCELLED": State.CANCELLED,
    "REVOKED": State.CANCELLED,
    "TIMEOUT": State.TIMEOUT,
    "DEADLINE": State.TIMEOUT,
    "OUT_OF_MEMORY": State.OUT_OF_MEMORY,
    "PREEMPTED": State.PREEMPTED,
    "NODE_FAIL": State.NODE_FAIL,
    "BOOT_FAIL": State.NODE_FAIL,
}
_DRAINED: dict[str, State] = {StopReason.LIMIT: State.TIMEOUT, StopReason.SIGNAL: State.PREEMPTED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The state of a pack's unfinished cells, and the evidence in a few words."""

    state: State
    why: str

    @property
    def in_flight(self) -> bool:
        """Whether the pack is still being carried, so that nobody else should train its cells."""
        return self.state in (State.PENDING, State.RUNNING)


def judge(
    job: JobState | None,
    heartbeat: Heartbeat | None,
    *,
    asked: bool,
    cancelled: bool,
    handed_over_at: float,
    now: float,
) -> Verdict:
    """Judge a pack.

    Args:
        job: What the scheduler says of its current job; None when it knows no such job.
        heartbeat: What its newest worker said last.
        asked: Whether the scheduler could be asked at all.
        cancelled: Whether somebody asked its submission to stop.
        handed_over_at: When its current job was handed over, in seconds since 1970.
        now: The time, in seconds since 1970.
    """
    if job is not None:
        return _by_job(job, heartbeat, now)
    if heartbeat is not None and heartbeat.at >= handed_over_at and heartbeat.lives(now):
        return Verdict(state=State.RUNNING, why=f"its worker was heard {_ago(now, heartbeat.at)}")
    if cancelled and asked:
        return Verdict(state=State.CANCELLED, why="cancelled; the scheduler has no such job now")
    if now - handed_over_at < GRACE_SECONDS:
        return Verdict(state=State.PENDING, why="handed over a moment ago, not seen yet")
    if not asked:
        return Verdict(state=State.PENDING, why="the scheduler cannot be asked from here")
    return _by_heartbeat(heartbeat, now, "the scheduler knows no such job any more")


def _by_job(job: "JobState", heartbeat: Heartbeat | None, now: float) -> Verdict:
    said = f"{job.source} says {job.state}" + (f" ({job.reason})" if job.reason else "")
    if job.state in _WAITS:
        return Verdict(state=State.PENDING, why=said)
    if job.state in _WORKS:
        return Verdict(state=State.RUNNING, why=said)
    if job.state in _ENDED:
        return Verdict(state=_ENDED[job.state], why=said)
    finished = heartbeat is not None and heartbeat.phase is Phase.FINISHED
    if finished and heartbeat is not None and now - heartbeat.at < GRACE_SECONDS:
        # The job has ended just now: its last records may not be visible on this machine yet.
        return Verdict(state=State.RUNNING, why=f"{said}; its records are awaited")
    return _by_heartbeat(heartbeat, now, said)


def _by_heartbeat(heartbeat: Heartbeat | None, now: float, said: str) -> Verdict:
    if heartbeat is None:
        return Verdict(state=State.LOST, why=f"{said}, and no worker was ever heard")
    heard = f"its worker was heard {_ago(now, heartbeat.at)}"
    if heartbeat.phase is Phase.STOPPED:
        state = _DRAINED.get(heartbeat.label, State.CANCELLED)
        return Verdict(state=state, why=f"{said}; it was drained ({heartbeat.label}), {heard}")
    if heartbeat.phase is Phase.FAILED:
        return Verdict(state=State.LOST, why=f"{said}; its worker broke: {heartbeat.label}")
    return Verdict(state=State.LOST, why=f"{said}; {heard}")


def _ago(now: float, then: float) -> str:
    return f"{max(0.0, now - then):.0f} s ago"
