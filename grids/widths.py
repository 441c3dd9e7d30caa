"""Which models can be narrowed to a share of their widths, as a method's trait `width_share` asks.

It names the option of the method with that share, in (0, 1]; a model's trait `widths` names the
option with its widths. Each is multiplied and rounded to the nearest, halves up.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise

from grids.catalogue import Entry
from grids.options import Value
from grids.problems import GridError, show

_DIGITS = 10_000
"""The smallest legal share is told in whole parts of this."""


def option_of(method: Entry) -> str | None:
    """The option of a method that says to which share all widths are scaled; None without one."""
    option: str | None = method.traits.get("width_share")
    return option


def check_scaled(
    method: Entry, options: Mapping[str, Value], model: Entry, given: Mapping[str, Value]
) -> None:
    """Raise `GridError` when a share leaves a layer of a model no unit, or other joins.

    `options` are all of the method's and `given` all of the model's, defaults filled in.
    """
    option, listed = option_of(method), model.traits.get("widths")
    if option is None or listed is None:
        return
    share, full = Fraction(str(options[option])), _whole(given[listed])
    scaled = [math.floor(share * width + Fraction(1, 2)) for width in full]
    told = f"{option} {options[option]} of {method.name} makes {listed}: {show(full)}"
    if 0 in scaled:
        least = math.ceil(Fraction(_DIGITS, 2 * min(full))) / _DIGITS
        raise GridError(f"{told} into {show(scaled)}, a layer without units; allowed: >= {least}")
    for switch, joined in (model.traits.get("equal_neighbours") or {}).items():
        if joined == listed and given[switch] and _equal(scaled) != _equal(full):
            raise GridError(
                f"{told} into {show(scaled)}, where {switch} joins layers that it does not join in"
                f" {model.name} itself",
                f"choose another {option}, or widths that stay different",
            )


def _whole(value: Value) -> list[int]:
    """One width, or a list of widths, as a list."""
    values = value if isinstance(value, tuple | list) else [value]
    return [int(str(width)) for width in values]


def _equal(widths: list[int]) -> list[bool]:
    return [one == other for one, other in pairwise(widths)]
