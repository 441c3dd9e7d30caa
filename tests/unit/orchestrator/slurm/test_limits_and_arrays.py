"""The limits of a site, what its refusals mean, and arrays that keep to them."""

from collections.abc import Sequence

import pytest

from orchestrator.slurm.arrays import chunk, spread
from orchestrator.slurm.commands import (
    Answer,
    ArrayTooLarge,
    SlurmError,
    TooManyJobs,
    refusal,
    run_command,
)
from orchestrator.slurm.limits import Limits, read_limits

CONFIG = """\
Configuration data as of 2026-11-21T03:00:00
AccountingStorageType   = accounting_storage/slurmdbd
JobRequeue              = 1
KillWait                = 30 sec
MaxArraySize            = 301
MaxJobCount             = 50000
MinJobAge               = 300 sec
SLURM_VERSION           = 22.05.8
"""


def answering(text: str) -> object:
    def run(command: Sequence[str]) -> Answer:
        assert list(command) == ["scontrol", "show", "config"]
        return Answer(returncode=0, stdout=text, stderr="")

    return run


def test_limits_are_read_from_the_controller() -> None:
    assert read_limits(answering(CONFIG)) == Limits(  # type: ignore[arg-type]
        max_array=300,  # the size bounds the index, which begins with 0
        max_jobs=50_000,
        accounting=True,
        min_job_age=300,
        kill_wait=30,
        requeue=True,
        version="22.05.8",
    )


def test_a_site_that_says_little_is_taken_for_an_ordinary_one() -> None:
    found = read_limits(answering(""))  # type: ignore[arg-type]
    assert (found.max_array, found.accounting) == (1000, False)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("sbatch: error: Batch job submission failed: Invalid job array specification",
         ArrayTooLarge),
        ("sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: "
         "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
         TooManyJobs),
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit", TooManyJobs),
        ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
         TooManyJobs),
        ("sbatch: error: invalid partition specified: gpu", SlurmError),
    ],
)  # fmt: skip
def test_a_refusal_is_understood_and_quoted(said: str, kind: type[SlurmError]) -> None:
    found = refusal(said)
    assert type(found) is kind
    assert " ".join(said.split()) in str(found)


def test_a_command_that_is_not_there_is_told_as_such() -> None:
    with pytest.raises(SlurmError, match="squeue-of-nowhere is not on the PATH"):
        run_command(["squeue-of-nowhere"])


def test_arrays_are_as_few_as_possible_and_about_equal() -> None:
    assert [len(part) for part in chunk(range(1100), 1000)] == [550, 550]
    assert [len(part) for part in chunk(range(1000), 1000)] == [1000]
    assert [n for part in chunk(range(11), 4) for n in part] == list(range(11))
    assert chunk([], 10) == []


def test_all_arrays_together_keep_to_the_cap() -> None:
    assert spread(64, [1000]) == [64]
    assert spread(10, [5, 5, 5]) == [4, 3, 3]
    assert spread(100, [5, 2]) == [5, 2]


def test_every_array_may_run_one_task_at_least() -> None:
    assert spread(2, [5, 5, 5]) == [1, 1, 1]
