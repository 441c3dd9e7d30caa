"""Whatever the attempts, and in whatever order and portions they come: the same answers."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.store.answering import COMPLETED, answering, first_holders
from orchestrator.store.folding import decode, encode, fold, nothing
from orchestrator.store.records import Record
from orchestrator.store.rows import fields_of, result_row
from tests.support.records import attempt, curve, failure, fields, record

NUMBERS = st.integers(0, 7)


@st.composite
def attempts(draw: st.DrawFn, number: int) -> Record:
    """An attempt at one of three cells, which may have failed or supersede others."""
    make = draw(st.sampled_from([record, record, failure]))
    metrics = draw(st.dictionaries(st.sampled_from(["test_accuracy", "odd", "pgd"]), st.floats()))
    return make(
        number,
        seed=draw(st.integers(0, 2)),
        after=float(draw(st.integers(0, 3))),
        supersedes=tuple(attempt(other) for other in draw(st.sets(NUMBERS, max_size=2))),
        metrics=metrics if make is record else {},
        curve=draw(st.booleans()),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Attempts of distinct ids, in any order."""
    numbers = draw(st.lists(NUMBERS, unique=True, max_size=8))
    return [draw(attempts(number)) for number in numbers]


@given(histories(), st.randoms(use_true_random=False))
def test_who_answers_does_not_depend_on_the_order_or_on_repetition(
    history: list[Record], random: Random
) -> None:
    again = [*history, *history[:3]]
    random.shuffle(again)
    assert answering(again) == answering(history)


@given(histories())
def test_a_cell_with_a_completed_attempt_is_answered_by_a_completed_one(
    history: list[Record],
) -> None:
    found = answering(history)
    assert found.keys() == {item.cell for item in history}
    for cell, answer in found.items():
        states = {item.state for item in history if item.cell == cell}
        assert (answer.state == COMPLETED) == (COMPLETED in states)


@given(histories())
def test_every_output_is_held_by_the_attempt_that_answers_it(history: list[Record]) -> None:
    for cell, answer in answering(history).items():
        own = [item for item in history if item.cell == cell]
        held = {item.attempt: list(item.metrics) for item in own}
        holders = first_holders(own, held)
        assert all(name in held[holder] for name, holder in holders.items())
        assert all(holders[name] == answer.attempt for name in answer.metrics)


@settings(max_examples=25, deadline=None)
@given(histories(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_folding_in_portions_gives_the_same_bytes_as_folding_at_once(
    history: list[Record], size: int, random: Random
) -> None:
    outcomes = [(item, curve(2) if item.curve else None) for item in history]
    expected = encode(fold(nothing(), outcomes))
    random.shuffle(outcomes)
    folded = fold(nothing(), [])
    for start in range(0, len(outcomes), size):
        folded = decode(encode(fold(folded, outcomes[start : start + size])))
    assert encode(folded) == expected


VALUES = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.lists(st.integers())
)


@given(
    st.dictionaries(
        st.sampled_from(["method.x", "recipe.lr", "recipe.new", "teacher", "seed", "model.depth"]),
        VALUES,
    )
)
def test_no_field_of_a_cell_is_lost_in_its_row(changed: dict[str, object]) -> None:
    flat = fields(**changed)
    assert fields_of(result_row(record(fields=flat))) == flat
