"""The probe ``gradient_flow``: norms of the gradient on fixed examples, spread over the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sparse.measures.signals import ORDERS, gradient_norms
from sparse.options import option
from trainer.probes import PROBES
from trainer.probes.base import Point, Probe
from trainer.probes.subject import Subject

MOMENTS = 11
"""Epochs at whose end it measures, where a run has as many, evenly spread."""

INITIAL = "_init"
"""Follows the name of a measure taken before the first step."""

_MEASURES = {
    f"{name}{order}{rest}": help.format(p=order)
    for name, rest, help in (
        ("egf", "", "effective gradient flow: mean over layers of the L{p} norm, active weights"),
        ("gf", "", "L{p} norm of the gradient by all active weights together"),
        ("gf", "_raw", "L{p} norm of the gradient by all maskable weights, inactive ones included"),
        ("egf_pa", "", "egf{p} with each layer divided by (its active weights)^(1/{p})"),
    )
    for order in ORDERS
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GradientFlowOptions:
    """The examples, and how the network runs on them."""

    examples: int = option(1000, ge=1, help="training examples of the probe batch; all if fewer")
    training: bool = option(
        True, help="layers in training mode: batch norm takes the statistics of the probe batch"
    )


def measured_epochs(epochs: int) -> set[int]:
    """The epochs (from 1) at whose end the gradient is measured.

    Eleven from the first to the last, 1 + floor(k * (epochs - 1) / 10) for k from 0 to 10: of 1000
    these are 1, 100, 200, ..., 1000. Each epoch of a run that has no more than eleven.
    """
    parts = MOMENTS - 1
    return {1 + k * (epochs - 1) // parts for k in range(MOMENTS)}


def _metric(name: str, help: str, when: str) -> dict[str, str]:
    return {"name": name, "unit": "norm", "better": "higher", "help": f"{help}; {when}"}


@PROBES.register(
    "gradient_flow",
    summary="effective gradient flow and the norms it is compared with, at eleven epochs",
    options=GradientFlowOptions,
    metrics=[
        *(_metric(name, help, "mean over its epochs") for name, help in _MEASURES.items()),
        *(_metric(n + INITIAL, help, "before the first step") for n, help in _MEASURES.items()),
    ],
)
class GradientFlow(Probe):
    """Norms of the gradient of the loss on a fixed batch of training examples.

    The gradient is that of the data's mean cross-entropy alone, in float32, before clipping, by the
    maskable weights; running statistics do not move. Published: the measure and its eleven epochs
    (Tessera et al. 2021, arXiv 2102.01670); the batch and the mode are not, and are this project's.
    """

    options: GradientFlowOptions

    def due(self, epoch: int, epochs: int) -> bool:
        """At the epochs of :func:`measured_epochs`."""
        return epoch in measured_epochs(epochs)

    def due_at_start(self) -> bool:
        """Before the first step too, which no mean counts."""
        return True

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """All norms of one gradient."""
        inputs, targets = subject.examples(self.options.examples, "gradient_flow")
        gradients = subject.weight_gradients(inputs, targets, training=self.options.training)
        return gradient_norms(gradients, {layer.name: layer.mask for layer in subject.layers})

    def summarise(self, points: Sequence[Point]) -> Mapping[str, float]:
        """Means over the epochs, and what was there before the first step."""
        later = [values for epoch, values in points if epoch > 0]
        means = {name: sum(values[name] for values in later) / len(later) for name in _MEASURES}
        start = {
            n + INITIAL: v for epoch, values in points if epoch == 0 for n, v in values.items()
        }
        return means | start
