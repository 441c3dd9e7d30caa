"""Scenarios: what makes the data hard. One file each, registered by name.

A scenario is a function ``(options, bundle) -> bundle`` applied before training.
"""

from sparse.registry import Registry

SCENARIOS = Registry("scenario", "sparsesweep.scenarios")
"""Every scenario a grid may name."""

from trainer.scenarios import clean  # noqa: E402, F401  (it registers itself)
