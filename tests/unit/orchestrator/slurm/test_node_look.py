"""A tiny job tells of its node: what it says is judged, and its silence is told."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from unittest import mock

import pytest

from orchestrator.health.findings import Finding
from orchestrator.slurm import node_look
from orchestrator.slurm.commands import Answer
from orchestrator.slurm.node_look import judge, look_at_node
from orchestrator.slurm.node_probe import NodeReport, report_node
from orchestrator.slurm.profiles import Profile
from orchestrator.store.layout import Store
from tests.support.fake_sbatch import FakeSbatch

CODE = Path("/store/code/c0de")
PROFILE = Profile(name="alpha", gpus=2)
GOOD = NodeReport(
    host="n1",
    python="3.11.7",
    executable="/env/bin/python",
    code=str(CODE),
    torch="2.15.0",
    torch_error="",
    devices=2,
    gpus=("GPU 0: H100", "GPU 1: H100"),
    cores=4,
    file_system="nfs4",
    broken_promise="",
    skew=0.0,
    environment={"CUDA_VISIBLE_DEVICES": "0,1"},
)


def verdicts(report: NodeReport, profile: Profile = PROFILE, skew: float = 0.0) -> dict[str, str]:
    return {f.subject: f.verdict for f in judge(report, profile, CODE, skew)}


def test_a_good_node_is_well() -> None:
    assert verdicts(GOOD) == dict.fromkeys(
        ["node python", "node torch", "node GPUs", "node store", "node clock", "node environment"],
        "ok",
    )


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"code": "/home/ada/old"}, "node python"),
        ({"torch": "", "torch_error": "ImportError: no libcudart"}, "node torch"),
        ({"plugins": ("ourlab 1.0",)}, "node plug-ins"),
        ({"devices": 1}, "node GPUs"),
        ({"broken_promise": "it cannot be written there"}, "node store"),
    ],
)
def test_what_keeps_a_pack_from_running_is_broken(changed: dict[str, object], broken: str) -> None:
    found = verdicts(replace(GOOD, **changed))  # type: ignore[arg-type]
    assert [subject for subject, verdict in found.items() if verdict == "broken"] == [broken]


def test_packages_of_users_are_a_subject_where_there_are_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(node_look, "plugin_names", lambda: ["ourlab 1.1"])
    same, other = replace(GOOD, plugins=("ourlab 1.1",)), replace(GOOD, plugins=("ourlab 1.0",))
    assert verdicts(same)["node plug-ins"] == "ok"
    found = {f.subject: f for f in judge(other, PROFILE, CODE, 0.0)}["node plug-ins"]
    assert found.found == (
        "ourlab 1.0 on n1, but ourlab 1.1 here: what uses their names fails, or differs"
    )
    assert found.fix == "install the same versions for /env/bin/python and here"
    assert "node plug-ins" in verdicts(GOOD)


def test_gpus_are_no_subject_where_none_are_asked_for() -> None:
    assert "node GPUs" not in verdicts(replace(GOOD, devices=0), Profile(name="cpu"))


def test_clocks_are_compared_through_the_stamps_of_one_file_system() -> None:
    # The server is a minute ahead of both: they agree with each other.
    assert verdicts(replace(GOOD, skew=60.0), skew=60.0)["node clock"] == "ok"
    found = {f.subject: f for f in judge(replace(GOOD, skew=60.0), PROFILE, CODE, 0.0)}
    assert found["node clock"].verdict == "warning"
    assert found["node clock"].found == "the clocks of n1 and of this machine differ by 60.0 s"


class Cluster:
    """Answers squeue and scancel; its nodes may answer the question that was submitted."""

    def __init__(self, store: Store, state: str, *, answers: bool = False) -> None:
        self._store = store
        self._state = state
        self._answers = answers
        self.cancelled: list[str] = []

    def __call__(self, command: Sequence[str]) -> Answer:
        if command[0] == "scancel":
            self.cancelled += command[1:]
        elif self._answers:
            [question] = (self._store.root / "sites").glob(".*/question.json")
            report = question.with_name("report.json")
            report.write_text(json.dumps(asdict(GOOD)))
        [folder] = (self._store.root / "logs" / "slurm").iterdir()
        row = f"4711|{folder.name}|{self._state}|Priority|n1\n"
        return Answer(returncode=0, stdout=row if command[0] == "squeue" else "", stderr="")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    FakeSbatch(tmp_path / "bin", monkeypatch)
    monkeypatch.setattr(node_look, "freeze", lambda store: CODE)
    return Store.create(tmp_path / "results")


def looked(store: Store, cluster: Cluster, seconds: float = 30.0) -> list[Finding]:
    return look_at_node(
        Profile(name="alpha"), store, cluster, seconds=seconds, pause=lambda _: None
    )


def test_a_job_that_answers_is_judged_and_cleaned_up(store: Store) -> None:
    found = looked(store, Cluster(store, "RUNNING", answers=True))
    assert [f.subject for f in found][:2] == ["node python", "node torch"]
    assert [path for path in store.root.rglob("*") if path.is_file()] == [store.root / "store.json"]


def test_a_job_that_does_not_begin_in_time_is_cancelled(store: Store) -> None:
    cluster = Cluster(store, "PENDING")
    [found] = looked(store, cluster, seconds=0.01)
    assert found.verdict == "warning"
    assert found.found.endswith("PENDING (Priority); it was cancelled")
    assert cluster.cancelled == ["4711"]


def test_a_job_that_fails_is_told_with_the_end_of_its_output(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_look, "_GRACE_SECONDS", 0.0)
    cluster = Cluster(store, "FAILED")

    def fails(_: float) -> None:
        [folder] = (store.root / "logs" / "slurm").iterdir()
        (folder / "4711_0_log.out").write_text("one\nno module named torch\n")

    [found] = look_at_node(Profile(name="alpha"), store, cluster, seconds=30.0, pause=fails)
    assert found.verdict == "broken"
    assert found.found == "job 4711 ended FAILED on n1: one | no module named torch"
    assert found.fix.startswith("read ")


def test_a_refused_job_leaves_no_question_behind(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(tmp_path / "bin")
    FakeSbatch(tmp_path / "bin", monkeypatch).refuse("Invalid account")
    [found] = looked(store, Cluster(store, "RUNNING"))
    assert (found.verdict, found.found) == ("broken", "sbatch refused: Invalid account")
    assert list((store.root / "sites").iterdir()) == []


def test_a_node_leaves_its_report_beside_the_question(store: Store) -> None:
    question = store.root / "sites" / ".probe" / "question.json"
    question.parent.mkdir(parents=True)
    question.write_text(json.dumps({"store": str(store.root)}))
    with mock.patch.dict(os.environ):  # it prepares the process that it has to itself
        report_node(str(question), "ss-0a1b2c3d-doctor")
    report = NodeReport.read(question.with_name("report.json"))
    assert (report.broken_promise, report.torch_error) == ("", "")
    assert report.torch
    assert report.skew == pytest.approx(0, abs=1)


def test_a_damaged_report_is_an_error_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match=f"{path} is damaged"):
        NodeReport.read(path)
