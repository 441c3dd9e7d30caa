"""A site that keeps its limits to itself: what it refuses is tried smaller, and remembered."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.backends.base import BackendError
from orchestrator.planning.request import Request, plan_request
from orchestrator.running import detached
from orchestrator.running.detached import HandedOver, hand_over
from orchestrator.running.in_job import run_job
from orchestrator.slurm.cluster import Slurm
from orchestrator.slurm.commands import (
    Answer,
    ArrayTooLarge,
    ShareTaken,
    SlurmError,
    TooManyJobs,
)
from orchestrator.slurm.notes import SiteNotes, keep_notes, read_notes
from orchestrator.slurm.profiles import Profile
from orchestrator.store.layout import Store

GRID = """\
name: quick
base: {dataset: digits, model: {name: mlp, hidden: [8]}, method: set, density: 0.5}
seeds: 8
"""
PROFILE = Profile(name="alpha", concurrency=8)


class Site(Slurm):
    """Takes arrays up to a size and so many tasks at a time; notes what it was offered."""

    def __init__(
        self,
        notes: SiteNotes | None = None,
        *,
        largest: int = 1000,
        share: int = 1000,
        full: type[SlurmError] = ShareTaken,
    ) -> None:
        super().__init__(PROFILE, _answer, notes)
        self._largest = largest
        self._share = share
        self._full = full
        self.offered: list[int] = []

    def submit(self, store: Store, batch: Any, manifests: Sequence[Path], **options: Any) -> str:
        """Refuse what is more than there is room for."""
        self.offered.append(len(manifests))
        if len(manifests) > self._largest:
            raise ArrayTooLarge("Invalid job array specification")
        if len(manifests) > self._share:
            raise self._full("AssocMaxSubmitJobLimit")
        self._share -= len(manifests)
        return str(len(self.offered))


def _answer(command: Sequence[str]) -> Answer:
    assert command[0] == "scontrol"
    return Answer(returncode=0, stdout="MaxArraySize = 1001\n", stderr="")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(detached, "freeze", lambda store: Path("/store/code/c0de"))
    (tmp_path / "quick.yaml").write_text(GRID)
    return Store.create(tmp_path / "results")


def submitted(store: Store, site: Site) -> HandedOver:
    grid = store.root.parent / "quick.yaml"
    planned = plan_request(Request(grid=str(grid), store=store.root))
    return hand_over(replace(planned, capacity=site.capacity()), site, run_job)


def test_arrays_that_are_too_large_are_halved_and_the_next_run_begins_there(store: Store) -> None:
    site = Site(largest=3)
    handed = submitted(store, site)
    assert site.offered == [8, 4, 2, 2, 4, 2, 2]
    assert (handed.packs, handed.left) == (8, 0)
    notes = read_notes(store, "alpha")
    assert (notes.max_array, notes.room, notes.refusal) == (
        2, None, "Invalid job array specification",
    )  # fmt: skip
    assert Site(notes).limits().max_array == 2


def test_a_share_that_is_smaller_than_an_array_is_filled_and_the_rest_left(store: Store) -> None:
    site = Site(share=5)
    handed = submitted(store, site)
    assert site.offered == [8, 4, 4]
    assert (handed.packs, handed.left, handed.refusal) == (4, 4, "AssocMaxSubmitJobLimit")
    assert read_notes(store, "alpha").room == 4


def test_a_controller_that_is_full_is_not_asked_again_and_again(store: Store) -> None:
    site = Site(share=5, full=TooManyJobs)
    handed = submitted(store, site)
    assert site.offered == [8]
    assert (handed.packs, handed.left) == (0, 8)
    assert read_notes(store, "alpha") == SiteNotes()


def test_a_share_that_grew_is_learned_too(store: Store) -> None:
    keep_notes(store, "alpha", SiteNotes(room=2))
    site = Site(read_notes(store, "alpha"))
    assert submitted(store, site).packs == 8
    assert site.offered == [2, 2, 2, 2]
    assert read_notes(store, "alpha").room == 8


def test_a_site_without_limits_leaves_no_notes(store: Store) -> None:
    submitted(store, Site())
    assert not store.site_path("alpha").exists()


def test_a_site_that_refuses_single_tasks_is_an_error(store: Store) -> None:
    with pytest.raises(BackendError, match="Invalid job array specification"):
        submitted(store, Site(largest=0))
