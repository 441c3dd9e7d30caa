"""Submitting, looking and cancelling on a real SLURM, with tasks that train nothing."""

import itertools
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from orchestrator.slurm.arrays import chunk, spread
from orchestrator.slurm.cluster import Slurm
from orchestrator.slurm.commands import ArrayTooLarge, run_command
from orchestrator.slurm.limits import read_limits
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.queue import snapshot
from orchestrator.slurm.script import JobRequest, Task
from orchestrator.slurm.submitting import submit_job
from orchestrator.submissions.jobs import Place
from orchestrator.watching.job_state import JobState
from tests.support.slurm_cluster import SlurmCluster, own_cluster
from tests.support.tasks import GO, note, wait_and_note

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[2]
MAIN = Profile(name="main", partition="main", time_minutes=5)
HELD = Profile(name="held", partition="main", time_minutes=5, extra={"hold": True})


class Jobs:
    """Jobs of one test, in a folder of its own."""

    def __init__(self, folder: Path, slurm: SlurmCluster, *, accounting: bool = False) -> None:
        self._folder = folder
        self._slurm = slurm
        self._accounting = accounting
        token = secrets.token_hex(4)
        self._names = (f"ss-{token}-a{number}" for number in itertools.count())

    def submit(
        self, packs: int, profile: Profile = MAIN, *, task: Task = note, **more: object
    ) -> tuple[str, str]:
        """Submit a job of so many packs; its name and its number."""
        request = self.request(packs, task, **more)
        return request.name, submit_job(request, profile)

    def request(self, packs: int, task: Task = note, **more: object) -> JobRequest:
        """A job of so many packs, with a name of its own."""
        name = next(self._names)
        (self._folder / name).mkdir()
        return JobRequest(
            name=name,
            folder=self._folder / "logs" / name,
            manifests=[self._folder / name / str(number) for number in range(packs)],
            code=ROOT,
            threads=1,
            task=task,
            **more,  # type: ignore[arg-type]
        )

    def go(self, name: str) -> None:
        """Let the tasks of a job that wait go on."""
        (self._folder / name / GO).touch()

    def notes(self, name: str) -> dict[str, str]:
        """What the tasks of a job left, by pack."""
        return {path.stem: path.read_text() for path in (self._folder / name).glob("*.done")}

    def output(self, name: str) -> str:
        """What its tasks printed."""
        paths = sorted((self._folder / "logs" / name).glob("*_log.out"))
        return "\n".join(path.read_text() for path in paths)

    def look(self, places: Collection[Place]) -> dict[Place, JobState]:
        """How jobs stand."""
        return snapshot(places, since=0, accounting=self._accounting, run=run_command)

    def states(self, name: str, packs: int) -> list[str]:
        """How the elements of an array stand, in order; "" for one that nobody knows."""
        places: list[Place] = [(name, element) for element in range(packs)]
        found = self.look(places)
        return [found[place].state if place in found else "" for place in places]

    def wait_for(self, name: str, *expected: str, seconds: float = 40) -> None:
        """Wait until the elements of an array stand so."""
        wanted = list(expected)
        self._slurm.wait_until(
            lambda: self.states(name, len(wanted)) == wanted, seconds, f"{name} to be {wanted}"
        )


@pytest.fixture
def jobs(tmp_path: Path, slurm: SlurmCluster) -> Jobs:
    return Jobs(tmp_path, slurm)


@pytest.fixture(scope="module")
def forgetful() -> Iterator[SlurmCluster]:
    """A cluster with accounts that forgets ended jobs at once and soon uses numbers again."""
    settings = {"MinJobAge": 2, "FirstJobId": 10, "MaxJobId": 13}
    yield from own_cluster(accounting=True, settings=settings)


def test_the_limits_are_those_of_the_configuration(slurm: SlurmCluster) -> None:
    found = read_limits(run_command)
    assert (found.max_array, found.max_jobs, found.accounting) == (1000, 10_000, False)


def test_every_element_runs_the_function_with_its_manifest(jobs: Jobs) -> None:
    name, _ = jobs.submit(3, cap=2, task=wait_and_note)
    jobs.wait_for(name, "RUNNING", "RUNNING", "PENDING")
    waiting = jobs.look([(name, 2)])[name, 2]
    assert waiting.reason == "JobArrayTaskLimit"
    jobs.go(name)
    jobs.wait_for(name, "COMPLETED", "COMPLETED", "COMPLETED")
    assert jobs.notes(name) == {"0": f"{name} 0\n", "1": f"{name} 1\n", "2": f"{name} 2\n"}
    assert "Job completed successfully" in jobs.output(name)


def test_a_single_pack_is_no_array(jobs: Jobs) -> None:
    name, number = jobs.submit(1, HELD)
    found = jobs.look([(name, None), (name, 0)])
    assert found == {(name, None): JobState(job=number, state="PENDING", reason="JobHeldUser")}


