"""How jobs stand: one squeue, one sacct at most, and names that no recycled number confuses."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from orchestrator.slurm.commands import Answer, SlurmError
from orchestrator.slurm.queue import snapshot
from orchestrator.watching.job_state import JobState

SINCE = 1_795_176_000.0


class Site:
    """Answers for squeue and sacct, and counts who asked; a text in `broken` is an error."""

    def __init__(self, squeue: str = "", sacct: str = "", **broken: str) -> None:
        self._answers = {"squeue": squeue, "sacct": sacct}
        self._broken = broken
        self.asked: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str]) -> Answer:
        self.asked.append(command)
        error = self._broken.get(f"no_{command[0]}")
        if error is not None:
            return Answer(returncode=1, stdout="", stderr=error)
        return Answer(returncode=0, stdout=self._answers[command[0]], stderr="")

    def commands(self) -> list[str]:
        return [command[0] for command in self.asked]


def test_elements_of_an_array_are_told_apart() -> None:
    site = Site("12_0|ss-a-a0|RUNNING|None|n1\n12_1|ss-a-a0|PENDING|Priority|\n")
    found = snapshot([("ss-a-a0", 0), ("ss-a-a0", 1)], since=SINCE, accounting=False, run=site)
    assert found == {
        ("ss-a-a0", 0): JobState(job="12_0", state="RUNNING", nodes="n1"),
        ("ss-a-a0", 1): JobState(job="12_1", state="PENDING", reason="Priority"),
    }


def test_what_is_in_the_queue_is_not_asked_of_sacct() -> None:
    site = Site("12|ss-a-p-1|RUNNING|None|n1\n")
    snapshot([("ss-a-p-1", None)], since=SINCE, accounting=True, run=site)
    assert site.commands() == ["squeue"]


def test_whatever_the_number_of_jobs_both_are_asked_once() -> None:
    places = [(f"ss-a-a{array}", element) for array in range(20) for element in range(500)]
    site = Site()
    assert snapshot(places, since=SINCE, accounting=True, run=site) == {}
    assert site.commands() == ["squeue", "sacct"]


def test_what_squeue_forgot_is_answered_by_sacct() -> None:
    site = Site(sacct="12_0|ss-a-a0|CANCELLED by 1000|0:15|n1\n12_1|ss-a-a0|FAILED|1:0|n1\n")
    found = snapshot([("ss-a-a0", 0)], since=SINCE, accounting=True, run=site)
    assert found == {
        ("ss-a-a0", 0): JobState(
            job="12_0", state="CANCELLED", reason="exit status 0:15", nodes="n1", source="sacct"
        )
    }
    assert "--name=ss-a-a0" in site.asked[-1]


def test_a_number_given_away_again_means_nothing() -> None:
    site = Site("12|somebody|RUNNING|None|n1\n", "12|interactive|FAILED|1:0|n1\n")
    places = [("ss-a-a0", None)]
    assert snapshot(places, since=SINCE, accounting=True, run=site) == {}


def test_without_accounting_sacct_is_never_asked() -> None:
    site = Site()
    assert snapshot([("ss-a-a0", None)], since=SINCE, accounting=False, run=site) == {}
    assert site.commands() == ["squeue"]


def test_a_queue_that_does_not_answer_is_an_error_and_never_an_empty_queue() -> None:
    site = Site(no_squeue="slurm_load_jobs error: Unable to contact slurm controller")
    with pytest.raises(SlurmError, match="squeue failed: slurm_load_jobs error"):
        snapshot([("ss-a-a0", None)], since=SINCE, accounting=True, run=site)


def test_a_queue_that_takes_too_long_is_an_error_too() -> None:
    def hanging(command: Sequence[str]) -> Answer:
        raise SlurmError(f"{command[0]} did not answer within 60 s")

    with pytest.raises(SlurmError, match="squeue did not answer within 60 s"):
        snapshot([("ss-a-a0", None)], since=SINCE, accounting=True, run=hanging)


def test_accounts_that_do_not_answer_take_nothing_from_what_squeue_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site("12_0|ss-a-a0|RUNNING|None|n1\n", no_sacct="Slurm accounting storage is disabled")
    places = [("ss-a-a0", 0), ("ss-a-a0", 1)]
    found = snapshot(places, since=SINCE, accounting=True, run=site)
    assert found == {("ss-a-a0", 0): JobState(job="12_0", state="RUNNING", nodes="n1")}
    assert "Slurm accounting storage is disabled" in caplog.text


def test_accounts_that_missed_the_end_of_a_job_do_not_bring_it_back() -> None:
    site = Site(sacct="12_0|ss-a-a0|RUNNING|0:0|n1\n12_[1-2]|ss-a-a0|PENDING|0:0|\n")
    places = [("ss-a-a0", 0), ("ss-a-a0", 1)]
    assert snapshot(places, since=SINCE, accounting=True, run=site) == {}


def test_elements_that_are_told_together_are_found_one_by_one() -> None:
    site = Site(sacct="12_[3-4%2]|ss-a-a0|CANCELLED by 0|0:0|\n")
    places = [("ss-a-a0", element) for element in range(6)]
    found = snapshot(places, since=SINCE, accounting=True, run=site)
    assert {place: job.job for place, job in found.items()} == {
        ("ss-a-a0", 3): "12_3",
        ("ss-a-a0", 4): "12_4",
    }


def test_what_is_no_row_of_ours_is_passed_over() -> None:
    site = Site("a|b|c|d\n13|pipe|in|a|name|x\n\n12|ss-a-p-1|RUNNING|None|n1\n")
    found = snapshot([("ss-a-p-1", None)], since=SINCE, accounting=False, run=site)
    assert list(found) == [("ss-a-p-1", None)]


def test_accounts_are_asked_from_before_the_submission_on() -> None:
    site = Site()
    snapshot([("ss-a-a0", 0)], since=SINCE, accounting=True, run=site)
    asked = site.asked[-1][site.asked[-1].index("-S") + 1]
    assert datetime.fromisoformat(asked).timestamp() == SINCE - 3600  # clocks differ


def test_a_long_list_of_names_is_not_put_on_a_command_line() -> None:
    places = [(f"ss-0a1b2c3d-{pack:012x}-1", None) for pack in range(6000)]
    site = Site()
    snapshot(places, since=SINCE, accounting=True, run=site)
    assert not any(part.startswith("--name") for part in site.asked[-1])
