"""Probes: measurements of a cell that a grid asks for by name. One file each, registered.

A probe is a subclass of :class:`trainer.probes.base.Probe`, made from its options. It is no part of
what a cell is: a cell trains to the same bits with and without it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sparse.registry import Registry, import_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ProbeTraits:
    """The traits of a probe.

    Attributes:
        metrics: the final metrics that it may write, in the form of
            :data:`trainer.metrics.METRICS`.
        needs_pixels: whether it works on images only.
        storages: the values of ``recipe.storage`` that it can measure; one that looks at weights or
            masks as dense tensors cannot go with ``"csr"``.
        models: which models it works on, as the trait of a method says it (``grids.legality``), and
            under which of its own options: ``{"trait": "chain", "when": {"nnstd": True}}``; all
            where it is None.
    """

    metrics: Sequence[Mapping[str, str]]
    needs_pixels: bool = False
    storages: Sequence[str] = ("masked",)
    models: Mapping[str, Any] | None = None


PROBES = Registry("probe", "sparsesweep.probes", traits=ProbeTraits)
"""Every probe a grid may name."""

import_modules(__name__, __path__)
