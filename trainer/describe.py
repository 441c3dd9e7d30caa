"""The catalogue's plain data: what may be written in a grid, taken from the registries."""

import functools
import importlib.metadata
from typing import Any

from sparse.allocations import ALLOCATIONS
from sparse.methods import METHODS
from trainer.data import DATASETS
from trainer.metrics import METRICS
from trainer.models import MODELS
from trainer.probes import PROBES
from trainer.scenarios import SCENARIOS

REGISTRIES = {
    "methods": METHODS,
    "allocations": ALLOCATIONS,
    "scenarios": SCENARIOS,
    "datasets": DATASETS,
    "models": MODELS,
    "probes": PROBES,
}
"""Every registry by the catalogue's key."""


@functools.cache
def load_plugins() -> tuple[tuple[str, str], ...]:
    """Load users' packages into the registries, once per process.

    Returns:
        Distribution and version of each, sorted.
    """
    found = {name for registry in REGISTRIES.values() for name in registry.load_plugins()}
    return tuple((name, importlib.metadata.version(name)) for name in sorted(found))


def describe() -> dict[str, Any]:
    """Everything that is registered, metrics and plug-ins, JSON-able."""
    plugins = [{"distribution": name, "version": version} for name, version in load_plugins()]
    entries = {kind: registry.describe() for kind, registry in REGISTRIES.items()}
    return {**entries, "metrics": [dict(metric) for metric in METRICS], "plugins": plugins}
