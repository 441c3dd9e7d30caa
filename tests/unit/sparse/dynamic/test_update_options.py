"""The options of schedules: what they resolve to in a run, and how other options extend them."""

import dataclasses

import pytest

from sparse.dynamic.update_options import (
    UpdateOptions,
    dynamic_schedules,
    redefined,
    update_interval,
)
from sparse.methods.set import SET
from sparse.methods.set_np import SetNP
from sparse.options import describe_options
from sparse.schedule import ConstantDrop, CosineDrop, UpdateSchedule
from tests.support.cells import make_cell, result, train
from tests.support.toy import ToyContext, make_layers


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


def test_an_interval_in_epochs_is_told_in_steps():
    assert update_interval(3, "steps", None) == update_interval(3, "steps", 19) == 3
    assert update_interval(3, "epochs", 19) == 57


@pytest.mark.parametrize("kind", [SET, SetNP])
def test_epochs_need_a_loop_that_says_how_long_they_are(kind):
    method = kind("0.3", update_every=1, update_unit="epochs")
    with pytest.raises(ValueError, match="does not say how many steps an epoch has; allowed here"):
        method.prepare(ToyContext(make_layers(), total_steps=40))
    context = ToyContext(make_layers(), total_steps=40)
    context.steps_per_epoch = 8
    method = kind("0.3", update_every=2, update_unit="epochs", **no_pruning(kind))
    method.prepare(context)
    assert [step for step in range(41) if method.wants_update(step)] == [16, 32]


def no_pruning(kind):
    return {"prune_start": 0.4, "prune_stop": 0.4, "prune_events": 1} if kind is SetNP else {}


@pytest.mark.parametrize("method", ["set", "set_np"])
def test_an_update_after_every_epoch_is_one_after_its_steps(method):
    epochs = make_cell(method, options={"update_every": 1, "update_unit": "epochs"})
    steps = make_cell(method, options={"update_every": 6})  # 81 examples in batches of 16
    done = [train(cell)[cell.id] for cell in (epochs, steps)]
    assert done[0].topology_updates >= 2
    assert result(done[0]) == result(done[1])
