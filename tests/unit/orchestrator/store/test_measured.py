"""Probes in the store: what records say of them, and which attempt answers for each."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.answers.results import select
from orchestrator.store.compaction import compact
from orchestrator.store.index import load_index
from orchestrator.store.index_part import decode_index, encode_index, entry_of
from orchestrator.store.layout import Store
from orchestrator.store.measured import covered, described, outputs
from orchestrator.store.reading import read_tables
from orchestrator.store.records import Record, publish_batch
from orchestrator.submissions.cell_probes import CellProbes
from tests.support.grids import a_cell
from tests.support.records import METRICS, PROVENANCE, attempt, curve, record

PGD, FGSM = '{"name":"robust"}', '{"attack":"fgsm","name":"robust"}'
RANK = '{"name":"rank"}'


def measured(number: int, *, tier: str = "exact", **values: Any) -> Record:
    """An attempt at one cell; `robust=(text, value)`, `rank=(text, value)`, and a plain `odd`."""
    probes = {text: [name] for name, (text, _) in values.items()}
    cell = a_cell()
    return record(
        number,
        cell=cell.id,
        canonical=cell.canonical(),
        curve=True,
        metrics={**METRICS, "odd": 1.0, **{name: value for name, (_, value) in values.items()}},
        provenance={**PROVENANCE, "tier": tier, "probes": described(probes)},
    )


@pytest.fixture(params=["hot", "folded"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """First PGD, then FGSM and a rank, then PGD and another rank."""
    store = Store.create(tmp_path / "results")
    attempts = [
        measured(1, robust=(PGD, 0.25)),
        measured(2, robust=(FGSM, 0.5), rank=(RANK, 3.0)),
        measured(3, robust=(PGD, 0.125), rank=(RANK, 4.0)),
    ]
    publish_batch(store, [(one, curve()) for one in attempts])
    if request.param == "folded":
        compact(store)
    return store


def rows(store: Store, table: str) -> list[dict[str, Any]]:
    return [row for row in read_tables(store).tables[table].to_pylist() if row["answers"]]


def test_a_record_says_whose_its_metrics_are() -> None:
    one = measured(1, robust=(FGSM, 0.25), rank=(RANK, 3.0))
    assert one.provenance["probes"] == [
        {"metrics": ["robust"], "probe": {"attack": "fgsm", "name": "robust"}},
        {"metrics": ["rank"], "probe": {"name": "rank"}},
    ]
    assert covered(Record.from_json(one.to_json())) == (FGSM, RANK)
    assert {name: probe for name, probe in outputs(one) if probe} == {"robust": FGSM, "rank": RANK}
    assert outputs(one)["odd", None] == 1.0


def test_a_record_without_probes_covers_none() -> None:
    assert described({}) is None
    assert covered(record(1)) == ()
    assert set(outputs(record(1))) == {(name, None) for name in METRICS}


def test_every_probe_is_answered_by_the_first_attempt_that_holds_it(store: Store) -> None:
    found = {(row["metric"], row["probe"]): row for row in rows(store, "metrics")}
    assert {name: (row["attempt"], row["value"]) for name, row in found.items()} == {
        ("odd", None): (attempt(1), 1.0),
        ("robust", PGD): (attempt(1), 0.25),
        ("robust", FGSM): (attempt(2), 0.5),
        ("rank", RANK): (attempt(2), 3.0),
    }


def test_the_index_knows_what_the_attempts_cover_together(store: Store) -> None:
    [state] = load_index(store).values()
    assert state.probes == {PGD, FGSM, RANK}
    assert state.answer.probes == (PGD,)


def test_the_curve_of_the_attempt_with_most_probes_answers(store: Store) -> None:
    assert {row["attempt"] for row in rows(store, "curves")} == {attempt(2)}
    assert {row["attempt"] for row in rows(store, "results")} == {attempt(1)}


def test_where_bits_may_differ_one_attempt_answers_with_its_curve(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    attempts = [measured(1, tier="fast"), measured(2, tier="fast", rank=(RANK, 1.0))]
    publish_batch(store, [(one, curve()) for one in attempts])
    assert {row["attempt"] for row in rows(store, "curves")} == {attempt(1)}


@pytest.mark.parametrize(
    ("asked", "metrics"),
    [
        ((PGD,), {"robust": 0.25}),
        ((FGSM,), {"robust": 0.5}),
        ((FGSM, RANK), {"robust": 0.5, "rank": 3.0}),
        ((), {}),
    ],
)
def test_a_grid_gets_what_it_asked_for(
    store: Store, asked: tuple[str, ...], metrics: dict[str, float]
) -> None:
    found = select(store, [a_cell()], probes=CellProbes(common=asked))
    assert found.answers[0].metrics is not None
    answered = dict(found.answers[0].metrics)
    assert {name: answered[name] for name in answered if name in ("robust", "rank")} == metrics
    assert answered["odd"] == 1.0
    if not asked:
        assert found.unasked == {"robust": "robust", "rank": "rank"}


def test_entries_write_every_combination_once() -> None:
    entries = [
        entry_of(measured(1, robust=(PGD, 1.0))),
        entry_of(measured(2)),
        entry_of(measured(3, robust=(PGD, 1.0))),
    ]
    data = encode_index(entries, {})
    assert data.count(b"robust") == 1
    assert decode_index(data)[0] == entries


def test_an_index_of_an_older_program_covers_none() -> None:
    data = encode_index([entry_of(measured(1, robust=(PGD, 1.0)))], {})
    head = json.loads(data.splitlines()[0])
    del head["probes"], head["attempts"]["probes"]
    [entry] = decode_index(json.dumps(head).encode())[0]
    assert entry.probes == ()
