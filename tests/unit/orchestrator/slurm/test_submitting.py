"""What sbatch is given: the script word for word, and nothing of the job that this may run in."""

import os
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest

from orchestrator.profiles import Profile
from orchestrator.slurm.commands import ArrayTooLarge, SlurmError
from orchestrator.slurm.submitting import JobRequest, submit_job
from orchestrator.slurm.task import run_task

GOLDEN = Path(__file__).parents[3] / "golden" / "array.sbatch"

SBATCH = """\
#!/bin/sh
env | grep -E '^(SLURM|SUBMITIT)_' | sort > {folder}/environment
cp "$1" {folder}/script
{end}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with commands that note what they were given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    write(folder / "srun", "#!/bin/sh\n")
    write(folder / "sbatch", SBATCH.format(folder=folder, end="echo Submitted batch job 4711"))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def request(tmp_path: Path, packs: int = 1, **more: Any) -> JobRequest:
    return JobRequest(
        name="ss-0a1b2c3d-a0",
        folder=tmp_path / "logs",
        manifests=[tmp_path / f"p{number}.json" for number in range(packs)],
        code=Path("/store/code/c0de"),
        threads=2,
        task=run_task,
        **more,
    )


def test_the_script_of_an_array(site: Path, tmp_path: Path) -> None:
    profile = Profile(
        name="alpha", partition="gpu", gpus=1, mem_gb=1.5, time_minutes=120, exclude=("n3", "n4"),
        setup=("module load cuda",), python="/env/bin/python", extra={"nice": "100"},
    )  # fmt: skip
    asked = request(tmp_path, packs=3, cap=2, after=("17", "18"), begin_seconds=60)
    assert submit_job(asked, profile) == "4711"
    text = (site / "script").read_text().replace(str(tmp_path), "/store")
    assert text == GOLDEN.read_text()


def test_an_empty_profile_asks_for_nothing_but_cores_and_time(site: Path, tmp_path: Path) -> None:
    submit_job(request(tmp_path), Profile(name="small"))
    asked = [
        line.removeprefix("#SBATCH --").partition("=")[0]
        for line in (site / "script").read_text().splitlines()
        if line.startswith("#SBATCH")
    ]
    assert asked == [
        "cpus-per-task", "job-name", "nodes", "open-mode", "output", "requeue", "signal", "time",
    ]  # fmt: skip


def test_the_pickle_carries_a_name_and_two_texts(site: Path, tmp_path: Path) -> None:
    submit_job(request(tmp_path), Profile(name="small"))
    task = pickle.loads((tmp_path / "logs" / "4711_submitted.pkl").read_bytes())
    assert task.function is run_task
    assert task.args == (str(tmp_path / "p0.json"), "ss-0a1b2c3d-a0")
    assert (tmp_path / "logs" / "4711_submitted.pkl").stat().st_size < 1000


def test_inside_a_job_sbatch_is_not_told_of_that_job(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm/slurm.conf")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "64")
    submit_job(request(tmp_path), Profile(name="small"))
    assert (site / "environment").read_text() == "SLURM_CONF=/etc/slurm/slurm.conf\n"
    assert os.environ["SLURM_CPUS_PER_TASK"] == "64"


def test_the_warning_comes_within_short_limits(site: Path, tmp_path: Path) -> None:
    submit_job(request(tmp_path), Profile(name="short", time_minutes=1))
    assert "--signal=USR2@30" in (site / "script").read_text()


def test_a_container_runs_the_task(site: Path, tmp_path: Path) -> None:
    submit_job(request(tmp_path), Profile(name="c", gpus=1, container="/images/ss.sif"))
    text = (site / "script").read_text()
    assert "apptainer exec --nv /images/ss.sif python -u -m submitit" in text


def test_a_refusal_leaves_nothing_behind(site: Path, tmp_path: Path) -> None:
    said = "Batch job submission failed: Invalid job array specification"
    write(
        site / "sbatch", SBATCH.format(folder=site, end=f"echo 'sbatch: error: {said}' >&2; exit 1")
    )
    with pytest.raises(ArrayTooLarge, match="Invalid job array specification"):
        submit_job(request(tmp_path, packs=2), Profile(name="small"))
    assert not (tmp_path / "logs").exists()


def test_a_part_of_a_gpu_is_refused(site: Path, tmp_path: Path) -> None:
    with pytest.raises(SlurmError, match=r"asks for 0.5 GPUs; SLURM gives whole ones only"):
        submit_job(request(tmp_path), Profile(name="half", gpus=0.5))
