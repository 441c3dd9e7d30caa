"""Scenarios: what makes the data hard. One file each, registered by name.

A scenario is a function ``(options, bundle) -> bundle`` applied before training.
"""

import dataclasses

from sparse.registry import Registry, import_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioTraits:
    """The traits of a scenario: none so far."""


SCENARIOS = Registry("scenario", "sparsesweep.scenarios", traits=ScenarioTraits)
"""Every scenario a grid may name."""

import_modules(__name__, __path__)
