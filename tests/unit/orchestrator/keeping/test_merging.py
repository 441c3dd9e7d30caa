"""Merging stores: what is copied, what is refused, and that nothing is counted twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.keeping.merging import merge, plan_merge
from orchestrator.provenance import PACKAGES
from orchestrator.store import Store, load_index, publish, publish_batch
from orchestrator.store.artifacts import described, publish_artifacts
from orchestrator.store.compaction import compact
from orchestrator.store.generations import newest
from orchestrator.store.layout import StoreError, StoreWarning
from orchestrator.store.reading import read_tables
from orchestrator.store.records import CollisionError, Record
from orchestrator.store.shared import StoredFiles
from orchestrator.submissions.frozen import freeze
from tests.support.records import PROVENANCE, curve, failure, record


def a_store(root: Path, *records: Record) -> Store:
    store = Store.create(root)
    publish_batch(store, [(item, curve() if item.curve else None) for item in records])
    return store


def merged(*sources: Store, into: Path, artifacts: bool = False) -> Store:
    return merge(plan_merge([store.root for store in sources], into, artifacts=artifacts))


def test_what_is_new_and_what_is_known_is_counted_beforehand(tmp_path: Path) -> None:
    again = record(3, seed=0)
    one = a_store(tmp_path / "one", record(1, seed=0), again, record(2, seed=1, curve=True))
    two = a_store(tmp_path / "two", again, failure(4, seed=5))
    into = a_store(tmp_path / "into", record(1, seed=0))
    first, second = plan_merge([one.root, two.root], into.root).additions
    assert (len(first.attempts), first.known, first.cells) == (2, 1, 1)
    assert (len(second.attempts), second.known, second.cells) == (1, 1, 1)
    sizes = {path: path.stat().st_size for path in one.root.glob("[rc][eu]*/*/*.json")}
    kept = one.record_path(record(1, seed=0).cell, record(1, seed=0).attempt)
    assert first.bytes == sum(sizes.values()) - sizes[kept]


def test_a_second_merge_finds_nothing_to_do(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(1, curve=True), failure(2, seed=1))
    into = merged(one, into=tmp_path / "into").root
    before = {path: path.read_bytes() for path in into.rglob("*") if path.is_file()}
    plan = plan_merge([one.root], into)
    assert plan.nothing
    merge(plan)
    assert {path: path.read_bytes() for path in into.rglob("*") if path.is_file()} == before


def test_what_was_folded_comes_from_the_archive_with_its_curve(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(1, curve=True), record(2, seed=1))
    compact(one)
    assert not list(one.records.glob("??/*.json"))
    store = merged(one, into=tmp_path / "into")
    for table, rows in read_tables(one).tables.items():
        assert read_tables(store).tables[table].equals(rows)
    assert read_tables(store).tables["curves"].num_rows == 3


def test_many_stores_share_one_rewriting_of_the_tables(tmp_path: Path) -> None:
    stores = [a_store(tmp_path / str(seed), record(1, seed=seed)) for seed in range(5)]
    store = merged(*stores, into=tmp_path / "into")
    generation = newest(store)
    assert generation is not None
    assert (generation.number, generation.attempts) == (1, 5)


def test_of_two_archives_of_one_record_that_with_the_curve_is_taken(tmp_path: Path) -> None:
    whole = record(1, curve=True)
    one = a_store(tmp_path / "one", whole)
    one_curve = one.curve_path(whole.cell, whole.attempt)
    text = one.record_path(whole.cell, whole.attempt).read_bytes().strip()
    kept = one_curve.read_bytes()
    compact(one)
    import pyarrow as pa

    line = b'{"record":%b,"curve":null}\n' % text
    (one.archive / "0-bare.jsonl.zst").write_bytes(pa.compress(line, codec="zstd", asbytes=True))
    store = merged(one, into=tmp_path / "into")
    assert read_tables(store).tables["curves"].num_rows == len(json.loads(kept)["epoch"]) == 3


def test_a_curve_that_could_not_be_seen_is_brought_by_the_next_merge(tmp_path: Path) -> None:
    item = record(1, curve=True)
    one = a_store(tmp_path / "one", item)
    path = one.curve_path(item.cell, item.attempt)
    kept = path.read_bytes()
    path.unlink()
    with pytest.warns(StoreWarning, match=r"the curve .* is missing"):
        store = merged(one, into=tmp_path / "into")
    path.write_bytes(kept)
    merged(one, into=store.root)
    assert read_tables(store).tables["curves"].num_rows == 3
    assert plan_merge([one.root], store.root).nothing


def test_one_id_for_two_cells_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    item = record(1)
    other = replace(item, canonical={"fields": {"other": 1}}, attempt=record(2).attempt)
    one, two = a_store(tmp_path / "one", item), a_store(tmp_path / "two", other)
    with pytest.raises(CollisionError, match=f"two different cells carry the id {item.cell}"):
        plan_merge([one.root, two.root], tmp_path / "into")
    with pytest.raises(CollisionError, match=item.cell):
        plan_merge([two.root], one.root)
    assert not (tmp_path / "into").exists()


def test_one_attempt_with_two_ends_is_refused(tmp_path: Path) -> None:
    one, two = a_store(tmp_path / "one", record(1)), a_store(tmp_path / "two", failure(1))
    with pytest.raises(CollisionError, match=r"two different records are of cell .* one FAILED"):
        plan_merge([one.root], two.root)


@pytest.mark.parametrize("spelling", ["one", "one/../one", "link"])
def test_a_store_is_not_merged_with_itself(tmp_path: Path, spelling: str) -> None:
    one = a_store(tmp_path / "one", record(1))
    (tmp_path / "link").symlink_to(one.root)
    with pytest.raises(StoreError, match="is named twice"):
        plan_merge([tmp_path / spelling], one.root)


def test_another_schema_version_is_refused_on_either_side(tmp_path: Path) -> None:
    one, two = a_store(tmp_path / "one", record(1)), a_store(tmp_path / "two", record(2))
    (two.root / "store.json").write_text('{"schema": 99}\n')
    for sources, into in (([two.root], one.root), ([one.root], two.root)):
        with pytest.raises(StoreError, match="has schema version 99"):
            plan_merge(sources, into)


def test_a_store_that_lost_its_archive_is_refused(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(1))
    compact(one)
    [archive] = one.archive.glob("*.zst")
    archive.unlink()
    with pytest.raises(StoreError, match="1 records that its tables hold are neither"):
        plan_merge([one.root], tmp_path / "into")


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(1))
    compact(one)
    [archive] = one.archive.glob("*.zst")
    archive.write_bytes(archive.read_bytes()[:40])
    with pytest.raises(StoreError, match=f"cannot read {archive}"):
        plan_merge([one.root], tmp_path / "into")


def test_a_damaged_record_is_told_and_left(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(1))
    broken = one.record_path("ab" * 8, "x")
    broken.parent.mkdir(exist_ok=True)
    broken.write_bytes(b'{"half": ')
    with pytest.warns(StoreWarning):
        plan = plan_merge([one.root], tmp_path / "into")
    assert plan.additions[0].damaged == (broken,)
    assert len(load_index(merge(plan))) == 1


def test_artifacts_and_shared_files_come_only_when_asked_for(tmp_path: Path) -> None:
    left = {"final": b"weights"}
    item = record(1, provenance={**PROVENANCE, "artifacts": described(left)})
    one = a_store(tmp_path / "one", item)
    publish_artifacts(one, [(item.cell, item.attempt, left)])
    publish_artifacts(one, [(item.cell, "of-nobody", left)])
    made = StoredFiles(one).file({"kind": "a"}, lambda path: path.write_bytes(b"noise") and None)
    store = merged(one, into=tmp_path / "into")
    assert not store.artifacts.exists()
    assert not store.shared.exists()
    merged(one, into=store.root, artifacts=True)
    [copied] = store.artifacts.glob("*/*")
    assert copied.read_bytes() == b"weights"
    assert StoredFiles(store).file({"kind": "a"}, lambda _: pytest.fail("made")).name == made.name


def test_an_artifact_that_is_not_what_was_recorded_is_told_and_left(tmp_path: Path) -> None:
    left = {"final": b"weights", "scores": b"scores"}
    item = record(1, provenance={**PROVENANCE, "artifacts": described(left)})
    one = a_store(tmp_path / "one", item)
    publish_artifacts(one, [(item.cell, item.attempt, {**left, "final": b"wEights"})])
    bad = one.artifact_path(item.cell, item.attempt, "final")
    with pytest.warns(StoreWarning, match=f"{bad} is damaged: .*; it is left out"):
        store = merged(one, into=tmp_path / "into", artifacts=True)
    [copied] = store.artifacts.glob("*/*")
    assert copied.read_bytes() == b"scores"
    assert len(load_index(store)) == 1
    bad.write_bytes(b"weights")
    merged(one, into=store.root, artifacts=True)
    assert store.artifact_path(item.cell, item.attempt, "final").read_bytes() == b"weights"


def test_an_artifact_that_is_removed_meanwhile_is_left_out(tmp_path: Path) -> None:
    item = record(1)
    one = a_store(tmp_path / "one", item)
    publish_artifacts(one, [(item.cell, item.attempt, {"final": b"weights"})])
    plan = plan_merge([one.root], tmp_path / "into", artifacts=True)
    one.artifact_path(item.cell, item.attempt, "final").unlink()
    with pytest.warns(StoreWarning, match="was removed meanwhile; it is left out"):
        assert len(load_index(merge(plan))) == 1


def test_a_shared_file_that_is_damaged_is_told_and_left(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(1))
    made = StoredFiles(one).file({"kind": "a"}, lambda path: path.write_bytes(b"noise") and None)
    made.write_bytes(b"nOise")
    with pytest.warns(StoreWarning, match=f"{made} is damaged: .*; it is left out"):
        store = merged(one, into=tmp_path / "into", artifacts=True)
    assert [path for path in store.shared.rglob("*") if path.is_file()] == []
    assert len(load_index(store)) == 1


def test_a_record_that_is_published_meanwhile_is_not_in_the_way(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(1), record(2, seed=1))
    into = a_store(tmp_path / "into", record(4, seed=9))
    plan = plan_merge([one.root], into.root)
    publish(into, record(1))
    publish(one, record(3, seed=2))
    assert len(load_index(merge(plan))) == 3


def a_program(root: Path) -> Path:
    """Other code than this."""
    for package in PACKAGES:
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").write_text("")
    return root


def kept_code_of(store: Store) -> list[str]:
    return sorted(path.name for path in (store.root / "code").glob("*"))


@pytest.mark.parametrize("name", ["sitecustomize.py", "sparse/schedule.so", "trainer/x.pyc"])
def test_code_with_more_than_its_hash_speaks_of_is_left_out(tmp_path: Path, name: str) -> None:
    one = a_store(tmp_path / "one", record(1))
    freeze(one, a_program(tmp_path / "program"))
    [folder] = (one.root / "code").iterdir()
    (folder / name).write_text("")
    with pytest.warns(StoreWarning, match="left out kept code: .* is no part of kept code"):
        store = merged(one, into=tmp_path / "into")
    assert kept_code_of(store) == []


def test_code_with_the_hash_of_this_program_is_taken_from_this_program(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(1))
    folder = freeze(one)
    (folder / "sitecustomize.py").write_text("")
    store = merged(one, into=tmp_path / "into")
    assert kept_code_of(store) == [folder.name]
    assert not (store.code_folder(folder.name) / "sitecustomize.py").exists()


def test_an_artifact_that_is_a_symbolic_link_is_left_out(tmp_path: Path) -> None:
    item, private = record(1), tmp_path / "private"
    private.write_text("secret")
    one = a_store(tmp_path / "one", item)
    path = one.artifact_path(item.cell, item.attempt, "final")
    path.parent.mkdir(parents=True)
    path.symlink_to(private)
    with pytest.warns(StoreWarning, match=f"cannot read {path}: .*; it is left out"):
        store = merged(one, into=tmp_path / "into", artifacts=True)
    assert list(store.artifacts.glob("*/*")) == []


@pytest.mark.parametrize(("source", "into"), [("one", "one/inner"), ("one/inner", "one")])
def test_stores_in_one_another_are_refused(tmp_path: Path, source: str, into: str) -> None:
    Store.create(tmp_path / "one")
    one = a_store(tmp_path / source, record(1))
    with pytest.raises(StoreError, match="lie in one another"):
        plan_merge([one.root], tmp_path / into)


def test_a_shared_file_of_another_name_is_left(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(1))
    made = StoredFiles(one).file({"kind": "a"}, lambda path: path.write_bytes(b"noise") and None)
    [place] = made.parent.glob("*.json")
    made.rename(made.with_name("zz.x"))
    place.write_text(json.dumps({**json.loads(place.read_bytes()), "file": "zz.x"}))
    store = merged(one, into=tmp_path / "into", artifacts=True)
    assert [path for path in store.shared.rglob("*") if path.is_file()] == []
