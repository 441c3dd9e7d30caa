"""Handing a job to sbatch: what its tasks get, and what happens when it is not taken."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.slurm.commands import Answer, ArrayTooLarge, Busy, SlurmError, TooManyJobs
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.submitting import submit_job
from orchestrator.slurm.task import run_task
from tests.support.fake_sbatch import FakeSbatch, request_of

SMALL = Profile(name="small")
FULL = "Batch job submission failed: AssocMaxSubmitJobLimit"
LARGE = "Batch job submission failed: Invalid job array specification"
LOST = "Batch job submission failed: Socket timed out on send/recv operation"


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSbatch:
    return FakeSbatch(tmp_path / "bin", monkeypatch)


class Queue:
    """Answers for squeue, one after another; None does not answer."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)

    def __call__(self, command: Sequence[str]) -> Answer:
        assert command[0] == "squeue"
        said = self._answers.pop(0)
        if said is None:
            return Answer(returncode=1, stdout="", stderr="Unable to contact slurm controller")
        return Answer(returncode=0, stdout=said, stderr="")


class Clock:
    """Waits for nothing, and notes for how long it would have."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)


def pickled(folder: Path, name: str) -> tuple[object, tuple[str, ...]]:
    task = pickle.loads((folder / "logs" / f"{name}_submitted.pkl").read_bytes())
    return task.function, task.args


def test_the_number_of_a_job_is_returned(sbatch: FakeSbatch, tmp_path: Path) -> None:
    assert submit_job(request_of(tmp_path), SMALL) == "4711"


def test_an_array_is_one_job(sbatch: FakeSbatch, tmp_path: Path) -> None:
    assert submit_job(request_of(tmp_path, packs=3), SMALL) == "4711"
    assert sbatch.calls == 1


def test_a_task_gets_a_name_and_two_texts(sbatch: FakeSbatch, tmp_path: Path) -> None:
    submit_job(request_of(tmp_path, packs=2), SMALL)
    found = [pickled(tmp_path, name) for name in ("4711_0", "4711_1")]
    assert found == [
        (run_task, (str(tmp_path / "p0.json"), "ss-0a1b2c3d-a0")),
        (run_task, (str(tmp_path / "p1.json"), "ss-0a1b2c3d-a0")),
    ]
    assert (tmp_path / "logs" / "4711_0_submitted.pkl").stat().st_size < 1000


@pytest.mark.parametrize(("said", "kind"), [(LARGE, ArrayTooLarge), (FULL, TooManyJobs)])
def test_a_refusal_is_not_repeated_and_leaves_nothing_behind(
    sbatch: FakeSbatch, tmp_path: Path, said: str, kind: type[SlurmError]
) -> None:
    sbatch.refuse(said)
    with pytest.raises(kind, match=said):
        submit_job(request_of(tmp_path, packs=2), SMALL)
    assert sbatch.calls == 1
    assert not (tmp_path / "logs").exists()


def test_a_lost_request_is_repeated(sbatch: FakeSbatch, tmp_path: Path) -> None:
    sbatch.refuse(LOST, LOST)
    clock = Clock()
    assert submit_job(request_of(tmp_path), SMALL, run=Queue("", ""), pause=clock) == "4711"
    assert sbatch.calls == 3
    assert clock.waited == [2, 8]


def test_a_job_that_was_taken_all_the_same_is_not_submitted_again(
    sbatch: FakeSbatch, tmp_path: Path
) -> None:
    sbatch.refuse(LOST)
    queue = Queue("8|somebody\n12|ss-0a1b2c3d-a0\n12|ss-0a1b2c3d-a0\n")
    assert submit_job(request_of(tmp_path, packs=2), SMALL, run=queue, pause=Clock()) == "12"
    assert sbatch.calls == 1
    assert pickled(tmp_path, "12_1") == (run_task, (str(tmp_path / "p1.json"), "ss-0a1b2c3d-a0"))


def test_nothing_is_repeated_before_the_queue_was_seen(sbatch: FakeSbatch, tmp_path: Path) -> None:
    sbatch.refuse(LOST)
    queue = Queue(None, None, "12|ss-0a1b2c3d-a0\n")
    assert submit_job(request_of(tmp_path), SMALL, run=queue, pause=Clock()) == "12"
    assert sbatch.calls == 1
    assert pickled(tmp_path, "12") == (run_task, (str(tmp_path / "p0.json"), "ss-0a1b2c3d-a0"))


def test_patience_ends_within_the_warning_that_a_task_gets(
    sbatch: FakeSbatch, tmp_path: Path
) -> None:
    sbatch.refuse(*[LOST] * 9)
    clock = Clock()
    with pytest.raises(Busy, match="Socket timed out"):
        submit_job(request_of(tmp_path), SMALL, run=Queue("", "", ""), pause=clock)
    assert sbatch.calls == 4
    assert sum(clock.waited) == 30


def test_a_wrapped_sbatch_that_hides_the_number_is_no_obstacle(
    sbatch: FakeSbatch, tmp_path: Path
) -> None:
    sbatch.accept_with("Thank you for choosing our cluster")
    queue = Queue("12|ss-0a1b2c3d-a0\n")
    assert submit_job(request_of(tmp_path), SMALL, run=queue, pause=Clock()) == "12"
    assert sbatch.calls == 1


def test_a_machine_without_sbatch_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SlurmError, match="sbatch is not on the PATH"):
        submit_job(request_of(tmp_path), SMALL)
