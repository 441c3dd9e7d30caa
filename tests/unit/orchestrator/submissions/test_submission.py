"""Submissions: kept as they were asked, and what stands in their way is told in one message."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grids.seed_rules import SeedRule, read_until
from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.submission import (
    last_submission,
    manifest_paths,
    next_number,
    publish_submission,
    read_submission,
    submitted_grids,
)
from tests.support.grids import a_cell
from tests.support.runs import a_submission, another_run


def test_a_submission_is_read_as_it_was_published(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    given = a_submission("small", 1, [a_cell(seed=0), a_cell(seed=1)])
    publish_submission(store, given)
    assert read_submission(store, "small", 1) == given
    assert last_submission(store, "small") == given
    assert next_number(store, "small") == 2


def test_a_number_is_given_once(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish_submission(store, a_submission("small", 1, [a_cell()]))
    with pytest.raises(StoreError, match="another run of small began just now"):
        publish_submission(store, a_submission("small", 1, [a_cell()]))


def test_a_store_that_cannot_take_it_is_one_message(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    (tmp_path / "grids").write_text("")
    with pytest.raises(StoreError, match=r"cannot write .*/grids/small/1: Not a directory"):
        publish_submission(store, a_submission("small", 1, [a_cell()]))


def test_files_among_the_grids_are_no_grids(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish_submission(store, a_submission("small", 1, [a_cell()]))
    (store.grids / "notes.txt").write_text("")
    assert submitted_grids(store) == ["small"]


def test_the_manifests_of_a_submission_are_named_by_their_packs(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    packs = another_run(store, [[a_cell(seed=0)], [a_cell(seed=1)]])
    assert [path.stem for path in manifest_paths(store, "other", 1)] == sorted(packs)
    assert manifest_paths(store, "other", 2) == []


def test_a_rule_for_seeds_is_kept_and_older_submissions_have_none(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    rule = SeedRule(least=3, most=20, until=read_until("ci95 < 0.3pp"))
    plain = a_submission("small", 1, [a_cell()])
    given = replace(plain, seed_rule=rule)
    assert not given.asks_the_same(plain)
    publish_submission(store, given)
    assert read_submission(store, "small", 1) == given
    path = store.submission("small", 1) / "submission.json"
    older = json.loads(path.read_text())
    assert older.pop("seed_rule") == {"min": 3, "max": 20, "until": "ci95 < 0.3pp"}
    path.write_text(json.dumps(older))
    assert read_submission(store, "small", 1) == plain


def test_a_submission_keeps_its_forecast_and_budget_and_older_ones_have_none(
    tmp_path: Path,
) -> None:
    store = Store.create(tmp_path / "results")
    submission = replace(a_submission("g", 1, ()), forecast={"cells": 3}, max_device_hours=1.5)
    publish_submission(store, submission)
    assert read_submission(store, "g", 1) == submission
    path = store.submission("g", 1) / "submission.json"
    content = json.loads(path.read_text())
    del content["forecast"], content["max_device_hours"]
    path.write_text(json.dumps(content))
    older = read_submission(store, "g", 1)
    assert (older.forecast, older.max_device_hours) == ({}, None)
