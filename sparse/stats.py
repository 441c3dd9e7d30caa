"""What masks look like: per-layer tables, explored rate, collapsed layers."""

import dataclasses
import math
from collections.abc import Iterable, Mapping

from torch import Tensor

from sparse.context import Layer
from sparse.storage import Storage, storage_of


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LayerStats:
    """How many weights of one layer are active."""

    name: str
    shape: tuple[int, ...]
    total: int
    active: int

    @property
    def density(self) -> float:
        """Active weights over all weights of the layer."""
        return self.active / self.total


def layer_stats(layers: Iterable[Layer]) -> tuple[LayerStats, ...]:
    """Count the active weights of every layer, from what it stores."""
    return tuple(_counted(layer.name, storage_of(layer)) for layer in layers)


def realised_density(stats: Iterable[LayerStats], total: int | None = None) -> float:
    """Return active over all maskable weights of the network, or over `total` where it is given."""
    counted = list(stats)
    weights = total if total is not None else sum(layer.total for layer in counted)
    return sum(layer.active for layer in counted) / weights


def table(stats: Iterable[LayerStats]) -> str:
    """Return a text table: a line per layer, one for the network, one for layers that collapsed."""
    counted = list(stats)
    rows = [
        (layer.name, "x".join(map(str, layer.shape)), layer.total, layer.active)
        for layer in counted
    ]
    rows.append(("all", "", sum(row[2] for row in rows), sum(row[3] for row in rows)))
    names, shapes = (max(len(str(row[column])) for row in rows) for column in (0, 1))
    lines = [
        f"{name:<{names}}  {shape:>{shapes}}  {active:>11,} of {total:>11,}  {active / total:8.4%}"
        for name, shape, total, active in rows
    ]
    if collapsed := collapsed_layers(counted):
        lines.append(f"collapsed, nothing passes through: {', '.join(collapsed)}")
    return "\n".join(lines)


def collapsed_layers(stats: Iterable[LayerStats]) -> tuple[str, ...]:
    """Return the names of layers without a single active weight, through which nothing passes."""
    return tuple(layer.name for layer in stats if layer.active == 0)


def living_share(alive: Iterable[Tensor]) -> dict[str, float]:
    """Return the metric `alive_neurons`: living over all hidden units, given as bool per layer.

    Without a hidden layer there is no such metric.
    """
    layers = list(alive)
    if not layers:
        return {}
    living = sum(int(units.count_nonzero()) for units in layers)
    return {"alive_neurons": living / sum(units.numel() for units in layers)}


def explored_rate(layers: Iterable[Layer], explored: Mapping[str, Tensor]) -> float:
    """Return the share of weights that were ever active: R_s of ITOP (Liu et al. 2021).

    `explored` tells which, by layer name, in the form of each layer's storage (a choice).
    """
    storages = {layer.name: storage_of(layer) for layer in layers}
    seen = sum(storages[name].chosen(choice) for name, choice in explored.items())
    return seen / sum(math.prod(storage.shape) for storage in storages.values())


def _counted(name: str, storage: Storage) -> LayerStats:
    return LayerStats(
        name=name,
        shape=storage.shape,
        total=math.prod(storage.shape),
        active=storage.count(),
    )
