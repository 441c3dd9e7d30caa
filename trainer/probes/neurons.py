"""The probe ``neurons``: which hidden units a sparse network still has, and how they are joined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparse.options import option
from trainer.probes import PROBES
from trainer.probes.base import Point, Probe, every_so_many
from trainer.probes.subject import Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class NeuronsOptions:
    """When it is measured."""

    every: int = option(1, ge=0, help="epochs between two measurements; 0: at the end only")


def _metric(name: str, unit: str, better: str, help: str) -> dict[str, str]:
    return {"name": name, "unit": unit, "better": better, "help": help}


_METRICS = (
    _metric("connected_units", "units", "higher", "hidden units with active weights on both sides"),
    _metric("connected_share", "fraction", "higher", "connected_units over all hidden units"),
    _metric("zero_in_units", "units", "lower", "hidden units to which no active weight leads"),
    _metric("zero_out_units", "units", "lower", "hidden units from which no active weight leads"),
    _metric("max_in_degree", "weights", "lower", "most active weights that lead to a hidden unit"),
    _metric("mean_in_degree", "weights", "lower", "active weights to a hidden unit, mean over all"),
    _metric("mean_out_degree", "weights", "lower", "active weights from a hidden unit, mean"),
)


@PROBES.register(
    "neurons",
    summary="hidden units with active weights on both sides, and degrees, by layer",
    options=NeuronsOptions,
    metrics=_METRICS,
    storages=("masked", "csr"),
    models={"trait": "chain"},
)
class Neurons(Probe):
    """Degrees of the hidden units of a chain, from the masks alone.

    A metric is of all hidden layers together; a curve of its name and one for each hidden layer,
    numbered from 1, show it over epochs. ``alive_neurons`` of a method that prunes units counts
    those it has not pruned, whatever weights they have; this probe looks at the weights.
    """

    options: NeuronsOptions

    def due(self, epoch: int, epochs: int) -> bool:
        """At every so many epochs, and at the end."""
        return every_so_many(self.options.every, epoch, epochs)

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """Count units and degrees, of all hidden layers and of each."""
        layers = subject.unit_degrees()
        if not layers:
            return {}
        sides = [torch.cat(side) for side in zip(*layers, strict=True)]
        found = counted(*sides)
        for number, (incoming, outgoing) in enumerate(layers, start=1):
            own = counted(incoming, outgoing)
            found |= {f"{name}_{number}": value for name, value in own.items()}
        return found

    def summarise(self, points: Sequence[Point]) -> Mapping[str, float]:
        """The last values of all hidden layers together; none without a hidden layer."""
        last = points[-1][1]
        names = (metric["name"] for metric in _METRICS)
        return {name: last[name] for name in names if name in last}


def counted(incoming: Tensor, outgoing: Tensor) -> dict[str, float]:
    """The metrics of some units by their degrees, (units,) whole numbers each."""
    connected = (incoming > 0) & (outgoing > 0)
    return {
        "connected_units": float(connected.sum()),
        "connected_share": float(connected.double().mean()),
        "zero_in_units": float((incoming == 0).sum()),
        "zero_out_units": float((outgoing == 0).sum()),
        "max_in_degree": float(incoming.max()),
        "mean_in_degree": float(incoming.double().mean()),
        "mean_out_degree": float(outgoing.double().mean()),
    }
