"""What a job asks of sbatch; the whole text is held by the golden scripts."""

from pathlib import Path

import pytest

from orchestrator.slurm.commands import SlurmError
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.script import interpreter, parameters
from tests.support.fake_sbatch import request_of


def test_an_empty_profile_leaves_to_the_site_what_it_can(tmp_path: Path) -> None:
    asked = parameters(request_of(tmp_path), Profile(name="small"))
    assert set(asked) == {
        "job_name", "cpus_per_task", "time", "array_parallelism", "signal_delay_s", "setup",
        "srun_args", "stderr_to_stdout", "additional_parameters", "wckey",
    }  # fmt: skip
    assert (asked["cpus_per_task"], asked["time"], asked["signal_delay_s"]) == (2, 60, 90)
    assert asked["additional_parameters"] == {"requeue": True}


def test_a_task_has_the_cores_of_its_threads_unless_the_profile_says_otherwise(
    tmp_path: Path,
) -> None:
    asked = parameters(request_of(tmp_path, threads=3), Profile(name="p", cpus=8))
    assert asked["cpus_per_task"] == 8
    assert "--cpus-per-task=8" in asked["srun_args"]


def test_memory_is_rounded_up_to_whole_mebibytes(tmp_path: Path) -> None:
    asked = parameters(request_of(tmp_path), Profile(name="p", mem_gb=0.9999))
    assert asked["mem"] == "1024M"


def test_the_warning_comes_within_short_limits(tmp_path: Path) -> None:
    asked = parameters(request_of(tmp_path), Profile(name="short", time_minutes=1))
    assert asked["signal_delay_s"] == 30


def test_a_profile_against_hand_over_is_not_requeued_either(tmp_path: Path) -> None:
    asked = parameters(request_of(tmp_path), Profile(name="p", hand_over="none"))
    assert asked["additional_parameters"] == {"no-requeue": True}


def test_a_wckey_is_given_only_when_the_profile_names_one(tmp_path: Path) -> None:
    assert parameters(request_of(tmp_path), Profile(name="p"))["wckey"] is None
    asked = parameters(request_of(tmp_path), Profile(name="p", extra={"wckey": "sparse"}))
    assert asked["additional_parameters"]["wckey"] == "sparse"


def test_a_task_runs_this_interpreter_another_one_or_one_in_an_image() -> None:
    assert interpreter(Profile(name="p")) is None
    assert interpreter(Profile(name="p", python="/my env/python")) == "'/my env/python'"
    assert interpreter(Profile(name="p", container="/i.sif")) == "apptainer exec /i.sif python"
    assert (
        interpreter(Profile(name="p", container="/i.sif", python="python3", gpus=1))
        == "apptainer exec --nv /i.sif python3"
    )


def test_a_part_of_a_gpu_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SlurmError, match=r"asks for 0.5 GPUs; SLURM gives whole ones only"):
        parameters(request_of(tmp_path), Profile(name="half", gpus=0.5))


@pytest.mark.parametrize(
    ("which", "path"), [("folder", "/store/50%/logs"), ("code", "/store:old/code")]
)
def test_a_path_that_slurm_would_read_otherwise_is_refused(
    tmp_path: Path, which: str, path: str
) -> None:
    with pytest.raises(SlurmError, match=f"{path} cannot be the place of a job's files"):
        parameters(request_of(tmp_path, **{which: Path(path)}), Profile(name="p"))
