"""What a site taught is kept, bounds what is tried next, and is never worth a failed run."""

import json
import logging
from pathlib import Path

import pytest

from orchestrator.health.findings import Finding
from orchestrator.slurm.cluster import Slurm
from orchestrator.slurm.commands import Answer, SlurmError
from orchestrator.slurm.limits import Limits
from orchestrator.slurm.notes import SiteNotes, keep_notes, read_notes
from orchestrator.slurm.profiles import Profile
from orchestrator.store.layout import Store

KNOWN = SiteNotes(
    probed_at="2026-11-21T06:00:00Z",
    limits=Limits(max_array=300, accounting=True),
    max_array=200,
    refusal="Invalid job array specification",
    findings=(Finding(subject="sacct", verdict="ok", found="it answers"),),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def silent(command: object) -> Answer:
    raise SlurmError("scontrol did not answer within 60 s")


def telling(text: str) -> Slurm:
    def run(command: object) -> Answer:
        return Answer(returncode=0, stdout=text, stderr="")

    return Slurm(Profile(name="alpha"), run, notes=KNOWN)


def test_what_is_kept_is_read_again(store: Store) -> None:
    keep_notes(store, "alpha", KNOWN)
    assert read_notes(store, "alpha") == KNOWN
    assert json.loads((store.root / "sites" / "alpha.json").read_text())["format"] == 1


def test_profiles_have_notes_of_their_own_whatever_their_names(store: Store) -> None:
    keep_notes(store, "../alpha", KNOWN)
    assert [path.name for path in (store.root / "sites").iterdir()] == ["..%2Falpha.json"]
    assert read_notes(store, "alpha") == SiteNotes()


@pytest.mark.parametrize("text", ["{", '{"format": 99}', '{"format": 1}', "[]"])
def test_notes_that_cannot_be_read_count_as_none_and_are_told(
    store: Store, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    path = store.site_path("alpha")
    path.parent.mkdir()
    path.write_text(text)
    with caplog.at_level(logging.WARNING):
        assert read_notes(store, "alpha") == SiteNotes()
    assert f"{path} is passed over" in caplog.text


def test_an_array_that_was_too_large_is_halved_the_next_time_too() -> None:
    after = SiteNotes().after_large_array(1000, "too large").after_large_array(500, "too large")
    assert after.largest_array(1000) == 250
    assert after.largest_array(100) == 100


def test_room_is_the_most_that_was_ever_taken() -> None:
    first = SiteNotes().after_submission(40, "full")
    assert (first.room, first.refusal) == (40, "full")
    assert first.after_submission(8, "full").room == 40
    assert first.after_submission(90, "").room == 90


def test_a_submission_that_met_no_limit_teaches_nothing() -> None:
    assert SiteNotes().after_submission(40, "") == SiteNotes()
    assert SiteNotes().after_submission(0, "full") == SiteNotes()


def test_what_the_controller_says_is_bounded_by_what_it_refused() -> None:
    assert telling("MaxArraySize = 1001").limits().max_array == 200
    assert telling("MaxArraySize = 101").limits().max_array == 100


def test_where_the_controller_is_silent_what_was_found_before_is_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        found = Slurm(Profile(name="alpha"), silent, notes=KNOWN).limits()
    assert (found.max_array, found.accounting) == (200, True)
    assert "did not answer within 60 s; going on with the limits that were found" in caplog.text


def test_a_silent_controller_of_which_nothing_is_known_is_an_error() -> None:
    with pytest.raises(SlurmError, match="did not answer"):
        Slurm(Profile(name="alpha"), silent).limits()


def test_the_profile_has_the_last_word() -> None:
    profile = Profile(name="alpha", max_array=7, accounting=False)
    found = Slurm(profile, silent, notes=KNOWN).limits()
    assert (found.max_array, found.accounting) == (7, False)
