"""The circuit breaker: three that failed alike and none that did not end a submission."""

import pytest

from orchestrator.store.layout import Store
from orchestrator.worker.breaker import Breaker, halt_of

TRACEBACK = (
    'File "/a/site-packages/x.py", line 1, in f\n  File "/code/trainer/m.py", line 32, in g\n'
)


def error(signature: str = "aaaa") -> dict[str, str]:
    return {
        "signature": signature, "type": "ValueError", "message": "bad", "traceback": TRACEBACK,
    }  # fmt: skip


@pytest.fixture
def store(tmp_path) -> Store:
    return Store.create(tmp_path / "results")


def breaker(store: Store) -> Breaker:
    """Another worker of the same submission."""
    return Breaker(store, "g", 1)


def test_the_third_failure_of_a_kind_halts_whoever_it_befalls(store: Store) -> None:
    breaker(store).failed("c1", error())
    breaker(store).failed("c2", error())
    assert halt_of(store, "g", 1) is None
    breaker(store).failed("c3", error())
    halt = breaker(store).halt()
    assert halt is not None
    assert str(halt) == "3 cells failed alike at /code/trainer/m.py:32: ValueError: bad"


def test_one_cell_that_fails_again_and_again_halts_nothing(store: Store) -> None:
    for _ in range(5):
        breaker(store).failed("c1", error())
    assert halt_of(store, "g", 1) is None


def test_failures_of_different_kinds_halt_nothing(store: Store) -> None:
    for number in range(5):
        breaker(store).failed(f"c{number}", error(f"kind{number}"))
    assert halt_of(store, "g", 1) is None


def test_where_one_cell_was_trained_well_no_failure_halts_the_others(store: Store) -> None:
    breaker(store).completed()
    for number in range(5):
        breaker(store).failed(f"c{number}", error())
    assert halt_of(store, "g", 1) is None


def test_another_submission_begins_anew(store: Store) -> None:
    for number in range(3):
        breaker(store).failed(f"c{number}", error())
    assert halt_of(store, "g", 2) is None
