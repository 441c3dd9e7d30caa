"""Scenarios: what makes the data hard. One file each, registered by name.

A scenario is a function ``(options, bundle) -> bundle`` applied before training.
"""

from sparse.registry import Registry, import_modules

SCENARIOS = Registry("scenario", "sparsesweep.scenarios")
"""Every scenario a grid may name."""

import_modules(__name__, __path__)
