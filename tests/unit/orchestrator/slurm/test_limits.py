"""The limits of a site, as its controller tells them."""

from collections.abc import Sequence

import pytest

from orchestrator.slurm.commands import Answer, Runner, SlurmError
from orchestrator.slurm.limits import Limits, read_limits

CONFIG = """\
Configuration data as of 2026-11-21T03:00:00
AccountingStorageType   = accounting_storage/slurmdbd
JobRequeue              = 1
KillWait                = 30 sec
MaxArraySize            = 301
MaxJobCount             = 50000
MinJobAge               = 300 sec
PreemptMode             = CANCEL
SLURM_VERSION           = 22.05.8
"""


def answering(text: str) -> Runner:
    def run(command: Sequence[str]) -> Answer:
        assert list(command) == ["scontrol", "show", "config"]
        return Answer(returncode=0, stdout=text, stderr="")

    return run


def test_limits_are_read_from_the_controller() -> None:
    assert read_limits(answering(CONFIG)) == Limits(
        max_array=300,  # the size bounds the index, which begins with 0
        max_jobs=50_000,
        accounting=True,
        min_job_age=300,
        kill_wait=30,
        requeue=True,
        preempt_mode="CANCEL",
        version="22.05.8",
    )


def test_a_setting_after_an_empty_one_is_read() -> None:
    said = "PreemptParameters = \nPreemptMode = REQUEUE\n"
    assert read_limits(answering(said)).preempt_mode == "REQUEUE"


def test_a_site_that_says_little_is_taken_for_an_ordinary_one() -> None:
    found = read_limits(answering(""))
    assert (found.max_array, found.accounting) == (1000, False)


def test_arrays_of_ours_stay_small_where_the_site_takes_large_ones() -> None:
    assert read_limits(answering("MaxArraySize = 100001")).max_array == 1000


def test_a_site_that_takes_no_arrays_gets_single_jobs() -> None:
    assert read_limits(answering("MaxArraySize = 0")).max_array == 1


def test_accounts_in_a_file_cannot_be_asked() -> None:
    said = "AccountingStorageType = accounting_storage/none\n"
    assert not read_limits(answering(said)).accounting


def test_a_controller_that_does_not_answer_is_an_error() -> None:
    def run(command: Sequence[str]) -> Answer:
        return Answer(returncode=1, stdout="", stderr="slurm_load_ctl_conf error: no controller")

    with pytest.raises(SlurmError, match="scontrol failed: slurm_load_ctl_conf error"):
        read_limits(run)
