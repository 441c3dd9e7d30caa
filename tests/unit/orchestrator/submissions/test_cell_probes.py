"""The probes of many cells: short in a file, and the same when they are read."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grids.problems import GridError
from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.cell_probes import NO_PROBES, CellProbes
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import publish_submission, read_submission
from tests.support.grids import a_cell
from tests.support.runs import a_submission

ROBUST, RANK = '{"name":"robust"}', '{"name":"rank"}'


def test_most_cells_are_not_named() -> None:
    probes = CellProbes.gathered({"a": (ROBUST,), "b": (ROBUST,), "c": (), "d": (RANK, ROBUST)})
    assert probes.common == (ROBUST,)
    assert set(probes.others) == {"c", "d"}
    assert [probes.of(cell) for cell in "abcd"] == [(ROBUST,), (ROBUST,), (), (RANK, ROBUST)]
    assert probes.texts() == [RANK, ROBUST]


def test_the_same_cells_give_the_same_in_any_order() -> None:
    cells = {"a": (RANK,), "b": (ROBUST,)}
    assert CellProbes.gathered(cells) == CellProbes.gathered(dict(reversed(cells.items())))
    assert CellProbes.gathered({}) == NO_PROBES


def test_they_survive_being_written() -> None:
    probes = CellProbes.gathered({"a": (ROBUST,), "b": (ROBUST,), "c": (RANK,), "d": ()})
    plain = json.loads(json.dumps(probes.plain()))
    assert plain == {
        "common": [ROBUST],
        "others": [{"cells": ["d"], "probes": []}, {"cells": ["c"], "probes": [RANK]}],
    }
    assert CellProbes.from_plain(plain) == probes


def test_what_is_no_probe_is_damage() -> None:
    with pytest.raises(GridError, match="'robust' is no text of a probe"):
        CellProbes.from_plain({"common": ["robust"], "others": []})


def a_manifest() -> Manifest:
    return Manifest(
        pack="p", store="/s", grid="g", number=1, backend="inline", code="c0de",
        cells=(a_cell(),), driver=None, probes=CellProbes(common=(ROBUST,)),
    )  # fmt: skip


def test_a_manifest_keeps_them() -> None:
    assert Manifest.from_json(a_manifest().to_json()) == a_manifest()


def test_a_damaged_manifest_says_so() -> None:
    damaged = a_manifest().to_json().replace(b"name", b"nome")
    with pytest.raises(StoreError, match="it is damaged"):
        Manifest.from_json(damaged)


def test_an_older_manifest_asks_for_none() -> None:
    content = json.loads(a_manifest().to_json())
    del content["probes"]
    assert Manifest.from_json(json.dumps(content)).probes == NO_PROBES


METRIC = {"name": "rank", "unit": "1", "better": "lower", "help": "a rank"}


def test_a_submission_keeps_them_and_what_they_give(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    asked = CellProbes(common=(RANK,), others={a_cell().id: ()})
    given = replace(a_submission("small", 1, [a_cell()]), probes=asked, metrics=(METRIC,))
    publish_submission(store, given)
    assert read_submission(store, "small", 1) == given
    assert not given.asks_the_same(replace(given, probes=NO_PROBES))


def test_an_older_submission_asks_for_none(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    given = a_submission("small", 1, [a_cell()])
    publish_submission(store, given)
    path = store.submission("small", 1) / "submission.json"
    content = json.loads(path.read_text())
    del content["probes"], content["metrics"]
    path.unlink()
    path.write_text(json.dumps(content))
    assert read_submission(store, "small", 1) == given
