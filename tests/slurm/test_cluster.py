"""The tests' own SLURM does what a site's does: this is what the other tests here stand on."""

from pathlib import Path

import pytest

from tests.support.slurm_cluster import SlurmCluster

pytestmark = pytest.mark.slurm


def submit(slurm: SlurmCluster, output: Path, command: str, *options: str) -> str:
    """Submit a batch script of one step; return the job's id."""
    return slurm.run(
        "sbatch", "--parsable", f"--output={output}", *options, f"--wrap=srun bash -c '{command}'"
    )


def states(slurm: SlurmCluster, job: str) -> list[str]:
    return [state for name, state in slurm.squeue().items() if name.split("_")[0] == job]


def wait_for(slurm: SlurmCluster, job: str, state: str, seconds: float = 20) -> None:
    slurm.wait_until(lambda: state in states(slurm, job), seconds, f"{job} to be {state}")


def wait_for_text(slurm: SlurmCluster, output: Path, text: str) -> None:
    slurm.wait_until(lambda: output.exists() and text in output.read_text(), 20, f"{text!r}")


def processes_of(marker: str) -> list[str]:
    """The processes whose command line holds this marker."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if marker in command:
            found.append(command)
    return found


def test_a_job_with_a_gpu_sees_one(slurm: SlurmCluster, tmp_path: Path) -> None:
    output = tmp_path / "out"
    job = submit(slurm, output, "echo device $CUDA_VISIBLE_DEVICES", "--gres=gpu:1")
    wait_for(slurm, job, "COMPLETED")
    assert output.read_text() == "device 0\n"


def test_jobs_side_by_side_get_different_gpus(slurm: SlurmCluster, tmp_path: Path) -> None:
    job = submit(
        slurm, tmp_path / "%a", "echo $CUDA_VISIBLE_DEVICES; sleep 2",
        "--array=0-1", "--gres=gpu:1", "-w", "n2",
    )  # fmt: skip
    slurm.wait_until(lambda: states(slurm, job) == ["COMPLETED"] * 2, 20, "both elements")
    assert {(tmp_path / name).read_text() for name in "01"} == {"0\n", "1\n"}


def test_an_array_runs_on_both_nodes(slurm: SlurmCluster, tmp_path: Path) -> None:
    job = submit(slurm, tmp_path / "%a", "echo $SLURMD_NODENAME; sleep 1", "--array=0-1", "-c4")
    slurm.wait_until(lambda: states(slurm, job) == ["COMPLETED"] * 2, 20, "both elements")
    assert {(tmp_path / name).read_text() for name in "01"} == {"n1\n", "n2\n"}


def test_more_than_a_node_has_is_refused(slurm: SlurmCluster, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Requested node configuration is not available"):
        submit(slurm, tmp_path / "out", "true", "--gres=gpu:3")


def test_an_index_beyond_the_largest_is_refused(slurm: SlurmCluster, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Invalid job array specification"):
        submit(slurm, tmp_path / "out", "true", "--array=1001")


def test_a_cancelled_job_is_told(slurm: SlurmCluster, tmp_path: Path) -> None:
    output = tmp_path / "out"
    job = submit(slurm, output, 'trap "echo told; exit" TERM; echo begun; sleep 60 & wait')
    wait_for_text(slurm, output, "begun")
    slurm.run("scancel", job)
    wait_for(slurm, job, "CANCELLED")
    assert "told" in output.read_text()


def test_a_displaced_job_is_told_and_has_time_to_end(slurm: SlurmCluster, tmp_path: Path) -> None:
    output = tmp_path / "out"
    saves = 'trap "echo told; sleep 3; echo saved; exit" TERM; echo begun; sleep 60 & wait'
    job = submit(slurm, output, saves, "-w", "n1", "-c4")
    wait_for_text(slurm, output, "begun")
    slurm.run("sbatch", "-p", "urgent", "-w", "n1", "-c4", "-o", "/dev/null", "--wrap=true")
    wait_for_text(slurm, output, "saved")
    wait_for(slurm, job, "COMPLETED")
    assert "PreemptTime=None" not in slurm.run("scontrol", "show", "job", "-o", job)


def test_a_displaced_job_that_does_not_end_is_killed(slurm: SlurmCluster, tmp_path: Path) -> None:
    output = tmp_path / "out"
    job = submit(slurm, output, 'trap "" TERM; echo begun; sleep 60', "-w", "n1", "-c4")
    wait_for_text(slurm, output, "begun")
    slurm.run("sbatch", "-p", "urgent", "-w", "n1", "-c4", "-o", "/dev/null", "--wrap=true")
    wait_for(slurm, job, "PREEMPTED", seconds=40)


def test_a_killed_node_takes_all_its_processes_along(slurm: SlurmCluster, tmp_path: Path) -> None:
    seconds = "98765.25"
    submit(slurm, tmp_path / "out", f"setsid env -i sleep {seconds} & sleep {seconds}", "-w", "n2")
    slurm.wait_until(lambda: len(processes_of(f"sleep\0{seconds}")) == 2, 20, "two sleeps")
    slurm.stop_node("n2")
    assert processes_of(seconds) == []


def test_a_killed_node_fails_its_job_or_brings_it_back_to_the_queue(
    slurm: SlurmCluster, tmp_path: Path
) -> None:
    fails = submit(slurm, tmp_path / "fails", "sleep 100", "-w", "n2", "--no-requeue")
    returns = submit(slurm, tmp_path / "returns", "sleep 100", "-w", "n2", "--requeue")
    wait_for(slurm, fails, "RUNNING")
    wait_for(slurm, returns, "RUNNING")
    slurm.stop_node("n2")
    wait_for(slurm, fails, "NODE_FAIL", seconds=40)
    wait_for(slurm, returns, "PENDING")


def test_a_node_that_returns_takes_jobs_again(slurm: SlurmCluster, tmp_path: Path) -> None:
    slurm.stop_node("n1")
    slurm.set_node_down("n1")
    job = submit(slurm, tmp_path / "out", "true", "-w", "n1")
    wait_for(slurm, job, "PENDING")
    slurm.start_node("n1")
    wait_for(slurm, job, "COMPLETED")


def test_a_job_outlives_its_controller(slurm: SlurmCluster, tmp_path: Path) -> None:
    output = tmp_path / "out"
    job = submit(slurm, output, "echo begun; sleep 2")
    waits = submit(slurm, tmp_path / "waits", "true", "--begin=now+3600")
    wait_for_text(slurm, output, "begun")
    slurm.restart_controller()
    wait_for(slurm, job, "COMPLETED")
    assert states(slurm, waits) == ["PENDING"]


def test_a_job_at_its_end_time_is_stopped(slurm: SlurmCluster, tmp_path: Path) -> None:
    job = submit(slurm, tmp_path / "out", "sleep 300", "--time=5")
    wait_for(slurm, job, "RUNNING")
    # A limit is whole minutes; the end of a running job is not. SLURM looks every 30 s.
    slurm.run("scontrol", "update", f"jobid={job}", "endtime=now+1")
    wait_for(slurm, job, "TIMEOUT", seconds=45)


def test_two_clusters_know_nothing_of_each_other(slurm: SlurmCluster, tmp_path: Path) -> None:
    job = submit(slurm, tmp_path / "out", "sleep 60")
    wait_for(slurm, job, "RUNNING")
    with SlurmCluster(settings={"MaxArraySize": 11}) as other:
        assert other.squeue() == {}
        assert "MaxArraySize = 11" in " ".join(other.run("scontrol", "show", "config").split())
    assert states(slurm, job) == ["RUNNING"]
    assert not other.folder.exists()


def test_without_accounting_sacct_says_so(slurm: SlurmCluster) -> None:
    with pytest.raises(RuntimeError, match="Slurm accounting storage is disabled"):
        slurm.run("sacct")


def test_with_accounting_sacct_tells_how_jobs_ended(
    slurm_accounting: SlurmCluster, tmp_path: Path
) -> None:
    done = submit(slurm_accounting, tmp_path / "done", "true", "--gres=gpu:1")
    failed = submit(slurm_accounting, tmp_path / "failed", "exit 3")
    wait_for(slurm_accounting, done, "COMPLETED")
    wait_for(slurm_accounting, failed, "FAILED")
    sacct = ("sacct", "-X", "-P", "-n", "-o", "JobID,State,ExitCode,NodeList,AllocTRES")
    slurm_accounting.wait_until(
        lambda: slurm_accounting.run(*sacct).splitlines() == [
            f"{done}|COMPLETED|0:0|n1|billing=1,cpu=1,gres/gpu=1,mem=1000M,node=1",
            f"{failed}|FAILED|3:0|n1|billing=1,cpu=1,mem=1000M,node=1",
        ], 20, "both rows",
    )  # fmt: skip
