"""The scripts that sbatch is given, word for word; paths of the test stand as /store."""

from pathlib import Path

import pytest

from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.submitting import submit_job
from tests.support.fake_sbatch import FakeSbatch, request_of

HERE = Path(__file__).parent


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSbatch:
    return FakeSbatch(tmp_path / "bin", monkeypatch)


def test_an_array_with_all_that_a_profile_can_say(sbatch: FakeSbatch, tmp_path: Path) -> None:
    profile = Profile(
        name="alpha", partition="gpu", account="lab", qos="long", constraint="a100", gpus=1, cpus=4,
        mem_gb=1.5, time_minutes=120, exclude=("n3", "n4"), setup=("module load cuda",),
        python="/env/bin/python", signal_seconds=120,
        extra={"nice": "100", "exclusive": True, "comment": "two words"},
    )  # fmt: skip
    asked = request_of(tmp_path, packs=3, cap=2, after=("17", "18"), begin_seconds=60)
    submit_job(asked, profile)
    text = sbatch.script.replace(str(tmp_path), "/store")
    assert text == (HERE / "array.sbatch").read_text()


def test_a_single_job_in_a_container(sbatch: FakeSbatch, tmp_path: Path) -> None:
    profile = Profile(name="image", gpus=2, container="/images/sparse sweep.sif", hand_over="none")
    submit_job(request_of(tmp_path), profile)
    text = sbatch.script.replace(str(tmp_path), "/store")
    assert text == (HERE / "single.sbatch").read_text()
