"""The ladder: the scheduler's answer, then the heartbeat, then time; never a guess."""

from typing import Any

import pytest

from orchestrator.watching.job_state import JobState
from orchestrator.watching.ladder import GRACE_SECONDS, Verdict, judge
from orchestrator.watching.states import State
from orchestrator.worker.heartbeat import Heartbeat, Phase

NOW = 10_000.0
LONG_AGO = NOW - 3600


def beat(**values: Any) -> Heartbeat:
    fields: dict[str, Any] = {
        "pack": "p", "attempt": "a", "phase": Phase.RUNNING, "host": "elsewhere",
        "pid": 1, "started": 1, "driver": None, "at": NOW - 5,
    }  # fmt: skip
    return Heartbeat(**{**fields, **values})


def verdict(
    word: str | None, heartbeat: Heartbeat | None = None, *, asked: bool = True, **more: Any
) -> Verdict:
    job = None if word is None else JobState(job="7", state=word, reason=more.pop("reason", ""))
    return judge(
        job, heartbeat, asked=asked, cancelled=more.pop("cancelled", False),
        handed_over_at=more.pop("handed_over_at", LONG_AGO), now=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", State.PENDING),
        ("REQUEUED", State.PENDING),
        ("CONFIGURING", State.PENDING),
        ("RUNNING", State.RUNNING),
        ("COMPLETING", State.RUNNING),
        ("SUSPENDED", State.RUNNING),
        ("CANCELLED", State.CANCELLED),
        ("TIMEOUT", State.TIMEOUT),
        ("OUT_OF_MEMORY", State.OUT_OF_MEMORY),
        ("PREEMPTED", State.PREEMPTED),
        ("NODE_FAIL", State.NODE_FAIL),
        ("BOOT_FAIL", State.NODE_FAIL),
        ("FAILED", State.LOST),
        ("COMPLETED", State.LOST),
    ],
)
def test_the_scheduler_s_word_decides(word: str, state: State) -> None:
    assert verdict(word).state is state


def test_the_scheduler_is_believed_over_a_fresh_heartbeat() -> None:
    assert verdict("NODE_FAIL", beat()).state is State.NODE_FAIL


def test_why_it_waits_is_passed_on() -> None:
    assert verdict("PENDING", reason="Priority").why == "squeue says PENDING (Priority)"


def test_a_job_that_ended_just_now_gets_time_for_its_records_to_appear() -> None:
    assert verdict("COMPLETED", beat(phase=Phase.FINISHED, at=NOW - 5)).state is State.RUNNING
    old = beat(phase=Phase.FINISHED, at=NOW - GRACE_SECONDS - 1)
    assert verdict("COMPLETED", old).state is State.LOST


@pytest.mark.parametrize(
    ("reason", "state"),
    [("asked", State.CANCELLED), ("limit", State.TIMEOUT), ("signal", State.PREEMPTED)],
)
def test_a_job_that_was_drained_and_has_no_successor_says_why(reason: str, state: State) -> None:
    assert verdict("COMPLETED", beat(phase=Phase.STOPPED, label=reason)).state is state


def test_an_unknown_job_whose_worker_is_heard_is_running() -> None:
    assert verdict(None, beat()).state is State.RUNNING


def test_an_old_worker_s_heartbeat_says_nothing_of_the_job_that_came_after_it() -> None:
    before = beat(at=NOW - 50)
    assert verdict(None, before, handed_over_at=NOW - 40).state is State.PENDING


def test_an_unknown_job_is_not_lost_while_it_may_still_appear() -> None:
    assert verdict(None, handed_over_at=NOW - GRACE_SECONDS + 1).state is State.PENDING
    assert verdict(None, handed_over_at=NOW - GRACE_SECONDS - 1).state is State.LOST


def test_what_was_cancelled_before_it_began_is_cancelled_and_not_lost() -> None:
    assert verdict(None, cancelled=True).state is State.CANCELLED
    assert verdict(None, cancelled=True, handed_over_at=NOW - 5).state is State.CANCELLED
    assert verdict("RUNNING", cancelled=True).state is State.RUNNING


def test_nothing_is_lost_where_the_scheduler_cannot_be_asked() -> None:
    found = verdict(None, asked=False)
    assert found == Verdict(state=State.PENDING, why="the scheduler cannot be asked from here")


def test_a_worker_that_broke_is_quoted() -> None:
    broken = beat(phase=Phase.FAILED, label="ImportError: no module named x")
    assert "its worker broke: ImportError" in verdict("FAILED", broken).why


@pytest.mark.parametrize("word", ["PENDING", "RUNNING", "COMPLETED", "TIMEOUT", None])
def test_only_what_waits_or_works_is_left_alone(word: str | None) -> None:
    assert verdict(word).in_flight is (word in ("PENDING", "RUNNING"))
