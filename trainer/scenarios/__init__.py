"""Scenarios: what makes the data hard. One file each, registered by name.

A scenario is a subclass of :class:`trainer.scenarios.base.Scenario`, made from its options.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sparse.registry import Registry, import_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioTraits:
    """The traits of a scenario.

    Attributes:
        needs_pixels: whether it works on images only.
        needs_share: whether it decides which share of the examples is kept, so that it has nothing
            to do where data_ratio is 1.
        datasets: rules (`grids.traits`) with the names of the only datasets that it takes.
        needs: rules for the cells to train first, as those of a method.
        probes: what is measured of its cells without being asked for: names, or mappings with a
            name and options, as a grid writes them.
    """

    needs_pixels: bool = False
    needs_share: bool = False
    datasets: Sequence[Mapping[str, Any]] = ()
    needs: Sequence[Mapping[str, Any]] = ()
    probes: Sequence[str | Mapping[str, Any]] = ()


SCENARIOS = Registry("scenario", "sparsesweep.scenarios", traits=ScenarioTraits)
"""Every scenario a grid may name."""

import_modules(__name__, __path__)
