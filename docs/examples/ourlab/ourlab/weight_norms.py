"""weight_norms: how long the weights of every maskable layer are, epoch by epoch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sparse.options import option
from trainer.probes import PROBES
from trainer.probes.base import Point, Probe
from trainer.probes.subject import Subject

METRIC = {
    "name": "weight_norm",
    "unit": "1",
    "better": "lower",
    "help": "L2 norm of the active weights of all maskable layers at the end",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightNormsOptions:
    """Options of weight_norms."""

    every: int = option(1, ge=1, help="epochs between two measurements; the last is always one")


@PROBES.register(
    "weight_norms",
    summary="L2 norms of the layers' active weights",
    options=WeightNormsOptions,
    metrics=[METRIC],
)
class WeightNorms(Probe):
    """A curve for every layer, one for the network, and the network's last point as a metric."""

    def due(self, epoch: int, epochs: int) -> bool:
        """Whether an epoch is one of those to measure."""
        return epoch % self.options.every == 0 or epoch == epochs

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """The norms after an epoch."""
        norms = {
            f"weight_norm.{layer.name}": float((layer.weight * layer.mask).norm())
            for layer in subject.layers
        }
        return {**norms, "weight_norm": math.hypot(*norms.values())}

    def summarise(self, points: Sequence[Point]) -> Mapping[str, float]:
        """The network's norm at the end."""
        return {"weight_norm": points[-1][1]["weight_norm"]}
