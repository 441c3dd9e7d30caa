"""The options of methods that drop and grow: when topology updates are due, and how much they drop.

The rules of an update are in `sparse/dynamic/topology_options.py`, for the methods that leave a
choice.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sparse.options import option
from sparse.schedule import (
    ConstantDrop,
    CosineDrop,
    UpdateSchedule,
    resolve_step,
    update_schedule,
)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class UpdateOptions:
    """The options of the schedules; a method's own options extend them."""

    drop_fraction: float = option(
        0.3,
        gt=0,
        lt=1,
        help="share of a layer's active weights dropped at the first topology update",
    )
    anneal: str = option(
        "cosine",
        choices=["constant", "cosine"],
        help="keep the drop fraction, or let it fall to final_drop_fraction at anneal_stop",
    )
    final_drop_fraction: float = option(
        0.0,
        ge=0,
        lt=1,
        at_most="drop_fraction",
        only_with={"anneal": "cosine"},
        help="drop fraction at anneal_stop; used by anneal: cosine",
    )
    anneal_stop: float | None = option(
        None,
        gt=0,
        le=1,
        only_with={"anneal": "cosine"},
        means={"update_stop": 1},
        help="fraction of the run at which final_drop_fraction is reached, where that is not when"
        " updates stop",
    )
    update_every: int = option(100, ge=1, help="optimizer steps between two topology updates")
    update_stop: float = option(1.0, gt=0, le=1, help="fraction of the run after which masks stay")


def redefined(
    options: type,
    name: str,
    default: Any = dataclasses.MISSING,
    *,
    only_with: Mapping[str, Any] | None = None,
    unless: Mapping[str, Any] | None = None,
) -> Any:
    """Return an option of such a dataclass for one that extends it, with another default if given.

    `only_with` adds a condition to those that it has; `unless` is set.
    """
    (own,) = (field for field in dataclasses.fields(options) if field.name == name)
    described = dict(own.metadata)
    if only_with is not None:
        described["only_with"] = {**described.get("only_with", {}), **only_with}
    if unless is not None:
        described["unless"] = unless
    return option(own.default if default is dataclasses.MISSING else default, **described)


def update_unit_option() -> Any:
    """Declare the option `update_unit`, whose value `update_interval` takes."""
    return option(
        "steps",
        choices=["steps", "epochs"],
        help="what update_every counts: optimizer steps or epochs",
    )


def update_interval(every: int, unit: str, steps_per_epoch: int | None) -> int:
    """Return the optimizer steps between two updates, `every` of a unit apart.

    Raises a ValueError for epochs where the length of an epoch is not known.
    """
    if unit == "steps":
        return every
    if steps_per_epoch is None:
        raise ValueError(
            "update_unit is epochs, but this loop does not say how many steps an epoch has; allowed"
            " here: steps"
        )
    return every * steps_per_epoch


def dynamic_schedules(
    options: UpdateOptions, total: int | None, every: int | None = None
) -> tuple[UpdateSchedule, ConstantDrop | CosineDrop]:
    """Return when a dynamic method updates and how much it drops, in a run of `total` steps.

    `every` is the number of steps between two updates where it is not `update_every`.
    Without a total the updates never stop and the drop fraction is constant, which is said in one
    warning. A drop fraction of 0 is constant, too.
    """
    interval = options.update_every if every is None else every
    updates = update_schedule(every=interval, stop=options.update_stop, total=total)
    if options.anneal == "constant" or total is None or options.drop_fraction == 0:
        return updates, ConstantDrop(initial=options.drop_fraction)
    end = options.update_stop if options.anneal_stop is None else options.anneal_stop
    drops = CosineDrop(
        initial=options.drop_fraction,
        stop=resolve_step(end, total),
        final=options.final_drop_fraction,
    )
    return updates, drops
