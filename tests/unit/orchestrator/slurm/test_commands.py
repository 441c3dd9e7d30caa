"""Running SLURM's commands, and understanding what they say when they refuse."""

import os
import stat
from pathlib import Path

import pytest

from orchestrator.slurm import commands
from orchestrator.slurm.commands import (
    ArrayTooLarge,
    Busy,
    ShareTaken,
    SlurmError,
    TooManyJobs,
    ask,
    refusal,
    run_command,
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the PATH for commands."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def command(site: Path, name: str, body: str) -> None:
    path = site / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_command_that_is_not_there_is_told_as_such() -> None:
    with pytest.raises(SlurmError, match="squeue-of-nowhere is not on the PATH"):
        run_command(["squeue-of-nowhere"])


def test_a_command_that_hangs_is_given_up(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "COMMAND_SECONDS", 0.2)
    command(site, "squeue", "exec sleep 60")
    with pytest.raises(SlurmError, match="squeue did not answer within 0 s; the controller is bus"):
        run_command(["squeue"])


def test_a_command_that_cannot_be_run_is_told_as_such(site: Path) -> None:
    command(site, "squeue-of-another-machine", "")
    (site / "squeue-of-another-machine").write_bytes(b"\x7fELF")
    with pytest.raises(SlurmError, match="machine cannot be run: Exec format error"):
        run_command(["squeue-of-another-machine"])


def test_a_failure_is_told_in_the_words_of_the_command(site: Path) -> None:
    command(site, "sacct", "echo Slurm accounting storage is disabled >&2; exit 1")
    with pytest.raises(SlurmError, match="sacct failed: Slurm accounting storage is disabled"):
        ask(run_command, "sacct")


def test_a_failure_without_words_is_told_by_its_number(site: Path) -> None:
    command(site, "scancel", "exit 3")
    with pytest.raises(SlurmError, match="scancel failed: exit status 3"):
        ask(run_command, "scancel")


def test_names_in_another_encoding_do_no_harm(site: Path) -> None:
    command(site, "squeue", r"printf 'm\374ll|ok'")
    assert ask(run_command, "squeue") == "m\ufffdll|ok"


def test_personal_filters_hide_no_jobs(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SQUEUE_PARTITION", "SQUEUE_STATES", "SACCT_FORMAT", "SCANCEL_STATE"):
        monkeypatch.setenv(name, "gpu")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    command(site, "squeue", "env | grep -E '^(SQUEUE|SACCT|SCANCEL|SLURM)_' | sort")
    assert ask(run_command, "squeue") == "SLURM_BITSTR_LEN=0\nSLURM_CONF=/etc/slurm.conf\n"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("sbatch: error: Batch job submission failed: Invalid job array specification",
         ArrayTooLarge),
        ("sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: "
         "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
         ShareTaken),
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit", ShareTaken),
        ("sbatch: error: AssocGrpSubmitJobsLimit", ShareTaken),
        ("sbatch: error: Batch job submission failed: "
         "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
         ShareTaken),
        ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n"
         "sbatch: error: Batch job submission failed: Resource temporarily unavailable",
         TooManyJobs),
        ("sbatch: error: QOSMaxWallDurationPerJobLimit\nsbatch: error: Batch job submission "
         "failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time "
         "limits)", SlurmError),
        ("sbatch: error: Batch job submission failed: Unable to contact slurm controller "
         "(connect failure)", Busy),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
         Busy),
        ("sbatch: error: invalid partition specified: gpu", SlurmError),
    ],
)  # fmt: skip
def test_a_refusal_is_understood_and_quoted(said: str, kind: type[SlurmError]) -> None:
    found = refusal(said)
    assert type(found) is kind
    assert " ".join(said.split()) in str(found)
