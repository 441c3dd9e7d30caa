"""The probe ``effective``: how many of the active weights can change an output at all."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sparse.measures.paths import effective_masks
from sparse.options import option
from trainer.models.activations import SReLU
from trainer.probes import PROBES
from trainer.probes.base import Probe, every_so_many
from trainer.probes.subject import Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectiveOptions:
    """When it is measured."""

    every: int = option(0, ge=0, help="epochs between two measurements; 0: at the end only")


@PROBES.register(
    "effective",
    summary="active weights on a path from input to output, and units without one",
    options=EffectiveOptions,
    metrics=[
        {
            "name": "effective_density",
            "unit": "fraction",
            "better": "higher",
            "help": "active weights on a path from input to output, over all maskable weights",
        },
        {
            "name": "effective_share",
            "unit": "fraction",
            "better": "higher",
            "help": "active weights on a path from input to output, over all active weights",
        },
        {
            "name": "dead_units",
            "unit": "units",
            "better": "lower",
            "help": "units or channels of the hidden layers without a weight on a path",
        },
    ],
)
class Effective(Probe):
    """Effective density (Vysogorets and Kempe 2023), from the masks alone.

    Every layer but the last is a hidden one; where a shortcut leads around a layer, a unit that it
    counts as dead may still pass on what the shortcut brings. Networks through which paths cannot
    be followed, such as transformers, fail before the first step.
    """

    options: EffectiveOptions

    def due(self, epoch: int, epochs: int) -> bool:
        """At every so many epochs, and at the end."""
        return every_so_many(self.options.every, epoch, epochs)

    def due_at_start(self) -> bool:
        """Before the first step too, so that a network it cannot follow fails there."""
        return True

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """Count the effective weights."""
        masks = {layer.name: layer.mask for layer in subject.layers}
        model = subject.module().get_submodule("model")
        example = torch.ones(1, *subject.input_shape)
        effective = effective_masks(model, example, masks, per_unit=(SReLU,))
        paths = sum(int(mask.count_nonzero()) for mask in effective.values())
        return {
            "effective_density": paths / sum(mask.numel() for mask in masks.values()),
            "effective_share": paths / sum(int(mask.count_nonzero()) for mask in masks.values()),
            "dead_units": float(sum(_dead_units(mask) for mask in list(effective.values())[:-1])),
        }


def _dead_units(effective: Tensor) -> int:
    return int((~effective.flatten(1).any(1)).count_nonzero())
