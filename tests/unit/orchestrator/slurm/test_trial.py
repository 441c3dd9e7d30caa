"""sbatch is asked whether it would take a profile's jobs; refusals lead to the profile's lines."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.slurm.commands import Answer
from orchestrator.slurm.profiles import find_profile
from orchestrator.slurm.toml_places import Places
from orchestrator.slurm.trial import look_at_arrays, look_at_profile
from orchestrator.store.layout import Store
from tests.support.fake_sbatch import FakeSbatch

TEXT = """\
[alpha]
partition = "gpu"
account = "lab"
gpus = 2
mem_gb = 16
"""
STARTS = "sbatch: Job 7 to start at 2026-11-21T06:00:00 using 2 processors on nodes n1"
FEW = (
    "sbatch: error: AssocMaxSubmitJobLimit\nallocation failure: Job violates accounting/QOS policy"
)


class Site:
    """Takes arrays up to a size; keeps the scripts that it was asked about."""

    def __init__(self, *, takes: int = 1000, refusal: str = "") -> None:
        self._takes = takes
        self._refusal = refusal
        self.scripts: list[str] = []

    def __call__(self, command: Sequence[str]) -> Answer:
        assert list(command[:2]) == ["sbatch", "--test-only"]
        script = Path(command[2]).read_text()
        self.scripts.append(script)
        size = int(script.split("--array=0-")[1].split("%")[0]) + 1 if "--array" in script else 1
        if size > self._takes:
            return Answer(returncode=1, stdout="", stderr=self._refusal)
        return Answer(returncode=0, stdout="", stderr=f"{STARTS}\n")


@pytest.fixture(autouse=True)
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSbatch:
    return FakeSbatch(tmp_path / "bin", monkeypatch)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "profiles.toml").write_text(TEXT)
    return Store.create(tmp_path / "results")


def judged(store: Store, site: Site) -> tuple[str, str, str]:
    path = store.root.parent / "profiles.toml"
    profile = find_profile("alpha", path)
    found = look_at_profile(profile, Places(TEXT, "profiles.toml"), store, site)
    return found.verdict, found.found, found.fix


def refusing(words: str) -> Site:
    return Site(takes=0, refusal=words)


def arrays_of(store: Store, site: Site) -> tuple[str, str, int | None]:
    profile = find_profile("alpha", store.root.parent / "profiles.toml")
    found = look_at_arrays(profile, 1000, store, site)
    return found.finding.verdict, found.finding.found, found.max_array


def test_a_profile_that_is_taken_is_well_and_nothing_is_left(
    store: Store, sbatch: FakeSbatch
) -> None:
    verdict, found, _ = judged(store, Site())
    assert (verdict, found) == ("ok", STARTS.removeprefix("sbatch: "))
    assert [path.name for path in store.root.iterdir()] == ["store.json"]
    assert sbatch.calls == 0


def test_the_script_is_that_of_a_real_job(store: Store) -> None:
    site = Site()
    judged(store, site)
    [script] = site.scripts
    for line in ("--partition=gpu", "--account=lab", "--gpus-per-node=2", "--mem=16384M"):
        assert f"#SBATCH {line}\n" in script
    assert "submitit.core._submit" in script


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("allocation failure: Invalid partition name specified", "profiles.toml:2"),
        ("allocation failure: Invalid account or account/partition combination specified",
         "profiles.toml:3, profiles.toml:2"),
        ("allocation failure: Requested node configuration is not available",
         "profiles.toml:4, profiles.toml:5"),
        ("allocation failure: Invalid qos specification", "profiles.toml:1"),
        ("allocation failure: Something new", "profiles.toml:1"),
    ],
)  # fmt: skip
def test_a_refusal_is_quoted_and_leads_to_the_lines_that_it_may_be_about(
    store: Store, said: str, where: str
) -> None:
    verdict, found, fix = judged(store, refusing(said))
    assert (verdict, found) == ("broken", f"{where}: sbatch refused: {said}")
    assert fix


def test_a_person_who_has_enough_jobs_is_told_to_wait(store: Store) -> None:
    verdict, found, fix = judged(store, refusing(FEW))
    assert verdict == "warning"
    assert "AssocMaxSubmitJobLimit" in found
    assert "wait" in fix


def test_arrays_that_are_taken_bound_nothing(store: Store) -> None:
    assert arrays_of(store, Site()) == ("ok", "1000 tasks at once are taken", None)


def test_the_size_of_an_array_is_halved_until_it_is_taken(store: Store) -> None:
    site = Site(takes=300, refusal="allocation failure: Invalid job array specification")
    verdict, found, most = arrays_of(store, site)
    assert (verdict, most) == ("warning", 250)
    assert found.startswith("250 tasks at once are taken, 500 are not: sbatch refused: ")
    assert len(site.scripts) == 3


def test_a_limit_on_jobs_is_told_but_is_none_of_arrays(store: Store) -> None:
    verdict, found, most = arrays_of(store, Site(takes=5, refusal=FEW))
    assert (verdict, most) == ("warning", None)
    assert found.startswith("4 tasks at once are taken, 8 are not: ")
