"""The one rule of which attempt answers for a cell."""

import random

from orchestrator.store.answering import answering, first_holders, ranked
from orchestrator.store.records import Record
from tests.support.records import attempt, failure, record


def answer(*records: Record) -> str:
    for _ in range(5):
        shuffled = random.Random(len(records)).sample(records, len(records))
        [(_, found)] = answering(shuffled).items()
    return found.attempt


def test_the_earliest_completed_attempt_answers() -> None:
    assert answer(record(1, after=9), record(2, after=3), record(3, after=5)) == attempt(2)


def test_attempt_ids_break_ties() -> None:
    assert answer(record(2, after=3), record(1, after=3)) == attempt(1)


def test_failures_answer_only_when_nothing_completed_and_then_the_latest() -> None:
    assert answer(failure(1), record(2)) == attempt(2)
    assert answer(failure(1), failure(3), failure(2)) == attempt(3)


def test_a_superseded_attempt_does_not_answer() -> None:
    assert answer(record(1), record(2, supersedes=(attempt(1),))) == attempt(2)


def test_superseding_reaches_along_a_chain() -> None:
    chain = [
        record(1),
        record(2, supersedes=(attempt(1),)),
        record(3, supersedes=(attempt(2),)),
    ]
    assert answer(*chain) == attempt(3)


def test_a_failed_attempt_supersedes_nothing() -> None:
    assert answer(record(1), failure(2, supersedes=(attempt(1),))) == attempt(1)


def test_attempts_that_supersede_themselves_or_each_other_still_answer() -> None:
    assert answer(record(1, supersedes=(attempt(1),))) == attempt(1)
    ring = [record(1, supersedes=(attempt(2),)), record(2, supersedes=(attempt(1),))]
    assert answer(*ring) == attempt(1)


def test_cells_are_answered_each_for_itself_and_in_order() -> None:
    records = [record(1, seed=seed) for seed in range(5)]
    assert list(answering(records)) == sorted(r.cell for r in records)
    assert answering([]) == {}


def test_a_later_attempt_only_adds_outputs_that_no_earlier_one_holds() -> None:
    attempts = [record(1), record(2), failure(3)]
    outputs = {attempt(1): ["fgsm"], attempt(2): ["fgsm", "pgd"], attempt(3): ["cw"]}
    assert first_holders(attempts, outputs) == {"fgsm": attempt(1), "pgd": attempt(2)}
    assert [a.attempt for a in ranked(attempts)] == [attempt(1), attempt(2)]
