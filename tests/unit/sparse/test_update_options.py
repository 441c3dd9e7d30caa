"""The options of schedules: what they resolve to in a run, and how other options extend them."""

import dataclasses

import pytest

from sparse.options import describe_options
from sparse.schedule import ConstantDrop, CosineDrop, UpdateSchedule
from sparse.update_options import UpdateOptions, dynamic_schedules, redefined


def test_dynamic_schedules_resolve_fractions():
    updates, drops = dynamic_schedules(UpdateOptions(update_every=10, update_stop=0.75), 80)
    assert updates == UpdateSchedule(every=10, stop=60, total=80)
    assert drops == CosineDrop(initial=0.3, stop=60, final=0.0)


def test_a_drop_fraction_may_fall_on_when_updates_have_stopped():
    updates, drops = dynamic_schedules(
        UpdateOptions(update_every=10, update_stop=0.25, anneal_stop=0.75), 80
    )
    assert updates == UpdateSchedule(every=10, stop=20, total=80)
    assert drops == CosineDrop(initial=0.3, stop=60, final=0.0)


def test_without_a_length_the_drop_is_constant_and_that_is_said():
    with pytest.warns(UserWarning, match="total_steps is not known"):
        updates, drops = dynamic_schedules(UpdateOptions(update_every=10, update_stop=0.75), None)
    assert updates == UpdateSchedule(every=10)
    assert drops == ConstantDrop(initial=0.3)


def test_a_constant_drop_stops_as_well():
    updates, drops = dynamic_schedules(UpdateOptions(anneal="constant", update_stop=0.5), 1000)
    assert updates == UpdateSchedule(every=100, stop=500, total=1000)
    assert drops == ConstantDrop(initial=0.3)


def test_nothing_is_annealed_to_more_than_the_fraction_0():
    options = UpdateOptions(drop_fraction=0.0, final_drop_fraction=0.005)
    assert dynamic_schedules(options, 1000)[1] == ConstantDrop(initial=0.0)


def test_an_option_is_extended_by_a_default_and_conditions():
    @dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
    class Extended(UpdateOptions):
        update_every: int = redefined(UpdateOptions, "update_every", 7)
        final_drop_fraction: float = redefined(
            UpdateOptions,
            "final_drop_fraction",
            only_with={"update_every": 7},
            unless={"update_stop": 0.5},
        )

    own, found = (
        {option["name"]: option for option in describe_options(kind)}
        for kind in (UpdateOptions, Extended)
    )
    assert list(found) == list(own)
    assert found["update_every"] == {**own["update_every"], "default": 7}
    assert found["final_drop_fraction"] == {
        **own["final_drop_fraction"],
        "only_with": {"anneal": "cosine", "update_every": 7},
        "unless": {"update_stop": 0.5},
    }
    assert found["drop_fraction"] == own["drop_fraction"]
