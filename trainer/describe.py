"""The catalogue's plain data: what may be written in a grid, taken from the registries."""

import functools
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

from sparse.allocations import ALLOCATIONS
from sparse.methods import METHODS
from sparse.registry import Registry
from trainer.data import DATASETS
from trainer.data.archives import ARCHIVES
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
    """Everything that is registered, metrics, plug-ins and archives, JSON-able.

    Raises:
        ValueError: for a metric that two probes list, or a probe and the trainer itself.
    """
    plugins = [{"distribution": name, "version": version} for name, version in load_plugins()]
    origins = _origins()
    entries = {kind: _described(registry, origins) for kind, registry in REGISTRIES.items()}
    measured = [metric for probe in entries["probes"] for metric in probe["traits"]["metrics"]]
    metrics = [dict(metric) for metric in (*METRICS, *measured)]
    _refuse_twice([metric["name"] for metric in metrics])
    archives = [dict(archive) for archive in ARCHIVES]
    return {**entries, "metrics": metrics, "plugins": plugins, "archives": archives}


def _refuse_twice(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"listed by two probes, or by one and the trainer: metric {twice[0]}")


def _described(registry: Registry, origins: Mapping[str, str]) -> list[dict[str, Any]]:
    """What a registry says of its entries, and which user's distribution each comes from."""
    return [
        {**plain, "distribution": origins.get(_package(registry.get(plain["name"]).target), "")}
        for plain in registry.describe()
    ]


def _origins() -> dict[str, str]:
    """Top-level package of the modules that entry points name to their distribution."""
    points = [
        point
        for registry in REGISTRIES.values()
        for point in importlib.metadata.entry_points(group=registry.plugin_group or "")
    ]
    return {point.module.partition(".")[0]: point.dist.name for point in points if point.dist}


def _package(target: Any) -> str:
    name: str = target.__module__
    return name.partition(".")[0]
