"""doctor on a real SLURM: what it says of a cluster, of a profile, and from inside a job."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import doctor
from orchestrator.health.findings import Finding
from tests.support.console import sparsesweep
from tests.support.slurm_cluster import SlurmCluster, own_cluster
from tests.support.slurm_site import Site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(120)]

PROFILES = """\
[main]
partition = "main"
time = "1:00:00"

[gpu]
gpus = 2

[large]
partition = "main"
gpus = 3

[misspelt]
partition = "mian"

[lab]
account = "lab"

[many]
account = "lab"
extra = {hold = true}
concurrency = 6
max_array = 6
"""

GRID = """\
name: quick
base: {dataset: digits, model: {name: mlp, hidden: [8]}, method: set, density: 0.5}
seeds: 6
"""


class Login:
    """A person's folder on a login node."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "results"
        self._profiles = folder / "profiles.toml"
        self._profiles.write_text(PROFILES)

    def doctor(self, profile: str, *more: str) -> dict[str, dict[str, str]]:
        """The findings by subject."""
        said = sparsesweep(
            "doctor", "--profile", profile, "--profile-file", self._profiles,
            "--store", self.store, "--json", *more,
        )  # fmt: skip
        found = {finding["subject"]: finding for finding in json.loads(said.out)}
        broken = [name for name, finding in found.items() if finding["verdict"] == "broken"]
        assert said.code == int(bool(broken)), said.err
        return found

    def notes(self, profile: str) -> dict[str, object]:
        return dict(json.loads((self.store / "sites" / f"{profile}.json").read_text()))


@pytest.fixture(autouse=True)
def quick_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """On this side nothing heavy is really imported; in jobs it is."""

    def imports(subject: str, code: str) -> Finding:
        return Finding(subject=subject, verdict="ok", found="imports")

    monkeypatch.setattr(doctor, "look_at_import", imports)


@pytest.fixture
def login(tmp_path: Path) -> Login:
    return Login(tmp_path)


@pytest.fixture(scope="module")
def strict() -> Iterator[SlurmCluster]:
    """A cluster on which a person may have five jobs in the account `lab`."""
    settings = {"AccountingStorageEnforce": "associations,limits"}
    for cluster in own_cluster(accounting=True, settings=settings):
        cluster.run("sacctmgr", "-i", "add", "account", "lab")
        cluster.run("sacctmgr", "-i", "add", "user", "root", "account=lab", "MaxSubmitJobs=5")
        yield cluster


def test_a_good_site_is_well_and_its_node_says_so(slurm: SlurmCluster, login: Login) -> None:
    found = login.doctor("main", "--submit", "--wait", "60")
    assert [name for name, one in found.items() if one["verdict"] == "broken"] == []
    assert found["sacct"]["verdict"] == "warning"
    assert "accounting storage is disabled" in found["sacct"]["found"]
    assert "arrays of up to 1000 tasks" in found["scontrol"]["found"]
    assert "(60 min asked)" in found["partition main"]["found"]
    assert "in partition main" in found["profile main"]["found"]
    assert found["arrays"]["found"] == "1000 tasks at once are taken"
    for subject in ("node python", "node torch", "node store", "node clock"):
        assert found[subject]["verdict"] == "ok", found[subject]
    assert "SLURM_JOB_PARTITION=main" in found["node environment"]["found"]
    limits = login.notes("main")["limits"]
    assert isinstance(limits, dict)
    assert (limits["max_array"], limits["accounting"], limits["requeue"]) == (1000, False, True)
    assert list((login.store / "logs" / "slurm").iterdir()) == []


def test_gpus_that_torch_does_not_see_in_a_job_are_broken(
    slurm: SlurmCluster, login: Login
) -> None:
    found = login.doctor("gpu", "--submit", "--wait", "60")
    assert found["node GPUs"]["verdict"] == "broken"
    assert found["node GPUs"]["found"].startswith("torch sees 0 of 2 GPUs: ")
    assert "CUDA_VISIBLE_DEVICES=0,1" in found["node environment"]["found"]


def test_a_refused_profile_is_told_in_the_site_s_words_with_its_line(
    slurm: SlurmCluster, login: Login
) -> None:
    before = set(slurm.squeue())
    found = login.doctor("misspelt", "--submit")["profile misspelt"]
    assert "profiles.toml:13: " in found["found"]
    assert "invalid partition specified: mian" in found["found"]
    found = login.doctor("large")["profile large"]
    assert "profiles.toml:10: " in found["found"]
    assert "Requested node configuration is not available" in found["found"]
    assert set(slurm.squeue()) == before


def test_a_controller_that_is_down_is_told_and_nothing_more_is_asked(
    slurm: SlurmCluster, login: Login
) -> None:
    login.doctor("main")
    before = login.notes("main")["limits"]
    slurm.stop_controller()
    found = login.doctor("main")
    assert (found["scontrol"]["verdict"], found["squeue"]["verdict"]) == ("broken", "broken")
    assert "profile main" not in found
    assert login.notes("main")["limits"] == before


def test_accounts_that_answer_are_usable(slurm_accounting: SlurmCluster, login: Login) -> None:
    found = login.doctor("main")
    assert found["sacct"] == {
        "subject": "sacct", "verdict": "ok", "found": "it answers", "fix": "",
    }  # fmt: skip
    limits = login.notes("main")["limits"]
    assert isinstance(limits, dict)
    assert limits["accounting"]


def test_a_share_of_jobs_is_told_before_and_learned_by_a_run(
    strict: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", strict.environment()["SLURM_CONF"])
    site, login = Site(tmp_path, strict), Login(tmp_path)
    found = login.doctor("lab")["arrays"]
    assert found["verdict"] == "warning"
    assert found["found"].startswith("4 tasks at once are taken, 8 are not: ")
    assert "AssocMaxSubmitJobLimit" in found["found"]
    said = site.run(site.grid(GRID), "many")
    assert "AssocMaxSubmitJobLimit" in said.out + said.err
    assert login.notes("many")["room"] == 3
    strict.reset()
