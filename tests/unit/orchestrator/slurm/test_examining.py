"""All looks at a site in turn: what depends on what, and which lessons are over after it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.health.findings import Finding
from orchestrator.slurm import examining
from orchestrator.slurm.commands import Answer, SlurmError
from orchestrator.slurm.examining import SiteQuestion, examine_site
from orchestrator.slurm.limits import Limits
from orchestrator.slurm.notes import SiteNotes, keep_notes, read_notes
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.toml_places import Places
from orchestrator.store.layout import Store
from tests.support.fake_sbatch import FakeSbatch

PROFILE = Profile(name="alpha")
LEARNED = SiteNotes(limits=Limits(max_array=700), max_array=100, room=50, refusal="full")


class Site:
    """Answers everything, but what it was told to refuse; counts what it was asked."""

    def __init__(self, **refused: str) -> None:
        self._refused = refused
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> Answer:
        name = "trial" if "--test-only" in command else command[0]
        self.asked.append(name)
        if name == "scontrol" and name in self._refused:
            raise SlurmError(self._refused[name])
        said = self._refused.get(name, "")
        stdout = "MaxArraySize = 301\n" if "config" in command else ""
        return Answer(returncode=int(bool(said)), stdout=stdout, stderr=said)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    FakeSbatch(tmp_path / "bin", monkeypatch)
    made = Store.create(tmp_path / "results")
    keep_notes(made, "alpha", LEARNED)
    return made


def examined(store: Store, site: Site, seconds: float | None = None) -> dict[str, Finding]:
    places = Places("[alpha]\n", "profiles.toml")
    asked = SiteQuestion(profile=PROFILE, places=places, store=store, submit_seconds=seconds)
    return {finding.subject: finding for finding in examine_site(asked, site)}


def test_what_was_refused_before_is_tried_anew_and_forgotten_when_it_is_taken(
    store: Store,
) -> None:
    found = examined(store, Site())
    assert found["arrays"].found == "300 tasks at once are taken"
    notes = read_notes(store, "alpha")
    assert (notes.max_array, notes.room, notes.refusal) == (None, None, "")
    assert notes.limits == Limits(max_array=300, accounting=True)
    assert notes.probed_at
    assert set(found) == {finding.subject for finding in notes.findings} | {"notes"}


def test_where_nothing_is_taken_the_lessons_stay(store: Store) -> None:
    found = examined(store, Site(trial="Invalid qos specification"))
    assert found["profile alpha"].verdict == "broken"
    assert "arrays" not in found
    notes = read_notes(store, "alpha")
    assert (notes.max_array, notes.room) == (100, 50)


def test_a_silent_controller_is_asked_nothing_more_and_all_that_is_known_stays(
    store: Store,
) -> None:
    site = Site(scontrol="scontrol did not answer within 60 s")
    found = examined(store, site)
    assert found["scontrol"].verdict == "broken"
    assert "trial" not in site.asked
    assert read_notes(store, "alpha").limits == LEARNED.limits


def test_no_job_is_sent_where_something_is_broken(store: Store) -> None:
    found = examined(store, Site(trial="Invalid qos specification"), seconds=30)
    assert found["job"].verdict == "warning"
    assert found["job"].found == "none was submitted, because of profile alpha"


def test_a_job_is_sent_only_when_asked_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Finding(subject="job", verdict="ok", found="it answered")
    monkeypatch.setattr(examining, "look_at_node", lambda *_, seconds: [told])
    assert "job" not in examined(store, Site())
    assert examined(store, Site(), seconds=30)["job"] == told
    assert told in read_notes(store, "alpha").findings


def test_notes_that_cannot_be_kept_are_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(examining, "keep_notes", full)
    found = examined(store, Site())["notes"]
    assert found.verdict == "broken"
    assert "No space left on device" in found.found
