"""Schedules: when updates happen, how much they drop, how dense the network is."""

import pytest

from sparse.schedule import (
    CosineDrop,
    CubicDensity,
    UpdateSchedule,
    known_length,
    resolve_step,
)


def due(schedule, last):
    return [step for step in range(last + 1) if schedule.is_update(step)]


def test_updates_happen_at_multiples_before_the_stop():
    assert due(UpdateSchedule(every=10, stop=40, total=60), 60) == [10, 20, 30]


def test_updates_begin_at_the_start():
    assert due(UpdateSchedule(every=10, start=20, total=60), 60) == [20, 30, 40, 50]


def test_there_is_no_update_at_the_last_step():
    assert due(UpdateSchedule(every=10, stop=30, total=30), 60) == [10, 20]


def test_there_is_no_update_before_the_first_step():
    assert due(UpdateSchedule(every=1), 3) == [1, 2, 3]


def test_a_run_shorter_than_the_interval_has_no_update():
    assert due(UpdateSchedule(every=100, stop=15, total=20), 20) == []


@pytest.mark.parametrize(
    ("fraction", "total", "step"), [(0.75, 20, 15), (0.75, 10, 8), (1.0, 7, 7), (0.29, 100, 29)]
)
def test_fractions_of_a_run_are_rounded_half_up(fraction, total, step):
    assert resolve_step(fraction, total) == step


def test_the_length_of_the_run_may_have_to_be_known():
    assert known_length(20, "gmp") == 20
    with pytest.raises(ValueError, match=r"^gmp needs to know the length .*: give total_steps$"):
        known_length(None, "gmp")


def test_cosine_ends_at_its_final_value():
    drop = CosineDrop(initial=0.5, stop=100, final=0.1)
    assert drop.drop_fraction(0) == 0.5
    assert drop.drop_fraction(50) == pytest.approx(0.3)
    assert drop.drop_fraction(100) == drop.drop_fraction(200) == 0.1


def test_cubic_stays_dense_until_the_start_and_reaches_its_end_exactly():
    ramp = CubicDensity(initial=1.0, final=0.1, start=10, stop=30)
    assert ramp.density(10) == 1.0
    assert ramp.density(20) == pytest.approx(0.1 + 0.9 / 8)
    assert ramp.density(30) == ramp.density(31) == 0.1


def test_cubic_of_no_length_jumps():
    ramp = CubicDensity(initial=1.0, final=0.1, start=5, stop=5)
    assert (ramp.density(4), ramp.density(5)) == (1.0, 0.1)


@pytest.mark.parametrize(
    ("every", "stop", "total", "last"),
    [(10, 75, 100, 70), (10, 71, 100, 70), (10, 70, 100, 60), (10, None, 100, 90), (10, 9, 100, 0)],
)
def test_the_last_update_is_one_and_none_follows(every, stop, total, last):
    updates = UpdateSchedule(every=every, stop=stop, total=total)
    assert updates.last == last
    assert [step for step in range(1, 200) if updates.is_update(step)][-1:] == [last][: last > 0]


def test_updates_without_an_end_have_no_last_one():
    assert UpdateSchedule(every=10).last is None
