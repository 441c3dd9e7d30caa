"""The end of a job: what may still be begun, and when to save."""

import pytest

from orchestrator.worker.deadline import NO_DEADLINE, STARTED_VARIABLE, Deadline, deadline_of_job

HOUR = Deadline(at=10_000.0, limit_seconds=3600.0)


def test_without_a_deadline_everything_may_begin() -> None:
    assert NO_DEADLINE.allows(1e9)
    assert NO_DEADLINE.left() > 1e9


@pytest.mark.parametrize(("limit", "margin"), [(60, 6.0), (300, 30.0), (3600, 60.0)])
def test_a_tenth_of_a_short_limit_and_a_minute_of_a_long_one_are_kept(
    limit: float, margin: float
) -> None:
    assert Deadline(at=0.0, limit_seconds=limit).margin == margin


def test_what_cannot_finish_is_not_begun() -> None:
    now = 10_000.0 - 60.0 - 100.0
    assert HOUR.allows(99.0, now)
    assert not HOUR.allows(101.0, now)


def test_what_no_job_could_finish_is_begun_and_saved_in_time() -> None:
    now = 10_000.0 - 60.0 - 100.0
    assert HOUR.allows(7200.0, now)
    assert not HOUR.allows(7200.0, 10_000.0 - 60.0)


def test_what_was_never_measured_is_begun_while_there_is_time() -> None:
    assert HOUR.allows(None, 10_000.0 - 61.0)
    assert not HOUR.allows(None, 10_000.0 - 59.0)


def test_slurm_s_own_word_goes_before_a_computation() -> None:
    said = {"SLURM_JOB_END_TIME": "5000", STARTED_VARIABLE: "1000"}
    assert deadline_of_job(30, said).at == 5000.0
    assert deadline_of_job(30, {STARTED_VARIABLE: "1000"}) == Deadline(
        at=2800.0, limit_seconds=1800.0
    )
