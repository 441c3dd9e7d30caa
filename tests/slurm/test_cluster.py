"""The tests' own SLURM does what a site's does: this is what the other tests here stand on."""

from pathlib import Path

import pytest

from tests.support.slurm_cluster import SlurmCluster

pytestmark = pytest.mark.slurm


def submit(slurm: SlurmCluster, output: Path, command: str, *options: str) -> str:
    return slurm.run(
        "sbatch", "--parsable", f"--output={output}", *options, f"--wrap=srun bash -c '{command}'"
    )


def states(slurm: SlurmCluster, job: str) -> list[str]:
    return [state for name, state in slurm.squeue().items() if name.split("_")[0] == job]


def wait_for(slurm: SlurmCluster, job: str, state: str, seconds: float = 20) -> None:
    slurm.wait_until(lambda: state in states(slurm, job), seconds, f"{job} to be {state}")


def test_a_job_with_a_gpu_sees_one(slurm: SlurmCluster, tmp_path: Path) -> None:
    output = tmp_path / "out"
    job = submit(slurm, output, "echo device $CUDA_VISIBLE_DEVICES", "--gres=gpu:1")
    wait_for(slurm, job, "COMPLETED")
    assert output.read_text() == "device 0\n"


def test_an_array_runs_on_both_nodes(slurm: SlurmCluster, tmp_path: Path) -> None:
    job = submit(
        slurm, tmp_path / "%a", "echo $SLURMD_NODENAME; sleep 1", "--array=0-1", "-c4"
    )  # fmt: skip
    slurm.wait_until(lambda: states(slurm, job) == ["COMPLETED"] * 2, 20, "both elements")
    assert {(tmp_path / name).read_text().strip() for name in "01"} == {"n1", "n2"}


def test_a_displaced_job_is_told_before_it_is_killed(slurm: SlurmCluster, tmp_path: Path) -> None:
    output = tmp_path / "out"
    job = submit(
        slurm, output, "trap \"echo told; exit\" TERM; for i in `seq 300`; do sleep 0.1; done",
        "-N2", "-n2", "-c4",
    )  # fmt: skip
    wait_for(slurm, job, "RUNNING")
    slurm.run("sbatch", "-p", "urgent", "-N2", "-n2", "-c4", "-o", "/dev/null", "--wrap=true")
    wait_for(slurm, job, "COMPLETED")
    assert "told" in output.read_text()
    assert "PreemptTime=None" not in slurm.run("scontrol", "show", "job", "-o", job)


def test_a_killed_node_brings_its_job_back_to_the_queue(
    slurm: SlurmCluster, tmp_path: Path
) -> None:
    job = submit(slurm, tmp_path / "out", "sleep 100", "-w", "n2")
    wait_for(slurm, job, "RUNNING")
    slurm.stop_node("n2")
    slurm.set_node_down("n2")
    wait_for(slurm, job, "PENDING")


def test_a_job_outlives_its_controller(slurm: SlurmCluster, tmp_path: Path) -> None:
    job = submit(slurm, tmp_path / "out", "echo begun; sleep 3")
    slurm.wait_until((tmp_path / "out").exists, 20)
    slurm.wait_until((tmp_path / "out").read_text, 20)
    slurm.restart_controller()
    wait_for(slurm, job, "COMPLETED")