def test_single_elements_are_cancelled(jobs: Jobs) -> None:
    name, number = jobs.submit(5, cap=2, task=wait_and_note)
    jobs.wait_for(name, "RUNNING", "RUNNING", "PENDING", "PENDING", "PENDING")
    Slurm().cancel([f"{number}_1", f"{number}_3", f"{number}_4"])
    jobs.go(name)
    # An element that had not begun leaves no trace where there are no accounts.
    jobs.wait_for(name, "COMPLETED", "CANCELLED", "COMPLETED", "", "")
    assert sorted(jobs.notes(name)) == ["0", "2"]


def test_cancelling_what_has_ended_is_no_error(jobs: Jobs) -> None:
    name, number = jobs.submit(2, HELD)
    Slurm().cancel([number])
    Slurm().cancel([number, f"{number}_1", "999999"])
    assert jobs.states(name, 2) == ["CANCELLED", "CANCELLED"]


def test_a_job_begins_after_another_has_ended_however_it_did(
    jobs: Jobs, slurm: SlurmCluster
) -> None:
    _, first = jobs.submit(2, HELD)
    name, number = jobs.submit(1, after=[first])
    waiting = jobs.look([(name, None)])[name, None]
    assert (waiting.job, waiting.state, waiting.reason) == (number, "PENDING", "Dependency")
    Slurm().cancel([first])
    slurm.wait_until(lambda: jobs.notes(name), 40, "the second job")
    assert jobs.notes(name) == {"0": f"{name} -\n"}


def test_an_array_beyond_the_site_s_limit_is_refused_as_such(jobs: Jobs) -> None:
    request = jobs.request(1002)
    with pytest.raises(ArrayTooLarge, match="Invalid job array specification"):
        submit_job(request, MAIN)
    assert not request.folder.exists()


def test_1100_packs_are_two_arrays_and_run_across_both_borders(
    jobs: Jobs, slurm: SlurmCluster
) -> None:
    parts = chunk(range(1100), read_limits(run_command).max_array)
    caps = spread(MAIN.concurrency, [len(part) for part in parts])
    (first, a), (second, b) = (
        jobs.submit(len(part), HELD, cap=cap) for part, cap in zip(parts, caps, strict=True)
    )
    places = [(first, n) for n in range(550)] + [(second, n) for n in range(550)]
    held = jobs.look([*places, (first, 550), (second, 550)])
    assert held.keys() == set(places)
    assert {(job.state, job.reason) for job in held.values()} == {("PENDING", "JobHeldUser")}
    assert _caps(slurm) == {a: 32, b: 32}
    border = [f"{a}_{n}" for n in range(544, 550)] + [f"{b}_{n}" for n in range(6)]
    slurm.run("scontrol", "release", ",".join(border))
    slurm.wait_until(
        lambda: len(jobs.notes(first)) + len(jobs.notes(second)) == 12, 60, "the released packs"
    )
    assert sorted(jobs.notes(first)) == [str(n) for n in range(544, 550)]
    assert sorted(jobs.notes(second)) == [str(n) for n in range(6)]
    Slurm().cancel([a, b])
    ended = jobs.look(places)
    assert sum(job.state == "CANCELLED" for job in ended.values()) == 1088


def test_a_controller_that_is_restarted_just_then_is_waited_for(
    jobs: Jobs, slurm: SlurmCluster
) -> None:
    slurm.stop_controller()
    request = jobs.request(2)
    number = submit_job(request, HELD, pause=lambda _: slurm.start_controller())
    assert jobs.states(request.name, 2) == ["PENDING", "PENDING"]
    assert jobs.look([(request.name, 0)])[request.name, 0].job == f"{number}_0"


def test_accounts_answer_for_what_the_queue_forgot_and_a_number_used_again_confuses_nothing(
    tmp_path: Path, forgetful: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", forgetful.environment()["SLURM_CONF"])
    jobs = Jobs(tmp_path, forgetful, accounting=True)
    name, number = jobs.submit(2, task=wait_and_note)
    jobs.wait_for(name, "RUNNING", "RUNNING")
    Slurm().cancel([f"{number}_1"])
    jobs.go(name)
    forgetful.wait_until(lambda: not forgetful.squeue(), 60, "the queue to forget")
    assert {job.source for job in jobs.look([(name, 0), (name, 1)]).values()} == {"sacct"}
    assert jobs.states(name, 2) == ["COMPLETED", "CANCELLED"]
    others = {jobs.submit(1, HELD)[1] for _ in range(3)}
    assert number in others
    assert jobs.states(name, 2) == ["COMPLETED", "CANCELLED"]


def _caps(slurm: SlurmCluster) -> dict[str, int]:
    """How many elements of each array may run at once."""
    rows = slurm.run("squeue", "-h", "-o", "%i").splitlines()
    found = (row.rstrip("]").partition("_[") for row in rows)
    return {job: int(elements.rpartition("%")[2]) for job, _, elements in found}
