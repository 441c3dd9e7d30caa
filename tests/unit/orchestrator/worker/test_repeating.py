"""A cell that is trained again agrees with its earlier results, or replaces them, or fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.store.compaction import compact
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from orchestrator.store.measured import described
from orchestrator.store.records import Record, publish
from orchestrator.worker.repeating import Earlier, earlier_results, settled
from tests.support.records import METRICS, PROVENANCE, attempt, failure, record

ODD = {**METRICS, "pgd_accuracy": 0.25}
"""With a measurement that has no column of its own."""


@pytest.fixture(params=["hot", "folded"])
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Earlier:
    store = Store.create(tmp_path / "results")
    first = record(1, metrics=ODD)
    publish(store, first)
    if request.param == "folded":
        compact(store)
    [found] = earlier_results(store, load_index(store), [first.cell, "0" * 16]).values()
    return found


def again(**changed: object) -> Record:
    return record(2, **{"metrics": ODD, "supersedes": (attempt(1),), **changed})


def test_the_same_results_are_kept_beside_the_first(earlier: Earlier) -> None:
    kept = settled(again(), earlier)
    assert (kept.state, kept.supersedes, kept.metrics) == ("COMPLETED", (), ODD)


def test_other_results_of_the_same_bits_are_a_failure_with_both_values(earlier: Earlier) -> None:
    failed = settled(again(metrics={**ODD, "test_accuracy": 0.8}), earlier)
    assert (failed.state, failed.supersedes, failed.metrics) == ("FAILED", (), {})
    assert failed.error is not None
    assert failed.error["type"] == "Disagreement"
    assert failed.error["message"] == (
        f"the same cell came to other results than attempt {attempt(1)}: "
        "test_accuracy 0.9 then, 0.8 now"
    )


@pytest.mark.parametrize("name", ["code", "torch", "machine", "device"])
def test_results_of_another_origin_replace_the_first(earlier: Earlier, name: str) -> None:
    other = again(metrics={"test_accuracy": 0.8}, provenance={**PROVENANCE, name: "other"})
    assert settled(other, earlier) == other


def test_so_do_those_of_the_fast_tier(earlier: Earlier) -> None:
    fast = replace(earlier, origin=(*earlier.origin[:-1], "fast"))
    other = again(metrics={"test_accuracy": 0.8}, provenance={**PROVENANCE, "tier": "fast"})
    assert settled(other, fast) == other


def test_a_failure_is_left_as_it_is(earlier: Earlier) -> None:
    failed = failure(2)
    assert settled(failed, earlier) == failed


def test_a_disagreement_is_known_until_a_later_attempt_agrees(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    publish(store, record(1))
    [found] = earlier_results(store, load_index(store), [record(1).cell]).values()
    publish(store, settled(again(metrics={"test_accuracy": 0.8}), found))
    [state] = load_index(store).values()
    assert state.completed
    assert "test_accuracy 0.9 then, 0.8 now" in state.disagreement
    publish(store, record(3))
    [state] = load_index(store).values()
    assert (state.disagreement, state.standing) == ("", (attempt(1), attempt(3)))


PGD, FGSM = '{"name":"robust"}', '{"attack":"fgsm","name":"robust"}'


def probed(text: str, value: float, **changed: object) -> dict[str, object]:
    """What a record holds that measured one probe beside all else."""
    provenance = {**PROVENANCE, "probes": described({text: ["robust_accuracy"]})}
    return {"metrics": {**ODD, "robust_accuracy": value, **changed}, "provenance": provenance}


def test_what_nobody_measured_before_is_added(earlier: Earlier) -> None:
    added = settled(again(**probed(PGD, 0.5)), earlier)
    assert (added.state, added.supersedes) == ("COMPLETED", ())
    assert added.metrics["robust_accuracy"] == 0.5


def test_all_else_must_agree_beside_it(earlier: Earlier) -> None:
    failed = settled(again(**probed(PGD, 0.5, pgd_accuracy=0.5)), earlier)
    assert failed.error is not None
    assert failed.error["message"].endswith("pgd_accuracy 0.25 then, 0.5 now")


@pytest.fixture
def probed_twice(tmp_path: Path) -> Earlier:
    """A cell whose first attempt measured nothing more, and the next two probes."""
    store = Store.create(tmp_path / "results")
    publish(store, record(1, metrics=ODD))
    publish(store, record(2, **probed(PGD, 0.5)))
    publish(store, record(3, **probed(FGSM, 0.75)))
    [found] = earlier_results(store, load_index(store), [record(1).cell]).values()
    return found


@pytest.mark.parametrize(("text", "value"), [(PGD, 0.5), (FGSM, 0.75)])
def test_a_probe_agrees_with_its_own_earlier_value(
    probed_twice: Earlier, text: str, value: float
) -> None:
    assert settled(again(**probed(text, value)), probed_twice).state == "COMPLETED"
    failed = settled(again(**probed(text, 0.25)), probed_twice)
    assert failed.error is not None
    assert failed.error["message"].endswith(f"robust_accuracy {value} then, 0.25 now")


def test_the_same_probe_with_other_options_need_not_agree(probed_twice: Earlier) -> None:
    other = '{"name":"robust","steps":50}'
    assert settled(again(**probed(other, 0.25)), probed_twice).state == "COMPLETED"
