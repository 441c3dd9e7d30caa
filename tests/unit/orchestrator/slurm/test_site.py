"""What a site's commands say is judged: who answers, what its partitions and accounts give."""

from collections.abc import Mapping, Sequence

import pytest

from orchestrator.health.findings import Finding
from orchestrator.slurm.commands import Answer, Runner
from orchestrator.slurm.limits import Limits
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.site import (
    look_at_accounting,
    look_at_commands,
    look_at_controller,
    look_at_partitions,
    minutes_of,
)
from orchestrator.slurm.toml_places import Places

PARTITIONS = """\
PartitionName=cpu Default=YES GraceTime=9 MaxTime=1-00:00:00 PreemptMode=OFF State=UP TotalNodes=9
PartitionName=gpu Default=NO GraceTime=0 MaxTime=UNLIMITED PreemptMode=OFF State=DRAIN TotalNodes=2
"""
HOURS = Profile(name="alpha", partition="cpu", time_minutes=240)


def saying(answers: Mapping[str, str]) -> Runner:
    """Answers by the name of the command; all others fail."""

    def run(command: Sequence[str]) -> Answer:
        if command[0] not in answers:
            return Answer(returncode=1, stdout="", stderr="it is broken")
        return Answer(returncode=0, stdout=answers[command[0]], stderr="")

    return run


def partitions(profile: Profile, run: Runner) -> list[Finding]:
    places = Places('[alpha]\npartition = "cpu"\ntime = 240\n', "profiles.toml")
    return look_at_partitions(profile, places, run)


def test_every_command_is_tried_and_those_that_fail_are_named() -> None:
    run = saying({"sbatch": "slurm 22.05.8\n", "srun": "slurm 22.05.8\n", "squeue": "1\n2\n"})
    found = {finding.subject: finding for finding in look_at_commands(run)}
    assert {name: finding.verdict for name, finding in found.items()} == {
        "sbatch": "ok", "srun": "ok", "squeue": "ok", "scancel": "broken",
    }  # fmt: skip
    assert found["squeue"].found == "2 jobs of yours"
    assert found["scancel"].found == "scancel failed: it is broken"
    assert "login node" in found["scancel"].fix


def test_the_limits_are_told() -> None:
    said = "MaxArraySize = 301\nMinJobAge = 60 sec\nJobRequeue = 0\nPreemptMode = REQUEUE\n"
    finding, limits = look_at_controller(saying({"scontrol": said}))
    assert finding.verdict == "ok"
    assert "arrays of up to 300 tasks" in finding.found
    assert "ended jobs are known for 60 s" in finding.found
    assert "PreemptMode REQUEUE, jobs of failed nodes are not brought back" in finding.found
    assert limits is not None
    assert not limits.requeue


def test_a_controller_that_is_down_is_broken() -> None:
    finding, limits = look_at_controller(saying({}))
    assert (finding.verdict, limits) == ("broken", None)


@pytest.mark.parametrize(
    ("answers", "wanted", "verdict", "usable"),
    [
        ({"sacct": ""}, None, "ok", True),
        ({}, None, "warning", False),
        ({}, False, "warning", False),
        ({}, True, "broken", False),
    ],
)
def test_accounts_are_usable_when_sacct_answers_and_broken_only_where_they_were_promised(
    answers: dict[str, str], wanted: bool | None, verdict: str, usable: bool
) -> None:
    profile = Profile(name="alpha", accounting=wanted)
    finding, answered = look_at_accounting(Limits(), profile, saying(answers))
    assert (finding.verdict, answered) == (verdict, usable)


def test_a_partition_that_gives_the_time_is_well() -> None:
    [found] = partitions(HOURS, saying({"scontrol": PARTITIONS}))
    assert (found.subject, found.verdict) == ("partition cpu", "ok")
    assert found.found == (
        "UP, 9 nodes, time limit 1-00:00:00 (240 min asked), PreemptMode OFF with 9 s of grace"
    )


def test_more_time_than_a_partition_gives_is_broken() -> None:
    profile = Profile(name="alpha", partition="cpu", time_minutes=1441)
    [found] = partitions(profile, saying({"scontrol": PARTITIONS}))
    assert found.verdict == "broken"
    assert found.fix.startswith("ask for less in profiles.toml:3: ")


def test_one_of_several_partitions_that_gives_the_time_is_enough() -> None:
    profile = Profile(name="alpha", partition="cpu,gpu", time_minutes=1441)
    found = partitions(profile, saying({"scontrol": PARTITIONS}))
    assert {one.subject: one.verdict for one in found} == {
        "partition cpu": "warning", "partition gpu": "warning",
    }  # fmt: skip


def test_a_partition_that_is_not_up_is_pointed_out() -> None:
    profile = Profile(name="alpha", partition="gpu", time_minutes=100_000)
    [found] = partitions(profile, saying({"scontrol": PARTITIONS}))
    assert found.verdict == "warning"
    assert found.found.startswith("DRAIN, ")


def test_without_a_partition_the_one_that_sbatch_takes_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SBATCH_PARTITION", raising=False)
    run = saying({"scontrol": PARTITIONS})
    open_profile = Profile(name="alpha")
    assert [f.subject for f in partitions(open_profile, run)] == ["partition cpu"]
    monkeypatch.setenv("SBATCH_PARTITION", "gpu")
    assert [f.subject for f in partitions(open_profile, run)] == ["partition gpu"]


def test_a_partition_that_is_not_there_is_left_to_sbatch() -> None:
    profile = Profile(name="alpha", partition="none")
    assert partitions(profile, saying({"scontrol": PARTITIONS})) == []


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("00:30:00", 30), ("7-00:00:00", 10_080), ("00:00:30", 0.5), ("UNLIMITED", None)],
)
def test_time_limits_are_read_as_scontrol_shows_them(text: str, minutes: float | None) -> None:
    assert minutes_of(text) == minutes
