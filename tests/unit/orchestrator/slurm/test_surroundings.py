"""The environment in which sbatch is called."""

import os
from pathlib import Path

import pytest

from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.submitting import submit_job
from orchestrator.slurm.surroundings import outside_of_any_job
from tests.support.fake_sbatch import FakeSbatch, request_of


def seen(profile: Profile) -> dict[str, str]:
    with outside_of_any_job(profile):
        return {
            name: text
            for name, text in os.environ.items()
            if name.startswith(("SLURM_", "SBATCH_", "SUBMITIT_", "SRUN_", "APPTAINER"))
        }


def test_the_job_that_this_is_in_is_hidden_and_its_cluster_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_JOB_ID", "SUBMITIT_EXECUTOR", "SRUN_CPUS_PER_TASK"):
        monkeypatch.setenv(name, "64")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm/slurm.conf")
    assert seen(Profile(name="p")) == {"SLURM_CONF": "/etc/slurm/slurm.conf"}
    assert os.environ["SLURM_CPUS_PER_TASK"] == "64"


def test_a_person_s_defaults_stand_where_the_profile_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SBATCH_PARTITION", "cpu")
    monkeypatch.setenv("SBATCH_ACCOUNT", "lab")
    assert seen(Profile(name="p", partition="gpu")) == {"SBATCH_ACCOUNT": "lab"}


def test_what_would_change_a_job_s_script_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SBATCH_JOB_NAME", "SBATCH_ARRAY_INX", "SBATCH_TIMELIMIT", "SBATCH_WAIT"):
        monkeypatch.setenv(name, "1")
    assert seen(Profile(name="p")) == {}


def test_a_container_is_hidden_from_inside_of_it_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPTAINER_BIND", "/scratch")
    assert seen(Profile(name="p")) == {"APPTAINER_BIND": "/scratch"}
    monkeypatch.setenv("APPTAINER_CONTAINER", "/scratch/lab/sparsesweep.sif")
    assert seen(Profile(name="p")) == {}


def test_a_failure_inside_restores_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with pytest.raises(RuntimeError), outside_of_any_job(Profile(name="p")):
        raise RuntimeError
    assert os.environ["SLURM_JOB_ID"] == "7"


def test_sbatch_is_called_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sbatch = FakeSbatch(tmp_path / "bin", monkeypatch)
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm/slurm.conf")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "64")
    monkeypatch.setenv("SBATCH_ARRAY_INX", "0-7")
    submit_job(request_of(tmp_path), Profile(name="p"))
    assert sbatch.environment == ["SLURM_CONF=/etc/slurm/slurm.conf"]
